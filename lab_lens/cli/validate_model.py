"""`lab-lens validate-model`."""

import argparse
from pathlib import Path

from lab_lens.cli.arguments import Subparsers, add_command, add_config, add_out, add_tracking, stamp, tracking_of
from lab_lens.cli.console import say
from lab_lens.errors import EXIT_DONE


def add_parser(subparsers: Subparsers) -> None:
    """Add the sub-command."""
    parser = add_command(
        subparsers,
        "validate-model",
        run,
        summary="Measure predictions against references, trivial baselines and the champion, with intervals.",
        example="lab-lens validate-model --predictions predictions --data data/model_ready --config configs/demo.json",
    )
    parser.add_argument("--predictions", type=Path, required=True, metavar="PATH", help="predictions.csv or its folder")
    parser.add_argument("--data", type=Path, required=True, metavar="PATH", help="test.csv or its directory")
    parser.add_argument("--champion", type=Path, metavar="DIR", help="the champion's predictions; default: none")
    add_config(parser)
    add_out(parser, "validation_reports")
    add_tracking(parser)


def run(arguments: argparse.Namespace) -> int:
    """Validate."""
    from lab_lens.artifacts import VALIDATION_REPORT
    from lab_lens.config import load_config
    from lab_lens.stages.validate_model import run_validate_model

    config = load_config(arguments.config)
    stamped = f"_{stamp()}"
    html = arguments.out / f"{VALIDATION_REPORT}{stamped}.html"
    result = run_validate_model(
        arguments.data,
        arguments.predictions,
        config,
        champion=arguments.champion,
        report_dir=arguments.out,
        html=html,
        stamp=stamped,
        tracking=tracking_of(arguments, config),
    )
    say(f"report: {result.report}\npage: {html}")
    return EXIT_DONE
