"""`lab-lens run`: the compiled pipeline on this machine."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab_lens.cli.arguments import (
    Subparsers,
    actor,
    add_actor,
    add_base_model,
    add_command,
    add_config,
    add_device,
    add_registry,
    add_tracking,
    run_name,
    tracking_uri,
)
from lab_lens.cli.checkout import need_checkout
from lab_lens.cli.console import say_table
from lab_lens.errors import EXIT_DONE, GateRefusedError

if TYPE_CHECKING:
    from local_runner.request import RunRequest

_SHOWN_METRICS = ("rouge1", "rouge2", "rougeL", "bleu")


def add_parser(subparsers: Subparsers) -> None:
    """Add the sub-command."""
    parser = add_command(
        subparsers,
        "run",
        run,
        summary="Run the whole compiled pipeline here: from notes to a released model, or the reasons why not.",
        example="lab-lens run --data synthetic --config configs/demo.json --base-model scratch:tiny --out runs/first",
    )
    parser.add_argument("--data", required=True, metavar="PATH", help="a CSV, Parquet or JSONL file, or `synthetic`")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the run directory")
    parser.add_argument("--runner", choices=("native",), default="native", help="default: native (processes)")
    add_base_model(parser)
    parser.add_argument("--model-dir", type=Path, metavar="TRAINED", help="a trained model; training is skipped")
    parser.add_argument("--force-reason", default="", metavar="TEXT", help="promote whatever the rules say; recorded")
    parser.add_argument("--fail-on-hold", action="store_true", help="exit with status 3 unless the verdict is promote")
    add_config(parser)
    add_device(parser)
    add_registry(parser)
    add_actor(parser)
    add_tracking(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the pipeline."""
    from lab_lens.config import load_config

    with need_checkout():
        from local_runner.display import console_display
        from local_runner.run import run_pipeline

    config = load_config(arguments.config)
    summary = run_pipeline(_request(arguments), config, console_display())
    show_summary(summary, arguments.out)
    if arguments.fail_on_hold and summary["verdict"] != "promote":
        raise GateRefusedError(f"the verdict is {summary['verdict']}; {arguments.out / 'report.html'} says why")
    return EXIT_DONE


def _request(arguments: argparse.Namespace) -> "RunRequest":
    from local_runner.request import RunRequest

    return RunRequest(
        data=arguments.data,
        out=arguments.out,
        registry=arguments.registry,
        tracking_uri=tracking_uri(arguments),
        run_name=run_name(arguments),
        actor=actor(arguments),
        device=arguments.device,
        base_model=arguments.base_model,
        trained_model=arguments.model_dir,
        force_reason=arguments.force_reason,
    )


def show_summary(summary: dict[str, Any], out: Path) -> None:
    """End with a short table: verdict, reasons, metrics, durations, versions, where the report lies."""
    metrics = [f"{name} {summary['metrics'][name]:.3f}" for name in _SHOWN_METRICS if name in summary["metrics"]]
    seconds = [f"{item['stage']} {item['seconds']:.1f} s" for item in summary["stages"] if item["seconds"] is not None]
    rows = [
        ("verdict", str(summary["verdict"])),
        *(("why", reason) for reason in summary["reasons"]),
        ("metrics", ", ".join(metrics)),
        ("durations", ", ".join(seconds)),
        ("production", summary["versions"]["production"] or "none"),
        ("report", str(out / summary["paths"]["report"])),
        ("summary", str(out / "summary.json")),
    ]
    say_table(("", ""), rows)
