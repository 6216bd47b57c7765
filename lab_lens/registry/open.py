"""Registries by their location: a directory, a place in Cloud Storage, or a model of Vertex AI."""

from pathlib import Path

from lab_lens.errors import InputError
from lab_lens.registry.base import Registry

GCS_SCHEME = "gs://"
VERTEX_SCHEME = "vertex://"


def is_elsewhere(location: str | Path) -> bool:
    """Whether a location is no directory of this machine."""
    return "://" in str(location)


def absolute_location(location: str | Path) -> str:
    """The same location for a process in another directory."""
    return str(location) if is_elsewhere(location) else str(Path(location).absolute())


def open_registry(location: str | Path, *, link: bool = False) -> Registry:
    """Give the registry at a location; nothing is read or created yet.

    Args:
        location: a directory; `gs://BUCKET/PREFIX`; or `vertex://PROJECT/LOCATION/MODEL?store=gs://BUCKET/PREFIX`, a
            Cloud Storage registry whose versions are shown in Vertex AI Model Registry as versions of one model.

        link: see `LocalRegistry`; elsewhere files are always copied.

    Raises:
        InputError: it is none of these.
    """
    text = str(location)
    if text.startswith(GCS_SCHEME):
        from lab_lens.registry.gcs import CloudStorageRegistry

        return CloudStorageRegistry(text)
    if text.startswith(VERTEX_SCHEME):
        from lab_lens.registry.vertex import VertexRegistry

        return VertexRegistry(text)
    if is_elsewhere(text) or not text:
        raise InputError(
            f"{text!r} is no model registry: give a directory, gs://BUCKET/PREFIX, or "
            "vertex://PROJECT/LOCATION/MODEL?store=gs://BUCKET/PREFIX"
        )
    from lab_lens.registry.local import LocalRegistry

    return LocalRegistry(Path(text), link=link)
