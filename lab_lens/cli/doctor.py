"""`lab-lens doctor`."""

import argparse
import dataclasses
import json
from pathlib import Path

from lab_lens.cli.arguments import Subparsers, add_command
from lab_lens.cli.checkout import need_checkout
from lab_lens.cli.console import say, say_table
from lab_lens.cli.image_arguments import add_images, images_of
from lab_lens.errors import EXIT_DONE, EXIT_INPUT


def add_parser(subparsers: Subparsers) -> None:
    """Add the sub-command."""
    parser = add_command(
        subparsers,
        "doctor",
        run,
        summary="Look at what a run needs (Docker, devices, disk, memory, shell, ports, credentials), and name cures.",
        example="lab-lens doctor --runner docker",
    )
    parser.add_argument(
        "--runner",
        choices=("native", "docker"),
        default="native",
        help="docker: an engine that is not ready counts as a problem; default: native",
    )
    parser.add_argument(
        "--out", type=Path, default=Path(), metavar="DIR", help="where runs would be written; default: here"
    )
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    add_images(parser)


def run(arguments: argparse.Namespace) -> int:
    """Examine this machine; exit status 2 when something would make runs fail."""
    with need_checkout():
        from local_runner.doctor import examine
        from local_runner.request import DockerSettings

    images = DockerSettings(images=images_of(arguments)).references()
    findings = examine(arguments.out, images, docker_needed=arguments.runner == "docker")
    if arguments.json:
        say(json.dumps([dataclasses.asdict(finding) for finding in findings], indent=2))
    else:
        say_table(
            ("check", "status", "found", "cure"),
            [(found.check, found.status, found.detail, found.cure) for found in findings],
        )
    return EXIT_INPUT if any(found.status == "problem" for found in findings) else EXIT_DONE
