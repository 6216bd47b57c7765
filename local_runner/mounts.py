"""What a task's container sees of this machine: what its own parameters name, and nothing else."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lab_lens.config import parse_config
from lab_lens.engine.scratch import is_scratch
from lab_lens.registry.open import is_elsewhere

# Tasks that change the registry; the others only read it.
_REGISTRY_WRITERS = ("register-model", "deploy-model", "rollback-model")
# Parameters that are paths of this machine, and whether tasks write there.
_OWN_PATHS = {"trained_model": False, "champion_cache": True}
_SQLITE = "sqlite:///"
_CREDENTIALS = "GOOGLE_APPLICATION_CREDENTIALS"
_HUB_TOKEN = "HF_TOKEN"  # noqa: S105 - the name of a variable
_MLFLOW_LOGIN = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")
# They decide how fast and in which order sums are added up, so both runners must agree on them.
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass(frozen=True)
class View:
    """What a container sees: paths (each at its own place), whether it may write there, and variables."""

    writable: Mapping[Path, bool]
    environment: Mapping[str, str]

    def volumes(self, *, relabel: bool) -> dict[str, dict[str, str]]:
        """The same as Docker's SDK takes it; `relabel` where SELinux guards the files."""
        suffix = ",z" if relabel else ""
        return {
            str(path): {"bind": str(path), "mode": ("rw" if writable else "ro") + suffix}
            for path, writable in self.writable.items()
        }


def view_of(task: str, parameters: Mapping[str, Any], run_dir: Path, *, network: bool) -> View:
    """What the container of a task is shown.

    Args:
        task: its name.
        parameters: values of its input parameters; absolute paths.
        run_dir: the run's directory, where inputs and outputs of tasks lie.
        network: whether it can reach anything; without, credentials would be of no use to it.
    """
    given = {name: value for name, value in parameters.items() if isinstance(value, str) and value}
    paths = {run_dir: True}
    if Path(given.get("data", "")).is_file():
        paths[Path(given["data"])] = False
    paths |= {Path(given[name]): writable for name, writable in _OWN_PATHS.items() if name in given}
    if "registry" in given and not is_elsewhere(given["registry"]):
        paths[Path(given["registry"])] = task.startswith(_REGISTRY_WRITERS)
    if given.get("tracking_uri", "").startswith(_SQLITE):
        paths[Path(given["tracking_uri"].removeprefix(_SQLITE)).parent] = True
    environment = {name: os.environ[name] for name in _THREADS if name in os.environ}
    for source in _models_of(task, given):
        paths |= _model(source, environment, network=network)
    if task == "notify":
        paths |= _channels(json.loads(given["config"])["notifications"], environment)
    if network:
        paths |= _credentials(given, environment)
    return View(paths, environment)


def _models_of(task: str, given: Mapping[str, str]) -> tuple[str, ...]:
    """Directories or hub ids of the models that a task loads, besides those that other tasks wrote."""
    if "base_model" in given or "checkpoints" in given:
        return (given.get("base_model") or str(json.loads(given["config"])["model"]["base_model"]),)
    return parse_config(given["config"]).validation.measuring_models() if task == "validate-model" else ()


def _model(source: str, environment: dict[str, str], *, network: bool) -> dict[Path, bool]:
    if is_scratch(source):
        return {}
    if Path(source).is_dir():
        return {Path(source): False}
    from huggingface_hub import constants

    downloads = Path(constants.HF_HUB_CACHE)
    if network:
        downloads.mkdir(parents=True, exist_ok=True)
    if not downloads.is_dir():
        return {}
    environment["HF_HUB_CACHE"] = str(downloads)
    return {downloads: network}


def _channels(settings: Mapping[str, Any], environment: dict[str, str]) -> dict[Path, bool]:
    """What notifications name: variables and files that hold secrets, and files that they are written to."""
    channels = [*settings["webhooks"], *settings["emails"]]
    references = [(name, value) for channel in channels for name, value in channel.items() if value is not None]
    environment |= {
        value: os.environ[value] for name, value in references if name.endswith("_env") and value in os.environ
    }
    read = {Path(value): False for name, value in references if name.endswith("_file") and Path(value).is_file()}
    return read | {Path(channel["path"]).parent: True for channel in settings["files"]}


def _credentials(given: Mapping[str, str], environment: dict[str, str]) -> dict[Path, bool]:
    names = [_HUB_TOKEN] if "checkpoints" in given else []
    if urlsplit(given.get("tracking_uri", "")).scheme in {"http", "https"}:
        names += _MLFLOW_LOGIN
    environment |= {name: os.environ[name] for name in names if os.environ.get(name)}
    # Google's clients find the login of `gcloud auth application-default login` by themselves, but not in a container.
    login = Path.home() / ".config" / "gcloud" / "application_default_credentials.json"
    file = Path(os.environ.get(_CREDENTIALS) or (login if is_elsewhere(given.get("registry", "")) else ""))
    if not file.is_file():
        return {}
    environment[_CREDENTIALS] = str(file.absolute())
    return {file.absolute(): False}
