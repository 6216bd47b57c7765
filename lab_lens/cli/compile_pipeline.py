"""`lab-lens compile`."""

import argparse
from pathlib import Path

from lab_lens.artifacts import require_writable
from lab_lens.cli.arguments import Subparsers, add_command
from lab_lens.cli.checkout import need_checkout
from lab_lens.cli.console import say
from lab_lens.errors import EXIT_DONE, InputError


def add_parser(subparsers: Subparsers) -> None:
    """Add the sub-command."""
    parser = add_command(
        subparsers,
        "compile",
        run,
        summary="Compile the pipeline to one KFP IR document.",
        example="lab-lens compile --out pipeline.yaml",
    )
    parser.add_argument(
        "--out", type=Path, default=Path("pipeline.yaml"), metavar="FILE", help="default: pipeline.yaml"
    )


def run(arguments: argparse.Namespace) -> int:
    """Compile."""
    out: Path = arguments.out
    if out.is_dir():
        raise InputError(f"--out {out} is a directory; give a file, such as {out / 'pipeline.yaml'}")
    require_writable(out.parent, "--out")
    with need_checkout():
        from pipelines.compile import compile_pipeline
    say(f"pipeline: {compile_pipeline(out)}")
    return EXIT_DONE
