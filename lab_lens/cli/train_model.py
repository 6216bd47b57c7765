"""`lab-lens train-model`."""

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
        "train-model",
        run,
        summary="Fine-tune a sequence-to-sequence model; an interrupted training continues by the same command.",
        example=(
            "lab-lens train-model --data data/model_ready --config configs/demo.json --base-model scratch:tiny "
            "--out models/summarizer"
        ),
        alias="train",
    )
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="directory with train.csv and val.csv")
    add_config(parser)
    add_base_model(parser)
    add_device(parser)
    add_out(parser, "models/summarizer")
    parser.add_argument(
        "--checkpoints",
        type=Path,
        metavar="DIR",
        help="where an interrupted training continues; default: OUT-checkpoints",
    )
    add_tracking(parser)


def run(arguments: argparse.Namespace) -> int:
    """Train."""
    from lab_lens.config import load_config
    from lab_lens.stages.train_model import run_train_model

    config = load_config(arguments.config)
    out: Path = arguments.out
    # Beside the model, never in it: its content is hashed. `.` and `..` have no name to put there.
    named = out.resolve() if out.name in {"", ".."} else out
    html = named.parent / f"{named.name}-training.html"
    result = run_train_model(
        arguments.data,
        arguments.data,
        config,
        device=arguments.device,
        base_model=arguments.base_model,
        trained_model=None,
        checkpoint_dir=arguments.checkpoints or named.parent / f"{named.name}-checkpoints",
        model_dir=out,
        html=html,
        tracking=tracking_of(arguments, config),
    )
    best = result.metrics["best_rougeL_greedy"]
    say(f"best ROUGE-L on validation notes (greedy): {best:.3f}\nmodel: {out}\ncurves: {html}")
    return EXIT_DONE
