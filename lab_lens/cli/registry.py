"""`lab-lens registry list` and `lab-lens registry history`."""

import argparse

from rich.table import Table

from lab_lens.cli.arguments import Subparsers, add_command, add_registry
from lab_lens.cli.console import OUTPUT
from lab_lens.errors import EXIT_DONE


def add_parser(subparsers: "Subparsers[argparse.ArgumentParser]") -> None:
    """Add the sub-commands."""
    parser = subparsers.add_parser("registry", help="Show a model registry.")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = add_command(
        actions,
        "list",
        run_list,
        summary="Versions, and which one is in production.",
        example="lab-lens registry list --registry model_registry",
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
    from lab_lens.registry.local import LocalRegistry

    registry = LocalRegistry(arguments.registry)
    roles = {registry.previous(): "previous", registry.production(): "production"}
    table = Table("version", "role", "ROUGE-L", "created", "by", "content")
    for item in registry.list_versions():
        rouge_l = item.metrics.get("rougeL")
        shown = "-" if rouge_l is None else f"{rouge_l:.3f}"
        role = roles.get(item.version, "")
        table.add_row(item.version, role, shown, item.created, item.actor, item.content_hash[:12])
    OUTPUT.print(table)
    return EXIT_DONE


def run_history(arguments: argparse.Namespace) -> int:
    """Show the history."""
    from lab_lens.registry.local import LocalRegistry

    table = Table("when", "who", "action", "from", "to", "why")
    for entry in LocalRegistry(arguments.registry).history():
        table.add_row(entry.when, entry.who, entry.action, entry.from_version, entry.to_version, entry.why)
    OUTPUT.print(table)
    return EXIT_DONE
