"""`lab-lens tune-hyperparameters`."""

import argparse
from pathlib import Path

from lab_lens.cli.arguments import (
    Subparsers,
    add_base_model,
    add_command,
    add_config,
    add_device,
    add_out,
    add_tracking,
    tracking_of,
)
from lab_lens.cli.console import say
from lab_lens.errors import EXIT_DONE


def add_parser(subparsers: Subparsers) -> None:
    """Add the sub-command."""
    parser = add_command(
        subparsers,
        "tune-hyperparameters",
        run,
        summary="Search training and decoding settings; an interrupted search continues by the same command.",
        example=(
            "lab-lens tune-hyperparameters --data data/model_ready --config configs/demo.json --trials 20 --minutes 60 "
            "--out tuning"
        ),
        alias="tune",
    )
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="directory with train.csv and val.csv")
    add_config(parser)
    add_base_model(parser)
    parser.add_argument("--trials", type=int, metavar="N", help="trainings to try; default: the configuration's")
    words = "no trial starts after this many; default: the configuration's"
    parser.add_argument("--minutes", type=float, metavar="M", help=words)
    parser.add_argument(
        "--worker", type=int, default=0, metavar="N", help="which of tuning.workers this is, from 0; default: 0"
    )
    add_device(parser)
    add_out(parser, "tuning")
    words = "SQLite file that remembers the search; default: study.db in OUT"
    parser.add_argument("--study", type=Path, metavar="FILE", help=words)
    add_tracking(parser)


def run(arguments: argparse.Namespace) -> int:
    """Tune."""
    from lab_lens.artifacts import TUNED_CONFIG_JSON
    from lab_lens.config import load_config, with_overrides
    from lab_lens.stages.tune_hyperparameters import run_tune_hyperparameters

    budget = {"tuning.trials": arguments.trials, "tuning.minutes": arguments.minutes}
    config = with_overrides(load_config(arguments.config), budget)
    out: Path = arguments.out
    html = out / "tuning.html"
    result = run_tune_hyperparameters(
        arguments.data,
        arguments.data,
        config,
        device=arguments.device,
        base_model=arguments.base_model,
        study=arguments.study or out / "study.db",
        out_dir=out,
        html=html,
        worker=arguments.worker,
        tracking=tracking_of(arguments, config),
    )
    best = result.metrics.get("best_rougeL")
    # Without a finished trial only a worker of several ends well.
    told = "none of this worker's trials finished" if best is None else f"{best:.3f} (optimistic: the best was chosen)"
    say(f"best ROUGE-L on validation notes: {told}")
    say(f"config: {out / TUNED_CONFIG_JSON}\nreport: {result.report}\npage: {html}")
    return EXIT_DONE
