"""`lab-lens mlflow ui`."""

import argparse
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

from lab_lens.cli.arguments import Subparsers, add_command, add_group, add_port
from lab_lens.cli.console import say
from lab_lens.errors import EXIT_DONE, InputError

_SQLITE = "sqlite:///"
_SERVER = ("http://", "https://")


def add_parser(subparsers: Subparsers) -> None:
    """Add the sub-command."""
    example = "lab-lens mlflow ui --port 5000"
    actions = add_group(subparsers, "mlflow", summary="Look at tracked runs.", example=example)
    ui = add_command(
        actions,
        "ui",
        run,
        summary="Open the tracked runs in MLflow's web pages, on this machine only, until interrupted.",
        example=example,
    )
    ui.add_argument("--tracking-uri", metavar="URI", help="default: the SQLite store in mlruns/")
    add_port(ui, 5000, "")


def run(arguments: argparse.Namespace) -> int:
    """Start MLflow's server on the store."""
    from lab_lens.tracking import local_tracking_uri

    uri = arguments.tracking_uri or local_tracking_uri(Path("mlruns"))
    _require_store(uri)
    say(f"MLflow on http://127.0.0.1:{arguments.port} (starting takes a while); Ctrl-C ends it")
    command = [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", uri, "--port", str(arguments.port)]
    try:
        return subprocess.call(command, env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"})  # noqa: S603
    except KeyboardInterrupt:
        return EXIT_DONE


def _require_store(uri: str) -> None:
    if uri.startswith(_SERVER):
        raise InputError(f"{uri} is an MLflow server already: open that address in a browser")
    # MLflow would make an empty store and show a page without runs.
    if uri.startswith(_SQLITE) and not Path(uri.removeprefix(_SQLITE)).is_file():
        raise InputError(f"nothing is tracked in {uri} yet; run a command there first, or give --tracking-uri")
    if importlib.util.find_spec("mlflow") is None:
        raise InputError("mlflow is not installed: pip install 'lab-lens[tracking]'")
