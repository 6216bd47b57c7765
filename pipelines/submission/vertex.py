"""Runs on Vertex AI Pipelines, by Google's own clients of its API.

`aiplatform.PipelineJob.submit` is not used: before each submission it asks the Cloud Resource Manager, which costs a
minute where that cannot be reached, makes buckets that nobody asked for, and keeps its settings for the whole process.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

from google.api_core import retry as retries
from google.api_core.exceptions import Conflict, GoogleAPICallError, RetryError, ServiceUnavailable
from google.auth import default as find_credentials
from google.auth.credentials import AnonymousCredentials, Credentials
from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError, TransportError
from google.cloud import aiplatform_v1 as vertex
from requests.exceptions import ConnectionError as ConnectionFailedError
from requests.exceptions import RequestException, Timeout

from lab_lens.errors import InputError
from pipelines.submission import names
from pipelines.submission.answers import Wording, one_line, refusal
from pipelines.submission.gcs import find_bucket
from pipelines.submission.parameters import vertex_values
from pipelines.submission.runs import (
    DECIDING_TASK,
    RunView,
    Started,
    Submission,
    TaskView,
    in_order,
    seconds_between,
)
from pipelines.submission.template import parameters_of
from pipelines.submission.vertex_settings import VertexSettings, is_loopback

_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
_LOGIN = "run `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS to a key or login file"
_CONSOLE = "https://console.cloud.google.com/vertex-ai/locations"
_Answer = TypeVar("_Answer")


def credentials_for(endpoint: str) -> Credentials:
    """Application default credentials; none for a server on loopback, which could not check them.

    Raises:
        InputError: there are none.
    """
    if is_loopback(endpoint):
        return AnonymousCredentials()
    try:
        found, _ = find_credentials(scopes=_SCOPES)
    except DefaultCredentialsError as error:
        raise InputError(f"no Google Cloud credentials: {one_line(str(error)).split('. ')[0]}; {_LOGIN}") from error
    return found


class VertexService:
    """Vertex AI Pipelines of one project and region.

    Args:
        settings: checked before (`VertexSettings.problems`).
        timeout_seconds: for one call.
        patience_seconds: how long a patient look bears a service that is away; the run goes on without us.

    Raises:
        InputError: there are no credentials.
    """

    def __init__(
        self, settings: VertexSettings, *, timeout_seconds: float = 60.0, patience_seconds: float = 300.0
    ) -> None:
        self._settings = settings
        self._patience = patience_seconds
        self._timeout = timeout_seconds
        self._credentials = credentials_for(settings.endpoint)
        options = {
            "credentials": self._credentials,
            "transport": "rest",
            "client_options": {"api_endpoint": settings.endpoint or f"{settings.region}-aiplatform.googleapis.com"},
        }
        self._pipelines = vertex.PipelineServiceClient(**options)
        self._schedules = vertex.ScheduleServiceClient(**options)

    def __enter__(self) -> "VertexService":
        return self

    def __exit__(self, *_: object) -> None:
        self._pipelines.transport.close()
        self._schedules.transport.close()

    def staging_note(self) -> str:
        """What should be known of the staging bucket; empty: it is there.

        Raises:
            InputError: there is no such bucket.
        """
        bucket, project = names.bucket_of(self._settings.staging_bucket), self._settings.project
        found = find_bucket(bucket, project, self._credentials)
        if found == "absent":
            make = f"gcloud storage buckets create gs://{bucket} --project={project} --location={self._settings.region}"
            raise InputError(f"the bucket gs://{bucket} does not exist; `{make}` makes it")
        return "" if found == "found" else f"the bucket gs://{bucket} was not checked: {found}"

    def submit(self, submission: Submission, run_id: str) -> Started:
        """Start a run under an id of ours, so that a repeated call cannot start a second one.

        Raises:
            InputError: the service refuses it, or does not answer.
            LabLensError: the service failed.
        """
        job, name = self._job(submission), f"{self._parent}/pipelineJobs/{run_id}"
        request = vertex.CreatePipelineJobRequest(parent=self._parent, pipeline_job=job, pipeline_job_id=run_id)
        attempts: list[int] = []

        def create() -> str:
            attempts.append(1)
            return str(self._pipelines.create_pipeline_job(request, timeout=self._timeout).name)

        with self._errors("submitting the run", "aiplatform.pipelineJobs.create"):
            try:
                name = _when_available(create)
            except Conflict:
                # Our own first attempt got through and only its answer was lost.
                if len(attempts) == 1:
                    raise
        return Started(run_id, name, self._link(f"runs/{run_id}"))

    def schedule(self, submission: Submission, cron: str) -> Started:
        """Start runs at the times of `cron`, one at a time.

        Raises:
            InputError: the service refuses it, or does not answer.
            LabLensError: the service failed.
        """
        inner = vertex.CreatePipelineJobRequest(parent=self._parent, pipeline_job=self._job(submission))
        schedule = vertex.Schedule(
            display_name=submission.run_name,
            cron=cron,
            max_concurrent_run_count=1,
            create_pipeline_job_request=inner,
        )
        with self._errors("making the schedule", "aiplatform.schedules.create"):
            made = self._schedules.create_schedule(parent=self._parent, schedule=schedule, timeout=self._timeout)
        short = made.name.rsplit("/", 1)[1]
        return Started(short, made.name, self._link(f"schedules/{short}"))

    def view(self, run: str, *, patient: bool = False) -> RunView:
        """Look at a run.

        Raises:
            InputError: there is no such run, or the service does not answer.
            LabLensError: the service failed.
        """
        policy = retries.Retry(_is_passing, initial=0.5, maximum=20.0, timeout=self._patience) if patient else None
        with self._errors("looking at the run", "aiplatform.pipelineJobs.get"):
            job = self._pipelines.get_pipeline_job(name=self._name(run), timeout=self._timeout, retry=policy)
        return self._view_of(job)

    def cancel(self, run: str) -> None:
        """Ask for the end of a run.

        Raises:
            InputError: there is no such run, or the service does not answer.
            LabLensError: the service failed.
        """
        with self._errors("cancelling the run", "aiplatform.pipelineJobs.cancel"):
            self._pipelines.cancel_pipeline_job(name=self._name(run), timeout=self._timeout)

    def end_schedule(self, schedule: str) -> None:
        """Delete a schedule; runs at work go on.

        Raises:
            InputError: there is no such schedule, or the service does not answer.
            LabLensError: the service failed.
        """
        name = schedule if "/" in schedule else f"{self._parent}/schedules/{schedule}"
        with self._errors("ending the schedule", "aiplatform.schedules.delete"):
            self._schedules.delete_schedule(name=name, timeout=self._timeout)

    @property
    def _parent(self) -> str:
        return f"projects/{self._settings.project}/locations/{self._settings.region}"

    def _name(self, run: str) -> str:
        return run if "/" in run else f"{self._parent}/pipelineJobs/{run}"

    def _link(self, page: str) -> str:
        return f"{_CONSOLE}/{self._settings.region}/pipelines/{page}?project={self._settings.project}"

    def _job(self, submission: Submission) -> vertex.PipelineJob:
        """The whole job in Google's own type.

        Raises:
            InputError: parameters that the pipeline lacks, or that are lacking.
        """
        given = vertex_values(submission.parameters)
        values, problems = parameters_of(submission.document, given)
        if problems:
            raise InputError(problems)
        settings = self._settings
        job = {
            "display_name": submission.run_name,
            "pipeline_spec": submission.document,
            "labels": dict(settings.labels),
            "runtime_config": {"gcs_output_directory": settings.staging_bucket, "parameter_values": values},
            "service_account": settings.service_account,
            "network": settings.network,
            "template_uri": submission.template_uri,
        }
        if settings.kms_key:
            job["encryption_spec"] = {"kms_key_name": settings.kms_key}
        return vertex.PipelineJob(job)

    def _view_of(self, job: vertex.PipelineJob) -> RunView:
        short = job.name.rsplit("/", 1)[1]
        tasks = [task for task in job.job_detail.task_details if task.parent_task_id or task.task_name != short]
        return RunView(
            run=short,
            name=job.name,
            state=job.state.name.removeprefix("PIPELINE_STATE_"),
            link=self._link(f"runs/{short}"),
            tasks=in_order((_time(task.start_time), _task_view(task)) for task in tasks),
            verdict=_verdict(tasks),
            seconds=seconds_between(_time(job.start_time), _time(job.end_time)),
            error=one_line(job.error.message),
        )

    @contextmanager
    def _errors(self, doing: str, permission: str) -> Iterator[None]:
        """Turn what Google's clients raise into one line with the cure."""
        words = Wording(
            service=f"Vertex AI in {self._settings.region}",
            role=f"the caller needs {permission} in {self._settings.project} (roles/aiplatform.user), and "
            "roles/iam.serviceAccountUser on the --service-account; the API aiplatform.googleapis.com must be enabled",
            missing="check --project and --region, and the id: a run is looked up where it was submitted to",
            unreachable=f"check --region {self._settings.region}, the network, a proxy, or --api-endpoint",
            login=_LOGIN,
        )
        try:
            yield
        except RetryError as error:
            raise _refusal(error.cause or error, doing, words) from error
        except (GoogleAPICallError, RequestException, GoogleAuthError) as error:
            raise _refusal(error, doing, words) from error


def _refusal(error: BaseException, doing: str, words: Wording) -> Exception:
    match error:
        case GoogleAPICallError():
            metadata = dict(error.metadata or {})
            return refusal(int(error.code or 500), str(error.message), doing, words, metadata)
        case GoogleAuthError() if not isinstance(error, TransportError):
            return refusal(401, "", doing, words)
        case Timeout():
            return refusal(0, "it did not answer in time", doing, words)
        case _:
            return refusal(0, type(error).__name__, doing, words)


def _is_passing(error: BaseException) -> bool:
    """Whether a look that failed may succeed a little later."""
    if isinstance(error, GoogleAPICallError):
        return error.code is not None and (int(error.code) == 429 or int(error.code) >= 500)
    return isinstance(error, (ConnectionFailedError, Timeout))


def _when_available(call: Callable[[], _Answer]) -> _Answer:
    """Repeat a call for a few seconds while the service says that it is not available."""
    again = retries.Retry(retries.if_exception_type(ServiceUnavailable), initial=0.5, maximum=4.0, timeout=20.0)
    answer: _Answer = again(call)()
    return answer


def _task_view(task: vertex.PipelineTaskDetail) -> TaskView:
    seconds = seconds_between(_time(task.start_time), _time(task.end_time))
    return TaskView(task.task_name, task.state.name, seconds, one_line(task.error.message))


def _verdict(tasks: list[vertex.PipelineTaskDetail]) -> str:
    """The plain output of the task that decides, which Vertex keeps with the task's execution."""
    for task in tasks:
        if task.task_name == DECIDING_TASK:
            return str((task.execution.metadata or {}).get("output:Output", ""))
    return ""


def _time(given: Any) -> datetime | None:
    """A moment, or None where Google's type says that there is none."""
    return given if isinstance(given, datetime) else None
