"""Objects below one prefix of a bucket: found, written once, removed; what transfers and registries share."""

import base64
import hashlib
import logging
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from pathlib import Path
from typing import Any

import google_crc32c
from google.api_core.exceptions import PreconditionFailed
from google.cloud import storage
from google.cloud.storage.retry import DEFAULT_RETRY

from lab_lens.progress import report_progress
from lab_lens.storage.location import Location
from lab_lens.storage.manifest import StoredFile

RETRY_SECONDS = 60.0
WRITER = "lab_lens_writer"
_TRANSFERS_AT_ONCE = 8
_CONNECT_AND_READ_SECONDS = (10.0, 60.0)
_CHUNK_BYTES = 1 << 20
_logger = logging.getLogger(__name__)


class Objects:
    """The objects of a place, by their path below it.

    Args:
        location: the place.
        retry_seconds: how long one request is tried again.
    """

    def __init__(self, location: Location, retry_seconds: float = RETRY_SECONDS) -> None:
        self.location = location
        self.bucket = storage.Client().bucket(location.bucket)
        self._retry = DEFAULT_RETRY.with_timeout(retry_seconds)
        self.request = {"retry": self._retry, "timeout": _CONNECT_AND_READ_SECONDS}

    def blob(self, path: str) -> Any:
        """The client's handle of an object, which need not exist."""
        return self.bucket.blob(self.location.object_name(path))

    def listed(self, below: str = "") -> dict[str, Any]:
        """The client's handles of all objects whose path begins with `below`, with their metadata, by path."""
        start = self.location.object_name("")
        blobs = self.bucket.list_blobs(prefix=f"{start}{below}", **self.request)
        found = {blob.name.removeprefix(start): blob for blob in blobs}
        return {path: blob for path, blob in found.items() if path}

    def found(self, below: str = "") -> dict[str, StoredFile]:
        """What is stored where the path begins with `below`, by path."""
        return {path: stored(blob) for path, blob in self.listed(below).items()}

    def read(self, blob: Any) -> bytes:
        """The bytes of a small object, checked by its CRC32C; the handle then knows their generation."""
        return bytes(self._downloaded(blob.download_as_bytes))

    def fetch(self, blob: Any, target: Path) -> None:
        """Download an object into a file, checked by its CRC32C."""
        self._downloaded(partial(blob.download_to_filename, str(target)))

    def _downloaded(self, download: Callable[..., Any]) -> Any:
        # The client's own repetition leaves the connections of failed downloads open.
        once = partial(download, checksum="crc32c", retry=None, timeout=_CONNECT_AND_READ_SECONDS)
        return self._retry(once)()

    def written(self, blob: Any, mark: str, send: Callable[[], None]) -> Any:
        """Send an object, and give it as it is stored.

        Args:
            blob: its handle.
            mark: who writes it, kept with the object, by which a writer knows its own.
            send: the client's method that sends it, with the generation that it may replace.

        Raises:
            PreconditionFailed: it is not, or no longer, what it was to replace.
        """
        blob.metadata = {WRITER: mark}
        try:
            send()
        except PreconditionFailed:
            # When an answer is lost, the client sends again and meets its own object.
            found = self.bucket.get_blob(blob.name, **self.request)
            if found is None or (found.metadata or {}).get(WRITER) != mark:
                raise
            return found
        return blob


def stored(blob: Any) -> StoredFile:
    """An object as the service tells it."""
    return StoredFile(int(blob.size), str(blob.crc32c), int(blob.generation))


def described(path: Path) -> StoredFile:
    """A file as it will be told once it is stored."""
    return read_once(path)[0]


def read_once(path: Path) -> tuple[StoredFile, str]:
    """A file as it will be told once it is stored, and the sha256 of the same bytes."""
    checksum, digest = google_crc32c.Checksum(), hashlib.sha256()
    size = 0
    with path.open("rb") as handle:
        while chunk := handle.read(_CHUNK_BYTES):
            checksum.update(chunk)
            digest.update(chunk)
            size += len(chunk)
    return StoredFile(size, base64.b64encode(checksum.digest()).decode()), digest.hexdigest()


def same_bytes(one: StoredFile, other: StoredFile) -> bool:
    """Whether two have the same size and checksum, whenever they were written."""
    return (one.size_bytes, one.crc32c) == (other.size_bytes, other.crc32c)


def all_at_once(work: Callable[[str], None], names: Collection[str], label: str) -> None:
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


def gathered(work: Callable[[str], Any], names: Collection[str]) -> list[Any]:
    """The answers of a function to every name, in their order, asked in a few threads."""
    with ThreadPoolExecutor(_TRANSFERS_AT_ONCE) as pool:
        return list(pool.map(work, names))
