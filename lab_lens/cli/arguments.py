"""Arguments that several sub-commands share, and the parser that ends like any other wrong input."""

import argparse
import getpass
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from lab_lens.artifacts import require_writable
from lab_lens.errors import EXIT_INPUT, InputError

if TYPE_CHECKING:
    from lab_lens.config import Config
    from lab_lens.tracking import TrackingTarget

Command = Callable[[argparse.Namespace], int]
DEVICES = ("auto", "cpu", "cuda", "mps")
_HIGHEST_PORT = 65_535


class Parser(argparse.ArgumentParser):
    """A parser without abbreviations, which could change their meaning when an option is added.

    Raises:
        InputError: from `parse_args`, instead of a usage text of many lines.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter, **settings)

    def error(self, message: str) -> NoReturn:
        """Refuse the arguments."""
        raise InputError(f"{message}; see {self.prog} --help")


# argparse has no public name for what add_subparsers returns.
Subparsers: TypeAlias = "argparse._SubParsersAction[Parser]"


def add_command(
    subparsers: Subparsers, name: str, run: Command, *, summary: str, example: str, alias: str = ""
) -> Parser:
    """Add a sub-command whose help ends with a runnable example."""
    aliases = [alias] if alias else []
    parser = subparsers.add_parser(
        name, aliases=aliases, help=summary, description=summary, epilog=f"example:\n  {example}"
    )
    add_verbose(parser, default=argparse.SUPPRESS)
    parser.set_defaults(run=run)
    return parser


def add_group(subparsers: Subparsers, name: str, *, summary: str, example: str) -> Subparsers:
    """Add a sub-command that has sub-commands of its own; alone it shows its help."""
    parser = subparsers.add_parser(name, help=summary, description=summary, epilog=f"example:\n  {example}")
    show_help_without_command(parser)
    return parser.add_subparsers(metavar="ACTION", title="actions")


def show_help_without_command(parser: argparse.ArgumentParser) -> None:
    """Let a parser show its whole help, on standard error, when no sub-command is given; exit status 2."""

    def show_help(_: argparse.Namespace) -> int:
        parser.print_help(sys.stderr)
        return EXIT_INPUT

    parser.set_defaults(run=show_help)


def add_verbose(parser: argparse.ArgumentParser, *, default: Any = False) -> None:
    """Add --verbose, which may stand before or behind the sub-command's name."""
    words = "show the records of every library, and tracebacks"
    parser.add_argument("--verbose", action="store_true", default=default, help=words)


def add_config(parser: argparse.ArgumentParser) -> None:
    """Add --config."""
    words = "settings as JSON or YAML (lab-lens config show); default: the built-in ones"
    parser.add_argument("--config", type=Path, metavar="FILE", help=words)


def add_base_model(parser: argparse.ArgumentParser) -> None:
    """Add --base-model."""
    words = "what to fine-tune: hub id, directory or scratch:tiny|small|base; default: the configuration's"
    parser.add_argument("--base-model", default="", metavar="MODEL", help=words)


def add_device(parser: argparse.ArgumentParser) -> None:
    """Add --device."""
    words = "where the model runs; default: auto (CUDA, else MPS, else CPU)"
    parser.add_argument("--device", choices=DEVICES, default="auto", help=words)


def add_registry(parser: argparse.ArgumentParser) -> None:
    """Add --registry."""
    default = "model_registry"
    words = f"the model registry: a directory, gs://BUCKET/PREFIX, or vertex://...; default: {default}"
    parser.add_argument("--registry", metavar="LOCATION", default=default, help=words)


def add_endpoint(parser: argparse.ArgumentParser) -> None:
    """Add --config and --endpoint, which wins over the configuration's."""
    add_config(parser)
    words = "where clients are served: local:DIR or vertex://PROJECT/LOCATION/NAME; default: deployment.endpoint"
    parser.add_argument("--endpoint", metavar="LOCATION", help=words)


def add_registry_only(parser: argparse.ArgumentParser) -> None:
    """Add --registry-only."""
    words = "change the registry alone, although clients are served at an endpoint; the history says so"
    parser.add_argument("--registry-only", action="store_true", help=words)


def endpoint_config(arguments: argparse.Namespace) -> "Config":
    """The configuration, with --endpoint.

    Raises:
        InputError: the file or the location is wrong, or --registry-only contradicts it.
    """
    from lab_lens.config import load_config, with_overrides

    if arguments.endpoint and arguments.registry_only:
        raise InputError("--endpoint moves traffic and --registry-only does not; give one of them")

    return with_overrides(load_config(arguments.config), {"deployment.endpoint": arguments.endpoint})


def add_out(parser: argparse.ArgumentParser, default: str) -> None:
    """Add --out, a directory that is checked before the work begins."""
    words = f"directory to write to; default: {default}"
    # A default that is text is checked like a value that is given.
    parser.add_argument("--out", type=_writable, metavar="DIR", default=default, help=words)


def add_actor(parser: argparse.ArgumentParser) -> None:
    """Add --actor."""
    parser.add_argument("--actor", metavar="NAME", help="who is recorded in the history; default: the user")


def add_tracking(parser: argparse.ArgumentParser) -> None:
    """Add --tracking-uri, --no-tracking and --run-name."""
    parser.add_argument("--tracking-uri", metavar="URI", help="MLflow tracking URI; default: a SQLite store in mlruns/")
    parser.add_argument("--no-tracking", action="store_true", help="log nothing to MLflow")
    parser.add_argument("--run-name", metavar="NAME", help="name of the MLflow run; default: command and time")


def add_port(parser: argparse.ArgumentParser, default: int, words: str) -> None:
    """Add --port."""
    parser.add_argument("--port", type=_port, default=default, metavar="N", help=f"default: {default}{words}")


def _writable(text: str) -> Path:
    directory = Path(text)
    require_writable(directory, "--out")
    return directory


def _port(text: str) -> int:
    port = int(text) if text.isascii() and text.isdigit() else -1
    if not 0 <= port <= _HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; give a number from 0 to {_HIGHEST_PORT}")
    return port


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
