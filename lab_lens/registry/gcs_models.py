"""Copies of a Cloud Storage registry's models on this machine, by content hash, checked whenever they are used."""

import shutil
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

from lab_lens import artifacts
from lab_lens.errors import InputError
from lab_lens.registry.base import ModelVersion

_READ_ONLY = stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH


def default_cache() -> Path:
    """Where copies are kept unless the caller says otherwise.

    Raises:
        InputError: this user has no home directory.
    """
    try:
        return Path.home() / ".cache" / "lab-lens" / "models"
    except RuntimeError as error:
        raise InputError("this user has no home directory, which keeps copies of models; set HOME") from error


def cached_model(cache: Path, metadata: ModelVersion, fetch: Callable[[Path], None]) -> Path:
    """A directory with exactly a version's model files, fetched unless an intact copy is here.

    Copies are read-only. Of several processes one fetches, and the others wait for it.

    Args:
        cache: keeps the copies, each in a directory named by its content hash.
        metadata: of the version.
        fetch: writes the model files into the empty directory that it is given.

    Raises:
        InputError: the cache cannot be written, or what was fetched is not what was registered.
    """
    target = cache / metadata.content_hash
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with FileLock(cache / f".{metadata.content_hash}.lock"):
            if not _is_intact(target, metadata):
                _fetch_into(target, metadata, fetch)
    except OSError as error:
        raise InputError(
            f"cannot keep a copy of {metadata.version} in {cache}: {error.strerror or error}; free space, fix "
            "permissions, or give another directory"
        ) from error
    return target


def _fetch_into(target: Path, metadata: ModelVersion, fetch: Callable[[Path], None]) -> None:
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as folder:
        staging = Path(folder) / "new"
        staging.mkdir()
        fetch(staging)
        if not _is_intact(staging, metadata):
            raise InputError(
                f"the model files of {metadata.version} are not those that were registered; look at what "
                "`lab-lens registry verify` says of it"
            )
        for item in staging.rglob("*"):
            if item.is_file():
                artifacts.fsync_file(item)
                item.chmod(_READ_ONLY)
        if target.exists():
            shutil.rmtree(target)
        staging.rename(target)
    artifacts.fsync_directory(target.parent)


def _is_intact(directory: Path, metadata: ModelVersion) -> bool:
    return directory.is_dir() and artifacts.sha256_files(directory) == metadata.file_hashes
