"""Parameters of the pipeline for a run elsewhere: what is a path there, and what lies only on this machine."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from urllib.parse import urlsplit

from lab_lens.config import parse_config
from lab_lens.endpoints.open import endpoint_problems

SYNTHETIC = "synthetic"
_HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?")
_GCS = "gs://"
# Where Vertex AI mounts every bucket that the run's service account can read (Cloud Storage FUSE).
_MOUNT = "/gcs/"
# Registries that the library itself reads and writes, wherever it runs.
_REMOTE = ("gs://", "vertex://")


@dataclass(frozen=True)
class RunParameters:
    """Parameters of the pipeline, by their names there; empty: the pipeline's default.

    Args:
        data: notes, or `synthetic`.
        config: the effective configuration as JSON.
        registry: location of the model registry; unlike a path it stays as it is.
        checkpoints: where an interrupted training continues from.
        base_model: hub id, directory or `scratch:SIZE`.
        trained_model: a trained model's directory; training is skipped.
        champion_cache: where the champion's summaries are kept for the next candidate.
        device: where models run.
        actor: who is recorded.
        force_reason: promote for this reason.
        tracking_uri: of an MLflow server.
        run_name: name of the run.
    """

    data: str
    config: str
    registry: str
    checkpoints: str
    base_model: str = ""
    trained_model: str = ""
    champion_cache: str = ""
    device: str = ""
    actor: str = ""
    force_reason: str = ""
    tracking_uri: str = ""
    run_name: str = ""

    def values(self) -> dict[str, str]:
        """Those that are given."""
        named = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in named.items() if value}


# A flag of the command line for each parameter that tasks take as the path of a file or a directory.
_PATHS = {
    "data": "--data",
    "checkpoints": "--checkpoints",
    "trained_model": "--model-dir",
    "champion_cache": "--champion-cache",
    "base_model": "--base-model",
}


def vertex_values(values: Mapping[str, str]) -> dict[str, str]:
    """Parameters with `gs://bucket/path` as the path below `/gcs` where tasks on Vertex see it."""
    return {
        name: _MOUNT + value.removeprefix(_GCS) if name in _PATHS and value.startswith(_GCS) else value
        for name, value in values.items()
    }


def vertex_problems(values: Mapping[str, str]) -> list[str]:
    """Paths that tasks on Vertex cannot read."""
    allowed = "give gs://BUCKET/PATH, which tasks see as /gcs/BUCKET/PATH"
    places = _path_problems(values, (_GCS, _MOUNT), allowed)
    return places + _registry_problems(values, _REMOTE, "") + _tracking_problems(values) + _endpoint_problems(values)


def kubeflow_problems(values: Mapping[str, str]) -> list[str]:
    """Paths that tasks on a cluster cannot read."""
    allowed = "give an absolute path on a volume that the cluster mounts into the tasks"
    places = _path_problems(values, ("/",), allowed)
    registry = _registry_problems(values, ("/", *_REMOTE), allowed)
    return places + registry + _tracking_problems(values) + _endpoint_problems(values)


def _path_problems(values: Mapping[str, str], beginnings: tuple[str, ...], allowed: str) -> list[str]:
    return [
        f"{flag} {values[name]} is nothing that tasks elsewhere can read; {allowed}{_alternative(name)}"
        for name, flag in _PATHS.items()
        if name in values and not values[name].startswith(beginnings) and not _needs_no_path(name, values[name])
    ]


def _registry_problems(values: Mapping[str, str], beginnings: tuple[str, ...], otherwise: str) -> list[str]:
    registry = values.get("registry", "")
    if not registry or registry.startswith(beginnings):
        return []
    allowed = "give gs://BUCKET/PREFIX, or vertex://PROJECT/LOCATION/MODEL?store=gs://BUCKET/PREFIX"
    return [
        f"--registry {registry} is nothing that tasks elsewhere can use; {allowed}{otherwise and f'; or {otherwise}'}"
    ]


def _endpoint_problems(values: Mapping[str, str]) -> list[str]:
    """Endpoints that tasks elsewhere cannot deploy to; found now and not after hours of training."""
    deployment = parse_config(values["config"]).deployment
    if deployment.endpoint.startswith("local:"):
        return [f"deployment.endpoint {deployment.endpoint} is on one machine, which tasks elsewhere cannot reach"]
    return endpoint_problems(deployment, values.get("registry", ""))


def _needs_no_path(name: str, value: str) -> bool:
    if name == "data":
        return value == SYNTHETIC
    if name == "base_model":
        # A directory of this machine could be taken for a hub id there, and fail after hours of queueing.
        return value.startswith("scratch:") or bool(_HUB_ID.fullmatch(value) and not Path(value).is_dir())
    return False


def _alternative(name: str) -> str:
    return {"data": f", or `{SYNTHETIC}`", "base_model": ", a hub id, or scratch:tiny|small|base"}.get(name, "")


def _tracking_problems(values: Mapping[str, str]) -> list[str]:
    parts = urlsplit(values.get("tracking_uri", ""))
    if "@" in parts.netloc:
        return ["--tracking-uri holds a user or password, which everyone who may look at the run would see"]
    if parts.scheme in ("", "http", "https", "databricks"):
        return []
    return ["--tracking-uri names a store of this machine; give the http(s) address of an MLflow server, or none"]
