"""The model of a container on Vertex AI: a copy in Cloud Storage, which the service made for it."""

from pathlib import Path

from lab_lens.errors import InputError
from lab_lens.storage.gcs_errors import told_in_words
from lab_lens.storage.gcs_objects import Objects, all_at_once
from lab_lens.storage.location import parse_uri


def fetch_model(uri: str, directory: Path) -> None:
    """Download a model directory; every file is checked by its CRC32C.

    Args:
        uri: `gs://bucket/prefix`, as `AIP_STORAGE_URI` gives it.
        directory: receives the files; it exists and is empty.

    Raises:
        InputError: there is nothing, a file changed meanwhile or would leave the directory, or the bucket cannot be
            read.
    """
    location = parse_uri(uri)
    with told_in_words(location, "the model changed while it was fetched; start again"):
        objects = Objects(location)
        found = {path: blob for path, blob in objects.listed().items() if not path.endswith("/")}
        if not found:
            raise InputError(f"{location.uri} holds no model; give the artifact_uri of a registered version")
        outside = [path for path in found if directory.resolve() not in (directory / path).resolve().parents]
        if outside:
            raise InputError(f"{location.uri} names a file outside its directory: {outside[0]!r}")

        def fetch(path: str) -> None:
            target = directory / path
            target.parent.mkdir(parents=True, exist_ok=True)
            objects.fetch(found[path], target)

        all_at_once(fetch, found, f"download {location.uri}")
