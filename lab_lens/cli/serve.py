"""`lab-lens serve`: the production model over HTTP."""

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from lab_lens.cli.arguments import Subparsers, add_command, add_device, add_port, add_registry
from lab_lens.cli.console import say
from lab_lens.errors import EXIT_DONE, InputError

if TYPE_CHECKING:
    from lab_lens.registry.base import Registry
    from lab_lens.serving.child import Served


def add_parser(subparsers: Subparsers) -> None:
    """Add the sub-command."""
    parser = add_command(
        subparsers,
        "serve",
        run,
        summary="Serve the production version of a registry over HTTP until interrupted.",
        example="lab-lens serve --registry model_registry --port 8080 --endpoint-dir endpoint",
    )
    add_registry(parser)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--version", default="", metavar="NAME", help="serve this version alone; default: production")
    which.add_argument(
        "--endpoint-dir",
        type=Path,
        metavar="DIR",
        help="what is deployed is kept here, and deployment.endpoint local:DIR deploys to it; default: a temporary one",
    )
    parser.add_argument("--host", default="127.0.0.1", help="default: 127.0.0.1 (this machine only)")
    add_port(parser, 8080, "; 0: any free port")
    add_device(parser)


def run(arguments: argparse.Namespace) -> int:
    """Serve."""
    from lab_lens.registry.open import open_registry

    registry = open_registry(arguments.registry)
    say("routes: GET /health, GET /model, POST /predict; Ctrl-C ends the server")
    if arguments.version:
        from lab_lens.serving.server import run_server

        _require_intact(registry, arguments.version)
        model = registry.model_dir(arguments.version)
        run_server(model, device=arguments.device, host=arguments.host, port=arguments.port)
    elif arguments.endpoint_dir:
        _supervise(arguments, registry, arguments.endpoint_dir)
    else:
        with tempfile.TemporaryDirectory(prefix="lab-lens-endpoint-") as directory:
            _supervise(arguments, registry, Path(directory))
    return EXIT_DONE


def _supervise(arguments: argparse.Namespace, registry: "Registry", directory: Path) -> None:
    from lab_lens.endpoints.base import words_of
    from lab_lens.serving.fleet import read_state
    from lab_lens.serving.supervisor import run_supervisor

    split = read_state(directory).split
    production = registry.production()
    if not (production or split):
        raise InputError(f"{arguments.registry} has no production version; run the pipeline, or give --version")
    say(f"to deploy to it: deployment.endpoint = local:{directory}")
    if split and words_of(split) != words_of({str(production): 100}):
        say(f"traffic is as it was left: {words_of(split)}; in production: {production}; deploy-model settles that")
    first = _served(registry, production) if production and not split else None
    run_supervisor(directory, device=arguments.device, host=arguments.host, port=arguments.port, first=first)


def _require_intact(registry: "Registry", version: str) -> None:
    if problems := registry.verify(version):
        raise InputError([f"{version} is not served: {problem}" for problem in problems])


def _served(registry: "Registry", version: str) -> "Served":
    from lab_lens.serving.child import Served

    model = registry.model_dir(version).resolve()
    return Served(version, str(model), registry.show(version).content_hash)
