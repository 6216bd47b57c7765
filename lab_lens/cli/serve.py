"""`lab-lens serve`: the production model over HTTP."""

import argparse
from pathlib import Path

from lab_lens.cli.arguments import Subparsers, add_command, add_device, add_port, add_registry
from lab_lens.cli.console import say
from lab_lens.errors import EXIT_DONE, InputError


def add_parser(subparsers: Subparsers) -> None:
    """Add the sub-command."""
    parser = add_command(
        subparsers,
        "serve",
        run,
        summary="Serve the production version of a registry over HTTP until interrupted.",
        example="lab-lens serve --registry model_registry --port 8080",
    )
    add_registry(parser)
    parser.add_argument("--version", default="", metavar="NAME", help="default: the production version")
    parser.add_argument("--host", default="127.0.0.1", help="default: 127.0.0.1 (this machine only)")
    add_port(parser, 8080, "; 0: any free port")
    add_device(parser)


def run(arguments: argparse.Namespace) -> int:
    """Serve."""
    model = _model_dir(arguments.registry, arguments.version)
    from lab_lens.serving.server import run_server

    say("routes: GET /health, GET /model, POST /predict; Ctrl-C ends the server")
    run_server(model, device=arguments.device, host=arguments.host, port=arguments.port)
    return EXIT_DONE


def _model_dir(path: Path, version: str) -> Path:
    from lab_lens.registry.local import LocalRegistry

    registry = LocalRegistry(path)
    chosen = version or registry.production()
    if not chosen:
        raise InputError(f"{path} has no production version; run the pipeline, or give --version")
    return registry.model_dir(chosen)
