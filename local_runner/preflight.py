"""What must hold before a run starts; all problems are told at once."""

import shutil
from pathlib import Path

from lab_lens.artifacts import require_writable
from lab_lens.config import Config
from lab_lens.engine.checkpoint import check_model_directory
from lab_lens.engine.device import resolve_device
from lab_lens.engine.scratch import check_scratch, is_scratch
from lab_lens.errors import InputError
from lab_lens.registry.local import LocalRegistry
from local_runner.request import RunRequest

SUMMARY_JSON = "summary.json"
SYNTHETIC = "synthetic"
# The kernel refuses a single argument of 128 KiB; the configuration travels as one, with the other inputs around it.
_MAX_CONFIG_BYTES = 64 * 1024


def check_request(request: RunRequest, config: Config) -> None:
    """Check everything that can be known before the first stage.

    Raises:
        InputError: listing every problem.
    """
    checks = (
        _check_shell,
        lambda: _check_data(request.data),
        lambda: check_run_directory(request.out),
        lambda: _check_registry(request.registry),
        lambda: _check_model(request, config),
        lambda: _check_device(request.device),
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


def _check_registry(registry: Path) -> None:
    LocalRegistry(registry).production()
    require_writable(registry, "--registry")


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
