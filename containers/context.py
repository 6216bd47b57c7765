"""The build context: what the Dockerfiles copy, and nothing else of the checkout."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from containers.families import LAYERS
from containers.locks import LOCKS, ROOT, lock_file, read_pins
from lab_lens.errors import InputError

INSTALLER = "install-layer.sh"
WHEELS = "wheels"
BASE_MODEL = "base-model"


@dataclass(frozen=True)
class Source:
    """The state of the checkout that images are made from.

    Args:
        version: lab-lens's version.
        revision: the commit, with `-dirty` when files differ from it; `unknown` outside a repository.
        epoch_seconds: time of the commit, seconds since 1970.
        url: where the repository lives, without credentials; empty when it has no remote.
    """

    version: str
    revision: str
    epoch_seconds: int
    url: str

    @property
    def tag(self) -> str:
        """The revision as an image tag; empty when it is unknown."""
        if self.revision == "unknown":
            return ""
        commit, *dirty = self.revision.split("-")
        return "-".join([commit[:12], *dirty])


def read_source() -> Source:
    """What git says about this checkout."""
    import lab_lens

    commit = _git("rev-parse", "HEAD")
    if not commit:
        return Source(lab_lens.__version__, "unknown", 0, "")
    dirty = "-dirty" if _git("status", "--porcelain") else ""
    epoch_seconds = int(_git("log", "-1", "--format=%ct"))
    return Source(lab_lens.__version__, commit + dirty, epoch_seconds, _public_url(_git("remote", "get-url", "origin")))


def _git(*arguments: str) -> str:
    git = shutil.which("git")
    if git is None:
        return ""
    done = subprocess.run([git, "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False)  # noqa: S603
    return done.stdout.strip() if done.returncode == 0 else ""


def _public_url(remote: str) -> str:
    scheme, separator, rest = remote.partition("://")
    if not separator or scheme == "file":
        return ""  # a path of this machine, or SSH's short form, which no browser opens
    return f"{scheme}://{rest.split('@', 1)[-1]}"


def write_context(
    directory: Path, *, source: Source, variant: str, wheelhouses: Sequence[Path], base_model: Path | None
) -> None:
    """Write a build context, replacing what is there.

    Args:
        directory: the context.
        source: the checkout's state; its time goes into the wheel.
        variant: `cpu` or `cuda`.
        wheelhouses: directories whose wheels of locked versions the builds need not download.
        base_model: a model directory to bake in.

    Raises:
        InputError: the directory holds something else, a lock is missing, the wheel cannot be built, or the base model
            is no model directory.
    """
    if base_model is not None and not (base_model / "config.json").is_file():
        raise InputError(f"{base_model} is no model directory: it has no config.json; lab-lens mirror-model writes one")
    if directory.is_dir() and any(directory.iterdir()) and not (directory / INSTALLER).is_file():
        raise InputError(f"{directory} is not empty and is no build context; name another directory")
    shutil.rmtree(directory, ignore_errors=True)
    (directory / WHEELS).mkdir(parents=True)
    shutil.copytree(LOCKS, directory / "locks")
    shutil.copy2(ROOT / "containers" / INSTALLER, directory)
    for wheel in locked_wheels(wheelhouses, variant):
        shutil.copy2(wheel, directory / WHEELS)
    if base_model is None:
        (directory / BASE_MODEL).mkdir()
    else:
        shutil.copytree(base_model, directory / BASE_MODEL)
    _build_wheel(directory, source)


def locked_wheels(wheelhouses: Iterable[Path], variant: str) -> list[Path]:
    """Wheels in some directories that a lock file of the variant names, at its version."""
    pins: dict[str, str] = {}
    for layer in LAYERS:
        pins |= read_pins(LOCKS / lock_file(layer, variant))
    wheels = sorted(wheel for wheelhouse in wheelhouses for wheel in wheelhouse.glob("*.whl"))
    return [wheel for wheel in wheels if _is_locked(wheel, pins)]


def _is_locked(wheel: Path, pins: dict[str, str]) -> bool:
    try:
        name, version, _, _ = parse_wheel_filename(wheel.name)
    except InvalidWheelFilename:
        return False
    return pins.get(str(canonicalize_name(name))) == str(version)


def local_wheelhouses() -> tuple[Path, ...]:
    """The directories of this machine that pip's PIP_FIND_LINKS names."""
    return tuple(Path(word) for word in os.environ.get("PIP_FIND_LINKS", "").split() if Path(word).is_dir())


def _build_wheel(directory: Path, source: Source) -> None:
    # The build backend takes the time of the files in the wheel from the environment.
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(max(source.epoch_seconds, 315_532_800))}
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(directory), str(ROOT)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["pip gave no reason"]
        raise InputError(f"the wheel of lab-lens cannot be built: {lines[-1].strip()}; try: pip wheel --no-deps {ROOT}")
