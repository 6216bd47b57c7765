"""`python -m lab_lens.jobs`: run a command as a custom job of Vertex AI, and wait for it."""

import argparse
import hashlib
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from lab_lens.errors import EXIT_DONE, ContractError, InputError, LabLensError
from lab_lens.jobs.launcher import launch
from lab_lens.jobs.spec import candidates, parse_job_spec
from lab_lens.jobs.vertex import Account, VertexJobs

_INTERRUPTED = 130
_KEY_CHARS = 32
# Linux takes no longer argument, so a container with one would not start.
_MAX_ARGUMENT_BYTES = 128 * 1024 - 1
_RUN_LABELS = "VERTEX_AI_PIPELINES_RUN_LABELS"
_LOOKS_FOR_OUTPUT = 10


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}; see python -m lab_lens.jobs --help")


def main(argv: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a job; returns the exit status (0 done, 1 the job failed, 2 it was refused, 130 interrupted)."""
    logging.basicConfig(stream=sys.stdout, format="%(message)s", level=logging.INFO)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        _run(argv, environment)
    except LabLensError as error:
        problems = error.problems if isinstance(error, InputError) else [str(error)]
        sys.stderr.writelines(f"lab-lens: error: {problem}\n" for problem in problems)
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("lab-lens: error: interrupted; the job was told to end\n")
        return _INTERRUPTED
    return EXIT_DONE


def _run(argv: Sequence[str], environment: Mapping[str, str]) -> None:
    options, command = _parse(argv)
    output = _output_file(command)
    jobs = VertexJobs(
        Account(
            options.project,
            options.region,
            options.service_account,
            options.network,
            options.kms_key,
            _labels(environment),
        ),
        parse_job_spec(options.job),
        command,
        # The place of the output is this task's own, and stays the same when the task is tried again.
        hashlib.sha256(str(output).encode()).hexdigest()[:_KEY_CHARS],
        options.api_endpoint,
        options.poll_seconds,
    )
    to_try = candidates(jobs.spec, options.region)
    regions = [candidate.region for candidate in to_try]
    try:
        if not jobs.join(regions):
            launch(to_try, jobs.attempt)
    except KeyboardInterrupt:
        jobs.cancel(regions)
        raise
    _require_output(output, options.poll_seconds)


def _parse(argv: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """Our own options, and the command that stands behind `--`."""
    if "--" not in argv:
        raise InputError("the command that the job runs is missing: give it behind `--`")
    end = list(argv).index("--")
    command = list(argv[end + 1 :])
    too_long = [name for name in command if len(name.encode()) > _MAX_ARGUMENT_BYTES]
    if too_long:
        raise InputError(
            f"an argument of the training has {len(too_long[0].encode())} bytes and a container takes "
            f"{_MAX_ARGUMENT_BYTES} at most; the configuration travels in it: shorten that"
        )
    return _parser().parse_args(argv[:end]), command


def _parser() -> _Parser:
    parser = _Parser("python -m lab_lens.jobs", description=__doc__, allow_abbrev=False)
    parser.add_argument("--job", required=True, metavar="JSON", help="what the job is made of (lab_lens.jobs.spec)")
    parser.add_argument("--project", required=True, help="project that the job belongs to")
    parser.add_argument("--region", required=True, help="region of the pipeline")
    parser.add_argument("--service-account", default="", metavar="ADDRESS", help="account that the job runs as")
    parser.add_argument("--network", default="", metavar="NAME", help="peered VPC network")
    parser.add_argument("--kms-key", default="", metavar="NAME", help="key that encrypts what the job keeps")
    parser.add_argument("--api-endpoint", default=VertexJobs.endpoint, metavar="URL", help="default: %(default)s")
    parser.add_argument("--poll-seconds", type=float, default=VertexJobs.poll_seconds, metavar="S")
    return parser


def _output_file(command: Sequence[str]) -> Path:
    try:
        executor_input = json.loads(command[command.index("--executor_input") + 1])
        return Path(executor_input["outputs"]["outputFile"])
    except (ValueError, IndexError, KeyError, TypeError) as error:
        raise InputError(
            "the command has no executor input that names its output file: this program runs as a task of a pipeline "
            "that lab-lens compiled for Vertex AI"
        ) from error


def _labels(environment: Mapping[str, str]) -> dict[str, str]:
    """Labels of the pipeline run, as Vertex AI tells them to its tasks."""
    try:
        labels = json.loads(environment.get(_RUN_LABELS, "{}"))
    except json.JSONDecodeError:
        raise InputError(f"{_RUN_LABELS} is not JSON") from None
    return {str(name): str(value) for name, value in labels.items()}


def _require_output(output: Path, seconds: float) -> None:
    # Cloud Storage as a file system shows what another machine wrote a little later.
    for _ in range(_LOOKS_FOR_OUTPUT):
        if output.is_file():
            return
        time.sleep(min(seconds, 1.0))
    raise ContractError(f"the training job ended well but never wrote {output}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
