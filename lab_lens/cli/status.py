"""`lab-lens status`: a run on Vertex AI or on a cluster."""

import argparse
import json

from lab_lens.cli.arguments import Subparsers, add_command
from lab_lens.cli.console import say
from lab_lens.cli.remote import add_run, add_service, existing_run_service, say_run
from lab_lens.errors import EXIT_DONE


def add_parser(subparsers: Subparsers) -> None:
    """Add the sub-command."""
    parser = add_command(
        subparsers,
        "status",
        run,
        summary="Show a run that was submitted: state, tasks, durations, verdict, link.",
        example="lab-lens status lab-lens-20261124t090000 --project my-project --region us-central1",
    )
    add_run(parser, "the run's id, as submit showed it, or its full name on Vertex AI")
    parser.add_argument("--json", action="store_true", help="for other programs")
    add_service(parser)


def run(arguments: argparse.Namespace) -> int:
    """Show the run."""
    with existing_run_service(arguments) as service:
        view = service.view(arguments.run_id)
    if arguments.json:
        say(json.dumps(view.to_json(), indent=2, ensure_ascii=False))
    else:
        say_run(view)
    return EXIT_DONE
