"""What must hold before a run starts; all problems are told at once."""

import os
import shutil
from pathlib import Path
from urllib.parse import urlsplit

from lab_lens.artifacts import require_writable
from lab_lens.config import Config
from lab_lens.endpoints.base import EndpointError
from lab_lens.endpoints.open import endpoint_problems, open_endpoint
from lab_lens.engine.checkpoint import check_model_directory
from lab_lens.engine.device import resolve_device
from lab_lens.engine.scratch import check_scratch, is_scratch
from lab_lens.errors import InputError
from lab_lens.registry.open import is_elsewhere, open_registry
from local_runner.choice import RunnerName
from local_runner.docker_engine import engine, find_images, has_gpu
from local_runner.request import NO_NETWORK, SYNTHETIC, RunRequest

SUMMARY_JSON = "summary.json"
# The kernel refuses a single argument of 128 KiB; the configuration travels as one, with the other inputs around it.
_MAX_CONFIG_BYTES = 64 * 1024


def check_request(request: RunRequest, config: Config, runner: RunnerName) -> None:
    """Check everything that can be known before the first stage.

    Args:
        request: what is asked for.
        config: the configuration.
        runner: the runner that was chosen.

    Raises:
        InputError: listing every problem.
    """
    runner_checks = {
        "native": (_check_shell, lambda: _check_device(request.device)),
        "docker": (
            lambda: _check_docker(request),
            lambda: _check_network(request, config),
            lambda: _check_containers_reach(config),
        ),
    }
    checks = (
        lambda: _check_data(request.data),
        lambda: check_run_directory(request.out),
        lambda: _check_registry(request.registry),
        lambda: _check_champion_cache(request.champion_cache),
        lambda: _check_endpoint(config, request.registry),
        lambda: _check_model(request, config),
        *runner_checks[runner],
        lambda: _check_config_size(config),
    )
    problems: list[str] = []
    for check in checks:
        try:
            check()
        except InputError as error:
            problems.extend(error.problems)
    if problems:
        raise InputError(problems)


def _check_shell() -> None:
    if shutil.which("sh") is None:
        raise InputError(
            "no POSIX shell `sh` in PATH, which pipeline tasks start with; on Windows use WSL2 or Git Bash, or run the "
            "stages one by one (lab-lens prepare-data, train-model, ...)"
        )


def _check_docker(request: RunRequest) -> None:
    check_engine(request.device)
    with engine() as client:
        find_images(client, request.docker.references())


def check_engine(device: str) -> bool:
    """Check that the Docker engine answers and can use the device; returns whether containers get a GPU.

    Raises:
        InputError: it does not answer, has no such device, or is not on this machine.
    """
    if device == "mps":
        raise InputError("containers cannot use Apple's GPU (MPS): use --runner native, or --device cpu")
    if os.name == "nt":
        raise InputError("paths of Windows have no place in containers: run in WSL2, or use --runner native")
    with engine() as client:
        present = device != "cpu" and has_gpu(client)
    if device == "cuda" and not present:
        raise InputError(
            "--device cuda: the Docker engine has no NVIDIA GPU to give (its runtime is not registered); install the "
            "NVIDIA Container Toolkit, or use --device cpu"
        )
    return present


def _check_endpoint(config: Config, registry: str) -> None:
    """Check that a release would find its endpoint, before hours of training.

    Raises:
        InputError: it cannot serve what lies in this registry, or does not answer.
    """
    place = config.deployment.endpoint
    if not place:
        return
    if problems := endpoint_problems(config.deployment, registry):
        raise InputError(problems)
    try:
        open_endpoint(place, config.deployment).split()
    except EndpointError as error:
        raise InputError(f"deployment.endpoint {place}: {error}") from error


def _check_containers_reach(config: Config) -> None:
    if config.deployment.endpoint.startswith("local:"):
        raise InputError(
            f"deployment.endpoint is {config.deployment.endpoint}, which containers cannot reach: use --runner native"
        )


def _check_network(request: RunRequest, config: Config) -> None:
    if request.docker.network != NO_NETWORK:
        return
    problems = []
    if urlsplit(request.tracking_uri).scheme in {"http", "https"}:
        host = urlsplit(request.tracking_uri).hostname
        problems.append(
            f"the tracking server {host} cannot be reached from containers without a network; give --network bridge, "
            "or --no-tracking"
        )
    if config.notifications.webhooks or config.notifications.emails:
        problems.append(
            "notifications by webhook or mail cannot leave containers without a network; give --network bridge"
        )
    places = {"--registry": request.registry, "deployment.endpoint": config.deployment.endpoint}
    problems += [
        f"{name} {place} cannot be reached from containers without a network; give --network bridge"
        for name, place in places.items()
        if is_elsewhere(place)
    ]
    base_model = request.base_model or config.model.base_model
    if request.trained_model is None and _is_on_hub_alone(base_model):
        problems.append(
            f"model {base_model} is not on this machine and containers have no network to download it; give --network "
            "bridge, or a directory made by lab-lens mirror-model"
        )
    if problems:
        raise InputError(problems)


def _is_on_hub_alone(base_model: str) -> bool:
    if is_scratch(base_model) or Path(base_model).is_dir():
        return False
    from huggingface_hub import constants

    return not (Path(constants.HF_HUB_CACHE) / f"models--{base_model.replace('/', '--')}").is_dir()


def _check_data(data: str) -> None:
    if data != SYNTHETIC and not Path(data).is_file():
        what = "is a directory" if Path(data).is_dir() else "does not exist"
        raise InputError(f"--data {data} {what}; give a CSV, Parquet or JSONL file, or `{SYNTHETIC}`")


def check_run_directory(out: Path) -> None:
    """Check that a run may write to a directory: new, empty, or that of an earlier run.

    Raises:
        InputError: it is a file, holds other things, or is not writable.
    """
    if out.exists() and not out.is_dir():
        raise InputError(f"--out {out} is a file; give a directory")
    if out.is_dir() and any(out.iterdir()) and not (out / SUMMARY_JSON).is_file():
        raise InputError(f"--out {out} holds other files; give a new or empty directory, or that of an earlier run")
    require_writable(out, "--out")


def _check_champion_cache(directory: Path | None) -> None:
    if directory is not None:
        require_writable(directory, "--champion-cache")
        # A container can only be shown what is there.
        directory.mkdir(parents=True, exist_ok=True)


def _check_registry(registry: str) -> None:
    open_registry(registry).production()
    if not is_elsewhere(registry):
        require_writable(Path(registry), "--registry")


def _check_model(request: RunRequest, config: Config) -> None:
    if request.trained_model is not None:
        check_model_directory(request.trained_model)
        return
    base_model = request.base_model or config.model.base_model
    if is_scratch(base_model):
        check_scratch(base_model)
    elif Path(base_model).is_dir():
        check_model_directory(Path(base_model))


def _check_device(device: str) -> None:
    if device != "auto":  # which always finds one, and says so where the model runs
        resolve_device(device)


def _check_config_size(config: Config) -> None:
    size = len(config.to_json().encode())
    if size > _MAX_CONFIG_BYTES:
        raise InputError(
            f"the configuration is {size} bytes of JSON; at most {_MAX_CONFIG_BYTES} can be passed to tasks"
        )
