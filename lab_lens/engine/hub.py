"""The model hub: what a repository holds, and its files, checked against what the hub says of them."""

import hashlib
import logging
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, constants, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils.tqdm import disable_progress_bars

from lab_lens import artifacts
from lab_lens.errors import InputError

# Versions of the hub's client use different HTTP libraries; the base of their errors is the base of this one.
_HttpError: type[Exception] = HfHubHTTPError.__bases__[0]
_TIMEOUT_SECONDS = 30.0
_CHUNK_BYTES = 1 << 20
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class HubModel:
    """A repository at one commit.

    Attributes:
        id: as the hub spells it. revision: the commit.
        licence: what its card says; None when it says nothing.
        files: names of all its files.
        checksums: of each file: sha256 of a large one (64 digits), git's sha1 of a small one (40 digits).
    """

    id: str
    revision: str
    licence: str | None
    files: tuple[str, ...]
    checksums: dict[str, str]


def look_up(name: str, revision: str | None) -> HubModel:
    """Ask the hub for a repository.

    Raises:
        InputError: there is no such repository or revision, it may not be read, or the hub cannot be reached.
    """
    try:
        found = HfApi().model_info(name, revision=revision, files_metadata=True, timeout=_TIMEOUT_SECONDS)
    except (HfHubHTTPError, HFValidationError, OfflineModeIsEnabled, _HttpError, OSError) as error:
        raise InputError(_cure(name, revision, error)) from error
    siblings: list[Any] = list(found.siblings or [])
    checksums = {item.rfilename: item.lfs.sha256 if item.lfs else str(item.blob_id or "") for item in siblings}
    licence = getattr(found.card_data, "license", None)
    return HubModel(found.id, str(found.sha), str(licence) if licence else None, tuple(sorted(checksums)), checksums)


def fetch(model: HubModel, names: Iterable[str], directory: Path) -> None:
    """Download files of a repository into a directory and check each against the hub's checksum.

    Raises:
        InputError: a file cannot be downloaded, or is not what the hub says.
    """
    wanted = list(names)
    _logger.info("downloading %d files of %s from %s", len(wanted), model.id, constants.ENDPOINT)
    if not sys.stderr.isatty():
        disable_progress_bars()
    try:
        # What is asked for are names and no patterns, so what could be one is escaped.
        patterns = [name.replace("[", "[[]") for name in wanted]
        snapshot_download(model.id, revision=model.revision, allow_patterns=patterns, local_dir=directory)
    except (HfHubHTTPError, OfflineModeIsEnabled, _HttpError, OSError) as error:
        raise InputError(_cure(model.id, model.revision, error)) from error
    problems = [
        f"{model.id}: {name} is not what the hub says (checksum mismatch); repeat this"
        for name in wanted
        if not _is(directory / name, model.checksums[name])
    ]
    if problems:
        raise InputError(problems)


def _is(path: Path, checksum: str) -> bool:
    if not path.is_file():
        return False
    return checksum in {artifacts.sha256_file(path), _git_hash(path)}


def _git_hash(path: Path) -> str:
    digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    with path.open("rb") as handle:
        while chunk := handle.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _cure(name: str, revision: str | None, error: Exception) -> str:
    hub = constants.ENDPOINT
    match error:
        case RevisionNotFoundError():
            return f"{name} has no revision {revision!r} on {hub}; give a branch, a tag or a commit of it"
        case GatedRepoError():
            return f"{name} is gated on {hub}: accept its terms there, then set HF_TOKEN to a token of yours"
        case RepositoryNotFoundError():
            return f"{hub} has no model {name!r} that may be read; check its name, or set HF_TOKEN for a private one"
        case HFValidationError():
            return f"{name!r} is neither a directory nor a hub id, such as GanjinZero/biobart-v2-base"
        case HfHubHTTPError():
            return f"{hub} answered {error.response.status_code} for {name}; try again later"
        case _:
            return (
                f"the model hub {hub} cannot be reached for {name} ({error.__class__.__name__}); run this where "
                "it can, or give a directory; HF_ENDPOINT names another hub"
            )
