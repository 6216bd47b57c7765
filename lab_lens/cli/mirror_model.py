"""`lab-lens mirror-model`."""

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lab_lens.artifacts import require_writable
from lab_lens.cli.arguments import Subparsers, add_command
from lab_lens.cli.console import say
from lab_lens.errors import EXIT_DONE

if TYPE_CHECKING:
    from lab_lens.engine.mirror import Mirror

_CLOUD = "gs://"


def add_parser(subparsers: Subparsers) -> None:
    """Add the sub-command."""
    parser = add_command(
        subparsers,
        "mirror-model",
        run,
        summary="Bring a base model to a directory or a bucket of one's own, for sites that cannot reach the hub.",
        example="lab-lens mirror-model GanjinZero/biobart-v2-base --to gs://my-models/biobart-v2-base",
    )
    parser.add_argument("model", metavar="ID", help="hub id, directory, or gs:// prefix of an earlier mirror")
    parser.add_argument("--to", required=True, metavar="PLACE", help="gs://BUCKET/PREFIX, or a directory")
    parser.add_argument("--revision", metavar="REV", help="branch, tag or commit of the hub; default: the main branch")


def run(arguments: argparse.Namespace) -> int:
    """Mirror."""
    place: str = arguments.to
    # Wrong places are told before anything is downloaded.
    if place.startswith(_CLOUD):
        from lab_lens.storage.location import parse_uri

        parse_uri(place)
    else:
        require_writable(Path(place), "--to")
    with _local(arguments.model) as source:
        mirror, changed = _mirror(source, arguments.revision, place)
    _say(mirror, place, changed=changed)
    return EXIT_DONE


@contextmanager
def _local(model: str) -> Iterator[str]:
    """The model as hub id or directory; what lies in a bucket is fetched for as long as the block lasts."""
    if not model.startswith(_CLOUD):
        yield model
        return
    from lab_lens.storage.gcs import download_directory

    with tempfile.TemporaryDirectory(prefix="lab-lens-mirror-") as folder:
        fetched = Path(folder) / "model"
        fetched.mkdir()
        download_directory(model, fetched)
        yield str(fetched)


def _mirror(source: str, revision: str | None, place: str) -> "tuple[Mirror, bool]":
    from lab_lens.engine.mirror import mirror_model

    if not place.startswith(_CLOUD):
        return mirror_model(source, revision, Path(place))
    from lab_lens.storage.gcs import upload_directory

    with tempfile.TemporaryDirectory(prefix="lab-lens-mirror-") as folder:
        directory = Path(folder) / "model"
        mirror, _ = mirror_model(source, revision, directory)
        return mirror, upload_directory(directory, place)


def _say(mirror: "Mirror", place: str, *, changed: bool) -> None:
    if not changed:
        say(f"nothing to do: {place} holds {mirror.id} already")
    else:
        say(f"mirrored: {mirror.id} {mirror.revision or '(from a directory)'} to {place}")
    if mirror.converted_from:
        say(f"converted to safetensors: {', '.join(mirror.converted_from)} (only tensors were read from it)")
    say(f"licence: {mirror.licence or 'its card names none; ask its makers'}")
    usable = place.replace(_CLOUD, "/gcs/", 1).rstrip("/")
    say(f"use it as: --base-model {usable}" + (" (on Vertex AI, where buckets are mounted)" if usable != place else ""))
