"""`lab-lens deploy-model`."""

import argparse
from pathlib import Path

from lab_lens.cli.arguments import (
    Subparsers,
    actor,
    add_actor,
    add_command,
    add_device,
    add_endpoint,
    add_out,
    add_registry,
    add_registry_only,
    endpoint_config,
)
from lab_lens.cli.console import say
from lab_lens.errors import EXIT_DONE, GateRefusedError


def add_parser(subparsers: Subparsers) -> None:
    """Add the sub-command."""
    parser = add_command(
        subparsers,
        "deploy-model",
        run,
        summary="Serve a version, ask it for a real summary, and only then make it the production model.",
        example="lab-lens deploy-model --registry model_registry --version v1.0",
    )
    parser.add_argument("--version", required=True, metavar="NAME", help="the version to deploy")
    words = "the decision that wants it; production must still be what that was made against"
    parser.add_argument("--decision", type=Path, metavar="PATH", help=words)
    add_endpoint(parser)
    add_registry_only(parser)
    add_registry(parser)
    add_device(parser)
    add_actor(parser)
    add_out(parser, "deployment")


def run(arguments: argparse.Namespace) -> int:
    """Deploy; exit status 3 when the version is unhealthy, and production is then what it was."""
    from lab_lens.stages.deploy_model import run_deploy_model

    result = run_deploy_model(
        arguments.registry,
        arguments.version,
        endpoint_config(arguments),
        device=arguments.device,
        actor=actor(arguments),
        deployment_dir=arguments.out,
        decision=arguments.decision,
        registry_only=arguments.registry_only,
    )
    say(f"{result.version}: {result.status}\ndeployment: {arguments.out}")
    if result.status != "healthy":
        raise GateRefusedError(f"{result.version} is not in production: {'; '.join(result.reasons)}")
    return EXIT_DONE
