"""A registry in a directory: immutable versions, an index that is replaced atomically, and a lock between processes."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from filelock import FileLock, Timeout

from lab_lens import artifacts
from lab_lens.errors import InputError
from lab_lens.registry.base import (
    PROMOTED,
    REGISTERED,
    ROLLED_BACK,
    Action,
    Evidence,
    HistoryEntry,
    ModelVersion,
    next_number,
    normalize_version,
    utc_now,
)
from lab_lens.registry.files import (
    MODEL_DIR,
    describe,
    discard,
    find_problems,
    model_hashes,
    publish,
    read_metadata,
    remove_abandoned,
    staged,
)
from lab_lens.registry.index import (
    INDEX_JSON,
    VERSION_JSON,
    Index,
    IndexedVersion,
    read_index,
    rollback_target,
    write_index,
)

_LOCK_FILE = ".lock"
# A writer holds the lock while it copies a model; ten minutes are enough for gigabytes on a slow disk.
_LOCK_TIMEOUT_SECONDS = 600.0
_STORED = "stored as a new version"
_logger = logging.getLogger(__name__)


class LocalRegistry:
    """Versions in `<path>/v<version>/`, pointers and history in `<path>/registry_index.json`.

    A directory that does not exist is an empty registry: reading creates nothing, the first write creates it. Writers
    take turns through a lock that the operating system frees when its holder dies; readers need no lock, since every
    change becomes visible by one rename. What a writer leaves that dies half-way is not part of the registry, and
    repeating the operation completes it.

    Args:
        path: the registry's directory.

    Raises:
        InputError: from every method, when the path is a file, cannot be written, or holds a damaged or newer index.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def production(self) -> str | None:
        """The version in production."""
        return read_index(self.path).production

    def previous(self) -> str | None:
        """The version that a rollback returns to: the one that was in production before, and was not itself left."""
        return read_index(self.path).previous

    def history(self) -> list[HistoryEntry]:
        """Every event, oldest first."""
        return list(read_index(self.path).history)

    def list_versions(self) -> list[ModelVersion]:
        """Every version, oldest first."""
        return [self._metadata(indexed) for indexed in read_index(self.path).versions]

    def show(self, version: str) -> ModelVersion:
        """One version's metadata.

        Raises:
            InputError: the version is not registered, or its version.json was changed.
        """
        return self._metadata(self._registered(version))

    def model_dir(self, version: str) -> Path:
        """The directory with a version's model files, which are read-only.

        Raises:
            InputError: the version is not registered.
        """
        return self.path / self._registered(version).version / MODEL_DIR

    def verify(self, version: str) -> list[str]:
        """Hash a version's files and compare them with what was registered.

        Returns:
            One sentence for each missing, changed or added file; empty when the version is intact.

        Raises:
            InputError: the version is not registered.
        """
        indexed = self._registered(version)
        return find_problems(self.path / indexed.version, indexed)

    def register(self, model: Path, evidence: Evidence, *, actor: str, version: str = "") -> ModelVersion:
        """Store a model as a new version, or find the version that already holds exactly these model files.

        Args:
            model: directory of the model; its files are copied.
            evidence: documents, metrics and hashes to keep with it.
            actor: who registers.
            version: name such as `1.4.0`; empty for the next number.

        Returns:
            The version's metadata. A model that is already registered keeps its first name and evidence.

        Raises:
            InputError: the name is taken by another model or not allowed, or the model directory is empty.
        """
        _require_accountable(actor, _STORED)
        wanted = normalize_version(version) if version else ""
        file_hashes = model_hashes(model)
        content_hash = artifacts.content_hash(file_hashes)
        with self._writing() as index:
            if existing := index.with_content(content_hash):
                _logger.info("registry: these model files are already registered as %s", existing.version)
                return self._metadata(existing)
            name = self._free_name(index, wanted, content_hash)
            with staged(self.path, model, file_hashes, evidence.documents) as staging:
                metadata = describe(staging, name, evidence, actor)
                if metadata.file_hashes != file_hashes:
                    raise InputError(
                        f"{model} changed while it was being registered; repeat this when its writer ended"
                    )
                self._publish(index, staging, metadata, evidence)
        _logger.info("registry: %s registered (sha256 %s)", name, content_hash[:12])
        return metadata

    def promote(self, version: str, *, actor: str, reason: str, decision_hash: str, run_id: str = "") -> HistoryEntry:
        """Put a version into production; the version that was there becomes previous.

        Raises:
            InputError: the version is not registered.
        """
        return self._append(PROMOTED, version, actor, reason, decision_hash, run_id)

    def rollback(self, *, actor: str, reason: str, to: str | None = None, run_id: str = "") -> HistoryEntry:
        """Return production to the previous version, or to a named one.

        Raises:
            InputError: nothing is in production, there is no previous version, or the named one is not registered or
                is in production already.
        """
        return self._append(ROLLED_BACK, to, actor, reason, "", run_id)

    def record(
        self,
        action: Action,
        *,
        actor: str,
        reason: str,
        version: str | None = None,
        decision_hash: str = "",
        run_id: str = "",
    ) -> HistoryEntry:
        """Append an event that moves no pointer: a hold, or a deployment that failed.

        Raises:
            InputError: the action is one that moves a pointer, or the version is not registered.
        """
        if action in (PROMOTED, ROLLED_BACK, REGISTERED):
            raise InputError(f"{action} is not an event to record: call the method that does it")
        return self._append(action, version, actor, reason, decision_hash, run_id)

    def rollback_target(self, to: str | None = None) -> str:
        """The version that `rollback(to=to)` would put into production.

        Raises:
            InputError: as `rollback` does.
        """
        return rollback_target(read_index(self.path), to)

    def _registered(self, version: str) -> IndexedVersion:
        return read_index(self.path).find(normalize_version(version))

    def _metadata(self, indexed: IndexedVersion) -> ModelVersion:
        return read_metadata(self.path / indexed.version, indexed.metadata_hash)

    def _append(
        self, action: Action, version: str | None, actor: str, reason: str, decision_hash: str, run_id: str
    ) -> HistoryEntry:
        _require_accountable(actor, reason)
        with self._writing() as index:
            if action == ROLLED_BACK:
                version = rollback_target(index, version)
            name = index.find(normalize_version(version)).version if version else None
            entry = HistoryEntry(utc_now(), action, actor, reason, index.production, name, decision_hash, run_id)
            write_index(self.path, index.with_entry(entry))
        return entry

    def _free_name(self, index: Index, wanted: str, content_hash: str) -> str:
        """The wanted name, or the next number; never that of a directory which holds something else."""
        if wanted:
            if wanted in index.names() or not self._is_free(wanted, content_hash):
                raise InputError(f"version {wanted} exists in {self.path} with another model; choose another name")
            return wanted
        number = next_number(index.names())
        while not self._is_free(f"v{number}", content_hash):
            number += 1
        return f"v{number}"

    def _is_free(self, name: str, content_hash: str) -> bool:
        """Whether nothing lies at a name, or only what a dead writer of the same model left there."""
        directory = self.path / name
        if not (directory / VERSION_JSON).is_file():
            return not directory.exists()
        return read_metadata(directory).content_hash == content_hash

    def _publish(self, index: Index, staging: Path, metadata: ModelVersion, evidence: Evidence) -> None:
        target = self.path / metadata.version
        if target.exists():
            discard(target)
        indexed = IndexedVersion(metadata.version, metadata.content_hash, publish(staging, target, metadata))
        entry = HistoryEntry(
            when=metadata.created,
            action=REGISTERED,
            who=metadata.actor,
            why=evidence.reason or _STORED,
            from_version=index.production,
            to_version=metadata.version,
            decision_hash=metadata.decision_hash,
            run_id=evidence.run_id,
        )
        write_index(self.path, replace(index, versions=(*index.versions, indexed)).with_entry(entry))

    @contextmanager
    def _writing(self) -> Iterator[Index]:
        """Hold the lock around a read-change-write of the index.

        Raises:
            InputError: the registry cannot be written, or another writer holds it for too long.
        """
        read_index(self.path)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            with FileLock(self.path / _LOCK_FILE, timeout=_LOCK_TIMEOUT_SECONDS):
                index = read_index(self.path)
                remove_abandoned(self.path)
                if not (self.path / INDEX_JSON).is_file():
                    write_index(self.path, index)
                yield index
        except Timeout:
            raise InputError(
                f"another process has been writing to registry {self.path} for over {_LOCK_TIMEOUT_SECONDS:g} s; "
                "wait for it to end, then repeat this"
            ) from None
        except OSError as error:
            raise InputError(
                f"cannot write to registry {self.path}: {error}; free space or fix permissions, then repeat this"
            ) from error


def _require_accountable(actor: str, reason: str) -> None:
    if not (actor.strip() and reason.strip()):
        raise InputError("the registry's history needs an actor and a reason for every event; give both")
