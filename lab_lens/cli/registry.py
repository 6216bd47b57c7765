"""`lab-lens registry list` and `lab-lens registry history`."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lab_lens.cli.arguments import Subparsers, add_command, add_group, add_registry
from lab_lens.cli.console import say, say_table
from lab_lens.errors import EXIT_DONE, InputError

if TYPE_CHECKING:
    from lab_lens.registry.local import LocalRegistry

_SHOWN_HASH_CHARS = 12


def add_parser(subparsers: Subparsers) -> None:
    """Add the sub-commands."""
    list_example = "lab-lens registry list --registry model_registry"
    actions = add_group(subparsers, "registry", summary="Show a model registry.", example=list_example)
    listing = add_command(
        actions,
        "list",
        run_list,
        summary="Versions, and which one is in production.",
        example=list_example,
    )
    history = add_command(
        actions,
        "history",
        run_history,
        summary="Who changed production, when, why, from which version to which.",
        example="lab-lens registry history --registry model_registry",
    )
    add_registry(listing)
    add_registry(history)


def run_list(arguments: argparse.Namespace) -> int:
    """List versions."""
    registry = _existing(arguments.registry)
    roles = {registry.previous(): "previous", registry.production(): "production"}
    rows = [
        (
            item.version,
            roles.get(item.version, ""),
            _shown(item.metrics.get("rougeL")),
            item.created,
            item.actor,
            item.content_hash[:_SHOWN_HASH_CHARS],
        )
        for item in registry.list_versions()
    ]
    _say_rows(
        ("version", "role", "ROUGE-L", "created", "by", "content"), rows, f"{arguments.registry} has no versions yet"
    )
    return EXIT_DONE


def run_history(arguments: argparse.Namespace) -> int:
    """Show the history."""
    rows = [
        (entry.when, entry.who, entry.action, entry.from_version or "-", entry.to_version or "-", entry.why)
        for entry in _existing(arguments.registry).history()
    ]
    _say_rows(("when", "who", "action", "from", "to", "why"), rows, f"{arguments.registry} has no history yet")
    return EXIT_DONE


def _say_rows(columns: Sequence[str], rows: Sequence[Sequence[str]], empty: str) -> None:
    if rows:
        say_table(columns, rows)
    else:
        say(empty)


def _existing(path: Path) -> "LocalRegistry":
    from lab_lens.registry.local import LocalRegistry

    if not path.exists():
        raise InputError(f"no model registry at {path}; the first lab-lens run or register-model makes one")
    return LocalRegistry(path)


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
