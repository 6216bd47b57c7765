"""`lab-lens run`: the compiled pipeline on this machine."""

import argparse
import re
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
from lab_lens.cli.image_arguments import add_images, images_of
from lab_lens.errors import EXIT_DONE, GateRefusedError, InputError

if TYPE_CHECKING:
    from lab_lens.config import Config
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
    _add_runner(parser)
    add_base_model(parser)
    parser.add_argument("--model-dir", type=Path, metavar="TRAINED", help="a trained model; training is skipped")
    words = "keep the champion's summaries here for the next candidate; they are text made from notes"
    parser.add_argument("--champion-cache", type=Path, metavar="DIR", help=words)
    parser.add_argument("--force-reason", default="", metavar="TEXT", help="promote whatever the rules say; recorded")
    parser.add_argument("--fail-on-hold", action="store_true", help="exit with status 3 unless the verdict is promote")
    add_config(parser)
    add_device(parser)
    add_registry(parser)
    add_actor(parser)
    add_tracking(parser)


def _add_runner(parser: argparse.ArgumentParser) -> None:
    words = "native: processes (default); docker: containers; auto: Docker where it is ready and fits, and says why"
    parser.add_argument("--runner", choices=("native", "docker", "auto"), default="native", help=words)
    add_images(parser)
    parser.add_argument("--build", action="store_true", help="build the images of this checkout first (docker)")
    parser.add_argument(
        "--network",
        default="none",
        metavar="NAME",
        help="network of the containers; default: none (they reach nothing)",
    )
    parser.add_argument(
        "--shm-size", type=_size, default="1g", metavar="SIZE", help="shared memory of a container; default: 1g"
    )
    parser.add_argument("--no-reuse", action="store_true", help="run every stage, also one whose result lies in --out")


def _size(text: str) -> str:
    if not re.fullmatch(r"[1-9][0-9]*[bkmg]", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no size; give a number and b, k, m or g, such as 512m")
    return text


def run(arguments: argparse.Namespace) -> int:
    """Run the pipeline."""
    from lab_lens.config import load_config

    with need_checkout():
        from local_runner.display import console_display
        from local_runner.run import run_pipeline

    config = load_config(arguments.config)
    request = _request(arguments, config)
    summary = run_pipeline(request, config, console_display())
    show_summary(summary, arguments.out)
    if arguments.fail_on_hold and summary["verdict"] != "promote":
        raise GateRefusedError(f"the verdict is {summary['verdict']}; {arguments.out / 'report.html'} says why")
    return EXIT_DONE


def _request(arguments: argparse.Namespace, config: "Config") -> "RunRequest":
    from local_runner.request import DockerSettings, RunRequest
    from local_runner.summary import interrupted_run_name

    images = images_of(arguments)
    if arguments.build and images.by_family:
        raise InputError("--build builds the images of this checkout; give it without --images, --tag and --digests")
    continued = None if arguments.run_name else interrupted_run_name(arguments.out, config)
    return RunRequest(
        data=arguments.data,
        out=arguments.out,
        registry=arguments.registry,
        tracking_uri=tracking_uri(arguments),
        run_name=continued or run_name(arguments),
        actor=actor(arguments),
        device=arguments.device,
        base_model=arguments.base_model,
        trained_model=arguments.model_dir,
        champion_cache=arguments.champion_cache,
        force_reason=arguments.force_reason,
        runner=arguments.runner,
        docker=DockerSettings(
            images=images, build=arguments.build, network=arguments.network, shm_size=arguments.shm_size
        ),
        reuse=not arguments.no_reuse,
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
