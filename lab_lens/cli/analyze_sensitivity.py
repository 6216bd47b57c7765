"""`lab-lens analyze-sensitivity`."""

import argparse
from pathlib import Path

from lab_lens.cli.arguments import (
    Subparsers,
    add_command,
    add_config,
    add_device,
    add_out,
    add_tracking,
    stamp,
    tracking_of,
)
from lab_lens.cli.console import say
from lab_lens.errors import EXIT_DONE


def add_parser(subparsers: Subparsers) -> None:
    """Add the sub-command."""
    parser = add_command(
        subparsers,
        "analyze-sensitivity",
        run,
        summary="Explain what a model looks at: LIME over sentences, section ablation, input length.",
        example=(
            "lab-lens analyze-sensitivity --model models/summarizer --predictions predictions --data data/model_ready "
            "--config configs/demo.json --num-samples 20"
        ),
    )
    parser.add_argument("--model", type=Path, required=True, metavar="DIR", help="the model that made the predictions")
    parser.add_argument("--predictions", type=Path, required=True, metavar="PATH", help="predictions.csv or its folder")
    parser.add_argument("--data", type=Path, required=True, metavar="PATH", help="test.csv or its directory")
    parser.add_argument("--num-samples", type=int, metavar="N", help="notes to explain; default: the configuration's")
    parser.add_argument("--perturbations", type=int, metavar="N", help="perturbed inputs a note; default: likewise")
    add_config(parser)
    add_device(parser)
    add_out(parser, "sensitivity_reports")
    add_tracking(parser)


def run(arguments: argparse.Namespace) -> int:
    """Explain."""
    from lab_lens.artifacts import SENSITIVITY_REPORT
    from lab_lens.config import load_config, with_overrides
    from lab_lens.stages.analyze_sensitivity import run_analyze_sensitivity

    config = with_overrides(
        load_config(arguments.config),
        {"sensitivity.num_samples": arguments.num_samples, "sensitivity.perturbations": arguments.perturbations},
    )
    stamped = f"_{stamp()}"
    html = arguments.out / f"{SENSITIVITY_REPORT}{stamped}.html"
    result = run_analyze_sensitivity(
        arguments.model,
        arguments.data,
        arguments.predictions,
        config,
        device=arguments.device,
        report_dir=arguments.out,
        html=html,
        stamp=stamped,
        tracking=tracking_of(arguments, config),
    )
    say(f"report: {result.report}\npage: {html}")
    return EXIT_DONE
