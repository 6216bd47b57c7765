"""`lab-lens generate-summaries`."""

import argparse
from pathlib import Path

from lab_lens.cli.arguments import Subparsers, add_command, add_config, add_device, add_out, add_registry
from lab_lens.cli.console import say
from lab_lens.errors import EXIT_DONE


def add_parser(subparsers: Subparsers) -> None:
    """Add the sub-command."""
    parser = add_command(
        subparsers,
        "generate-summaries",
        run,
        summary="Summarize held-out notes once, by a candidate and by the registry's production model (the champion).",
        example=(
            "lab-lens generate-summaries --model models/summarizer --data data/model_ready "
            "--config configs/demo.json --out predictions"
        ),
    )
    parser.add_argument("--model", type=Path, required=True, metavar="DIR", help="the candidate's model directory")
    parser.add_argument("--data", type=Path, required=True, metavar="PATH", help="test.csv or its directory")
    add_config(parser)
    add_registry(parser)
    parser.add_argument(
        "--champion-cache",
        type=Path,
        metavar="DIR",
        help="keep the champion's summaries here for the next candidate; they are text made from notes",
    )
    add_device(parser)
    add_out(parser, "predictions")


def run(arguments: argparse.Namespace) -> int:
    """Generate."""
    from lab_lens.config import load_config
    from lab_lens.stages.generate_summaries import run_generate_summaries

    result = run_generate_summaries(
        arguments.model,
        arguments.data,
        load_config(arguments.config),
        device=arguments.device,
        registry=arguments.registry,
        predictions_dir=arguments.out,
        champion_dir=arguments.out / "champion",
        champion_cache=arguments.champion_cache,
    )
    champion = result.champion_version or "none in the registry"
    say(f"predictions: {result.predictions_dir}\nchampion: {champion} ({result.champion_dir})")
    return EXIT_DONE
