"""Arguments that several sub-commands share."""

import argparse
import getpass
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lab_lens.errors import InputError

if TYPE_CHECKING:
    from lab_lens.config import Config
    from lab_lens.tracking import TrackingTarget

Subparsers = argparse._SubParsersAction  # argparse has no public name for what add_subparsers returns
Command = Callable[[argparse.Namespace], int]
DEVICES = ("auto", "cpu", "cuda", "mps")


def add_command(
    subparsers: "Subparsers[argparse.ArgumentParser]", name: str, run: Command, *, summary: str, example: str
) -> argparse.ArgumentParser:
    """Add a sub-command whose help ends with a runnable example."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        name,
        help=summary,
        description=summary,
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    return parser


def add_config(parser: argparse.ArgumentParser) -> None:
    """Add --config."""
    parser.add_argument("--config", type=Path, metavar="FILE", help="JSON or YAML; default: the built-in settings")


def add_device(parser: argparse.ArgumentParser) -> None:
    """Add --device."""
    parser.add_argument("--device", choices=DEVICES, default="auto", help="default: auto (CUDA, else MPS, else CPU)")


def add_registry(parser: argparse.ArgumentParser) -> None:
    """Add --registry."""
    default = Path("model_registry")
    parser.add_argument("--registry", type=Path, metavar="DIR", default=default, help=f"default: {default}")


def add_out(parser: argparse.ArgumentParser, default: str) -> None:
    """Add --out."""
    parser.add_argument("--out", type=Path, metavar="DIR", default=Path(default), help=f"default: {default}")


def add_actor(parser: argparse.ArgumentParser) -> None:
    """Add --actor."""
    parser.add_argument("--actor", metavar="NAME", help="who is recorded in the history; default: the user")


def add_tracking(parser: argparse.ArgumentParser) -> None:
    """Add --tracking-uri, --no-tracking and --run-name."""
    parser.add_argument("--tracking-uri", metavar="URI", help="MLflow tracking URI; default: a SQLite store in mlruns/")
    parser.add_argument("--no-tracking", action="store_true", help="log nothing to MLflow")
    parser.add_argument("--run-name", metavar="NAME", help="name of the MLflow run; default: command and time")


def actor(arguments: argparse.Namespace) -> str:
    """Who is recorded: --actor, else the user of this process.

    Raises:
        InputError: neither is known.
    """
    if arguments.actor:
        return str(arguments.actor)
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError) as error:
        raise InputError("the user of this process has no name; give --actor NAME") from error


def stamp() -> str:
    """The time as it stands in names of files, such as `20261122T201500`."""
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%S")


def run_name(arguments: argparse.Namespace) -> str:
    """The run's name: --run-name, else command and time."""
    return str(arguments.run_name or f"{arguments.command}-{stamp()}")


def tracking_uri(arguments: argparse.Namespace) -> str:
    """The MLflow tracking URI; empty when nothing is to be tracked."""
    from lab_lens.tracking import local_tracking_uri

    if arguments.no_tracking:
        return ""
    return str(arguments.tracking_uri or local_tracking_uri(Path("mlruns")))


def tracking_of(arguments: argparse.Namespace, config: "Config") -> "TrackingTarget | None":
    """Where this command is tracked; None: nowhere."""
    from lab_lens.tracking import tracking_target

    return tracking_target(tracking_uri(arguments), config.tracking.experiment, run_name(arguments))
