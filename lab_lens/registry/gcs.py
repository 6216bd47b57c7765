"""A registry in Cloud Storage: folders of objects that are written once, and an index that is replaced or left alone.

There are no locks. Every change is a rule over the index, applied to what was read and stored under the condition that
it still is what was read. Who comes second reads again and applies its rule to what the first one left.
"""

import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from lab_lens import artifacts
from lab_lens.registry.base import (
    PROMOTED,
    ROLLED_BACK,
    Action,
    DamagedVersion,
    Evidence,
    HistoryEntry,
    ModelVersion,
    Pointers,
    normalize_version,
)
from lab_lens.registry.evidence import read_documents, require_document, require_own_documents
from lab_lens.registry.files import model_hashes
from lab_lens.registry.gcs_index import CloudIndex, with_event, without_dead_uploads
from lab_lens.registry.gcs_models import cached_model, default_cache
from lab_lens.registry.gcs_registration import Registration
from lab_lens.registry.gcs_store import RegistryBucket
from lab_lens.registry.gcs_versions import fetch_model, find_problems, metadata_of, read_checked
from lab_lens.registry.index import (
    Index,
    read_or_told,
    require_accountable,
    rollback_target,
    versions_to_prune,
    with_move,
    with_pruned,
    with_record,
)
from lab_lens.storage.gcs_errors import told_in_words
from lab_lens.storage.gcs_objects import RETRY_SECONDS, gathered
from lab_lens.storage.location import parse_uri

_UPLOAD_HOURS = 24.0
_CHANGED = "its objects change or went away while they are read; was something removed by hand? repeat this"


class CloudStorageRegistry:
    """Versions in `gs://bucket/prefix/v<version>-<random>/`, pointers and history in `registry_index.json` above them.

    Any number of writers may work at once, on any machines. A place where nothing lies is an empty registry: reading
    creates nothing. Two registries in one bucket know nothing of each other, unless one's prefix lies inside a version
    of the other.

    Args:
        location: `gs://bucket/prefix`; the bucket must exist.
        retry_seconds: how long one request is tried again while the service is away.
        upload_hours: an upload that has not ended after so long is given up for dead, and removed by who comes next.

    Raises:
        InputError: the location is no place in Cloud Storage; from every method, when the bucket or the registry's
            index cannot be used.
    """

    def __init__(
        self, location: str, *, retry_seconds: float = RETRY_SECONDS, upload_hours: float = _UPLOAD_HOURS
    ) -> None:
        self._place = parse_uri(location)
        self.location = self._place.uri
        self._retry_seconds = retry_seconds
        self._upload_hours = upload_hours
        self._opened: RegistryBucket | None = None

    def index(self) -> Index:
        """Versions, pointers and history of one moment."""
        with self._bucket() as bucket:
            return bucket.index().index

    def pointers(self) -> Pointers:
        """What the aliases stand for, all of one moment."""
        return self.index().pointers()

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
        return list(self.index().history)

    def list_versions(self) -> list[ModelVersion | DamagedVersion]:
        """Every version that was not pruned, oldest first; also those whose metadata cannot be read."""
        with self._bucket() as bucket:
            index = bucket.index()
            read = partial(metadata_of, bucket, index)
            return gathered(lambda name: read_or_told(read, index.index.find(name)), index.index.names())

    def show(self, version: str) -> ModelVersion:
        """One version's metadata, also when it was pruned.

        Raises:
            InputError: the version is not registered, or its version.json was changed.
        """
        with self._bucket() as bucket:
            index = bucket.index()
            return metadata_of(bucket, index, index.index.find_with_pruned(version))

    def read_document(self, version: str, name: str) -> bytes:
        """The content of a document that is kept beside a version, checked by its hash; also when it was pruned.

        Raises:
            InputError: the version is not registered or has no such document, or it was changed.
        """
        with self._bucket() as bucket:
            index = bucket.index()
            indexed = index.index.find_with_pruned(version)
            expected = require_document(metadata_of(bucket, index, indexed), name)
            return read_checked(bucket, index.folder(indexed.version), name, expected)

    def model_dir(self, version: str, cache: Path | None = None) -> Path:
        """A read-only copy of a version's model files on this machine, every file checked by its sha256.

        Args:
            version: name or alias. cache: keeps the copies by content hash; None: `~/.cache/lab-lens/models`.

        Raises:
            InputError: the version is not registered or was pruned, its files are missing or not those that were
                registered, or the cache cannot be written.
        """
        with self._bucket() as bucket:
            index = bucket.index()
            indexed = index.index.find(version)
            metadata = metadata_of(bucket, index, indexed)
            folder = index.folder(indexed.version)
            return cached_model(cache or default_cache(), metadata, partial(fetch_model, bucket, folder, metadata))

    def model_uri(self, version: str) -> str:
        """The `gs://` address of a version's model files.

        Raises:
            InputError: the version is not registered or was pruned.
        """
        with self._bucket() as bucket:
            index = bucket.index()
            return bucket.model_uri(index.folder(index.index.find(version).version))

    def verify(self, version: str) -> list[str]:
        """Compare a version's objects with what was registered.

        An object of the generation that was registered is what it was: Cloud Storage never changes the bytes of a
        generation. One of another generation is downloaded and hashed, unless its size or its CRC32C differs already.

        Returns:
            One sentence for each missing, changed or added object; empty when the version is intact.

        Raises:
            InputError: the version is not registered or was pruned.
        """
        with self._bucket() as bucket:
            index = bucket.index()
            indexed = index.index.find(version)
            return find_problems(bucket, index.folder(indexed.version), indexed)

    def register(self, model: Path, evidence: Evidence, *, actor: str, version: str = "") -> ModelVersion:
        """Store a model as a new version, or find the version that already holds exactly these model files.

        Args:
            model: directory of the model.
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
        wanted = normalize_version(version) if version else ""
        documents, file_hashes = read_documents(evidence), model_hashes(model)
        content_hash = artifacts.content_hash(file_hashes)
        require_own_documents(documents, content_hash)
        with self._bucket() as bucket:
            registration = Registration(bucket, model, file_hashes, documents, evidence, actor)
            return registration.run(wanted, self._upload_hours)

    def promote(self, version: str, *, actor: str, reason: str, decision_hash: str, run_id: str = "") -> HistoryEntry:
        """Put a version into production; the version that was there becomes previous.

        Raises:
            InputError: the version is not registered or was pruned.
        """
        said = {"actor": actor, "reason": reason, "decision_hash": decision_hash, "run_id": run_id}
        return self._add_event(lambda index: with_move(index, PROMOTED, version, **said))

    def rollback(self, *, actor: str, reason: str, to: str | None = None, run_id: str = "") -> HistoryEntry:
        """Return production to the previous version, or to a named one.

        Raises:
            InputError: nothing is in production, there is no previous version, or the named one is not registered or
                is in production already.
        """
        said = {"actor": actor, "reason": reason, "decision_hash": "", "run_id": run_id}
        return self._add_event(lambda index: with_move(index, ROLLED_BACK, to, **said))

    def rollback_target(self, to: str | None = None) -> str:
        """The version that `rollback(to=to)` would put into production.

        Raises:
            InputError: as `rollback` does.
        """
        return rollback_target(self.index(), to)

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
        said: dict[str, Any] = {"actor": actor, "reason": reason, "decision_hash": decision_hash, "run_id": run_id}
        traffic: dict[str, Any] = {
            "traffic_before": traffic_before,
            "traffic_after": traffic_after,
            "endpoint": endpoint,
        }
        return self._add_event(partial(with_record, action=action, version=version, **said, **traffic))

    def prune(self, keep: int, *, actor: str, reason: str, dry_run: bool = False) -> list[str]:
        """Delete the model files of old versions, and what dead uploads left; metadata, documents and events stay.

        The index says it first, then objects are deleted; what a crash leaves, the next pruning deletes.

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
            return versions_to_prune(self.index(), keep)
        operation = uuid.uuid4().hex
        names: list[str] = []

        def rule(before: CloudIndex) -> CloudIndex:
            alive = without_dead_uploads(before, self._upload_hours)
            after = with_event(alive, operation, lambda index: with_pruned(index, keep, actor=actor, reason=reason))
            if after.index != before.index:
                names[:] = [name for name in before.index.names() if name not in after.index.names()]
            return after

        with self._bucket() as bucket:
            bucket.change(rule)
            bucket.sweep()
        return names

    def _add_event(self, change: Callable[[Index], Index]) -> HistoryEntry:
        operation = uuid.uuid4().hex
        entries: list[HistoryEntry] = []

        def rule(before: CloudIndex) -> CloudIndex:
            after = with_event(before, operation, change)
            if after != before:
                entries[:] = after.index.history[-1:]
            return after

        with self._bucket() as bucket:
            bucket.change(rule)
        return entries[0]

    @contextmanager
    def _bucket(self) -> Iterator[RegistryBucket]:
        """The registry's bucket; what its client raises is told in words."""
        with told_in_words(self._place, _CHANGED):
            if self._opened is None:
                self._opened = RegistryBucket(self._place, self._retry_seconds)
            yield self._opened
