"""`lab-lens prepare-data`."""

import argparse

from lab_lens.cli.arguments import Subparsers, add_command, add_config, add_out, add_tracking, tracking_of
from lab_lens.cli.console import say
from lab_lens.errors import EXIT_DONE


def add_parser(subparsers: Subparsers) -> None:
    """Add the sub-command."""
    parser = add_command(
        subparsers,
        "prepare-data",
        run,
        summary="Turn notes into training, validation and held-out test examples, split by patient.",
        example="lab-lens prepare-data --data synthetic --config configs/demo.json --out data/model_ready",
    )
    parser.add_argument("--data", required=True, metavar="PATH", help="a CSV, Parquet or JSONL file, or `synthetic`")
    add_config(parser)
    add_out(parser, "data/model_ready")
    add_tracking(parser)


def run(arguments: argparse.Namespace) -> int:
    """Prepare the data."""
    from lab_lens.artifacts import DATA_REPORT
    from lab_lens.config import load_config
    from lab_lens.stages.prepare_data import run_prepare_data

    config = load_config(arguments.config)
    out = arguments.out
    result = run_prepare_data(
        arguments.data,
        config,
        train_dir=out,
        val_dir=out,
        test_dir=out,
        report_dir=out,
        html=out / f"{DATA_REPORT}.html",
        tracking=tracking_of(arguments, config),
    )
    say(", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in result.counts.items()))
    say(f"examples: {out}\nreport: {out / f'{DATA_REPORT}.html'}")
    return EXIT_DONE
