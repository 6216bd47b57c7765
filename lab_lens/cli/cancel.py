"""`lab-lens cancel`: end a run on Vertex AI or on a cluster, or the schedule that starts runs."""

import argparse

from lab_lens.cli.arguments import Subparsers, add_command
from lab_lens.cli.console import say
from lab_lens.cli.remote import add_run, add_service, existing_run_service
from lab_lens.errors import EXIT_DONE


def add_parser(subparsers: Subparsers) -> None:
    """Add the sub-command."""
    parser = add_command(
        subparsers,
        "cancel",
        run,
        summary="Ask for the end of a run that was submitted, or delete the schedule that starts runs.",
        example="lab-lens cancel lab-lens-20261124t090000 --project my-project --region us-central1",
    )
    add_run(parser, "the run's id, as submit showed it, or its full name on Vertex AI")
    words = "RUN is a schedule (on Kubeflow: a recurring run): no further runs start, those at work go on"
    parser.add_argument("--schedule", action="store_true", help=words)
    add_service(parser)


def run(arguments: argparse.Namespace) -> int:
    """Cancel, and say what that means."""
    with existing_run_service(arguments) as service:
        if arguments.schedule:
            service.end_schedule(arguments.run_id)
            say(f"schedule {arguments.run_id} is deleted; runs at work go on")
        else:
            service.cancel(arguments.run_id)
            say(f"{arguments.run_id} is asked to end; what it has registered stays")
    return EXIT_DONE
