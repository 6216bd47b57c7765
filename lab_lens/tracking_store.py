"""The MLflow store of a pipeline run: found, opened by one stage at a time where it is a file, and its run joined.

Each stage is a process of its own: the first that comes creates the MLflow run and tags it with the name of the
pipeline run, the others find it by that tag. Only `MlflowClient` is used, so nothing global (active run, tracking URI)
is set.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lab_lens.errors import InputError

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

RUN_NAME_TAG = "lab_lens.run_name"


def join_run(uri: str, experiment: str, run_name: str) -> "tuple[MlflowClient, str]":
    """A client of the store, and the id of the run of that name, which is made when it is not there.

    Args:
        uri: `sqlite:///...` or the address of an MLflow server.
        experiment: name of the MLflow experiment; made when it does not exist.
        run_name: name of the pipeline run.

    Raises:
        InputError: MLflow is not installed, the experiment was deleted, or the store cannot be used.
    """
    mlflow_client = _import_mlflow()
    from mlflow.exceptions import MlflowException

    try:
        with _alone(uri):
            client = mlflow_client(tracking_uri=uri)
            return client, _run_id(client, _experiment_id(client, uri, experiment), run_name)
    except (MlflowException, OSError) as error:
        secret = urlsplit(uri).netloc.rpartition("@")[0]
        message = f"the tracking store {uri} cannot be used: {error}"
        raise InputError(message.replace(f"{secret}@", "") if secret else message) from error


def _import_mlflow() -> "type[MlflowClient]":
    # Read by MLflow while it is imported. Usage data goes to its makers only if the user says so; an unreachable
    # server is reported after seconds, not minutes.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")
    try:
        from mlflow.tracking import MlflowClient
    except ModuleNotFoundError as error:
        raise InputError(
            f"tracking needs {error.name}, which is not installed: "
            "pip install 'lab-lens[tracking]', or leave tracking out"
        ) from error
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)
    client_class: type[MlflowClient] = MlflowClient
    return client_class


def _run_id(client: "MlflowClient", experiment_id: str, run_name: str) -> str:
    runs = _runs_named(client, experiment_id, run_name)
    if not runs:
        made = client.create_run(experiment_id, run_name=run_name, tags={RUN_NAME_TAG: run_name}).info.run_id
        runs = _runs_named(client, experiment_id, run_name)
        if runs[0] != made:
            # Two stages came at once: both settle on the run that started first.
            client.delete_run(made)
    return runs[0]


def _experiment_id(client: "MlflowClient", uri: str, experiment: str) -> str:
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(experiment)
    if found is None:
        directory = _local_directory(uri)
        location = (directory / "artifacts").as_uri() if directory else None
        try:
            return str(client.create_experiment(experiment, artifact_location=location))
        except MlflowException:
            found = client.get_experiment_by_name(experiment)
            if found is None:
                raise
    if found.lifecycle_stage != "active":
        raise InputError(f"MLflow experiment {experiment!r} was deleted: restore it or choose another name")
    return str(found.experiment_id)


def _runs_named(client: "MlflowClient", experiment_id: str, run_name: str) -> list[str]:
    runs = client.search_runs([experiment_id], f"tags.`{RUN_NAME_TAG}` = '{run_name}'")
    return [run.info.run_id for run in sorted(runs, key=lambda run: (run.info.start_time, run.info.run_id))]


@contextmanager
def _alone(uri: str) -> Iterator[None]:
    # MLflow creates the tables of a new SQLite file without a lock: of two stages that open it at once, one crashes.
    directory = _local_directory(uri)
    if directory is None:
        yield
        return
    from filelock import FileLock

    directory.mkdir(parents=True, exist_ok=True)
    with FileLock(directory / "mlflow.lock"):
        yield


def _local_directory(uri: str) -> Path | None:
    prefix = "sqlite:///"
    return Path(uri.removeprefix(prefix)).resolve().parent if uri.startswith(prefix) else None
