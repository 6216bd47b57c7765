"""The objects of one version in a Cloud Storage registry: read, downloaded, compared with what was registered."""

import hashlib
from collections.abc import Mapping
from functools import partial
from pathlib import Path, PurePosixPath

from lab_lens.errors import InputError
from lab_lens.registry.base import ModelVersion
from lab_lens.registry.evidence import expected_files
from lab_lens.registry.gcs_index import CloudIndex, Folder
from lab_lens.registry.gcs_store import RegistryBucket
from lab_lens.registry.index import MODEL_DIR, VERSION_JSON, IndexedVersion
from lab_lens.registry.stored import parse_metadata
from lab_lens.storage.gcs_objects import all_at_once, same_bytes
from lab_lens.storage.manifest import StoredFile


def metadata_of(bucket: RegistryBucket, index: CloudIndex, indexed: IndexedVersion) -> ModelVersion:
    """Read a version's version.json.

    Raises:
        InputError: it is missing, damaged, or not the one that was registered.
    """
    folder = index.folder(indexed.version)
    content = read_checked(bucket, folder, VERSION_JSON, indexed.metadata_hash)
    return parse_metadata(content, f"{bucket.location.uri}/{folder.name}/{VERSION_JSON}")


def read_checked(bucket: RegistryBucket, folder: Folder, path: str, sha256: str) -> bytes:
    """Read a small file of a version.

    Raises:
        InputError: it is missing, or its hash is another.
    """
    content = bucket.read_bytes(folder.name, path)
    if hashlib.sha256(content).hexdigest() != sha256:
        raise InputError(
            f"{bucket.location.uri}/{folder.name}/{path} was changed after registration; restore it from a backup"
        )
    return content


def fetch_model(bucket: RegistryBucket, folder: Folder, metadata: ModelVersion, target: Path) -> None:
    """Download a version's model files into a directory; the caller checks them.

    Raises:
        InputError: one is missing, or its name would lead out of the directory.
    """
    for name in metadata.file_hashes:
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise InputError(f"{metadata.version} names a file outside its directory: {name!r}")
    work = partial(_fetch, bucket, folder.name, target)
    all_at_once(work, metadata.file_hashes, f"download {metadata.version} of {bucket.location.uri}")


def find_problems(bucket: RegistryBucket, folder: Folder, indexed: IndexedVersion) -> list[str]:
    """Compare a version's objects with what was registered.

    The index vouches for version.json, version.json for every other file.

    Returns:
        One sentence for each missing, changed or added object; empty when all is as it was registered.
    """
    actual = bucket.listed(folder.name)
    if VERSION_JSON not in actual:
        return [f"{VERSION_JSON} is missing"]
    if _differs(bucket, folder, actual, VERSION_JSON, indexed.metadata_hash):
        return [f"{VERSION_JSON} was changed after registration"]
    expected = expected_files(parse_metadata(bucket.read_bytes(folder.name, VERSION_JSON), VERSION_JSON))
    others = actual.keys() - {VERSION_JSON}
    missing = [f"{path} is missing" for path in sorted(expected.keys() - others)]
    changed = [
        f"{path} was changed after registration"
        for path in sorted(expected.keys() & others)
        if _differs(bucket, folder, actual, path, expected[path])
    ]
    added = [f"{path} was added after registration" for path in sorted(others - expected.keys())]
    return missing + changed + added


def _differs(bucket: RegistryBucket, folder: Folder, actual: Mapping[str, StoredFile], path: str, sha256: str) -> bool:
    recorded = folder.files.get(path)
    if recorded == actual[path]:
        # The bytes of a generation never change.
        return False
    if recorded is not None and not same_bytes(recorded, actual[path]):
        return True
    return bucket.sha256(folder.name, path) != sha256


def _fetch(bucket: RegistryBucket, folder: str, target: Path, name: str) -> None:
    bucket.fetch(folder, f"{MODEL_DIR}/{name}", target / name)
