"""Shows a run while it goes on: a live line on a terminal, plain lines elsewhere."""

from rich.console import Console
from rich.status import Status

from local_runner.native import Display
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
    """One moving line for the task at work, one resting line for each that has ended."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status: Status | None = None

    def task_started(self, name: str) -> None:
        """A task begins."""
        self._status = self._console.status(name)
        self._status.start()

    def task_line(self, name: str, text: str) -> None:
        """A task says something."""
        if self._status is not None:
            self._status.update(f"{name}: {text[: self._console.width - len(name) - 8]}".replace("[", r"\["))

    def task_ended(self, record: TaskRecord) -> None:
        """A task has ended."""
        if self._status is not None:
            self._status.stop()
            self._status = None
        self._console.print(_ending(record), markup=False)


def _ending(record: TaskRecord) -> str:
    return f"{record.name}: {'done' if record.succeeded else 'FAILED'} in {record.seconds:.1f} s"


def console_display() -> Display:
    """The display that suits standard error."""
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    return LiveDisplay(console) if console.is_terminal else PlainDisplay(console)
