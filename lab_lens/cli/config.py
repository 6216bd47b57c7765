"""`lab-lens config show` and `lab-lens config validate`."""

import argparse
from pathlib import Path

from lab_lens.cli.arguments import Subparsers, add_command, add_config, add_group
from lab_lens.cli.console import say
from lab_lens.errors import EXIT_DONE


def add_parser(subparsers: Subparsers) -> None:
    """Add the sub-commands."""
    show_example = "lab-lens config show --config configs/demo.json"
    actions = add_group(subparsers, "config", summary="Show or check a configuration.", example=show_example)
    show = add_command(
        actions,
        "show",
        run_show,
        summary="Print the effective configuration as JSON, defaults included.",
        example=show_example,
    )
    add_config(show)
    check = add_command(
        actions,
        "validate",
        run_validate,
        summary="Check configuration files; every error is listed with its path.",
        example="lab-lens config validate configs/default.json configs/demo.json",
    )
    check.add_argument("files", nargs="+", type=Path, metavar="FILE", help="JSON or YAML")


def run_show(arguments: argparse.Namespace) -> int:
    """Print the effective configuration."""
    from lab_lens.config import load_config

    say(load_config(arguments.config).to_json())
    return EXIT_DONE


def run_validate(arguments: argparse.Namespace) -> int:
    """Check files."""
    from lab_lens.config import load_config
    from lab_lens.errors import InputError

    problems: list[str] = []
    for file in arguments.files:
        try:
            say(f"{file}: valid, hash {load_config(file).sha256()[:12]}")
        except InputError as error:
            problems.extend(error.problems)
    if problems:
        raise InputError(problems)
    return EXIT_DONE
