"""A registry's bucket: the index, which is replaced or left alone, and folders of objects that are written once."""

import logging
import random
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from google.api_core.exceptions import NotFound, PreconditionFailed, RetryError, ServerError
from requests.exceptions import RequestException

from lab_lens import artifacts
from lab_lens.errors import InputError
from lab_lens.registry.gcs_index import CloudIndex, Folder, is_folder, ownerless, parse_cloud_index, unknown_folders
from lab_lens.registry.index import INDEX_JSON, MODEL_DIR
from lab_lens.storage.gcs_errors import FAILURES
from lab_lens.storage.gcs_objects import WRITER, Objects, all_at_once, read_once, same_bytes, stored
from lab_lens.storage.location import Location
from lab_lens.storage.manifest import StoredFile

# One object may be replaced about once a second, so this many attempts outlast some thirty other writers.
_ATTEMPTS = 60
_FIRST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 2.0
_logger = logging.getLogger(__name__)


class RegistryBucket:
    """What a Cloud Storage registry reads and writes.

    Args:
        location: of the registry.
        retry_seconds: how long one request is tried again.
    """

    def __init__(self, location: Location, retry_seconds: float) -> None:
        self.location = location
        self.objects = Objects(location, retry_seconds)

    def index(self) -> CloudIndex:
        """The index of this moment; an empty one where there is no registry yet.

        Raises:
            InputError: it is lost, damaged, or written by a newer lab-lens.
            NotFound: there is no such bucket.
        """
        return self._read_index()[0]

    def change(self, rule: Callable[[CloudIndex], CloudIndex]) -> tuple[CloudIndex, CloudIndex]:
        """Replace the index by what a rule makes of it, provided that nobody replaced it meanwhile; else once more.

        Args:
            rule: a pure function that knows its own work: applied again, it gives what it is given.

        Returns:
            The index before and after; both the same where the rule had nothing to do.

        Raises:
            InputError: the rule refuses, or others kept replacing the index.
        """
        for attempt in range(_ATTEMPTS):
            before, generation = self._read_index()
            after = rule(before)
            if after == before:
                return before, before
            try:
                self._write_index(after, generation)
            except PreconditionFailed:
                # Another writer was first, or this one was and its answer was lost: the rule will see which.
                _pause(attempt)
                continue
            except (RetryError, ServerError, RequestException) as error:
                raise InputError(
                    f"{self.location.uri}: Cloud Storage did not answer when the change was stored, so it may be there "
                    "or not; look at `lab-lens registry history`, and repeat this if it is not"
                ) from error
            return before, after
        raise InputError(
            f"{self.location.uri}: {_ATTEMPTS} times another writer changed the registry first; nothing was changed, "
            "repeat this when it is less busy"
        )

    def write_file(self, folder: str, path: str, source: Path, sha256: str) -> StoredFile:
        """Store a file of which the sha256 is known.

        Raises:
            InputError: the file is not, or does not stay, what it was when it was hashed.
        """
        described, digest = read_once(source)
        blob = self.objects.blob(f"{folder}/{path}")
        send = partial(blob.upload_from_filename, str(source), **self._once())
        sent = stored(self.objects.written(blob, folder, send))
        if digest != sha256 or not same_bytes(sent, described):
            raise InputError(f"{source} changed while it was being registered; repeat this when its writer ended")
        return sent

    def write_bytes(self, folder: str, path: str, content: bytes) -> StoredFile:
        """Store a small file."""
        blob = self.objects.blob(f"{folder}/{path}")
        send = partial(blob.upload_from_string, content, **self._once())
        return stored(self.objects.written(blob, folder, send))

    def read_bytes(self, folder: str, path: str) -> bytes:
        """The bytes of a small file.

        Raises:
            InputError: it is missing.
        """
        try:
            return self.objects.read(self.objects.blob(f"{folder}/{path}"))
        except NotFound as error:
            raise self._missing(folder, path) from error

    def fetch(self, folder: str, path: str, target: Path) -> None:
        """Download one file.

        Raises:
            InputError: it is missing.
        """
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            self.objects.fetch(self.objects.blob(f"{folder}/{path}"), target)
        except NotFound as error:
            raise self._missing(folder, path) from error

    def sha256(self, folder: str, path: str) -> str:
        """Download an object for its hash alone."""
        with tempfile.TemporaryDirectory() as scratch:
            self.fetch(folder, path, Path(scratch) / "object")
            return artifacts.sha256_file(Path(scratch) / "object")

    def listed(self, folder: str) -> dict[str, StoredFile]:
        """What lies in a folder, by path inside."""
        found = self.objects.found(f"{folder}/")
        return {path.removeprefix(f"{folder}/"): file for path, file in found.items()}

    def sweep(self) -> None:
        """Remove the objects that belong to nobody: of ended uploads and of pruned models.

        What cannot be removed now stays for the next time, and is logged, as are folders that the index does not know.
        """
        try:
            # First listed, then looked up: a folder is in the index before its first object is written.
            found = {path: blob for path, blob in self.objects.listed().items() if _is_ours(path, blob.metadata)}
            index = self.index()
            if doomed := ownerless(found, index):
                all_at_once(partial(self._remove, found), doomed, f"clean {self.location.uri}")
            if unknown := unknown_folders(found, index):
                _logger.warning(
                    "registry: the index of %s does not know %s; they are left alone. Was an older index restored? Put "
                    "the newest one back, or delete them by hand",
                    self.location.uri,
                    ", ".join(unknown),
                )
        except (*FAILURES, InputError) as error:
            _logger.warning(
                "registry: files that nobody needs any more stay in %s until the next `lab-lens registry prune`: %s",
                self.location.uri,
                error.__class__.__name__,
            )

    def model_uri(self, folder: Folder) -> str:
        """Address of a version's model files."""
        return f"{self.location.uri}/{folder.name}/{MODEL_DIR}"

    def _read_index(self) -> tuple[CloudIndex, int]:
        """The index, and the generation of its object; 0 where there is none."""
        blob = self.objects.blob(INDEX_JSON)
        try:
            text = self.objects.read(blob)
        except NotFound:
            # A bucket that is not there looks like one without an index until something is listed.
            self._require_nothing()
            return CloudIndex(), 0
        return parse_cloud_index(text, f"{self.location.uri}/{INDEX_JSON}"), int(blob.generation)

    def _require_nothing(self) -> None:
        listed = self.objects.listed("v")
        found = sorted({path.partition("/")[0] for path, blob in listed.items() if _is_ours(path, blob.metadata)})
        if found and not self.objects.blob(INDEX_JSON).exists(**self.objects.request):
            raise InputError(
                f"registry {self.location.uri} has lost its {INDEX_JSON} although {', '.join(found)} exist; "
                "restore it from a backup, or give another prefix"
            )

    def _write_index(self, index: CloudIndex, generation: int) -> None:
        blob = self.objects.blob(INDEX_JSON)
        # Publicly readable objects are cached for an hour otherwise.
        blob.cache_control = "no-store"
        options = {"content_type": "application/json", "checksum": "crc32c", "if_generation_match": generation}
        blob.upload_from_string(index.to_text().encode(), **options, **self.objects.request)

    def _remove(self, found: Mapping[str, Any], path: str) -> None:
        try:
            found[path].delete(if_generation_match=found[path].generation, **self.objects.request)
        except NotFound:
            _logger.info("registry: %s was removed by another writer", path)

    def _once(self) -> dict[str, Any]:
        return {"if_generation_match": 0, "checksum": "crc32c", **self.objects.request}

    def _missing(self, folder: str, path: str) -> InputError:
        return InputError(f"{self.location.uri}/{folder}/{path} is missing; restore it from a backup")


def _is_ours(path: str, metadata: Mapping[str, str] | None) -> bool:
    """Whether an object was written by a registry into its own folder."""
    folder = path.partition("/")[0]
    return is_folder(folder) and (metadata or {}).get(WRITER) == folder


def _pause(attempt: int) -> None:
    longest = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2**attempt)
    time.sleep(random.uniform(0, longest))  # noqa: S311 - no secret, only that writers do not meet again
