"""`lab-lens decide-release`."""

import argparse
from pathlib import Path

from lab_lens.cli.arguments import (
    Subparsers,
    actor,
    add_actor,
    add_command,
    add_config,
    add_out,
    add_registry,
    add_tracking,
    tracking_of,
)
from lab_lens.cli.console import say
from lab_lens.errors import EXIT_DONE, GateRefusedError


def add_parser(subparsers: Subparsers) -> None:
    """Add the sub-command."""
    parser = add_command(
        subparsers,
        "decide-release",
        run,
        summary="Decide by the policy whether a candidate is released: promote, hold or rollback.",
        example=(
            "lab-lens decide-release --validation validation_reports --bias bias_reports "
            "--config configs/demo.json --fail-on-hold"
        ),
    )
    parser.add_argument("--validation", type=Path, required=True, metavar="PATH", help="validation report")
    parser.add_argument("--bias", type=Path, required=True, metavar="PATH", help="bias report")
    parser.add_argument("--sensitivity", type=Path, metavar="PATH", help="sensitivity report")
    parser.add_argument("--force-reason", default="", metavar="TEXT", help="promote whatever the rules say; recorded")
    parser.add_argument("--fail-on-hold", action="store_true", help="exit with status 3 unless the verdict is promote")
    add_config(parser)
    add_registry(parser)
    add_actor(parser)
    add_out(parser, "decision")
    add_tracking(parser)


def run(arguments: argparse.Namespace) -> int:
    """Decide."""
    from lab_lens.config import load_config
    from lab_lens.stages.decide_release import run_decide_release

    config = load_config(arguments.config)
    result = run_decide_release(
        arguments.validation,
        arguments.bias,
        arguments.sensitivity,
        config,
        registry=arguments.registry,
        decision_dir=arguments.out,
        html=arguments.out / "decision.html",
        force_reason=arguments.force_reason,
        actor=actor(arguments),
        tracking=tracking_of(arguments, config),
    )
    say(f"verdict: {result.verdict}\ndecision: {arguments.out}")
    if arguments.fail_on_hold and result.verdict != "promote":
        raise GateRefusedError(f"the verdict is {result.verdict}; {arguments.out / 'decision.html'} says why")
    return EXIT_DONE
