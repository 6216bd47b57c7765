"""From what the user gave to what is sent; every problem is told at once, before the first call to a service."""

import re
import secrets
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from lab_lens.errors import InputError
from pipelines.compile import CompileOptions, compile_pipeline
from pipelines.submission.artifact_registry import download_template, is_template_uri
from pipelines.submission.kubeflow_settings import KubeflowSettings
from pipelines.submission.names import cron_problem
from pipelines.submission.parameters import kubeflow_problems, vertex_problems
from pipelines.submission.runs import Submission
from pipelines.submission.template import image_problems, named_by_its_job, parameters_of, read_template, without_cache
from pipelines.submission.vertex_settings import VertexSettings

_NOT_IN_A_RUN_ID = re.compile(r"[^a-z0-9]+")
_MOST_ID_CHARS = 128
_Value = TypeVar("_Value")


@dataclass(frozen=True)
class SubmitRequest:
    """What `lab-lens submit` is asked to send.

    Args:
        settings: of the service.
        parameters: of the pipeline; the run's name is one of them.
        options: of the compilation, when there is no template.
        template: a file or the address of a template; empty: the pipeline is compiled.
        cron: start it at these times; empty: once, now.
        use_cache: let tasks take over what earlier runs wrote, where the pipeline allows it.
        token: for the address of a template; empty: application default credentials.
    """

    settings: VertexSettings | KubeflowSettings
    parameters: Mapping[str, str]
    options: CompileOptions
    template: str = ""
    cron: str = ""
    use_cache: bool = True
    token: str = ""


def prepare(request: SubmitRequest) -> Submission:
    """Check everything, compile or fetch the pipeline, and put it together.

    Raises:
        InputError: every problem that can be seen from here.
    """
    check = vertex_problems if isinstance(request.settings, VertexSettings) else kubeflow_problems
    problems = [*request.settings.problems(), *check(request.parameters)]
    problem = cron_problem(request.cron) if request.cron else None
    problems += [problem] if problem else []
    fetched = is_template_uri(request.template)
    document = None if fetched else collected(lambda: _document(request), problems)
    if document is not None:
        problems += _document_problems(document, request)
    if problems:
        raise InputError(problems)
    if document is None:
        # Only what is right so far is worth a call.
        document = download_template(request.template, token=request.token)
        problems = _document_problems(document, request)
        if problems:
            raise InputError(problems)
    return Submission(
        document=_changed(document, request),
        parameters=dict(request.parameters),
        run_name=request.parameters["run_name"],
        template_uri=request.template if fetched else "",
    )


def run_id(run_name: str, stamp: str) -> str:
    """A new id that a run can have on Vertex AI: lower-case letters, digits and hyphens, a letter first.

    Args:
        run_name: what people call the run.
        stamp: the time; four random digits behind it tell submissions of one second apart.
    """
    slug = _NOT_IN_A_RUN_ID.sub("-", run_name.lower()).strip("-")
    if not slug[:1].isalpha():
        slug = f"run-{slug}".rstrip("-")
    end = f"-{stamp.lower()}-{secrets.token_hex(2)}"
    return slug[: _MOST_ID_CHARS - len(end)].rstrip("-") + end


def _document(request: SubmitRequest) -> dict[str, Any]:
    if request.template:
        return read_template(Path(request.template))
    with tempfile.TemporaryDirectory() as scratch:
        return read_template(compile_pipeline(Path(scratch) / "pipeline.yaml", request.options))


def _document_problems(document: Mapping[str, Any], request: SubmitRequest) -> list[str]:
    return [*image_problems(document), *parameters_of(document, request.parameters)[1]]


def _changed(document: dict[str, Any], request: SubmitRequest) -> dict[str, Any]:
    changed = document if request.use_cache else without_cache(document)
    return named_by_its_job(changed) if request.cron else changed


def collected(make: Callable[[], _Value], problems: list[str]) -> _Value | None:
    """What `make` gives, or None and its problems beside the others."""
    try:
        return make()
    except InputError as error:
        problems.extend(error.problems)
        return None
