"""`lab-lens upload-template`: a compiled pipeline into Artifact Registry."""

import argparse
from pathlib import Path

from lab_lens.cli.arguments import Subparsers, add_command
from lab_lens.cli.checkout import need_checkout
from lab_lens.cli.console import say
from lab_lens.cli.remote import add_token, token
from lab_lens.errors import EXIT_DONE


def add_parser(subparsers: Subparsers) -> None:
    """Add the sub-command."""
    parser = add_command(
        subparsers,
        "upload-template",
        run,
        summary="Keep a compiled pipeline in a KFP repository of Artifact Registry; submit --template takes its URI.",
        example=(
            "lab-lens upload-template --template pipeline.yaml "
            "--repository https://us-central1-kfp.pkg.dev/my-project/pipelines --tag v1 --tag latest"
        ),
    )
    parser.add_argument("--template", type=Path, required=True, metavar="FILE", help="what lab-lens compile wrote")
    words = "https://REGION-kfp.pkg.dev/PROJECT/REPOSITORY"
    parser.add_argument("--repository", required=True, metavar="URL", help=words)
    words = "a name that leads to this version from now on; can be given several times"
    parser.add_argument("--tag", action="append", default=[], metavar="TAG", help=words)
    add_token(parser)


def run(arguments: argparse.Namespace) -> int:
    """Upload, and show by which addresses the template can be submitted."""
    with need_checkout():
        from pipelines.submission.artifact_registry import upload_template

    uploaded = upload_template(arguments.template, arguments.repository, arguments.tag, token=token(arguments))
    say(f"template: {uploaded.uri}")
    for address in uploaded.tagged:
        say(f"tagged: {address}")
    return EXIT_DONE
