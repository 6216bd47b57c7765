"""Custom jobs of Vertex AI: create or join one, watch it to its end, cancel it."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lab_lens.errors import InputError, StageError
from lab_lens.jobs.launcher import Refusal, judge_failure, judge_request
from lab_lens.jobs.spec import Candidate, JobSpec

if TYPE_CHECKING:
    from google.api_core.retry import Retry
    from google.cloud.aiplatform_v1 import CustomJob, JobServiceClient

TASK_LABEL = "lab_lens_task"
_WAITING = ("JOB_STATE_UNSPECIFIED", "JOB_STATE_QUEUED", "JOB_STATE_PENDING")
_LIVE = (*_WAITING, "JOB_STATE_RUNNING", "JOB_STATE_UPDATING")
_SUCCEEDED = "JOB_STATE_SUCCEEDED"
_ENDED = (
    _SUCCEEDED,
    "JOB_STATE_FAILED",
    "JOB_STATE_CANCELLED",
    "JOB_STATE_EXPIRED",
    "JOB_STATE_PARTIALLY_SUCCEEDED",
)
_ATTEMPTS_TO_CREATE = 6
_SECONDS_OF_TRYING_TO_READ = 900.0
_FORBIDDEN = 403
# The connection broke; to be judged like a service that is not there.
_NO_ANSWER = 503
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Account:
    """Where jobs belong and as whom they run; an empty text is what the pipeline itself does not have.

    Args:
        project: project id or number.
        region: region of the pipeline.
        service_account: address of the account that the job runs as.
        network: full name of the peered VPC network.
        kms_key: full name of the key that encrypts what the job keeps.
        labels: labels of the pipeline, so that costs are found.
    """

    project: str
    region: str
    service_account: str = ""
    network: str = ""
    kms_key: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class VertexJobs:
    """The custom jobs of one task of a pipeline run.

    Args:
        account: where they belong.
        spec: what they are made of.
        command: what their containers run, its first words being the program.
        task_key: tells this task from all others; a job that carries it is joined, not made again.
        endpoint: address of the API with `{region}` where the region stands; plain http (for loopback) gets no
            credentials.
        poll_seconds: between two looks at a job.
    """

    account: Account
    spec: JobSpec
    command: Sequence[str]
    task_key: str
    endpoint: str = "https://{region}-aiplatform.googleapis.com"
    poll_seconds: float = 20.0
    sleep: Callable[[float], None] = time.sleep

    def attempt(self, candidate: Candidate) -> str | None:
        """Run the job on one candidate to its end; None: it succeeded, else why there was no such machine.

        Raises:
            InputError: the service refuses the job whatever the machine is.
            StageError: the job itself failed, was cancelled or took too long.
        """
        if candidate.region != self.account.region and self.account.kms_key:
            return f"the pipeline's key {self.account.kms_key} belongs to {self.account.region}"
        made = self._create(candidate)
        return made if isinstance(made, str) else self._watch(candidate.region, made)

    def join(self, regions: Sequence[str]) -> bool:
        """Watch a job of this task that an earlier try of the task started; False: there is none.

        Raises:
            StageError: the job failed, was cancelled or took too long.
        """
        for region in dict.fromkeys(regions):
            for job in self._jobs(region):
                if job.state.name in _LIVE or job.state.name == _SUCCEEDED:
                    _logger.info("joining the job that an earlier try of this task started")
                    return self._watch(region, job) is None
        return False

    def cancel(self, regions: Sequence[str]) -> None:
        """Cancel every job of this task that has not ended."""
        for region in dict.fromkeys(regions):
            for job in self._jobs(region):
                if job.state.name in _LIVE:
                    self._cancel(region, job)

    def _create(self, candidate: Candidate) -> "CustomJob | str":
        """The new job, or why there is no such machine."""
        from google.api_core.exceptions import GoogleAPICallError

        parent = self._parent(candidate.region)
        for attempt in range(_ATTEMPTS_TO_CREATE):
            # What broke may have been the answer alone.
            if attempt and (found := [job for job in self._jobs(candidate.region) if job.state.name in _LIVE]):
                return found[0]
            try:
                return self._client(candidate.region).create_custom_job(parent=parent, custom_job=self._job(candidate))
            except (GoogleAPICallError, OSError) as error:
                status, message = getattr(error, "code", None) or _NO_ANSWER, getattr(error, "message", str(error))
                refusal = judge_request(int(status), message)
                if refusal is Refusal.NEXT:
                    return str(message)
                if refusal is Refusal.STOP:
                    raise self._refused(f"a job on {candidate}", error) from error
                _logger.warning("the job could not be created, trying again: %s", message)
                self.sleep(self.poll_seconds * 2**attempt)
        raise StageError(f"Vertex AI in {candidate.region} could not create the job in {_ATTEMPTS_TO_CREATE} attempts")

    def _watch(self, region: str, job: "CustomJob") -> str | None:
        """Follow a job to its end; None: it succeeded, else why it never got its machine."""
        waited, has_run, gave_up = 0.0, False, ""
        for now in self._states(region, job):
            job = now
            has_run = has_run or job.state.name not in _WAITING
            if not (has_run or gave_up) and waited > self.spec.capacity_timeout_seconds:
                gave_up = f"no machine within {self.spec.capacity_timeout_seconds / 60:g} minutes"
                # The next job writes to the same places, so this one is watched until it has really ended.
                self._cancel(region, job)
            waited += self.poll_seconds
        if job.state.name == _SUCCEEDED:
            return None
        if gave_up and job.state.name == "JOB_STATE_CANCELLED":
            return gave_up
        if job.state.name == "JOB_STATE_FAILED" and judge_failure(job.error.code, job.error.message) is Refusal.NEXT:
            return str(job.error.message)
        raise StageError(self._failed(region, job))

    def _states(self, region: str, job: "CustomJob") -> "Iterator[CustomJob]":
        """The job at each look, the last one being its end."""
        shown = ""
        _logger.info("job: %s", self._link(region, job.name))
        while True:
            if job.state.name != shown:
                shown = job.state.name
                _logger.info("job is %s", shown.removeprefix("JOB_STATE_").lower())
            yield job
            if shown in _ENDED:
                return
            self.sleep(self.poll_seconds)
            with self._allowed("to read the job"):
                job = self._client(region).get_custom_job(name=job.name, retry=self._patience())

    def _cancel(self, region: str, job: "CustomJob") -> None:
        _logger.warning("cancelling %s", self._link(region, job.name))
        with self._allowed("to cancel the job"):
            self._client(region).cancel_custom_job(name=job.name)

    def _patience(self) -> "Retry":
        from google.api_core.retry import Retry

        return Retry(initial=min(1.0, self.poll_seconds), maximum=60.0, timeout=_SECONDS_OF_TRYING_TO_READ)

    @contextmanager
    def _allowed(self, what: str) -> Iterator[None]:
        """Tell a refusal in words."""
        from google.api_core.exceptions import GoogleAPICallError

        try:
            yield
        except GoogleAPICallError as error:
            raise self._refused(what, error) from error

    def _jobs(self, region: str) -> "list[CustomJob]":
        """Jobs that carry this task's key, the newest first."""
        asked = {"parent": self._parent(region), "filter": f'labels.{TASK_LABEL}="{self.task_key}"'}
        with self._allowed("to list jobs"):
            jobs = list(self._client(region).list_custom_jobs(asked, retry=self._patience()))
        return [job for job in jobs if job.labels.get(TASK_LABEL) == self.task_key]

    def _job(self, candidate: Candidate) -> dict[str, Any]:
        account, spec = self.account, self.spec
        scheduling = {
            "strategy": spec.strategy,
            "restart_job_on_worker_restart": spec.restart_job_on_worker_restart,
            "timeout": {"seconds": spec.timeout_seconds},
        }
        job_spec = {
            "worker_pool_specs": self._pools(candidate),
            "scheduling": scheduling,
            "service_account": account.service_account,
            "network": account.network,
        }
        return {
            "display_name": f"lab-lens-train-model-{self.task_key}",
            "labels": {**account.labels, TASK_LABEL: self.task_key},
            "job_spec": {name: value for name, value in job_spec.items() if value},
            **({"encryption_spec": {"kms_key_name": account.kms_key}} if account.kms_key else {}),
        }

    def _pools(self, candidate: Candidate) -> list[dict[str, Any]]:
        """The first pool has the one machine that leads; the others are workers."""
        machine = candidate.machine
        hardware: dict[str, Any] = {"machine_type": machine.machine_type}
        if machine.accelerator:
            hardware |= {"accelerator_type": machine.accelerator, "accelerator_count": machine.accelerator_count}
        container = {
            "image_uri": self.spec.image,
            "command": list(self.command[:1]),
            "args": list(self.command[1:]),
        }
        counts = [1, self.spec.replicas - 1] if self.spec.replicas > 1 else [1]
        return [{"machine_spec": hardware, "replica_count": count, "container_spec": container} for count in counts]

    def _parent(self, region: str) -> str:
        return f"projects/{self.account.project}/locations/{region}"

    def _client(self, region: str) -> "JobServiceClient":
        if region not in self._clients:
            self._clients[region] = _client_at(self.endpoint.format(region=region))
        return self._clients[region]

    @cached_property
    def _clients(self) -> "dict[str, JobServiceClient]":
        return {}

    def _link(self, region: str, name: str) -> str:
        job = name.rsplit("/", 1)[1]
        return f"https://console.cloud.google.com/vertex-ai/locations/{region}/training/{job}?project={self.account.project}"

    def _refused(self, what: str, error: Any) -> InputError:
        cure = "correct resources.training, or what it names"
        if int(error.code or 0) == _FORBIDDEN:
            account = self.account.service_account or "the pipeline's service account"
            cure = f"give {account} roles/aiplatform.user, and roles/iam.serviceAccountUser on itself"
        return InputError(f"Vertex AI refuses {what} ({error.code}): {error.message}; {cure}")

    def _failed(self, region: str, job: "CustomJob") -> str:
        state = job.state.name.removeprefix("JOB_STATE_").lower()
        words = {
            "expired": f"took longer than resources.training.timeout_hours ({self.spec.timeout_seconds / 3600:g})",
            "cancelled": "was cancelled",
        }
        reason = f": {job.error.message}" if job.error.message else ""
        return f"the training job {words.get(state, state)}{reason}; {self._link(region, job.name)}"


def _client_at(endpoint: str) -> "JobServiceClient":
    from google.auth.credentials import AnonymousCredentials
    from google.cloud.aiplatform_v1 import JobServiceClient

    # Credentials never travel in clear text.
    credentials = AnonymousCredentials() if endpoint.startswith("http://") else None
    return JobServiceClient(
        credentials=credentials, transport="rest", client_options={"api_endpoint": endpoint.removeprefix("https://")}
    )
