"""`lab-lens select-hyperparameters`."""

import argparse
from pathlib import Path

from lab_lens.cli.arguments import Subparsers, add_command, add_config, add_out, add_tracking, tracking_of
from lab_lens.cli.console import say
from lab_lens.errors import EXIT_DONE


def add_parser(subparsers: Subparsers) -> None:
    """Add the sub-command."""
    parser = add_command(
        subparsers,
        "select-hyperparameters",
        run,
        summary="Choose the best trial of searches that several workers made (tune-hyperparameters --worker N).",
        example="lab-lens select-hyperparameters tuning-0 tuning-1 --config configs/demo.json --out tuning",
    )
    words = "what each worker wrote: its directory, or its tuning_report.json"
    parser.add_argument("searches", nargs="+", type=Path, metavar="DIR", help=words)
    add_config(parser)
    add_out(parser, "tuning")
    add_tracking(parser)


def run(arguments: argparse.Namespace) -> int:
    """Select."""
    from lab_lens.artifacts import TUNED_CONFIG_JSON
    from lab_lens.config import load_config
    from lab_lens.stages.select_hyperparameters import run_select_hyperparameters

    config = load_config(arguments.config)
    out: Path = arguments.out
    html = out / "tuning.html"
    result = run_select_hyperparameters(
        arguments.searches, config, out_dir=out, html=html, tracking=tracking_of(arguments, config)
    )
    say(f"config: {out / TUNED_CONFIG_JSON}\nreport: {result.report}\npage: {html}")
    return EXIT_DONE
