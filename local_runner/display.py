"""Shows a run while it goes on: a live line on a terminal, plain lines elsewhere."""

import threading

from rich.console import Console
from rich.status import Status

from local_runner.execution import Display
from local_runner.tasks import TaskRecord


class PlainDisplay:
    """A line for each event."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def task_started(self, name: str) -> None:
        """A task begins."""
        self._console.print(f"{name}: started", markup=False)

    def task_line(self, name: str, text: str) -> None:
        """A task says something."""
        self._console.print(f"{name}: {text}", markup=False)

    def task_ended(self, record: TaskRecord) -> None:
        """A task has ended."""
        self._console.print(_ending(record), markup=False)


class LiveDisplay:
    """One moving line for the tasks at work, one resting line for each that has ended."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status: Status | None = None
        self._at_work = 0
        # Tasks of a loop run in threads.
        self._lock = threading.Lock()

    def task_started(self, name: str) -> None:
        """A task begins."""
        with self._lock:
            self._at_work += 1
            if self._status is None:
                self._status = self._console.status(name)
                self._status.start()

    def task_line(self, name: str, text: str) -> None:
        """A task says something."""
        if self._status is not None:
            self._status.update(f"{name}: {text[: self._console.width - len(name) - 8]}".replace("[", r"\["))

    def task_ended(self, record: TaskRecord) -> None:
        """A task has ended."""
        with self._lock:
            self._at_work -= 1
            if self._status is not None and not self._at_work:
                self._status.stop()
                self._status = None
        self._console.print(_ending(record), markup=False)


def _ending(record: TaskRecord) -> str:
    if record.reused:
        return f"{record.name}: reused, since nothing that decides its result has changed"
    return f"{record.name}: {'done' if record.succeeded else 'FAILED'} in {record.seconds:.1f} s"


def console_display() -> Display:
    """The display that suits standard error."""
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    return LiveDisplay(console) if console.is_terminal else PlainDisplay(console)
