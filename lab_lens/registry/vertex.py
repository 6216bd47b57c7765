"""A Cloud Storage registry that Vertex AI Model Registry shows: one source of truth, and a view of it that follows."""

import logging
from collections.abc import Mapping
from pathlib import Path

from lab_lens.errors import InputError
from lab_lens.registry.base import DEPLOY_FAILED, Action, DamagedVersion, Evidence, HistoryEntry, ModelVersion, Pointers
from lab_lens.registry.gcs import CloudStorageRegistry
from lab_lens.registry.vertex_location import parse_vertex_location
from lab_lens.registry.vertex_mirror import Mirror
from lab_lens.registry.vertex_models import VertexModel
from lab_lens.storage.gcs_objects import RETRY_SECONDS

_logger = logging.getLogger(__name__)


class VertexRegistry:
    """The registry at `store`, whose versions Vertex AI shows as versions of one model.

    Versions, pointers and history are those of the Cloud Storage registry, and only those. Vertex AI is written, and
    never asked what is in production. It follows after every change that it shows; what could not be written there (a
    crash, no quota, no permission) is logged and made up for by the next change, from whatever machine. A promotion is
    refused while Vertex AI cannot be brought into step; a rollback is not, since it must not depend on that.

    Args:
        location: `vertex://PROJECT/LOCATION/MODEL?store=gs://BUCKET/PREFIX`; see `vertex_location`.
        retry_seconds: how long one request to Cloud Storage is tried again.
        poll_seconds: between two looks at what Vertex AI does.

    Raises:
        InputError: the location is wrong; from every method as from CloudStorageRegistry's.
    """

    def __init__(self, location: str, *, retry_seconds: float = RETRY_SECONDS, poll_seconds: float = 2.0) -> None:
        self.location = location
        place = parse_vertex_location(location)
        self._store = CloudStorageRegistry(place.store, retry_seconds=retry_seconds)
        self._mirror = Mirror(self._store, VertexModel(place, poll_seconds))

    def sync(self) -> None:
        """Bring Vertex AI into step; done twice, the second does nothing.

        Raises:
            InputError: Vertex AI refuses it, or fails again and again.
        """
        self._mirror.update()

    def pointers(self) -> Pointers:
        """What the aliases stand for, all of one moment."""
        return self._store.pointers()

    def production(self) -> str | None:
        """The version in production."""
        return self._store.production()

    def previous(self) -> str | None:
        """The version that a rollback returns to."""
        return self._store.previous()

    def candidate(self) -> str | None:
        """The version that was registered last and waits for its promotion."""
        return self._store.candidate()

    def history(self) -> list[HistoryEntry]:
        """Every event, oldest first."""
        return self._store.history()

    def list_versions(self) -> list[ModelVersion | DamagedVersion]:
        """Every version that was not pruned, oldest first; also those whose metadata cannot be read."""
        return self._store.list_versions()

    def show(self, version: str) -> ModelVersion:
        """One version's metadata, also when it was pruned."""
        return self._store.show(version)

    def read_document(self, version: str, name: str) -> bytes:
        """The content of a document that is kept beside a version, checked by its hash."""
        return self._store.read_document(version, name)

    def model_dir(self, version: str, cache: Path | None = None) -> Path:
        """A read-only copy of a version's model files on this machine, every file checked by its sha256."""
        return self._store.model_dir(version, cache)

    def model_uri(self, version: str) -> str:
        """The `gs://` address of a version's model files."""
        return self._store.model_uri(version)

    def rollback_target(self, to: str | None = None) -> str:
        """The version that `rollback(to=to)` would put into production."""
        return self._store.rollback_target(to)

    def verify(self, version: str) -> list[str]:
        """Compare a version's objects with what was registered; Vertex AI is not asked."""
        return self._store.verify(version)

    def register(self, model: Path, evidence: Evidence, *, actor: str, version: str = "") -> ModelVersion:
        """Store a model as a new version, or find the one that holds exactly its files; then show it, not as default.

        Vertex AI makes the first version of a model its default whatever one asks for. So the model is made by the
        first version whose verdict is to promote, or that is in production; versions before it wait until then.
        """
        stored = self._store.register(model, evidence, actor=actor, version=version)
        self._follow(f"{stored.version} is registered")
        return stored

    def promote(self, version: str, *, actor: str, reason: str, decision_hash: str, run_id: str = "") -> HistoryEntry:
        """Put a version into production, and make it Vertex AI's default.

        Raises:
            InputError: the version is not registered or was pruned; or Vertex AI cannot be brought into step, then
                production is what it was.
        """
        self.sync()
        entry = self._store.promote(version, actor=actor, reason=reason, decision_hash=decision_hash, run_id=run_id)
        self._follow(f"{entry.to_version} is in production")
        return entry

    def rollback(self, *, actor: str, reason: str, to: str | None = None, run_id: str = "") -> HistoryEntry:
        """Return production, and then Vertex AI's default, to the previous version, or to a named one."""
        entry = self._store.rollback(actor=actor, reason=reason, to=to, run_id=run_id)
        self._follow(f"{entry.to_version} is in production")
        return entry

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

        Vertex AI shows nothing of the first two, and traffic must not wait for it: only a deployment that failed, which
        takes an alias away, is followed.
        """
        entry = self._store.record(
            action,
            actor=actor,
            reason=reason,
            version=version,
            decision_hash=decision_hash,
            run_id=run_id,
            traffic_before=traffic_before,
            traffic_after=traffic_after,
            endpoint=endpoint,
        )
        if action == DEPLOY_FAILED:
            self._follow(f"the event {action!r} is recorded")
        return entry

    def prune(self, keep: int, *, actor: str, reason: str, dry_run: bool = False) -> list[str]:
        """Delete the model files of old versions, and their versions in Vertex AI, of which the default is none."""
        names = self._store.prune(keep, actor=actor, reason=reason, dry_run=dry_run)
        if not dry_run:
            self._follow(f"{', '.join(names) or 'nothing'} was pruned")
        return names

    def _follow(self, done: str) -> None:
        """Bring Vertex AI into step after something was done that stands, whatever comes of this."""
        try:
            self.sync()
        except InputError as error:
            _logger.warning(
                "registry: %s, but Vertex AI does not show it yet; the next change makes up for it: %s", done, error
            )
