"""What a person sees: log lines, tables, progress bars on a terminal and plain lines elsewhere."""

import logging
import sys
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table


def _console(*, stderr: bool = False) -> Console:
    # What is shown are people's reasons, paths and settings: brackets and colons in them are no markup.
    return Console(stderr=stderr, soft_wrap=True, highlight=False, markup=False, emoji=False)


OUTPUT = _console()
MESSAGES = _console(stderr=True)


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
            self._progress.console.print(self.format(record))
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
    """Show our own records (and, when verbose, everything) on standard error."""
    handler = _TerminalHandler() if MESSAGES.is_terminal else logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(name)s: %(message)s" if verbose else "%(message)s"))
    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, handlers=[handler], force=True)
    for ours in ("lab_lens", "local_runner", "pipelines", "containers"):
        logging.getLogger(ours).setLevel(logging.INFO)


def say(text: str) -> None:
    """Print one plain line of a command's result."""
    OUTPUT.print(text)


def say_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under the names of their columns; names that are all empty are not shown.

    Where no terminal sets a limit a row is one line, so that other programs can read it.
    """
    if not OUTPUT.is_terminal:
        shown = [*([columns] if any(columns) else []), *rows]
        widths = [max(len(row[column]) for row in shown) for column in range(len(columns))]
        for row in shown:
            say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        return
    table = Table(*columns, box=box.SIMPLE, show_header=any(columns))
    for row in rows:
        table.add_row(*row)
    OUTPUT.print(table)


def say_problems(problems: Sequence[str]) -> None:
    """Print errors, a line each, on standard error."""
    for problem in problems:
        MESSAGES.print(f"lab-lens: error: {' '.join(problem.split())}")
