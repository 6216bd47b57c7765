"""`lab-lens demo`."""

import argparse
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from lab_lens.cli.arguments import Subparsers, add_command, add_device, add_out
from lab_lens.cli.checkout import need_checkout
from lab_lens.cli.console import say, say_table
from lab_lens.cli.run import show_summary
from lab_lens.errors import EXIT_DONE

if TYPE_CHECKING:
    from lab_lens.registry.base import HistoryEntry

_SHOWN_CHARS = 90


def add_parser(subparsers: Subparsers) -> None:
    """Add the sub-command."""
    parser = add_command(
        subparsers,
        "demo",
        run,
        summary="Train on synthetic notes and release; refuse an undertrained candidate; roll back (5 minutes).",
        example="lab-lens demo --out demo-run",
    )
    add_out(parser, "demo-run")
    add_device(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the demo."""
    with need_checkout():
        from local_runner.demo import run_demo
        from local_runner.display import console_display

    out: Path = arguments.out
    result = run_demo(out, arguments.device, console_display(), announce=say, show=show_summary)
    say("\nWhat the registry's history says:")
    rows = [
        (entry.action, entry.from_version or "-", entry.to_version or "-", _short(entry)) for entry in result.history
    ]
    say_table(("action", "from", "to", "why"), rows)
    say(f"\nThe whole story on one page: {result.report}")
    say("What to try next:")
    for line in result.next_steps:
        say(f"  {line}")
    return EXIT_DONE


def _short(entry: "HistoryEntry") -> str:
    return textwrap.shorten(entry.why, _SHOWN_CHARS, placeholder=" ...")
