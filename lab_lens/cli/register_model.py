"""`lab-lens register-model`."""

import argparse
from pathlib import Path

from lab_lens.cli.arguments import Subparsers, actor, add_actor, add_command, add_registry
from lab_lens.cli.console import say
from lab_lens.errors import EXIT_DONE


def add_parser(subparsers: Subparsers) -> None:
    """Add the sub-command."""
    parser = add_command(
        subparsers,
        "register-model",
        run,
        summary="Store a model as an immutable version of the registry, bound to its own reports and decision.",
        example=(
            "lab-lens register-model --model models/summarizer --decision decision --validation validation_reports "
            "--bias bias_reports --predictions predictions --version v1.0"
        ),
    )
    parser.add_argument("--model", type=Path, required=True, metavar="DIR", help="the model directory")
    parser.add_argument(
        "--decision", type=Path, required=True, metavar="PATH", help="decision whose verdict is promote"
    )
    parser.add_argument("--validation", type=Path, required=True, metavar="PATH", help="validation report")
    parser.add_argument("--bias", type=Path, required=True, metavar="PATH", help="bias report")
    parser.add_argument(
        "--predictions", type=Path, metavar="DIR", help="the candidate's predictions; their golden note is kept"
    )
    parser.add_argument("--version", default="", metavar="NAME", help="default: the next number (v1, v2, ...)")
    words = "share the files with a registry on this disk instead of copying them; they become read-only"
    parser.add_argument("--link", action="store_true", help=words)
    add_registry(parser)
    add_actor(parser)


def run(arguments: argparse.Namespace) -> int:
    """Register."""
    from lab_lens.stages.register_model import run_register_model

    result = run_register_model(
        arguments.model,
        arguments.decision,
        arguments.validation,
        arguments.bias,
        registry=arguments.registry,
        predictions=arguments.predictions,
        version=arguments.version,
        actor=actor(arguments),
        link=arguments.link,
    )
    say(f"registered {result.version}: {result.model_uri}")
    say(f"next: lab-lens deploy-model --registry {arguments.registry} --version {result.version}")
    return EXIT_DONE
