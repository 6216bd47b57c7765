"""The index of a local registry: one JSON file that is replaced atomically and says what is registered."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from lab_lens import artifacts
from lab_lens.errors import InputError
from lab_lens.registry.base import HistoryEntry, normalize_version, pointers_after

INDEX_JSON = "registry_index.json"
VERSION_JSON = "version.json"


@dataclass(frozen=True)
class IndexedVersion:
    """A registered version: `content_hash` finds equal models, `metadata_hash` is the sha256 of its version.json."""

    version: str
    content_hash: str
    metadata_hash: str


@dataclass(frozen=True)
class Index:
    """The whole index. `production` and `previous` are what `history` says, written out for readers."""

    schema_version: int = artifacts.SCHEMA_VERSION
    versions: tuple[IndexedVersion, ...] = ()
    production: str | None = None
    previous: str | None = None
    history: tuple[HistoryEntry, ...] = ()

    def names(self) -> list[str]:
        """Registered versions, oldest first."""
        return [indexed.version for indexed in self.versions]

    def find(self, version: str) -> IndexedVersion:
        """One registered version.

        Raises:
            InputError: it is not registered.
        """
        for indexed in self.versions:
            if indexed.version == version:
                return indexed
        raise InputError(f"version {version} is not registered; registered: {', '.join(self.names()) or 'none'}")

    def with_content(self, content_hash: str) -> IndexedVersion | None:
        """The version that holds exactly these model files, if any."""
        return next((indexed for indexed in self.versions if indexed.content_hash == content_hash), None)

    def with_entry(self, entry: HistoryEntry) -> "Index":
        """This index after one more event, its pointers moved as the event says."""
        history = (*self.history, entry)
        pointers = pointers_after(history)
        return replace(self, history=history, production=pointers.production, previous=pointers.previous)


_INDEX = TypeAdapter(Index)


def read_index(directory: Path) -> Index:
    """Read a registry's index; a directory that does not exist, or holds no registry yet, gives an empty one.

    Raises:
        InputError: the path is a file, or the index is lost, damaged, or written by a newer lab-lens.
    """
    if directory.exists() and not directory.is_dir():
        raise InputError(f"registry path {directory} is a file; give a directory")
    path = directory / INDEX_JSON
    if not path.is_file():
        _require_no_versions(directory)
        return Index()
    return _parse(path)


def write_index(directory: Path, index: Index) -> None:
    """Replace a registry's index atomically."""
    artifacts.write_json(directory / INDEX_JSON, asdict(index))


def rollback_target(index: Index, to: str | None) -> str:
    """The version that a rollback puts into production: the previous one, or the one named by `to`.

    Raises:
        InputError: nothing is in production, there is no previous version, or the named one is not registered or is in
            production already.
    """
    if index.production is None:
        raise InputError("nothing is in production, so there is nothing to roll back from; deploy a version first")
    if to:
        target = index.find(normalize_version(to)).version
        if target == index.production:
            raise InputError(f"{target} is in production already; nothing was changed")
        return target
    if index.previous is None:
        raise InputError(
            f"{index.production} is the first version in production, there is no previous one to return to; "
            "name a registered version with --to"
        )
    return index.previous


def _require_no_versions(directory: Path) -> None:
    # The index is written before the first version, so versions without one mean that it was lost. Taking the registry
    # for empty would forget what is in production.
    found = sorted(path.parent.name for path in directory.glob(f"v*/{VERSION_JSON}"))
    if found:
        raise InputError(
            f"registry {directory} has lost its {INDEX_JSON} although {', '.join(found)} exist; "
            "restore it from a backup, or give another registry directory"
        )


def _parse(path: Path) -> Index:
    raw = artifacts.read_json(path)
    schema = raw.get("schema_version") if isinstance(raw, dict) else None
    if isinstance(schema, int) and schema > artifacts.SCHEMA_VERSION:
        raise InputError(
            f"{path} has schema version {schema}, this lab-lens reads up to {artifacts.SCHEMA_VERSION}; "
            "use the newer lab-lens that wrote it"
        )
    try:
        index = _INDEX.validate_python(raw)
    except ValidationError as error:
        places = sorted({".".join(str(part) for part in problem["loc"]) or "all of it" for problem in error.errors()})
        raise InputError(f"{path} is damaged at: {', '.join(places)}; restore it from a backup") from error
    _require_consistent(path, index)
    return index


def _require_consistent(path: Path, index: Index) -> None:
    told = pointers_after(index.history)
    if (index.production, index.previous) != (told.production, told.previous):
        raise InputError(
            f"{path} contradicts itself: it names {index.production} as production and {index.previous} as previous, "
            f"its history says {told.production} and {told.previous}; was it edited by hand? restore it from a backup"
        )
