"""Parse the command line, run the sub-command, turn errors into one clear line and an exit status."""

import argparse
from collections.abc import Sequence

from lab_lens import __version__
from lab_lens.cli import (
    analyze_sensitivity,
    compile_pipeline,
    config,
    decide_release,
    demo,
    deploy_model,
    detect_bias,
    generate_summaries,
    mlflow_ui,
    prepare_data,
    register_model,
    registry,
    rollback_model,
    run,
    serve,
    train_model,
    validate_model,
)
from lab_lens.cli.console import say_problems, set_up_logging
from lab_lens.errors import EXIT_INTERNAL, InputError, LabLensError

_COMMANDS = (
    demo,
    run,
    prepare_data,
    train_model,
    generate_summaries,
    validate_model,
    detect_bias,
    analyze_sensitivity,
    decide_release,
    register_model,
    deploy_model,
    rollback_model,
    registry,
    serve,
    config,
    compile_pipeline,
    mlflow_ui,
)
_INTERRUPTED = 130


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = argparse.ArgumentParser(
        prog="lab-lens",
        description="Teach a model to summarize hospital discharge notes; release it only when it is proven good.",
        epilog="example:\n  lab-lens demo --out demo-run",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"lab-lens {__version__}")
    parser.add_argument("--verbose", action="store_true", help="show the records of every library, and tracebacks")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in _COMMANDS:
        command.add_parser(subparsers)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run `lab-lens`; returns the exit status (0 done, 1 internal error, 2 wrong input, 3 a gate said no)."""
    arguments = build_parser().parse_args(argv)
    set_up_logging(arguments.verbose)
    try:
        status: int = arguments.run(arguments)
    except LabLensError as error:
        if arguments.verbose:
            raise
        say_problems(error.problems if isinstance(error, InputError) else [str(error)])
        return error.exit_code
    except ModuleNotFoundError as error:
        say_problems([f"{error.name} is not installed; install all of lab-lens: pip install 'lab-lens[all]'"])
        return InputError.exit_code
    except (PermissionError, FileExistsError, IsADirectoryError, NotADirectoryError) as error:
        say_problems([f"{error.filename}: {error.strerror}; choose a path that you may write to"])
        return InputError.exit_code
    except OSError as error:
        say_problems([f"{error.filename or 'system'}: {error.strerror or error}"])
        return EXIT_INTERNAL
    except KeyboardInterrupt:
        say_problems(["interrupted; the same command continues where it can"])
        return _INTERRUPTED
    return status
