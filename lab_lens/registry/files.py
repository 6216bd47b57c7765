"""The files of one version in a local registry: staged, flushed, renamed into place, and checked."""

import shutil
import stat
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from lab_lens import artifacts
from lab_lens.errors import InputError
from lab_lens.registry.base import Evidence, ModelVersion, utc_now
from lab_lens.registry.index import INDEX_JSON, VERSION_JSON, IndexedVersion

MODEL_DIR = "model"
_STAGING_PREFIX = ".staging-"
_READ_ONLY = stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH
_METADATA = TypeAdapter(ModelVersion)


def model_hashes(model: Path) -> dict[str, str]:
    """Hash the files of a model directory.

    Raises:
        InputError: it is missing or empty.
    """
    hashes = artifacts.sha256_files(model) if model.is_dir() else {}
    if not hashes:
        raise InputError(f"model directory {model} is missing or empty; give the directory that training wrote")
    return hashes


@contextmanager
def staged(registry: Path, model: Path, names: Iterable[str], documents: Mapping[str, Path]) -> Iterator[Path]:
    """Copy a model's files and documents into a staging directory inside the registry; yield it, and leave none behind.

    Files are copied, not hard-linked: a link shares its bytes with the training output, and a tool that later rewrites
    that output in place would change a registered version.
    """
    staging = _staging_path(registry)
    try:
        for name in names:
            _copy(model / name, staging / MODEL_DIR / name)
        for name, source in documents.items():
            _copy(source, staging / name)
        yield staging
    finally:
        if staging.exists():
            _remove_tree(staging)


def _staging_path(registry: Path) -> Path:
    return registry / f"{_STAGING_PREFIX}{uuid.uuid4().hex}"


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    artifacts.fsync_file(target)
    target.chmod(_READ_ONLY)


def describe(staging: Path, version: str, evidence: Evidence, actor: str) -> ModelVersion:
    """Metadata of a staged version: the hashes of what was really copied, not of what was to be copied."""
    file_hashes = artifacts.sha256_files(staging / MODEL_DIR)
    document_hashes = {name: artifacts.sha256_file(staging / name) for name in evidence.documents}
    return ModelVersion(
        version=version,
        content_hash=artifacts.content_hash(file_hashes),
        file_hashes=file_hashes,
        document_hashes=document_hashes,
        metrics=dict(evidence.metrics),
        decision_hash=document_hashes.get(artifacts.DECISION_JSON, ""),
        config_hash=evidence.config_hash,
        data_hash=evidence.data_hash,
        created=utc_now(),
        actor=actor,
    )


def publish(staging: Path, target: Path, metadata: ModelVersion) -> str:
    """Write version.json, flush everything and rename the staging directory to its final name.

    Returns:
        The sha256 of version.json.
    """
    path = artifacts.write_json(staging / VERSION_JSON, asdict(metadata))
    metadata_hash = artifacts.sha256_file(path)
    path.chmod(_READ_ONLY)
    for directory in [*(item for item in staging.rglob("*") if item.is_dir()), staging]:
        artifacts.fsync_directory(directory)
    staging.rename(target)
    artifacts.fsync_directory(target.parent)
    return metadata_hash


def remove_abandoned(registry: Path) -> None:
    """Remove what killed writers left unpublished; only the holder of the registry's lock may call this."""
    for directory in registry.glob(f"{_STAGING_PREFIX}*"):
        _remove_tree(directory)
    for unfinished in registry.glob(f".{INDEX_JSON}.*.tmp"):
        unfinished.unlink()


def discard(directory: Path) -> None:
    """Remove what a killed writer published but did not register; killed again, it lies among the abandoned."""
    abandoned = _staging_path(directory.parent)
    directory.rename(abandoned)
    _remove_tree(abandoned)


def _remove_tree(directory: Path) -> None:
    # Windows does not delete read-only files.
    for item in directory.rglob("*"):
        if item.is_file():
            item.chmod(_READ_ONLY | stat.S_IWUSR)
    shutil.rmtree(directory)


def read_metadata(directory: Path, metadata_hash: str | None = None) -> ModelVersion:
    """Read a version's version.json.

    Args:
        directory: of the version.
        metadata_hash: the sha256 that the index holds for it; None for a directory that is not in the index.

    Raises:
        InputError: it is missing, damaged, or not the one that was registered.
    """
    path = directory / VERSION_JSON
    if metadata_hash and path.is_file() and artifacts.sha256_file(path) != metadata_hash:
        raise InputError(f"{path} was changed after registration; restore it from a backup")
    try:
        return _METADATA.validate_python(artifacts.read_json(path))
    except ValidationError as error:
        raise InputError(f"{path} is damaged; restore it from a backup") from error


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
    metadata = read_metadata(directory)
    expected = metadata.document_hashes | {f"{MODEL_DIR}/{name}": sha for name, sha in metadata.file_hashes.items()}
    missing = [f"{name} is missing" for name in sorted(expected.keys() - actual.keys())]
    changed = [
        f"{name} was changed after registration" for name in sorted(expected) if _differs(name, expected, actual)
    ]
    added = [f"{name} was added after registration" for name in sorted(actual.keys() - expected.keys())]
    return missing + changed + added


def _differs(name: str, expected: Mapping[str, str], actual: Mapping[str, str]) -> bool:
    return name in actual and actual[name] != expected[name]
