"""Parse the command line, run the sub-command, turn errors into one clear line and an exit status."""

import traceback
from collections.abc import Sequence

from lab_lens import __version__
from lab_lens.cli import (
    analyze_sensitivity,
    cancel,
    compile_pipeline,
    config,
    decide_release,
    demo,
    deploy_model,
    detect_bias,
    doctor,
    generate_summaries,
    mirror_model,
    mlflow_ui,
    notify,
    prepare_data,
    register_model,
    registry,
    report,
    rollback_model,
    run,
    select_hyperparameters,
    serve,
    status,
    submit,
    train_model,
    tune_hyperparameters,
    upload_template,
    validate_model,
)
from lab_lens.cli.arguments import Parser, add_verbose, show_help_without_command
from lab_lens.cli.console import say_problems, set_up_logging
from lab_lens.errors import EXIT_INPUT, EXIT_INTERRUPTED, InputError, LabLensError

_COMMANDS = (
    demo,
    run,
    prepare_data,
    tune_hyperparameters,
    select_hyperparameters,
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
    report,
    serve,
    config,
    doctor,
    compile_pipeline,
    upload_template,
    submit,
    status,
    cancel,
    notify,
    mirror_model,
    mlflow_ui,
)
_EXPECTED = (LabLensError, ModuleNotFoundError, OSError, KeyboardInterrupt)


def build_parser() -> Parser:
    """The whole command line."""
    parser = Parser(
        prog="lab-lens",
        description="Teach a model to summarize hospital discharge notes; release it only when it is proven good.",
        epilog="example:\n  lab-lens demo --out demo-run",
    )
    parser.add_argument("--version", action="version", version=f"lab-lens {__version__}")
    add_verbose(parser)
    show_help_without_command(parser)
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for command in _COMMANDS:
        command.add_parser(subparsers)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run `lab-lens`; returns the exit status (0 done, 1 internal error, 2 wrong input or environment, 3 a gate's no).

    An error that nobody expected keeps its traceback, and Python ends with status 1.
    """
    verbose = False
    try:
        arguments = build_parser().parse_args(argv)
        verbose = arguments.verbose
        set_up_logging(verbose)
        status: int = arguments.run(arguments)
    except _EXPECTED as error:
        if verbose:
            traceback.print_exception(error)
        problems, status = _ending(error)
        say_problems(problems)
    return status


def _ending(error: BaseException) -> tuple[Sequence[str], int]:
    """What to say about an error, a line each, and the exit status."""
    match error:
        case InputError():
            return error.problems, error.exit_code
        case LabLensError():
            return [str(error)], error.exit_code
        case ModuleNotFoundError():
            return [f"{error.name} is not installed; install all of lab-lens: pip install 'lab-lens[all]'"], EXIT_INPUT
        case OSError():
            # A rename names its target second, and the first name is a temporary file's.
            path = error.filename2 or error.filename
            return [f"{path}: {error.strerror}" if path else str(error)], EXIT_INPUT
        case _:
            return ["interrupted; the same command continues where it can"], EXIT_INTERRUPTED
