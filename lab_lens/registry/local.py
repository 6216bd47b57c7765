"""A registry in a directory: immutable versions, an index that is replaced atomically, and a lock between processes."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from filelock import FileLock

from lab_lens import artifacts
from lab_lens.errors import InputError
from lab_lens.registry.base import (
    PROMOTED,
    ROLLED_BACK,
    Action,
    DamagedVersion,
    Evidence,
    HistoryEntry,
    ModelVersion,
    Pointers,
)
from lab_lens.registry.copying import copy_and_hash, link_and_hash
from lab_lens.registry.evidence import describe, read_documents, require_document, require_own_documents
from lab_lens.registry.files import (
    LOCK_TIMEOUT_SECONDS,
    find_problems,
    may_hold,
    model_files,
    model_hashes,
    new_staging,
    publish,
    published,
    read_index,
    read_metadata,
    remove_abandoned,
    remove_pruned,
    stage,
    staging_lock,
    usable,
    write_index,
)
from lab_lens.registry.index import (
    INDEX_JSON,
    MODEL_DIR,
    Index,
    IndexedVersion,
    choose_name,
    read_or_told,
    require_accountable,
    rollback_target,
    versions_to_prune,
    with_move,
    with_pruned,
    with_record,
    with_version,
)

_LOCK_FILE = ".lock"
_logger = logging.getLogger(__name__)


class LocalRegistry:
    """Versions in `<path>/v<version>/`, pointers and history in `<path>/registry_index.json`.

    A directory that does not exist is an empty registry: reading creates nothing, the first write creates it. Writers
    take turns through a lock that the operating system frees when its holder dies; they hold it for the change of the
    index alone, not while a model is copied. Readers need no lock, since every change becomes visible by one rename.
    What a writer leaves that dies half-way is not part of the registry: the next writer removes it, and repeating the
    operation completes it.

    Args:
        path: the registry's directory.
        link: whether a model's files get a second name here instead of a copy, where disk and file system allow; they
            become read-only, and nobody may change them in place any more.

    Raises:
        InputError: from every method, when the path is a file, cannot be written, or holds a damaged or newer index.
    """

    def __init__(self, path: Path, *, link: bool = False) -> None:
        self.path = path
        self._place = link_and_hash if link else copy_and_hash
        self.location = str(path)

    def pointers(self) -> Pointers:
        """What the aliases stand for, all of one moment."""
        return read_index(self.path).pointers()

    def production(self) -> str | None:
        """The version in production."""
        return self.pointers().production

    def previous(self) -> str | None:
        """The version that a rollback returns to: the one that was in production before, and was not itself left."""
        return self.pointers().previous

    def candidate(self) -> str | None:
        """The version that was registered last and waits for its promotion."""
        return self.pointers().candidate

    def history(self) -> list[HistoryEntry]:
        """Every event, oldest first."""
        return list(read_index(self.path).history)

    def list_versions(self) -> list[ModelVersion | DamagedVersion]:
        """Every version that was not pruned, oldest first; also those whose metadata cannot be read."""
        return [read_or_told(self._metadata, indexed) for indexed in read_index(self.path).versions]

    def show(self, version: str) -> ModelVersion:
        """One version's metadata, also when it was pruned.

        Raises:
            InputError: the version is not registered, or its version.json was changed.
        """
        return self._metadata(read_index(self.path).find_with_pruned(version))

    def model_dir(self, version: str, cache: Path | None = None) -> Path:  # noqa: ARG002
        """The directory with a version's model files, which are read-only.

        Args:
            version: name or alias.
            cache: not needed: the files are here.

        Raises:
            InputError: the version is not registered or was pruned.
        """
        return self.path / read_index(self.path).find(version).version / MODEL_DIR

    def model_uri(self, version: str) -> str:
        """The path of `model_dir`.

        Raises:
            InputError: the version is not registered or was pruned.
        """
        return str(self.model_dir(version))

    def read_document(self, version: str, name: str) -> bytes:
        """The content of a document that is kept beside a version, checked by its hash; also when it was pruned.

        Raises:
            InputError: the version is not registered or has no such document, or it was changed.
        """
        metadata = self.show(version)
        expected = require_document(metadata, name)
        path = self.path / metadata.version / name
        if not path.is_file() or artifacts.sha256_file(path) != expected:
            raise InputError(f"{path} is missing or was changed after registration; restore it from a backup")
        return path.read_bytes()

    def verify(self, version: str) -> list[str]:
        """Hash a version's files and compare them with what was registered.

        Returns:
            One sentence for each missing, changed or added file; empty when the version is intact.

        Raises:
            InputError: the version is not registered or was pruned.
        """
        indexed = read_index(self.path).find(version)
        return find_problems(self.path / indexed.version, indexed)

    def register(self, model: Path, evidence: Evidence, *, actor: str, version: str = "") -> ModelVersion:
        """Store a model as a new version, or find the version that already holds exactly these model files.

        Args:
            model: directory of the model; unless its files are linked, nothing that changes them later changes the
                version.
            evidence: documents, metrics and hashes to keep with it.
            actor: who registers.
            version: name such as `1.4.0`; empty for the next number.

        Returns:
            The version's metadata. A model that is already registered keeps its first name and evidence.

        Raises:
            InputError: the name is taken by another model or not allowed, the model directory is empty, the model
                changes meanwhile, or the evidence is another model's.
        """
        require_accountable(actor)
        names, documents = model_files(model), read_documents(evidence)
        if existing := self._stored_already(model, names, documents):
            return existing
        self._choose_name(read_index(self.path), version)
        with self._staging() as staging:
            hashes = stage(staging, model, names, documents, self._place)
            content_hash = artifacts.content_hash(hashes)
            require_own_documents(documents, content_hash)
            with self._writing() as index:
                if other := index.with_content(content_hash):
                    return self._metadata(other)
                name = self._choose_name(index, version)
                metadata = describe(name, evidence, documents, hashes, actor)
                self._publish(index, staging, metadata, evidence)
        _logger.info("registry: %s registered (sha256 %s)", name, content_hash[:12])
        return metadata

    def promote(self, version: str, *, actor: str, reason: str, decision_hash: str, run_id: str = "") -> HistoryEntry:
        """Put a version into production; the version that was there becomes previous.

        Raises:
            InputError: the version is not registered or was pruned.
        """
        with self._writing() as index:
            said = {"actor": actor, "reason": reason, "decision_hash": decision_hash, "run_id": run_id}
            return self._store(with_move(index, PROMOTED, version, **said))

    def rollback(self, *, actor: str, reason: str, to: str | None = None, run_id: str = "") -> HistoryEntry:
        """Return production to the previous version, or to a named one.

        Raises:
            InputError: nothing is in production, there is no previous version, or the named one is not registered or
                is in production already.
        """
        with self._writing() as index:
            said = {"actor": actor, "reason": reason, "decision_hash": "", "run_id": run_id}
            return self._store(with_move(index, ROLLED_BACK, to, **said))

    def rollback_target(self, to: str | None = None) -> str:
        """The version that `rollback(to=to)` would put into production.

        Raises:
            InputError: as `rollback` does.
        """
        return rollback_target(read_index(self.path), to)

    def record(
        self,
        action: Action,
        *,
        actor: str,
        reason: str,
        version: str | None = None,
        decision_hash: str = "",
        run_id: str = "",
        traffic_before: Mapping[str, int] | None = None,
        traffic_after: Mapping[str, int] | None = None,
        endpoint: str = "",
    ) -> HistoryEntry:
        """Append an event that moves no pointer: a hold, a shift of traffic, a deployment that failed.

        Raises:
            InputError: the action is one that moves a pointer, the version is not registered, or the shares of traffic
                do not add up to 100 %.
        """
        said = {
            "actor": actor,
            "reason": reason,
            "decision_hash": decision_hash,
            "run_id": run_id,
            "endpoint": endpoint,
        }
        with self._writing() as index:
            return self._store(
                with_record(index, action, version, **said, traffic_before=traffic_before, traffic_after=traffic_after)
            )

    def prune(self, keep: int, *, actor: str, reason: str, dry_run: bool = False) -> list[str]:
        """Delete the model files of old versions; their metadata, documents and events stay.

        Args:
            keep: how many of the newest versions stay; what an alias stands for, or clients may be served by as the
                last shift of traffic says, stays whatever its age.
            actor: who prunes. reason: why.
            dry_run: only tell.

        Returns:
            The names of the versions, oldest first.

        Raises:
            InputError: `keep` is negative.
        """
        if dry_run:
            return versions_to_prune(read_index(self.path), keep)
        with self._writing() as index:
            later = with_pruned(index, keep, actor=actor, reason=reason)
            names = [name for name in index.names() if name not in later.names()]
            if names:
                self._store(later)
                remove_pruned(self.path, later)
        return names

    def _metadata(self, indexed: IndexedVersion) -> ModelVersion:
        return read_metadata(self.path / indexed.version, indexed.metadata_hash)

    def _store(self, index: Index) -> HistoryEntry:
        write_index(self.path, index)
        return index.history[-1]

    def _stored_already(self, model: Path, names: Sequence[str], documents: Mapping[str, bytes]) -> ModelVersion | None:
        index = read_index(self.path)
        if not any(may_hold(self.path / name, model, names) for name in index.names()):
            return None
        content_hash = artifacts.content_hash(model_hashes(model))
        require_own_documents(documents, content_hash)
        existing = index.with_content(content_hash)
        if existing:
            _logger.info("registry: these model files are already registered as %s", existing.version)
        return self._metadata(existing) if existing else None

    def _choose_name(self, index: Index, wanted: str) -> str:
        return choose_name(index, wanted, self.location, lambda name: (self.path / name).exists())

    def _publish(self, index: Index, staging: Path, metadata: ModelVersion, evidence: Evidence) -> None:
        target = self.path / metadata.version
        metadata_hash = publish(staging, target, metadata)
        write_index(self.path, with_version(index, metadata, metadata_hash, evidence))
        published(target)

    @contextmanager
    def _staging(self) -> Iterator[Path]:
        """A directory inside the registry that other writers leave alone while this process lives.

        Raises:
            InputError: the registry cannot be written.
        """
        staging = new_staging(self.path)
        with usable(self.path), ExitStack() as held:
            # Under the registry's lock nobody looks for abandoned directories before this one is held.
            with self._writing():
                held.enter_context(staging_lock(staging))
                staging.mkdir()
            yield staging

    @contextmanager
    def _writing(self) -> Iterator[Index]:
        """Hold the lock around a read-change-write of the index.

        Raises:
            InputError: the registry cannot be written, or another writer holds it for too long.
        """
        read_index(self.path)
        with usable(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            with FileLock(self.path / _LOCK_FILE, timeout=LOCK_TIMEOUT_SECONDS):
                index = read_index(self.path)
                remove_abandoned(self.path, index)
                if not (self.path / INDEX_JSON).is_file():
                    write_index(self.path, index)
                yield index
