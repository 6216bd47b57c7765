"""What a person sees: log lines, progress bars on a terminal and plain lines elsewhere."""

import logging
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

OUTPUT = Console(soft_wrap=True, highlight=False)
MESSAGES = Console(stderr=True, soft_wrap=True, highlight=False)


class _TerminalHandler(logging.Handler):
    """Draws records with a `progress` attribute as bars, and prints the others above them."""

    def __init__(self) -> None:
        super().__init__()
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._progress = Progress(*columns, console=MESSAGES, transient=True)
        self._bars: dict[str, TaskID] = {}

    def emit(self, record: logging.LogRecord) -> None:
        step = getattr(record, "progress", None)
        if step is None:
            self._progress.console.print(self.format(record), markup=False)
            return
        label, done, total = step
        if label not in self._bars:
            self._progress.start()
            self._bars[label] = self._progress.add_task(label, total=total)
        self._progress.update(self._bars[label], completed=done)
        if done >= total:
            self._progress.stop()

    def close(self) -> None:
        self._progress.stop()
        super().close()


def set_up_logging(verbose: bool) -> None:
    """Show the records of lab_lens (and, when verbose, everything) on standard error."""
    handler = _TerminalHandler() if MESSAGES.is_terminal else logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(name)s: %(message)s" if verbose else "%(message)s"))
    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("lab_lens").setLevel(logging.INFO)


def say(text: str) -> None:
    """Print one plain line of a command's result."""
    OUTPUT.print(text, markup=False)


def say_problems(problems: Sequence[str]) -> None:
    """Print errors, a line each, on standard error."""
    for problem in problems:
        MESSAGES.print(f"lab-lens: error: {' '.join(problem.split())}", markup=False)
