"""Directories in Cloud Storage: uploaded and downloaded whole, checked on both sides, never mixed.

An upload claims the prefix by writing the manifest as `writing`, under the condition that nobody wrote it meanwhile;
writes every object under the condition that it still is what was found after the claim; and only then turns the claim
into `complete`. Of two uploads at once, at most one gets that far, and the other removes what it wrote.
"""

import base64
import logging
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import google_crc32c
from google.api_core.exceptions import Forbidden, GoogleAPIError, NotFound, PreconditionFailed, RetryError, Unauthorized
from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError, RefreshError, TransportError
from google.cloud import storage
from google.cloud.storage.exceptions import DataCorruption
from google.cloud.storage.retry import DEFAULT_RETRY
from requests.exceptions import RequestException

from lab_lens import artifacts
from lab_lens.errors import InputError
from lab_lens.progress import report_progress
from lab_lens.storage.location import Location, parse_uri
from lab_lens.storage.manifest import MANIFEST_NAME, Manifest, StoredFile, parse_manifest

_WRITER = "lab_lens_writer"
_NO_OBJECT = "No such object"
_TRANSFERS_AT_ONCE = 8
_CONNECT_AND_READ_SECONDS = (10.0, 60.0)
_RETRY_SECONDS = 60.0
_CHUNK_BYTES = 1 << 20
_logger = logging.getLogger(__name__)


def upload_directory(directory: Path, uri: str, *, retry_seconds: float = _RETRY_SECONDS) -> bool:
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
    with _told_in_words(location):
        return _Transfer(location, retry_seconds).upload(directory)


def download_directory(uri: str, directory: Path, *, retry_seconds: float = _RETRY_SECONDS) -> None:
    """Fetch a directory that `upload_directory` stored into an empty local one; every file is checked and flushed.

    Args:
        uri: `gs://bucket/prefix`.
        directory: receives the files; put it into its place only after this returns.
        retry_seconds: how long one request is tried again.

    Raises:
        InputError: there is no complete directory, it changed meanwhile, or the bucket cannot be used.
    """
    location = parse_uri(uri)
    with _told_in_words(location):
        _Transfer(location, retry_seconds).download(directory)


class _Transfer:
    """One transfer, with its client and its name."""

    def __init__(self, location: Location, retry_seconds: float) -> None:
        self.location = location
        self.bucket = storage.Client().bucket(location.bucket)
        self.writer = uuid.uuid4().hex
        # What this transfer wrote, by path.
        self.wrote: dict[str, StoredFile] = {}
        self.request = {"retry": DEFAULT_RETRY.with_timeout(retry_seconds), "timeout": _CONNECT_AND_READ_SECONDS}

    def upload(self, directory: Path) -> bool:
        files = {name: _described(directory / name) for name in artifacts.sha256_files(directory)}
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
        _all_at_once(partial(self._fetch, directory, manifest.files), manifest.files, f"download {self.location.uri}")

    def _manifest(self) -> tuple[Manifest | None, int]:
        """The manifest and its generation; 0 when there is none."""
        blob = self.bucket.get_blob(self.location.object_name(MANIFEST_NAME), **self.request)
        if blob is None:
            return None, 0
        content = blob.download_as_bytes(if_generation_match=blob.generation, checksum="crc32c", **self.request)
        return parse_manifest(content, f"{self.location.uri}/{MANIFEST_NAME}"), int(blob.generation)

    def _found(self) -> dict[str, StoredFile]:
        """Objects under the prefix, by path; the manifest is none of them."""
        start = self.location.object_name("")
        blobs = self.bucket.list_blobs(prefix=start, **self.request)
        found = {
            blob.name.removeprefix(start): StoredFile(int(blob.size), str(blob.crc32c), int(blob.generation))
            for blob in blobs
        }
        return {name: file for name, file in found.items() if name and name != MANIFEST_NAME}

    def _require_ours(self, former: Manifest | None, found: Mapping[str, StoredFile]) -> None:
        foreign = sorted(found.keys() - (former.files if former else {}).keys())
        if foreign:
            raise InputError(
                f"{self.location.uri} holds {len(foreign)} objects that no lab-lens transfer put there, such as "
                f"{foreign[0]}; give a new or empty prefix"
            )

    def _write_manifest(self, manifest: Manifest, generation: int) -> int:
        blob = self.bucket.blob(self.location.object_name(MANIFEST_NAME))
        options = {"content_type": "application/json", "checksum": "crc32c", "if_generation_match": generation}
        send = partial(blob.upload_from_string, manifest.to_bytes(), **options, **self.request)
        return int(self._written(blob, f"{self.writer}-{manifest.state}", send).generation)

    def _replace(self, directory: Path, files: Mapping[str, StoredFile], found: Mapping[str, StoredFile]) -> None:
        """Write every file, and remove what is left of an earlier directory."""
        _all_at_once(partial(self._store, directory, files, found), files, f"upload {self.location.uri}")
        for name in found.keys() - files.keys():
            self._blob(name).delete(if_generation_match=found[name].generation, **self.request)

    def _store(
        self, directory: Path, files: Mapping[str, StoredFile], found: Mapping[str, StoredFile], name: str
    ) -> None:
        blob = self._blob(name)
        expected = found[name].generation if name in found else 0
        options = {"if_generation_match": expected, "checksum": "crc32c"}
        send = partial(blob.upload_from_filename, str(directory / name), **options, **self.request)
        sent = self._written(blob, self.writer, send)
        self.wrote[name] = replace(files[name], generation=int(sent.generation))
        if sent.crc32c != files[name].crc32c:
            raise InputError(f"{directory / name} changed while it was uploaded; repeat this when its writer ended")

    def _written(self, blob: Any, mark: str, send: Callable[[], None]) -> Any:
        """Send an object, and give it as it is stored."""
        blob.metadata = {_WRITER: mark}
        try:
            send()
        except PreconditionFailed:
            # When an answer is lost, the client sends again and meets its own object.
            found = self.bucket.get_blob(blob.name, **self.request)
            if found is None or (found.metadata or {}).get(_WRITER) != mark:
                raise
            return found
        return blob

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
        if _described(target) != replace(files[name], generation=0):
            raise InputError(f"{self.location.uri}/{name} is not what its manifest says; repeat the upload")
        artifacts.fsync_file(target)

    def _blob(self, name: str) -> Any:
        return self.bucket.blob(self.location.object_name(name))


def _described(path: Path) -> StoredFile:
    checksum = google_crc32c.Checksum()
    with path.open("rb") as handle:
        while chunk := handle.read(_CHUNK_BYTES):
            checksum.update(chunk)
    return StoredFile(path.stat().st_size, base64.b64encode(checksum.digest()).decode())


def _intact(manifest: Manifest, found: Mapping[str, StoredFile]) -> bool:
    return dict(manifest.files) == dict(found)


def _all_at_once(work: Callable[[str], None], names: Collection[str], label: str) -> None:
    """Do the work of every name in a few threads; the first failure stops what has not begun, and is raised."""
    progress = report_progress(label)
    with ThreadPoolExecutor(_TRANSFERS_AT_ONCE) as pool:
        futures = [pool.submit(work, name) for name in names]
        try:
            for done, future in enumerate(as_completed(futures), start=1):
                future.result()
                progress(done, len(futures))
        finally:
            pool.shutdown(cancel_futures=True)


@contextmanager
def _told_in_words(location: Location) -> Iterator[None]:
    """Turn what the client raises into one line that names the cure."""
    try:
        yield
    except PreconditionFailed as error:
        problem = "another transfer is writing there; wait for it to end, then repeat this"
        raise InputError(f"{location.uri}: {problem}") from error
    except (
        Forbidden,
        Unauthorized,
        NotFound,
        DataCorruption,
        GoogleAPIError,
        GoogleAuthError,
        RequestException,
    ) as error:
        raise InputError(_cure(location, error)) from error


def _cure(location: Location, error: Exception) -> str:
    # The client hides why it gave up.
    reason = error.cause if isinstance(error, RetryError) else error
    if isinstance(reason, NotFound) and _NO_OBJECT in str(reason):
        # Transfers remove only what others wrote or what they wrote themselves.
        reason = PreconditionFailed("an object went away")
    told = next((told for kinds, told in _CURES if isinstance(reason, kinds)), _NO_CURE)
    kind = getattr(reason, "code", None) or reason.__class__.__name__
    return f"{location.uri}: {told.format(bucket=location.bucket, kind=kind)}"


_CURES: tuple[tuple[tuple[type[Exception], ...], str], ...] = (
    ((PreconditionFailed,), "another transfer is writing there; wait for it to end, then repeat this"),
    (
        (NotFound,),
        "bucket {bucket} does not exist; make it (`gcloud storage buckets create gs://{bucket}`), or correct its name",
    ),
    ((Forbidden,), "permission denied; ask for roles/storage.objectUser on bucket {bucket}"),
    (
        (Unauthorized, DefaultCredentialsError, RefreshError),
        "no valid Google Cloud credentials; run `gcloud auth application-default login`",
    ),
    ((DataCorruption,), "bytes were corrupted on the way (checksum mismatch); repeat this"),
    ((RequestException, TransportError), "Cloud Storage cannot be reached ({kind}); check network and proxy"),
)
_NO_CURE = "Cloud Storage does not answer as it should ({kind}); try again later"
