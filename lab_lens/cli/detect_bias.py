"""`lab-lens detect-bias`."""

import argparse
from pathlib import Path

from lab_lens.cli.arguments import Subparsers, add_command, add_config, add_out, add_tracking, stamp, tracking_of
from lab_lens.cli.console import say
from lab_lens.errors import EXIT_DONE


def add_parser(subparsers: Subparsers) -> None:
    """Add the sub-command."""
    parser = add_command(
        subparsers,
        "detect-bias",
        run,
        summary="Compare quality between slices of patients (age group, gender, ethnicity), with evidence.",
        example="lab-lens detect-bias --predictions predictions --data data/model_ready --config configs/demo.json",
    )
    parser.add_argument("--predictions", type=Path, required=True, metavar="PATH", help="predictions.csv or its folder")
    parser.add_argument("--data", type=Path, required=True, metavar="PATH", help="test.csv or its directory")
    add_config(parser)
    add_out(parser, "bias_reports")
    add_tracking(parser)


def run(arguments: argparse.Namespace) -> int:
    """Compare slices."""
    from lab_lens.artifacts import BIAS_REPORT
    from lab_lens.config import load_config
    from lab_lens.stages.detect_bias import run_detect_bias

    config = load_config(arguments.config)
    stamped = f"_{stamp()}"
    html = arguments.out / f"{BIAS_REPORT}{stamped}.html"
    result = run_detect_bias(
        arguments.data,
        arguments.predictions,
        config,
        report_dir=arguments.out,
        html=html,
        stamp=stamped,
        tracking=tracking_of(arguments, config),
    )
    say(f"report: {result.report}\npage: {html}")
    return EXIT_DONE
