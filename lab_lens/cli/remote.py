"""Runs elsewhere: which service, as whom, and what is shown of them; shared by submit, status and cancel."""

import argparse
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lab_lens.cli.checkout import need_checkout
from lab_lens.cli.console import say, say_table
from lab_lens.errors import InputError

if TYPE_CHECKING:
    from pipelines.submission.kubeflow_settings import KubeflowSettings
    from pipelines.submission.runs import RunService, RunView, TaskView
    from pipelines.submission.vertex_settings import VertexSettings

_FULL_NAME = re.compile(r"projects/([^/]+)/locations/([^/]+)/(?:pipelineJobs|schedules)/[^/]+")
_RUN_ID = re.compile(r"\w[\w.-]*")
_KUBEFLOW_ONLY = ("namespace", "experiment")
_VERTEX_ONLY = ("project", "region", "staging_bucket", "network", "kms_key", "labels", "api_endpoint")


def add_service(parser: argparse.ArgumentParser) -> None:
    """Add what says where runs are: --project and --region, or --kubeflow."""
    vertex = parser.add_argument_group("Vertex AI Pipelines")
    vertex.add_argument("--project", default="", metavar="ID", help="Google Cloud project")
    vertex.add_argument("--region", default="", metavar="REGION", help="such as us-central1")
    words = "address of the API (https), for Private Service Connect; default: the region's public one"
    vertex.add_argument("--api-endpoint", default="", metavar="URL", help=words)
    kubeflow = parser.add_argument_group("Kubeflow Pipelines")
    kubeflow.add_argument("--kubeflow", default="", metavar="HOST", help="address of the cluster's pipelines")
    kubeflow.add_argument("--namespace", default="", metavar="NS", help="of a cluster with several users")
    add_token(kubeflow)


def add_token(parser: "argparse._ActionsContainer") -> None:
    """Add --token-env and --token-file; a token itself never stands on a command line."""
    words = "environment variable that holds a bearer token"
    parser.add_argument("--token-env", default="", metavar="NAME", help=words)
    parser.add_argument("--token-file", type=Path, metavar="FILE", help="file that holds a bearer token")


def add_run(parser: argparse.ArgumentParser, words: str) -> None:
    """Add RUN."""
    parser.add_argument("run_id", metavar="RUN", help=words)


def token(arguments: argparse.Namespace) -> str:
    """The token that --token-env or --token-file leads to; empty: none is named.

    Raises:
        InputError: it is not there.
    """
    if arguments.token_env:
        found = os.environ.get(arguments.token_env, "").strip()
        if not found:
            raise InputError(f"--token-env {arguments.token_env}: this environment variable is not set, or empty")
        return found
    if arguments.token_file is None:
        return ""
    try:
        found = str(arguments.token_file.read_text(encoding="utf-8")).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"--token-file {arguments.token_file} cannot be read ({type(error).__name__})") from error
    if not found:
        raise InputError(f"--token-file {arguments.token_file} is empty")
    return found


def place_problems(arguments: argparse.Namespace) -> list[str]:
    """What is lacking or contradicts itself in where the run is."""
    if arguments.kubeflow:
        given = [name for name in _VERTEX_ONLY if getattr(arguments, name, "")]
        return [f"--{name.replace('_', '-')} is for Vertex AI; leave it out with --kubeflow" for name in given]
    given = [name for name in _KUBEFLOW_ONLY if getattr(arguments, name, "")]
    if given:
        return [f"--{name} is for Kubeflow; give --kubeflow HOST, or leave it out" for name in given]
    lacking = [name for name in ("project", "region") if not getattr(arguments, name)]
    if lacking == ["project", "region"]:
        return ["give --project and --region (Vertex AI Pipelines), or --kubeflow HOST"]
    return [f"--{name} is needed for Vertex AI Pipelines" for name in lacking]


def _run_problems(run: str) -> list[str]:
    if _RUN_ID.fullmatch(run) or _FULL_NAME.fullmatch(run):
        return []
    return [f"{run!r} is no run; give the id that submit showed, or projects/P/locations/R/pipelineJobs/ID"]


def place_from_run(arguments: argparse.Namespace) -> None:
    """Let a full name `projects/P/locations/R/pipelineJobs/RUN` say which project and region are meant."""
    found = _FULL_NAME.fullmatch(arguments.run_id)
    if found is not None and not arguments.kubeflow:
        arguments.project = arguments.project or found[1]
        arguments.region = arguments.region or found[2]


@contextmanager
def existing_run_service(arguments: argparse.Namespace) -> Iterator["RunService"]:
    """The service that a run of the past is looked up in.

    Raises:
        InputError: it is not said which, or it cannot be reached.
    """
    with need_checkout():
        from pipelines.submission.kubeflow_settings import KubeflowSettings
        from pipelines.submission.vertex_settings import VertexSettings

    place_from_run(arguments)
    problems = [*_run_problems(arguments.run_id), *place_problems(arguments)]
    settings: VertexSettings | KubeflowSettings
    if arguments.kubeflow:
        settings = KubeflowSettings(arguments.kubeflow, namespace=arguments.namespace, token=token(arguments))
    else:
        settings = VertexSettings(arguments.project, arguments.region, endpoint=arguments.api_endpoint)
    problems = problems or settings.problems()
    if problems:
        raise InputError(problems)
    with service(settings) as found:
        yield found


@contextmanager
def service(settings: "VertexSettings | KubeflowSettings") -> Iterator["RunService"]:
    """Connect to the service that the settings are of."""
    with need_checkout():
        from pipelines.submission.vertex_settings import VertexSettings
    if isinstance(settings, VertexSettings):
        from pipelines.submission.vertex import VertexService

        with VertexService(settings) as vertex:
            yield vertex
        return
    from pipelines.submission.kubeflow import KubeflowService

    with KubeflowService(settings) as kubeflow:
        yield kubeflow


def where(arguments: argparse.Namespace) -> str:
    """The options that lead status and cancel to the same service."""
    if not arguments.kubeflow:
        return f"--project {arguments.project} --region {arguments.region}"
    return f"--kubeflow {arguments.kubeflow}" + (f" --namespace {arguments.namespace}" if arguments.namespace else "")


def say_task(task: "TaskView") -> None:
    """Tell that a task has a new state."""
    say("  ".join(part for part in (task.state.ljust(10), task.name, _duration(task.seconds)) if part))


def say_run(view: "RunView") -> None:
    """Show a run and its tasks."""
    rows = [
        ("run", view.run),
        ("state", view.state),
        ("verdict", view.verdict or "not decided"),
        ("duration", _duration(view.seconds) or "not started"),
        *((("error", view.error),) if view.error else ()),
        ("link", view.link),
    ]
    say_table(("", ""), rows)
    if view.tasks:
        say_table(
            ("task", "state", "duration", "error"),
            [(task.name, task.state, _duration(task.seconds), task.error) for task in view.tasks],
        )


def _duration(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.1f} s"
