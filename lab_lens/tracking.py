"""Experiment tracking in MLflow: numbers, short settings and reports, never a note, a summary or a table of them.

One MLflow run holds one pipeline run; how stages find it is told in `tracking_store`.
"""

import math
import re
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar
from urllib.parse import urlsplit

from lab_lens.errors import ContractError, InputError
from lab_lens.tracking_store import join_run

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

Scalar = str | int | float | bool | None

STAGE_TAG = "lab_lens.stage"
CHILD_TAG = "lab_lens.child"
PARENT_TAG = "mlflow.parentRunId"
_STATUS = {"finished": "FINISHED", "failed": "FAILED"}
_RUN_NAME = re.compile(r"[^'\"`\\\x00-\x1f]{1,250}")
_NAME_CHARS_MLFLOW_REFUSES = re.compile(r"[^\w./: -]")
_MAX_PARAM_CHARS = 500
_PARAMS_A_REQUEST = 100
_METRICS_A_REQUEST = 1000
# Reports and pictures. Tables (csv, parquet, jsonl) hold notes or summaries and stay where they are.
_ARTIFACT_SUFFIXES = (".html", ".json", ".png", ".txt")

_Item = TypeVar("_Item")


@dataclass(frozen=True)
class TrackingTarget:
    """Where a pipeline run is recorded.

    Args:
        uri: `sqlite:///...` (see `local_tracking_uri`) or the address of an MLflow server.
        experiment: name of the MLflow experiment; made when it does not exist.
        run_name: name of the pipeline run, 1 to 250 characters without quotes, backslashes and control characters.

    Raises:
        InputError: the run name is not such a name.
    """

    uri: str
    experiment: str
    run_name: str

    def __post_init__(self) -> None:
        if not _RUN_NAME.fullmatch(self.run_name):
            raise InputError(
                f"run name {self.run_name!r} cannot be tracked: use 1 to 250 characters, no quotes and no backslashes"
            )


class Tracker(Protocol):
    """What a stage can record; every method raises ContractError for a value that could be text of a note."""

    def log_params(self, params: Mapping[str, Scalar]) -> None:
        """Record settings: single-line values of at most 500 characters.

        A setting that another stage recorded with another value is recorded as `<stage>.<name>`.
        """

    def log_metrics(self, metrics: Mapping[str, float | None], step: int | None = None) -> None:
        """Record finite numbers; those that are None (not computed) are named in a tag, since MLflow has no null."""

    def log_artifact(self, path: Path, folder: str = "") -> None:
        """Copy one report or picture (html, json, png, txt) into `folder` of the run.

        The suffixless file `html` of a KFP task is recorded as `<stage>.html`.
        """


class _Untracked:
    """Records nothing: the user asked for no tracking. Values are not looked at."""

    def log_params(self, params: Mapping[str, Scalar]) -> None:
        pass

    def log_metrics(self, metrics: Mapping[str, float | None], step: int | None = None) -> None:
        pass

    def log_artifact(self, path: Path, folder: str = "") -> None:
        pass


@dataclass(frozen=True)
class _MlflowTracker:
    client: "MlflowClient"
    run_id: str
    stage: str

    def log_params(self, params: Mapping[str, Scalar]) -> None:
        from mlflow.entities import Param

        _refuse("settings", [name for name, value in params.items() if not _is_short_scalar(value)])
        recorded = self.client.get_run(self.run_id).data.params
        new: dict[str, str] = {}
        for name, value in params.items():
            key, text = _mlflow_name(name), str(value)
            if recorded.get(key, text) != text:
                key = f"{self.stage}.{key}"
            if recorded.get(key) != text:
                new[key] = text
        taken = [key for key in new if key in recorded]
        if taken:
            raise InputError(f"this MLflow run already has other values of {', '.join(taken)}: choose another run name")
        for batch in _batches([Param(key, text) for key, text in new.items()], _PARAMS_A_REQUEST):
            self.client.log_batch(self.run_id, params=batch)

    def log_metrics(self, metrics: Mapping[str, float | None], step: int | None = None) -> None:
        from mlflow.entities import Metric

        _refuse("metrics", [name for name, value in metrics.items() if not (value is None or _is_finite(value))])
        now = int(1000 * time.time())
        computed = {name: value for name, value in metrics.items() if value is not None}
        entries = [Metric(_mlflow_name(name), float(value), now, step or 0) for name, value in computed.items()]
        for batch in _batches(entries, _METRICS_A_REQUEST):
            self.client.log_batch(self.run_id, metrics=batch)
        absent = ", ".join(name for name in metrics if name not in computed)
        if absent:
            self.client.set_tag(self.run_id, f"lab_lens.not_computed.{self.stage}", absent)

    def log_artifact(self, path: Path, folder: str = "") -> None:
        # KFP names an output file after its artifact, `html`, without a suffix; MLflow shows a page by its suffix.
        suffix = path.suffix or f".{path.name}"
        if not path.is_file() or suffix not in _ARTIFACT_SUFFIXES:
            allowed = ", ".join(_ARTIFACT_SUFFIXES)
            raise ContractError(f"{path.name} is not recorded in MLflow: only files of type {allowed} are")
        with tempfile.TemporaryDirectory() as scratch:
            named = path if path.suffix else shutil.copy(path, Path(scratch) / f"{self.stage}{suffix}")
            self.client.log_artifact(self.run_id, str(named), folder or None)


@contextmanager
def tracked(target: TrackingTarget | None, stage: str) -> Iterator[Tracker]:
    """Join (or start) the MLflow run of `target` for one stage; None gives a tracker that records nothing.

    The tag `lab_lens.stage.<stage>` becomes "running" and then "succeeded" or "failed".

    Raises:
        InputError: MLflow is not installed, or the tracking store cannot be used.
    """
    if target is None:
        yield _Untracked()
        return
    client, run_id = join_run(target.uri, target.experiment, target.run_name)
    tag = f"{STAGE_TAG}.{stage}"
    client.set_tag(run_id, tag, "running")
    status = "failed"
    try:
        yield _MlflowTracker(client, run_id, stage)
        status = "succeeded"
    finally:
        client.set_tag(run_id, tag, status)


def record_child(
    target: TrackingTarget | None,
    stage: str,
    name: str,
    *,
    params: Mapping[str, Scalar],
    metrics: Iterable[tuple[int, Mapping[str, float | None]]],
    status: str,
    tags: Mapping[str, str],
) -> None:
    """Record a finished piece of a stage's work as a child of the MLflow run of `target`; None does nothing.

    A child that was recorded before is left as it is, so an interrupted stage may record all its pieces again.

    Args:
        target: where the pipeline run is recorded.
        stage: whose work it is.
        name: of the child, unique within the run.
        params: settings, as for `Tracker.log_params`.
        metrics: step and numbers, as for `Tracker.log_metrics`.
        status: FINISHED, FAILED or KILLED.
        tags: short words to find it by.

    Raises:
        InputError: MLflow is not installed, or the tracking store cannot be used.
    """
    if target is None:
        return
    client, parent = join_run(target.uri, target.experiment, target.run_name)
    experiment_id = client.get_run(parent).info.experiment_id
    known = client.search_runs([experiment_id], f"tags.`{PARENT_TAG}` = '{parent}' and tags.`{CHILD_TAG}` = '{name}'")
    if any(child.info.status != "RUNNING" for child in known):
        return
    for child in known:  # its process ended while it was recorded
        client.delete_run(child.info.run_id)
    marks = {PARENT_TAG: parent, CHILD_TAG: name, **tags}
    run_id = client.create_run(experiment_id, run_name=name, tags=marks).info.run_id
    tracker = _MlflowTracker(client, run_id, stage)
    tracker.log_params(params)
    for step, values in metrics:
        tracker.log_metrics(values, step)
    client.set_terminated(run_id, status=status)


def finish_run(target: TrackingTarget | None, status: Literal["finished", "failed"]) -> None:
    """Set the end state of the MLflow run; the runner calls it once, after the last stage. None does nothing.

    Raises:
        InputError: MLflow is not installed, or the tracking store cannot be used.
    """
    if target is not None:
        client, run_id = join_run(target.uri, target.experiment, target.run_name)
        client.set_terminated(run_id, status=_STATUS[status])


def run_link(target: TrackingTarget) -> str:
    """Where a run is shown: its page on an MLflow server, else its id.

    Raises:
        InputError: the tracking store cannot be used.
    """
    client, run_id = join_run(target.uri, target.experiment, target.run_name)
    if not target.uri.startswith(("http://", "https://")):
        return run_id
    experiment_id = client.get_run(run_id).info.experiment_id
    parts = urlsplit(target.uri)
    # Without a user and password, which everybody who may see the link would see.
    server = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"
    return f"{server}/#/experiments/{experiment_id}/runs/{run_id}"


def tracking_target(uri: str, experiment: str, run_name: str) -> TrackingTarget | None:
    """The target that a stage's plain parameters name; an empty `uri` means no tracking.

    Raises:
        InputError: there is a URI but no usable run name.
    """
    return TrackingTarget(uri, experiment, run_name) if uri else None


def local_tracking_uri(directory: Path) -> str:
    """The URI of an MLflow store in `directory`: `mlflow.db`, with artifacts beside it in `artifacts/`."""
    return f"sqlite:///{(directory.resolve() / 'mlflow.db').as_posix()}"


def _refuse(what: str, names: Sequence[str]) -> None:
    # The values may be the text of a note, so only the names are told.
    if names:
        raise ContractError(f"{what} that are not short scalars or finite numbers are not recorded: {', '.join(names)}")


def _is_short_scalar(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= _MAX_PARAM_CHARS and len(value.splitlines()) <= 1
    return value is None or isinstance(value, (bool, int, float))


def _is_finite(value: Any) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)


def _mlflow_name(name: str) -> str:
    return _NAME_CHARS_MLFLOW_REFUSES.sub("_", name)


def _batches(items: Sequence[_Item], size: int) -> Iterator[list[_Item]]:
    for start in range(0, len(items), size):
        yield list(items[start : start + size])
