"""What this machine offers to a run, what is missing, and the cure for each finding."""

import importlib.util
import os
import platform
import shutil
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lab_lens.errors import InputError
from local_runner.docker_engine import engine, has_gpu, image_id, security_options

if TYPE_CHECKING:
    from docker import DockerClient

Status = Literal["ok", "note", "problem"]
Finder = Callable[[], Iterator["Finding"]]

_PACKAGES = {
    "torch": "train",
    "transformers": "train",
    "lime": "explain",
    "mlflow": "tracking",
    "fastapi": "serving",
    "optuna": "tuning",
    "google.cloud.aiplatform": "cloud",
    "kfp": "pipelines",
    "docker": "pipelines",
}
_GB = 10**9
# BioBART-base: checkpoints with optimizer state (two of them), the model, its registered copy.
_ROOMY_BYTES, _LEAST_BYTES = 20 * _GB, 2 * _GB
_ROOMY_MEMORY_BYTES, _LEAST_MEMORY_BYTES = 12 * _GB, 3 * _GB
_PORTS = {8080: "lab-lens serve", 5000: "lab-lens mlflow ui"}
_ADC = ("gcloud", "application_default_credentials.json")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        check: what was looked at.
        status: `ok`; `note`: something cannot be used, runs are possible; `problem`: runs would fail.
        detail: what was found.
        cure: what to do about it; empty where nothing is to be done.
    """

    check: str
    status: Status
    detail: str
    cure: str = ""


def examine(out: Path, images: Sequence[str], *, docker_needed: bool) -> list[Finding]:
    """Look at everything that a run needs.

    Args:
        out: where runs would be written.
        images: references of the pipeline's images.
        docker_needed: whether a Docker engine that is not ready is a problem.
    """
    finders: tuple[Finder, ...] = (
        _python,
        _shell,
        _devices,
        _memory,
        lambda: _disk(out),
        lambda: _docker(images, needed=docker_needed),
        _ports,
        _credentials,
    )
    return [finding for find in finders for finding in find()]


def _python() -> Iterator[Finding]:
    yield Finding("python", "ok", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    absent = {name: extra for name, extra in _PACKAGES.items() if not _is_installed(name)}
    if not absent:
        yield Finding("packages", "ok", f"{', '.join(_PACKAGES)} are installed")
        return
    extras = ",".join(sorted(set(absent.values())))
    cure = f"pip install 'lab-lens[{extras}]'"
    yield Finding("packages", "problem", f"not installed: {', '.join(absent)}", cure)


def _is_installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # of a package around it
        return False


def _shell() -> Iterator[Finding]:
    path = shutil.which("sh")
    if path:
        yield Finding("shell", "ok", f"sh is {path}")
    else:
        cure = "use WSL2 or Git Bash, --runner docker, or run the stages one by one"
        yield Finding("shell", "problem", "there is no POSIX shell `sh`, which native tasks start with", cure)


def _devices() -> Iterator[Finding]:
    if not _is_installed("torch"):
        return
    import torch

    yield Finding("device cpu", "ok", f"{os.cpu_count()} cores")
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            card = torch.cuda.get_device_properties(index)
            yield Finding("device cuda", "ok", f"{card.name}, {card.total_memory / _GB:.0f} GB")
    elif shutil.which("nvidia-smi"):
        cure = f"install a CUDA build of torch (this one is {torch.__version__}), or update the driver"
        yield Finding("device cuda", "note", "there is an NVIDIA driver, but torch cannot use it", cure)
    if torch.backends.mps.is_available():
        yield Finding("device mps", "ok", "Apple's GPU can be used, natively only")


def _memory() -> Iterator[Finding]:
    if not hasattr(os, "sysconf"):
        return
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    status: Status = "ok" if total >= _ROOMY_MEMORY_BYTES else "note" if total >= _LEAST_MEMORY_BYTES else "problem"
    cure = "" if status == "ok" else "lower training.batch_size, or take a smaller base model such as scratch:small"
    yield Finding("memory", status, f"{total / _GB:.0f} GB in all", cure)


def _disk(out: Path) -> Iterator[Finding]:
    existing = next(path for path in (out, *out.absolute().parents) if path.exists())
    yield _space("disk", existing, "give --out on a larger disk, or remove old run directories")


def _space(check: str, path: Path, cure: str) -> Finding:
    free = shutil.disk_usage(path).free
    status: Status = "ok" if free >= _ROOMY_BYTES else "note" if free >= _LEAST_BYTES else "problem"
    return Finding(check, status, f"{free / _GB:.0f} GB free at {path}", "" if status == "ok" else cure)


def _docker(images: Sequence[str], *, needed: bool) -> Iterator[Finding]:
    absent: Status = "problem" if needed else "note"
    try:
        with engine() as client:
            yield from _engine(client)
            yield from _images(client, images, absent)
    except InputError as error:
        what, _, cure = str(error).partition(": ")
        yield Finding("docker", absent, what, cure)


def _engine(client: "DockerClient") -> Iterator[Finding]:
    info = client.info()
    rootless = ", rootless" if "name=rootless" in security_options(client) else ""
    memory = f"{info['NCPU']} cores, {info['MemTotal'] / _GB:.0f} GB"
    yield Finding("docker", "ok", f"engine {info['ServerVersion']}{rootless}, {memory}, {info['OperatingSystem']}")
    gpu = "containers can use the NVIDIA GPU" if has_gpu(client) else "containers get no GPU"
    yield Finding("docker gpu", "ok", gpu)
    root = Path(info.get("DockerRootDir", ""))
    # The engine of Docker Desktop has a disk of its own, which is not seen from here.
    if root.is_dir():
        yield _space("docker disk", root, "docker system prune removes what no container uses")


def _images(client: "DockerClient", images: Sequence[str], absent: Status) -> Iterator[Finding]:
    missing = [image for image in images if image_id(client, image) is None]
    if missing:
        yield Finding("docker images", absent, f"not here: {', '.join(missing)}", "make images, or run with --build")
    else:
        yield Finding("docker images", "ok", ", ".join(images))


def _ports() -> Iterator[Finding]:
    for port, user in _PORTS.items():
        if _is_taken(port):
            yield Finding(f"port {port}", "note", "another program listens there", f"{user} --port N")
        else:
            yield Finding(f"port {port}", "ok", f"free for {user}")


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _credentials() -> Iterator[Finding]:
    named = os.environ.get("GOOGLE_APPLICATION_CREDENTIALS", "")
    cure = "gcloud auth application-default login; needed for Vertex AI and Cloud Storage only"
    if named and not Path(named).is_file():
        detail = "GOOGLE_APPLICATION_CREDENTIALS names a file that is not there"
        yield Finding("credentials", "problem", detail, "unset it, or name the file of a service account")
    elif named:
        yield Finding("credentials", "ok", "Google credentials from GOOGLE_APPLICATION_CREDENTIALS")
    elif _adc_file().is_file():
        yield Finding("credentials", "ok", "Google application default credentials")
    else:
        yield Finding("credentials", "note", "no Google credentials on this machine", cure)


def _adc_file() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA", "")).joinpath(*_ADC)
    base = os.environ.get("CLOUDSDK_CONFIG", "")
    return Path(base) / _ADC[1] if base else Path.home().joinpath(".config", *_ADC)
