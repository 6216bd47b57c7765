"""How a model becomes a version in Cloud Storage: entered, uploaded, and made a version by one write of the index."""

import hashlib
import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from lab_lens import artifacts
from lab_lens.registry.base import Evidence, ModelVersion
from lab_lens.registry.evidence import describe
from lab_lens.registry.gcs_index import (
    CloudIndex,
    Folder,
    Upload,
    with_registration,
    with_upload,
    without_dead_uploads,
)
from lab_lens.registry.gcs_store import RegistryBucket
from lab_lens.registry.gcs_versions import metadata_of
from lab_lens.registry.index import MODEL_DIR, VERSION_JSON
from lab_lens.registry.stored import metadata_text
from lab_lens.storage.gcs_objects import all_at_once
from lab_lens.storage.manifest import StoredFile

_TOKEN_CHARS = 12
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Registration:
    """One model on its way into the registry.

    Args:
        bucket: of the registry.
        model: directory of the model.
        file_hashes: sha256 of each of its files, keyed by POSIX path.
        documents: to keep beside it, by name.
        evidence: that it comes with.
        actor: who registers.
    """

    bucket: RegistryBucket
    model: Path
    file_hashes: Mapping[str, str]
    documents: Mapping[str, bytes]
    evidence: Evidence
    actor: str
    token: str = field(default_factory=lambda: uuid.uuid4().hex[:_TOKEN_CHARS])

    def run(self, wanted: str, upload_hours: float) -> ModelVersion:
        """Store the model, or find the version that it already is.

        Args:
            wanted: name of the version; "" for the next number.
            upload_hours: after which an upload is given up for dead.

        Raises:
            InputError: the name is taken, or the model changes meanwhile.
        """
        index = self._begin(wanted, upload_hours)
        upload = index.upload(self.token)
        if upload is None:
            return self._existing(index)
        files = self._send(upload.folder)
        metadata = describe(upload.version, self.evidence, self.documents, self.file_hashes, self.actor)
        stored = self._existing(self._finish(upload, files, metadata))
        _logger.info("registry: %s registered (sha256 %s)", stored.version, stored.content_hash[:12])
        return stored

    @property
    def _content_hash(self) -> str:
        return artifacts.content_hash(dict(self.file_hashes))

    def _begin(self, wanted: str, upload_hours: float) -> CloudIndex:
        place = self.bucket.location.uri

        def rule(before: CloudIndex) -> CloudIndex:
            alive = without_dead_uploads(before, upload_hours)
            return with_upload(alive, self.token, self._content_hash, actor=self.actor, wanted=wanted, place=place)

        before, after = self.bucket.change(rule)
        if _ended(before, after):
            self.bucket.sweep()
        return after

    def _send(self, folder: str) -> dict[str, StoredFile]:
        """Upload the model's files and the documents; what was stored, by path."""
        sent: dict[str, StoredFile] = {}

        def send(name: str) -> None:
            path = f"{MODEL_DIR}/{name}"
            sent[path] = self.bucket.write_file(folder, path, self.model / name, self.file_hashes[name])

        all_at_once(send, self.file_hashes, f"upload {self.bucket.location.uri}/{folder}")
        for name, content in self.documents.items():
            sent[name] = self.bucket.write_bytes(folder, name, content)
        return sent

    def _finish(self, upload: Upload, files: Mapping[str, StoredFile], metadata: ModelVersion) -> CloudIndex:
        text = metadata_text(metadata).encode()
        last = self.bucket.write_bytes(upload.folder, VERSION_JSON, text)
        rule = partial(
            with_registration,
            metadata=metadata,
            metadata_hash=hashlib.sha256(text).hexdigest(),
            evidence=self.evidence,
            folder=Folder(upload.folder, {**files, VERSION_JSON: last}),
            operation=uuid.uuid4().hex,
            place=self.bucket.location.uri,
        )
        before, after = self.bucket.change(rule)
        if _ended(before, after) != {upload.folder}:
            # Dead uploads of the same model ended too, or a living one made it a version first.
            self.bucket.sweep()
        return after

    def _existing(self, index: CloudIndex) -> ModelVersion:
        content_hash = self._content_hash
        found = next(indexed for indexed in index.index.versions if indexed.content_hash == content_hash)
        return metadata_of(self.bucket, index, found)


def _ended(before: CloudIndex, after: CloudIndex) -> set[str]:
    """Folders of the uploads that a change ended."""
    folders = [{upload.folder for upload in index.holdings.uploads} for index in (before, after)]
    return folders[0] - folders[1]
