"""The directories of a local registry: staged, flushed, renamed into place, checked, and cleared of what was left."""

import filecmp
import os
import shutil
import stat
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from lab_lens import artifacts
from lab_lens.errors import InputError
from lab_lens.registry.base import ModelVersion
from lab_lens.registry.evidence import differences, expected_files
from lab_lens.registry.index import INDEX_JSON, MODEL_DIR, VERSION_JSON, Index, IndexedVersion
from lab_lens.registry.stored import index_text, metadata_text, parse_index, parse_metadata

# Nobody holds the lock while a model is copied: what it guards takes milliseconds, and a prune deletes gigabytes.
LOCK_TIMEOUT_SECONDS = 120.0
_STAGING_PREFIX = ".staging-"
_LOCK_SUFFIX = ".lock"
# Stands in the registry from before a version's directory gets its name until the index knows it.
_PUBLISHING_PREFIX = ".publishing-"
_READ_ONLY = stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH
_SMALL_FILE_BYTES = 1 << 20


def read_index(directory: Path) -> Index:
    """Read a registry's index; a directory that does not exist, or holds no registry yet, gives an empty one.

    Raises:
        InputError: the path is a file, or the index is lost, damaged, or written by a newer lab-lens.
    """
    if directory.exists() and not directory.is_dir():
        raise InputError(f"registry path {directory} is a file; give a directory")
    path = directory / INDEX_JSON
    if not path.is_file():
        _require_no_versions(directory)
        return Index()
    return parse_index(path.read_bytes(), str(path))


def write_index(directory: Path, index: Index) -> None:
    """Replace a registry's index atomically."""
    artifacts.write_text(directory / INDEX_JSON, index_text(index))


@contextmanager
def usable(registry: Path) -> Iterator[None]:
    """Tell in words that a registry cannot be written.

    Raises:
        InputError: the system refused, or another writer holds the lock for too long.
    """
    try:
        yield
    except Timeout:
        raise InputError(
            f"another process has been writing to registry {registry} for over {LOCK_TIMEOUT_SECONDS:g} s; "
            "wait for it to end, then repeat this"
        ) from None
    except (OSError, NotImplementedError) as error:
        # The second: a file system that has no locks.
        raise InputError(
            f"cannot write to registry {registry}: {error}; free space or fix permissions, then repeat this"
        ) from error


@contextmanager
def _readable(source: Path) -> Iterator[None]:
    """Tell in words that a file of a model that is to be registered cannot be read."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"cannot read {source}: {error.strerror or error}; fix that file or its permissions, then repeat this"
        ) from error


def model_files(model: Path) -> list[str]:
    """The files of a model directory, as POSIX paths, sorted.

    Raises:
        InputError: it is missing or empty.
    """
    found = sorted(item.relative_to(model).as_posix() for item in model.rglob("*") if item.is_file())
    if not found:
        raise InputError(f"model directory {model} is missing or empty; give the directory that training wrote")
    return found


def model_hashes(model: Path) -> dict[str, str]:
    """Hash the files of a model directory.

    Raises:
        InputError: it is missing or empty, or a file cannot be read.
    """
    hashes = {}
    for name in model_files(model):
        with _readable(model / name):
            hashes[name] = artifacts.sha256_file(model / name)
    return hashes


def may_hold(directory: Path, model: Path, names: Sequence[str]) -> bool:
    """Whether a version may hold exactly a model's files: names, sizes and the bytes of small files are equal.

    Most models differ there, in their manifest, and then need not be hashed before they are copied.
    """
    stored = directory / MODEL_DIR
    if _sizes(stored) != _sizes(model):
        return False
    small = [name for name in names if (model / name).stat().st_size <= _SMALL_FILE_BYTES]
    return all(filecmp.cmp(model / name, stored / name, shallow=False) for name in small)


@contextmanager
def staging_lock(staging: Path) -> Iterator[None]:
    """Hold a staging directory for this process, so that other writers see that it is not abandoned; then remove it."""
    lock = FileLock(_lock_of(staging))
    lock.acquire()
    try:
        yield
    finally:
        if staging.exists():
            _remove_tree(staging)
        lock.release()
        _lock_of(staging).unlink(missing_ok=True)


def new_staging(registry: Path) -> Path:
    """A name for a staging directory inside a registry."""
    return registry / f"{_STAGING_PREFIX}{uuid.uuid4().hex}"


def stage(
    staging: Path,
    model: Path,
    names: Sequence[str],
    documents: Mapping[str, bytes],
    place: Callable[[Path, Path], str],
) -> dict[str, str]:
    """Bring a model's files and its documents into a staging directory.

    Args:
        place: brings one file to its new path, and gives its sha256.

    Returns:
        The sha256 of each file of the model as it stands there.

    Raises:
        InputError: a file of the model cannot be read.
    """
    hashes = {}
    for name in names:
        source, target = model / name, staging / MODEL_DIR / name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            hashes[name] = place(source, target)
        except OSError as error:
            # The system does not always say which of the two files it is about.
            with _readable(source):
                if (error.filename, error.filename2) == (str(source), None):
                    raise
                artifacts.sha256_file(source)
            raise
    for name, content in documents.items():
        _write_new(staging / name, content)
    return hashes


def publish(staging: Path, target: Path, metadata: ModelVersion) -> str:
    """Make the model read-only, write version.json, flush everything and rename the staging directory to its name.

    Not earlier: a linked file takes its mode to its other name too, which a model that is refused must not notice.

    A marker says that the version is not in the index yet; `published` removes it.

    Returns:
        The sha256 of version.json.
    """
    for name in metadata.file_hashes:
        if stat.S_IMODE((file := staging / MODEL_DIR / name).stat().st_mode) != _READ_ONLY:
            file.chmod(_READ_ONLY)
    _write_new(staging / VERSION_JSON, metadata_text(metadata).encode())
    metadata_hash = artifacts.sha256_file(staging / VERSION_JSON)
    for directory in [*(item for item in staging.rglob("*") if item.is_dir()), staging]:
        artifacts.fsync_directory(directory)
    _marker(target).touch()
    artifacts.fsync_directory(target.parent)
    staging.rename(target)
    artifacts.fsync_directory(target.parent)
    return metadata_hash


def published(target: Path) -> None:
    """Remove the marker of a version that the index knows now."""
    _marker(target).unlink()


def remove_abandoned(registry: Path, index: Index) -> None:
    """Remove what killed writers left; only the holder of the registry's lock may call this."""
    for unfinished in registry.glob(f".{INDEX_JSON}.*.tmp"):
        unfinished.unlink()
    for item in list(registry.glob(f"{_STAGING_PREFIX}*")):
        _remove_without_writer(item.with_name(item.name.removesuffix(_LOCK_SUFFIX)))
    registered = {indexed.version for indexed in (*index.versions, *index.pruned)}
    for marker in registry.glob(f"{_PUBLISHING_PREFIX}*"):
        name = marker.name.removeprefix(_PUBLISHING_PREFIX)
        if name not in registered and (registry / name).is_dir():
            _remove_tree(registry / name)
        marker.unlink()
    remove_pruned(registry, index)


def remove_pruned(registry: Path, index: Index) -> None:
    """Delete the model files of pruned versions; their metadata and documents stay."""
    for indexed in index.pruned:
        if (model := registry / indexed.version / MODEL_DIR).exists():
            _remove_tree(model)


def read_metadata(directory: Path, metadata_hash: str) -> ModelVersion:
    """Read a version's version.json.

    Args:
        directory: of the version.
        metadata_hash: the sha256 that the index holds for it.

    Raises:
        InputError: it is missing, damaged, or not the one that was registered.
    """
    path = directory / VERSION_JSON
    if not path.is_file():
        raise InputError(f"no such file: {path}; restore it from a backup")
    if artifacts.sha256_file(path) != metadata_hash:
        raise InputError(f"{path} was changed after registration; restore it from a backup")
    return parse_metadata(path.read_bytes(), str(path))


def find_problems(directory: Path, indexed: IndexedVersion) -> list[str]:
    """Compare a version's files with what was registered.

    The index vouches for version.json, version.json for every other file.

    Returns:
        One sentence for each missing, changed or added file; empty when all is as it was registered.
    """
    actual = artifacts.sha256_files(directory)
    if VERSION_JSON not in actual:
        return [f"{VERSION_JSON} is missing"]
    if actual.pop(VERSION_JSON) != indexed.metadata_hash:
        return [f"{VERSION_JSON} was changed after registration"]
    return differences(expected_files(read_metadata(directory, indexed.metadata_hash)), actual)


def _require_no_versions(directory: Path) -> None:
    # The index is written before the first version, so versions without one mean that it was lost. Taking the registry
    # for empty would forget what is in production.
    found = sorted(path.parent.name for path in directory.glob(f"v*/{VERSION_JSON}"))
    if found:
        raise InputError(
            f"registry {directory} has lost its {INDEX_JSON} although {', '.join(found)} exist; "
            "restore it from a backup, or give another registry directory"
        )


def _sizes(directory: Path) -> dict[str, int]:
    files = (item for item in directory.rglob("*") if item.is_file())
    return {item.relative_to(directory).as_posix(): item.stat().st_size for item in files}


def _lock_of(staging: Path) -> Path:
    return staging.with_name(f"{staging.name}{_LOCK_SUFFIX}")


def _marker(target: Path) -> Path:
    return target.with_name(f"{_PUBLISHING_PREFIX}{target.name}")


def _write_new(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    artifacts.fsync_file(path)
    path.chmod(_READ_ONLY)


def _remove_without_writer(staging: Path) -> None:
    lock = FileLock(_lock_of(staging), timeout=0)
    try:
        lock.acquire()
    except Timeout:
        return
    if staging.exists():
        _remove_tree(staging)
    lock.release()
    _lock_of(staging).unlink(missing_ok=True)


def _remove_tree(directory: Path) -> None:
    # Windows does not delete read-only files; elsewhere a linked file keeps the mode that its other name has too.
    for item in directory.rglob("*"):
        if os.name == "nt" and item.is_file():
            item.chmod(_READ_ONLY | stat.S_IWUSR)
    shutil.rmtree(directory)
