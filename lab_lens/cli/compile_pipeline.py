"""`lab-lens compile`."""

import argparse
from pathlib import Path

from lab_lens.artifacts import require_writable
from lab_lens.cli.arguments import Subparsers, add_command, add_config
from lab_lens.cli.checkout import need_checkout
from lab_lens.cli.console import say
from lab_lens.cli.image_arguments import add_images, images_of
from lab_lens.errors import EXIT_DONE, InputError

_TARGETS = ("local", "kubeflow", "vertex")


def add_parser(subparsers: Subparsers) -> None:
    """Add the sub-command."""
    parser = add_command(
        subparsers,
        "compile",
        run,
        summary="Compile the pipeline to one KFP IR document, with its images and what each task may use.",
        example="lab-lens compile --out pipeline.yaml",
    )
    parser.add_argument(
        "--out", type=Path, default=Path("pipeline.yaml"), metavar="FILE", help="default: pipeline.yaml"
    )
    add_config(parser)
    add_images(parser)
    words = "where it will run: decides how accelerators are called, and lets training be a job on Vertex AI"
    parser.add_argument("--target", choices=_TARGETS, default="local", help=f"{words}; default: local")


def run(arguments: argparse.Namespace) -> int:
    """Compile."""
    from lab_lens.config import load_config

    out: Path = arguments.out
    if out.is_dir():
        raise InputError(f"--out {out} is a directory; give a file, such as {out / 'pipeline.yaml'}")
    require_writable(out.parent, "--out")
    with need_checkout():
        from pipelines.compile import CompileOptions, compile_pipeline
    config = load_config(arguments.config)
    options = CompileOptions(images=images_of(arguments), config=config, target=arguments.target)
    say(f"pipeline: {compile_pipeline(out, options)}")
    return EXIT_DONE
