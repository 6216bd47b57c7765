"""The same compiled file on a Kubeflow Pipelines cluster, by kfp.Client."""

import contextlib
import io
import json
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import kfp
import kfp_server_api
import urllib3
import yaml

from lab_lens.errors import InputError
from pipelines.submission.answers import Wording, one_line, refusal
from pipelines.submission.kubeflow_settings import KubeflowSettings
from pipelines.submission.names import split_zone
from pipelines.submission.runs import (
    DECIDING_TASK,
    FAILED,
    NOT_PROMOTE,
    SUCCEEDED,
    RunView,
    Started,
    Submission,
    TaskView,
    in_order,
    seconds_between,
)
from pipelines.submission.template import parameters_of

# What the graph does with each verdict: this cluster's API tells states of tasks, and no plain outputs.
_PROMOTING_TASK = "register-model"
_STATES = {"CANCELED": "CANCELLED", "CANCELING": "CANCELLING", "RUNTIME_STATE_UNSPECIFIED": "PENDING"}
_DRIVERS = ("-driver", "executor")
_LONGEST_PAUSE_SECONDS = 60.0
_PASSING = (0, 429, 500, 502, 503, 504)


class KubeflowService:
    """Kubeflow Pipelines (API v2beta1) at one address.

    Args:
        settings: checked before (`KubeflowSettings.problems`).
        timeout_seconds: for one call.

    Raises:
        InputError: nothing answers there, or it does not let us in.
    """

    def __init__(self, settings: KubeflowSettings, *, timeout_seconds: int = 60) -> None:
        self._settings = settings
        self._timeout = timeout_seconds
        self._require_healthy()
        with self._errors("connecting"), warnings.catch_warnings():
            # kfp.Client warns each time that it needs a cluster of version 2.
            warnings.simplefilter("ignore", FutureWarning)
            # A namespace keeps the client from asking for one, with pauses of 5 s, where there are no users.
            self._client = kfp.Client(
                host=settings.host,
                existing_token=settings.token or None,
                namespace=settings.namespace or "kubeflow",
            )
        self._api: kfp_server_api.ApiClient = self._client._run_api.api_client
        # kfp.Client has no time limits: a cluster that accepts a call and never answers would hold us for ever.
        self._api.request = _limited(self._api.request, timeout_seconds)
        # One attempt a call: what is worth repeating is repeated here, without a warning for each attempt.
        pools = self._api.rest_client.pool_manager
        pools.connection_pool_kw["retries"] = urllib3.Retry(0)
        pools.clear()

    def __enter__(self) -> "KubeflowService":
        return self

    def __exit__(self, *_: object) -> None:
        self._api.rest_client.pool_manager.clear()
        self._api.close()

    def staging_note(self) -> str:
        """Nothing: where tasks write is the cluster's own."""
        return ""

    def submit(self, submission: Submission, run_id: str) -> Started:
        """Start a run; the cluster gives the id, and `run_id` is the name that people see.

        Raises:
            InputError: the cluster refuses it, or does not answer.
            LabLensError: the cluster failed.
        """
        with self._errors("submitting the run"), _package(submission.document) as package, _quiet():
            made = self._client.run_pipeline(
                self._experiment_id(),
                run_id,
                pipeline_package_path=str(package),
                params=self._parameters(submission),
                service_account=self._settings.service_account or None,
            )
        return Started(made.run_id, run_id, self._link("runs", made.run_id))

    def schedule(self, submission: Submission, cron: str) -> Started:
        """Start runs at the times of `cron`, one at a time; a missed time is not caught up.

        Raises:
            InputError: the cluster refuses it, or does not answer.
            LabLensError: the cluster failed.
        """
        zone, fields = split_zone(cron)
        with self._errors("making the recurring run"), _package(submission.document) as package, _quiet():
            made = self._client.create_recurring_run(
                self._experiment_id(),
                submission.run_name,
                # Kubeflow's expressions begin with seconds.
                cron_expression=f"TZ={zone} 0 {fields}" if zone else f"0 {fields}",
                max_concurrency=1,
                no_catchup=True,
                pipeline_package_path=str(package),
                params=self._parameters(submission),
                service_account=self._settings.service_account or None,
            )
        run = made.recurring_run_id
        return Started(run, submission.run_name, self._link("recurringrun", run))

    def view(self, run: str, *, patient: bool = False) -> RunView:
        """Look at a run.

        Raises:
            InputError: there is no such run, or the cluster does not answer.
            LabLensError: the cluster failed.
        """
        with self._errors("looking at the run"):
            return self._view_of(_look(self._client, run, attempts=11 if patient else 1))

    def cancel(self, run: str) -> None:
        """Ask for the end of a run.

        Raises:
            InputError: there is no such run, or the cluster does not answer.
            LabLensError: the cluster failed.
        """
        with self._errors("cancelling the run"):
            self._client.terminate_run(run)

    def end_schedule(self, schedule: str) -> None:
        """Delete a recurring run; runs at work go on.

        Raises:
            InputError: there is no such recurring run, or the cluster does not answer.
            LabLensError: the cluster failed.
        """
        with self._errors("ending the recurring run"):
            self._client.delete_recurring_run(schedule)

    def _require_healthy(self) -> None:
        """Ask once, with a time limit; kfp.Client itself asks five times with pauses, and shows tracebacks."""
        configuration = kfp_server_api.Configuration(host=self._settings.host.rstrip("/"))
        configuration.retries = urllib3.Retry(0)
        if self._settings.token:
            configuration.api_key = {"authorization": self._settings.token}
            configuration.api_key_prefix = {"authorization": "Bearer"}
        api = kfp_server_api.ApiClient(configuration)
        try:
            with self._errors("connecting"):
                health = kfp_server_api.HealthzServiceApi(api).healthz_service_get_healthz(
                    _request_timeout=self._timeout
                )
        finally:
            api.rest_client.pool_manager.clear()
            api.close()
        if health.multi_user and not self._settings.namespace:
            raise InputError(
                f"{self._settings.host} is shared by several users; give --namespace (your profile's name)"
            )

    def _experiment_id(self) -> str:
        experiment = self._client.create_experiment(
            self._settings.experiment, namespace=self._settings.namespace or None
        )
        return str(experiment.experiment_id)

    def _parameters(self, submission: Submission) -> dict[str, Any]:
        values, problems = parameters_of(submission.document, submission.parameters)
        if problems:
            raise InputError(problems)
        return values

    def _link(self, page: str, name: str) -> str:
        return f"{self._settings.host.rstrip('/')}/#/{page}/details/{name}"

    def _view_of(self, run: kfp_server_api.V2beta1Run) -> RunView:
        details = (run.run_details.task_details if run.run_details else None) or []
        # Kubeflow lists its own pods among the tasks.
        shown = [task for task in details if task.display_name != "root" and not task.display_name.endswith(_DRIVERS)]
        tasks = in_order((task.start_time, _task_view(task)) for task in shown)
        state = _state(run.state)
        return RunView(
            run=run.run_id,
            name=run.display_name or "",
            state=state,
            link=self._link("runs", run.run_id),
            tasks=tasks,
            verdict=_verdict(tasks, state),
            seconds=seconds_between(run.created_at, run.finished_at),
            error=one_line(run.error.message or "") if run.error else "",
        )

    @contextmanager
    def _errors(self, doing: str) -> Iterator[None]:
        """Turn what the client raises into one line with the cure."""
        words = Wording(
            service=f"Kubeflow Pipelines at {self._settings.host}",
            role="the caller's profile needs the role kubeflow-edit in its --namespace",
            missing="check --kubeflow (the address ends where the API's /apis/v2beta1 begins) and the run's id",
            unreachable="check --kubeflow; from outside: kubectl port-forward -n kubeflow svc/ml-pipeline-ui 8080:80",
            login="give a valid token by --token-env NAME",
        )
        try:
            yield
        except kfp_server_api.ApiException as error:
            raise refusal(int(error.status or 0), _message(error), doing, words) from error
        except urllib3.exceptions.HTTPError as error:
            reason = getattr(error, "reason", None) or error
            raise refusal(0, type(reason).__name__, doing, words) from error


def _limited(request: Callable[..., Any], seconds: int) -> Callable[..., Any]:
    """The same call with a time limit where its caller gave none."""

    def call(*arguments: Any, **options: Any) -> Any:
        return request(*arguments, **{**options, "_request_timeout": options.get("_request_timeout") or seconds})

    return call


def _look(client: kfp.Client, run: str, attempts: int) -> kfp_server_api.V2beta1Run:
    """Get a run; a cluster that is away is asked again after 1, 2, 4, ... seconds, 60 at most."""
    for attempt in range(attempts - 1):
        try:
            return client.get_run(run)
        except kfp_server_api.ApiException as error:
            if int(error.status or 0) not in _PASSING:
                raise
        except urllib3.exceptions.HTTPError:
            pass
        time.sleep(min(2.0**attempt, _LONGEST_PAUSE_SECONDS))
    return client.get_run(run)


def _task_view(task: kfp_server_api.V2beta1PipelineTaskDetail) -> TaskView:
    error = one_line(task.error.message or "") if task.error else ""
    return TaskView(task.display_name, _state(task.state), seconds_between(task.start_time, task.end_time), error)


def _state(given: str | None) -> str:
    state = given or "PENDING"
    return _STATES.get(state, state)


def _verdict(tasks: tuple[TaskView, ...], run_state: str) -> str:
    states = {task.name: task.state for task in tasks}
    if states.get(_PROMOTING_TASK) in ("RUNNING", SUCCEEDED, FAILED):
        return "promote"
    return NOT_PROMOTE if run_state == SUCCEEDED and states.get(DECIDING_TASK) == SUCCEEDED else ""


def _message(error: kfp_server_api.ApiException) -> str:
    """What the cluster said, out of its JSON when it is JSON."""
    try:
        content = json.loads(error.body or "")
    except ValueError:
        return str(error.reason or "")
    said = content.get("message") or content.get("error") or error.reason
    return str(said.get("message", "") if isinstance(said, dict) else said)


@contextmanager
def _package(document: dict[str, Any]) -> Iterator[Path]:
    """The pipeline as the file that kfp.Client reads."""
    with tempfile.TemporaryDirectory() as scratch:
        package = Path(scratch) / "pipeline.yaml"
        package.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
        yield package


def _quiet() -> contextlib.redirect_stdout[io.StringIO]:
    """kfp.Client prints links of its own; the caller prints one."""
    return contextlib.redirect_stdout(io.StringIO())
