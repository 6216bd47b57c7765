"""`lab-lens rollback-model`."""

import argparse

from lab_lens.cli.arguments import (
    Subparsers,
    actor,
    add_actor,
    add_command,
    add_endpoint,
    add_out,
    add_registry,
    add_registry_only,
    endpoint_config,
)
from lab_lens.cli.console import say
from lab_lens.errors import EXIT_DONE


def add_parser(subparsers: Subparsers) -> None:
    """Add the sub-command."""
    parser = add_command(
        subparsers,
        "rollback-model",
        run,
        summary="Return production to its previous version (--force) or to a named one (--to); the reason is recorded.",
        example='lab-lens rollback-model --registry model_registry --force --reason "v2 omits allergies"',
    )
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("--force", action="store_true", help="return to the previous production version")
    target.add_argument("--to", default="", metavar="VERSION", help="return to this version")
    words = "return only while this version is in production, so that a repeated command does not go back twice"
    parser.add_argument("--from", default="", dest="leave", metavar="VERSION", help=words)
    parser.add_argument("--reason", required=True, metavar="TEXT", help="why; recorded in the history")
    add_endpoint(parser)
    add_registry_only(parser)
    add_registry(parser)
    add_actor(parser)
    add_out(parser, "rollback")


def run(arguments: argparse.Namespace) -> int:
    """Roll back."""
    from lab_lens.registry.open import open_registry
    from lab_lens.stages.rollback_model import run_rollback_model

    run_rollback_model(
        arguments.registry,
        endpoint_config(arguments),
        actor=actor(arguments),
        reason=arguments.reason,
        to=arguments.to,
        force=arguments.force,
        leave=arguments.leave,
        registry_only=arguments.registry_only,
        rollback_dir=arguments.out,
    )
    say(f"production: {open_registry(arguments.registry).production()}\nrecord: {arguments.out}")
    return EXIT_DONE
