"""`lab-lens report summary`."""

import argparse
from pathlib import Path

from lab_lens.cli.arguments import Subparsers, add_command, add_group
from lab_lens.cli.console import say
from lab_lens.errors import EXIT_DONE


def add_parser(subparsers: Subparsers) -> None:
    """Add the sub-commands."""
    example = "lab-lens report summary runs/first"
    actions = add_group(subparsers, "report", summary="Show what was decided, for people and for CI.", example=example)
    parser = add_command(
        actions,
        "summary",
        run_summary,
        summary="Print the verdict and every rule as Markdown, as the pages of CI systems show it.",
        example=example,
    )
    words = "decision.json, a run's summary.json, or the directory of one of them"
    parser.add_argument("path", type=Path, metavar="PATH", help=words)


def run_summary(arguments: argparse.Namespace) -> int:
    """Print the verdict."""
    from lab_lens.reporting.verdict_table import verdict_markdown

    say(verdict_markdown(arguments.path).rstrip())
    return EXIT_DONE
