"""Directories in Cloud Storage: uploaded and downloaded whole, checked on both sides, never mixed.

An upload claims the prefix by writing the manifest as `writing`, under the condition that nobody wrote it meanwhile;
writes every object under the condition that it still is what was found after the claim; and only then turns the claim
into `complete`. Of two uploads at once, at most one gets that far, and the other removes what it wrote.
"""

import logging
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from google.api_core.exceptions import GoogleAPIError
from requests.exceptions import RequestException

from lab_lens import artifacts
from lab_lens.errors import InputError
from lab_lens.storage.gcs_errors import told_in_words
from lab_lens.storage.gcs_objects import RETRY_SECONDS, Objects, all_at_once, described
from lab_lens.storage.location import Location, parse_uri
from lab_lens.storage.manifest import MANIFEST_NAME, Manifest, StoredFile, parse_manifest

_CHANGED = "another transfer is writing there; wait for it to end, then repeat this"
_logger = logging.getLogger(__name__)


def upload_directory(directory: Path, uri: str, *, retry_seconds: float = RETRY_SECONDS) -> bool:
    """Store a directory's files under a prefix; what an earlier upload left there is replaced.

    Args:
        directory: local directory; all files below it are stored.
        uri: `gs://bucket/prefix`.
        retry_seconds: how long one request is tried again.

    Returns:
        Whether anything was written; False: exactly these files are there already.

    Raises:
        InputError: the bucket cannot be used, the prefix holds something else, or another upload is writing there.
    """
    location = parse_uri(uri)
    with told_in_words(location, _CHANGED):
        return _Transfer(location, retry_seconds).upload(directory)


def download_directory(uri: str, directory: Path, *, retry_seconds: float = RETRY_SECONDS) -> None:
    """Fetch a directory that `upload_directory` stored into an empty local one; every file is checked and flushed.

    Args:
        uri: `gs://bucket/prefix`.
        directory: receives the files; put it into its place only after this returns.
        retry_seconds: how long one request is tried again.

    Raises:
        InputError: there is no complete directory, it changed meanwhile, or the bucket cannot be used.
    """
    location = parse_uri(uri)
    with told_in_words(location, _CHANGED):
        _Transfer(location, retry_seconds).download(directory)


class _Transfer:
    """One transfer, with its client and its name."""

    def __init__(self, location: Location, retry_seconds: float) -> None:
        self.location = location
        self.objects = Objects(location, retry_seconds)
        self.request = self.objects.request
        self.writer = uuid.uuid4().hex
        # What this transfer wrote, by path.
        self.wrote: dict[str, StoredFile] = {}

    def upload(self, directory: Path) -> bool:
        files = {name: described(directory / name) for name in artifacts.sha256_files(directory)}
        former, generation = self._manifest()
        found = self._found()
        if former is not None and former.holds(files) and _intact(former, found):
            return False
        self._require_ours(former, found)
        # Also the names of what was there: whoever goes on after a crash must know that they are ours.
        names = {name: replace(file, generation=0) for name, file in (former.files if former else {}).items()} | files
        claim = self._write_manifest(Manifest("writing", self.writer, names), generation)
        with self._undone_on_failure():
            self._replace(directory, files, self._found())
            self._write_manifest(Manifest("complete", self.writer, self.wrote), claim)
        return True

    def download(self, directory: Path) -> None:
        manifest, _ = self._manifest()
        if manifest is None:
            # A bucket that is not there looks like one without a manifest until something is listed.
            self._found()
            raise InputError(f"{self.location.uri} has no {MANIFEST_NAME}: it was not stored by lab-lens mirror-model")
        if manifest.state != "complete":
            raise InputError(f"{self.location.uri} is not complete: a transfer is at work or was cut off; repeat it")
        all_at_once(partial(self._fetch, directory, manifest.files), manifest.files, f"download {self.location.uri}")

    def _manifest(self) -> tuple[Manifest | None, int]:
        """The manifest and its generation; 0 when there is none."""
        blob = self.objects.bucket.get_blob(self.location.object_name(MANIFEST_NAME), **self.request)
        if blob is None:
            return None, 0
        content = blob.download_as_bytes(if_generation_match=blob.generation, checksum="crc32c", **self.request)
        return parse_manifest(content, f"{self.location.uri}/{MANIFEST_NAME}"), int(blob.generation)

    def _found(self) -> dict[str, StoredFile]:
        """Objects under the prefix, by path; the manifest is none of them."""
        return {name: file for name, file in self.objects.found().items() if name != MANIFEST_NAME}

    def _require_ours(self, former: Manifest | None, found: Mapping[str, StoredFile]) -> None:
        foreign = sorted(found.keys() - (former.files if former else {}).keys())
        if foreign:
            raise InputError(
                f"{self.location.uri} holds {len(foreign)} objects that no lab-lens transfer put there, such as "
                f"{foreign[0]}; give a new or empty prefix"
            )

    def _write_manifest(self, manifest: Manifest, generation: int) -> int:
        blob = self._blob(MANIFEST_NAME)
        options = {"content_type": "application/json", "checksum": "crc32c", "if_generation_match": generation}
        send = partial(blob.upload_from_string, manifest.to_bytes(), **options, **self.request)
        return int(self.objects.written(blob, f"{self.writer}-{manifest.state}", send).generation)

    def _replace(self, directory: Path, files: Mapping[str, StoredFile], found: Mapping[str, StoredFile]) -> None:
        """Write every file, and remove what is left of an earlier directory."""
        all_at_once(partial(self._store, directory, files, found), files, f"upload {self.location.uri}")
        for name in found.keys() - files.keys():
            self._blob(name).delete(if_generation_match=found[name].generation, **self.request)

    def _store(
        self, directory: Path, files: Mapping[str, StoredFile], found: Mapping[str, StoredFile], name: str
    ) -> None:
        blob = self._blob(name)
        expected = found[name].generation if name in found else 0
        options = {"if_generation_match": expected, "checksum": "crc32c"}
        send = partial(blob.upload_from_filename, str(directory / name), **options, **self.request)
        sent = self.objects.written(blob, self.writer, send)
        self.wrote[name] = replace(files[name], generation=int(sent.generation))
        if sent.crc32c != files[name].crc32c:
            raise InputError(f"{directory / name} changed while it was uploaded; repeat this when its writer ended")

    @contextmanager
    def _undone_on_failure(self) -> Iterator[None]:
        """When the block fails, remove the objects that this transfer wrote: they must not stand beside another's."""
        try:
            yield
        except BaseException:
            for name, file in self.wrote.items():
                try:
                    self._blob(name).delete(if_generation_match=file.generation, **self.request)
                except (GoogleAPIError, RequestException) as error:
                    _logger.warning("%s/%s could not be removed: %s", self.location.uri, name, error.__class__.__name__)
            raise

    def _fetch(self, directory: Path, files: Mapping[str, StoredFile], name: str) -> None:
        target = directory / name
        if directory.resolve() not in target.resolve().parents:
            raise InputError(f"{self.location.uri} names a file outside its directory: {name!r}")
        target.parent.mkdir(parents=True, exist_ok=True)
        options = {"if_generation_match": files[name].generation, "checksum": "crc32c"}
        self._blob(name).download_to_filename(str(target), **options, **self.request)
        if described(target) != replace(files[name], generation=0):
            raise InputError(f"{self.location.uri}/{name} is not what its manifest says; repeat the upload")
        artifacts.fsync_file(target)

    def _blob(self, name: str) -> Any:
        return self.objects.blob(name)


def _intact(manifest: Manifest, found: Mapping[str, StoredFile]) -> bool:
    return dict(manifest.files) == dict(found)
