"""`lab-lens mlflow ui`."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from lab_lens.cli.arguments import Subparsers, add_command
from lab_lens.cli.console import say
from lab_lens.errors import InputError


def add_parser(subparsers: "Subparsers[argparse.ArgumentParser]") -> None:
    """Add the sub-command."""
    parser = subparsers.add_parser("mlflow", help="Look at tracked runs.")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    ui = add_command(
        actions,
        "ui",
        run,
        summary="Open the tracked runs in MLflow's web pages, on this machine only, until interrupted.",
        example="lab-lens mlflow ui --port 5000",
    )
    ui.add_argument("--tracking-uri", metavar="URI", help="default: the SQLite store in mlruns/")
    ui.add_argument("--port", type=int, default=5000, help="default: 5000")


def run(arguments: argparse.Namespace) -> int:
    """Start MLflow's server on the store."""
    from lab_lens.tracking import local_tracking_uri

    store = Path("mlruns")
    if not arguments.tracking_uri and not (store / "mlflow.db").is_file():
        raise InputError(f"nothing is tracked in {store.absolute()} yet; run a command there, or give --tracking-uri")
    uri = arguments.tracking_uri or local_tracking_uri(store)
    say(f"MLflow on http://127.0.0.1:{arguments.port} (starting takes a while); Ctrl-C ends it")
    command = [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", uri, "--port", str(arguments.port)]
    return subprocess.call(command, env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"})  # noqa: S603
