"""The index of a registry in Cloud Storage: a registry's index, and which folder of the bucket belongs to what.

The files of a version lie in a folder of its own name and a random ending, which is chosen before the first object is
written and never used again, so nothing is ever renamed or written over. The index says which folder is whose:

- an upload is entered before its first object is written, and stands for nothing;
- registering turns the upload into a version, in the one write that also adds the version and its event;
- an upload that ended otherwise can never become a version. It is kept as ended, so that its folder may be removed by
  anyone at any time, also when the writer that ended it died, or its own writer still lives.

A folder that the index does not know is never removed: where an older index was restored, it is a newer version.
"""

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta

from pydantic import TypeAdapter, ValidationError

from lab_lens.errors import InputError
from lab_lens.registry.base import Evidence, ModelVersion, utc_now
from lab_lens.registry.index import MODEL_DIR, VERSION_JSON, Index, choose_name, with_version
from lab_lens.registry.stored import parse_index
from lab_lens.storage.manifest import StoredFile

_FOLDER = re.compile(r"v[A-Za-z0-9._-]{1,63}-[0-9a-f]{12}")
_CLOUD = "cloud"


@dataclass(frozen=True)
class Folder:
    """Where a version's files lie: the folder below the registry, and its objects by their path inside."""

    name: str
    files: dict[str, StoredFile]


@dataclass(frozen=True)
class Upload:
    """Files that are, or were, on their way.

    Attributes:
        folder: that receives them: the name of the version that they are to be, and a random ending.
        kept_free: whether nobody else may take that name; not where the caller chose it.
        content_hash: of the model.
        started: when, ISO 8601, UTC.
        actor: who.
    """

    folder: str
    kept_free: bool
    content_hash: str
    started: str
    actor: str

    @property
    def version(self) -> str:
        """The name of the version that they are to be."""
        return self.folder.rpartition("-")[0]


@dataclass(frozen=True)
class Holdings:
    """What the bucket holds.

    Attributes:
        folders: by version, pruned ones with what is left of them.
        uploads: that may become versions.
        ended: uploads that can never become versions; their folders are nobody's.
        operations: random names of the events of the history, one each, by which a writer whose answer was lost finds
            out that its event is there.
    """

    folders: dict[str, Folder] = field(default_factory=dict)
    uploads: tuple[Upload, ...] = ()
    operations: tuple[str, ...] = ()
    ended: tuple[Upload, ...] = ()

    def with_uploads(self, kept: Callable[[Upload], bool]) -> "Holdings":
        """These holdings, in which the uploads that are not kept have ended."""
        return replace(
            self,
            uploads=tuple(upload for upload in self.uploads if kept(upload)),
            ended=(*self.ended, *(upload for upload in self.uploads if not kept(upload))),
        )


@dataclass(frozen=True)
class CloudIndex:
    """All of `registry_index.json`: what every registry has, and the holdings under the key `cloud`."""

    index: Index = field(default_factory=Index)
    holdings: Holdings = field(default_factory=Holdings)

    def folder(self, version: str) -> Folder:
        """The folder of a version, which is registered or pruned."""
        return self.holdings.folders[version]

    def upload(self, token: str) -> Upload | None:
        """The upload into the folder with this ending, unless it ended or was given up for dead."""
        return next((upload for upload in self.holdings.uploads if upload.folder.endswith(f"-{token}")), None)

    def to_text(self) -> str:
        """As it is stored."""
        content = {**asdict(self.index), _CLOUD: asdict(self.holdings)}
        return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


_HOLDINGS = TypeAdapter(Holdings)


def parse_cloud_index(text: bytes, place: str) -> CloudIndex:
    """Read a stored index.

    Args:
        text: its bytes.
        place: where they come from, for messages.

    Raises:
        InputError: it is damaged, contradicts itself, or was written by a newer lab-lens.
    """
    index = parse_index(text, place)
    try:
        holdings = _HOLDINGS.validate_python(json.loads(text)[_CLOUD])
    except (KeyError, ValidationError) as error:
        raise InputError(f"{place} is damaged at: {_CLOUD}; restore it from a backup") from error
    names = {indexed.version for indexed in (*index.versions, *index.pruned)}
    if names != set(holdings.folders):
        raise InputError(f"{place} contradicts itself: versions and folders differ; restore it from a backup")
    return CloudIndex(index, holdings)


def with_upload(
    before: CloudIndex, token: str, content_hash: str, *, actor: str, wanted: str, place: str
) -> CloudIndex:
    """The index after an upload began; the same where it is entered already, or the model is registered.

    Args:
        before: the index.
        token: random ending of the folder.
        content_hash: of the model.
        actor: who uploads.
        wanted: the name that the caller chose; "" for the next number.
        place: the registry, for messages.

    Raises:
        InputError: the wanted name is taken or not allowed.
    """
    index, uploads = before.index, before.holdings.uploads
    if index.with_content(content_hash) or before.upload(token):
        return before
    kept_free = {other.version: other for other in uploads if other.kept_free and other.content_hash != content_hash}
    if other := kept_free.get(wanted):
        raise InputError(
            f"version {wanted} of {place} is being registered by {other.actor} since {other.started}; "
            "wait until that ended, or choose another name"
        )
    name = choose_name(index, wanted, place, kept_free.__contains__)
    entered = Upload(f"{name}-{token}", not wanted, content_hash, utc_now(), actor)
    return replace(before, holdings=replace(before.holdings, uploads=(*uploads, entered)))


def with_registration(
    before: CloudIndex,
    metadata: ModelVersion,
    metadata_hash: str,
    evidence: Evidence,
    folder: Folder,
    *,
    operation: str,
    place: str,
) -> CloudIndex:
    """The index after an upload became a version; uploads of the same model end with it.

    The same where the model is registered already, by this upload or by another.

    Raises:
        InputError: the upload was given up for dead, or its name was taken meanwhile.
    """
    index, holdings = before.index, before.holdings
    if index.with_content(metadata.content_hash):
        return before
    if folder.name not in {upload.folder for upload in holdings.uploads}:
        raise InputError(
            f"{metadata.version} took so long to upload to {place} that it was given up for dead; repeat this"
        )
    if metadata.version in holdings.folders:
        raise InputError(f"version {metadata.version} exists in {place} with another model; choose another name")
    uploads = tuple(upload for upload in holdings.uploads if upload.folder != folder.name)
    after = replace(
        holdings,
        folders={**holdings.folders, metadata.version: folder},
        uploads=uploads,
        operations=(*holdings.operations, operation),
    ).with_uploads(lambda upload: upload.content_hash != metadata.content_hash)
    return CloudIndex(with_version(index, metadata, metadata_hash, evidence), after)


def with_event(before: CloudIndex, operation: str, change: Callable[[Index], Index]) -> CloudIndex:
    """The index after a change that adds events; the same where this very operation is in it already.

    Args:
        before: the index.
        operation: random name of the change.
        change: the rule of the registry's own index.
    """
    if operation in before.holdings.operations:
        return before
    index = change(before.index)
    if index == before.index:
        return before
    operations = (*before.holdings.operations, operation)
    return CloudIndex(index, _without_pruned_models(replace(before.holdings, operations=operations), index))


def without_dead_uploads(before: CloudIndex, hours: float) -> CloudIndex:
    """The index without the uploads that began longer ago than an upload may take.

    Args:
        before: the index.
        hours: that an upload may take.
    """
    latest = datetime.fromisoformat(utc_now()) - timedelta(hours=hours)
    holdings = before.holdings.with_uploads(lambda upload: datetime.fromisoformat(upload.started) > latest)
    return replace(before, holdings=holdings)


def ownerless(paths: Collection[str], index: CloudIndex) -> list[str]:
    """The objects that belong to nobody, by their names: of ended uploads, and of the models of pruned versions.

    The files of an upload that was given up for dead, and has a version.json, are not among them unless its model is
    registered: where an older index was restored, it may have become a version meanwhile.

    Args:
        paths: of objects below the registry, listed before the index was read.
        index: read afterwards.
    """
    registered = {indexed.content_hash for indexed in (*index.index.versions, *index.index.pruned)}
    ended = {
        upload.folder
        for upload in index.holdings.ended
        if upload.content_hash in registered or f"{upload.folder}/{VERSION_JSON}" not in paths
    }
    pruned = {f"{index.folder(indexed.version).name}/{MODEL_DIR}" for indexed in index.index.pruned}
    return [path for path in paths if path.split("/")[0] in ended or "/".join(path.split("/")[:2]) in pruned]


def unknown_folders(paths: Collection[str], index: CloudIndex) -> list[str]:
    """The folders of a registry that are no version's, no upload's, and not nobody's, sorted.

    Args: as `ownerless`.
    """
    known = {folder.name for folder in index.holdings.folders.values()}
    known |= {upload.folder for upload in index.holdings.uploads}
    known |= {path.partition("/")[0] for path in ownerless(paths, index)}
    return sorted({path.partition("/")[0] for path in paths} - known)


def is_folder(name: str) -> bool:
    """Whether a name is one that this registry gives to folders."""
    return _FOLDER.fullmatch(name) is not None


def _without_pruned_models(holdings: Holdings, index: Index) -> Holdings:
    pruned = {indexed.version for indexed in index.pruned}
    folders = {
        version: Folder(folder.name, _documents(folder.files)) if version in pruned else folder
        for version, folder in holdings.folders.items()
    }
    return replace(holdings, folders=folders)


def _documents(files: Mapping[str, StoredFile]) -> dict[str, StoredFile]:
    return {path: file for path, file in files.items() if not path.startswith(f"{MODEL_DIR}/")}
