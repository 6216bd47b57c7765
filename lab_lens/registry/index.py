"""The index of a registry, and every rule over it that needs no storage: local and cloud registries share them.

An index is a value. Each rule takes one and gives the next one, and whoever stores it replaces the old by the new in
one step, or not at all.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace

from lab_lens import artifacts
from lab_lens.errors import InputError
from lab_lens.registry.base import (
    ALIASES,
    DEPLOY_FAILED,
    HELD,
    PROMOTED,
    PRUNED,
    REGISTERED,
    ROLLED_BACK,
    SHIFTING,
    Action,
    DamagedVersion,
    Evidence,
    HistoryEntry,
    ModelVersion,
    Pointers,
    next_number,
    normalize_version,
    pointers_after,
    utc_now,
)

INDEX_JSON = "registry_index.json"
VERSION_JSON = "version.json"
MODEL_DIR = "model"
_STORED = "stored as a new version"
_RECORDABLE = (HELD, SHIFTING, DEPLOY_FAILED)
_ALL_PERCENT = 100


@dataclass(frozen=True)
class IndexedVersion:
    """A registered version: `content_hash` finds equal models, `metadata_hash` is the sha256 of its version.json."""

    version: str
    content_hash: str
    metadata_hash: str


@dataclass(frozen=True)
class Index:
    """The whole index. `production`, `previous` and `candidate` are what `history` says, written out for readers.

    Attributes:
        versions: those whose model files are kept, oldest first.
        pruned: those whose model files were deleted; their metadata and documents are kept.
    """

    schema_version: int = artifacts.SCHEMA_VERSION
    versions: tuple[IndexedVersion, ...] = ()
    pruned: tuple[IndexedVersion, ...] = ()
    production: str | None = None
    previous: str | None = None
    candidate: str | None = None
    history: tuple[HistoryEntry, ...] = ()

    def names(self) -> list[str]:
        """Versions whose model files are kept, oldest first."""
        return [indexed.version for indexed in self.versions]

    def pointers(self) -> Pointers:
        """What the aliases stand for."""
        return Pointers(self.production, self.previous, self.candidate)

    def find(self, version: str) -> IndexedVersion:
        """One version whose model files are kept.

        Args:
            version: its name, with or without `v`, or an alias.

        Raises:
            InputError: it is not registered or was pruned, or the alias stands for nothing.
        """
        found = self.find_with_pruned(version)
        if found in self.pruned:
            entry = next(entry for entry in self.history if (entry.action, entry.to_version) == (PRUNED, found.version))
            raise InputError(
                f"{found.version} was pruned on {entry.when} by {entry.who}: its model files are gone; "
                f"registered: {self._listed()}"
            )
        return found

    def find_with_pruned(self, version: str) -> IndexedVersion:
        """One version, also when its model files were deleted.

        Raises:
            InputError: it was never registered, or the alias stands for nothing.
        """
        name = self._resolve(version)
        for indexed in (*self.versions, *self.pruned):
            if indexed.version == name:
                return indexed
        raise InputError(f"version {name} is not registered; registered: {self._listed()}")

    def with_content(self, content_hash: str) -> IndexedVersion | None:
        """The version that keeps exactly these model files, if any."""
        return next((indexed for indexed in self.versions if indexed.content_hash == content_hash), None)

    def with_entry(self, entry: HistoryEntry) -> "Index":
        """This index after one more event, its pointers moved as the event says."""
        history = (*self.history, entry)
        return replace(self, history=history).with_pointers(pointers_after(history))

    def with_pointers(self, pointers: Pointers) -> "Index":
        """This index with other pointers."""
        return replace(self, **asdict(pointers))

    def _resolve(self, version: str) -> str:
        if version not in ALIASES:
            return normalize_version(version)
        name: str | None = getattr(self, version)
        if name is None:
            raise InputError(f"there is no {version} version at present; registered: {self._listed()}")
        return name

    def _listed(self) -> str:
        return ", ".join(self.names()) or "none"


def choose_name(index: Index, wanted: str, place: str, is_taken: Callable[[str], bool] = lambda _: False) -> str:
    """The name of a new version: the wanted one, or the next number. A name is never given twice, even after pruning.

    Args:
        index: of the registry.
        wanted: the caller's choice; empty for the next number.
        place: the registry, for the message.
        is_taken: whether something that the index does not know lies in the store at a name.

    Raises:
        InputError: the wanted name is taken or not allowed.
    """
    used = {indexed.version for indexed in (*index.versions, *index.pruned)}
    if wanted:
        name = normalize_version(wanted)
        if name in used or is_taken(name):
            raise InputError(f"version {name} exists in {place} with another model; choose another name")
        return name
    number = next_number(used)
    while is_taken(f"v{number}"):
        number += 1
    return f"v{number}"


def with_version(index: Index, metadata: ModelVersion, metadata_hash: str, evidence: Evidence) -> Index:
    """The index after a version was stored: the version, and the event.

    Args:
        index: before.
        metadata: of the new version.
        metadata_hash: sha256 of its version.json as stored.
        evidence: that it came with.
    """
    indexed = IndexedVersion(metadata.version, metadata.content_hash, metadata_hash)
    entry = HistoryEntry(
        when=metadata.created,
        action=REGISTERED,
        who=metadata.actor,
        why=evidence.reason or _STORED,
        from_version=index.production,
        to_version=metadata.version,
        decision_hash=metadata.decision_hash,
        run_id=evidence.run_id,
    )
    return replace(index, versions=(*index.versions, indexed)).with_entry(entry)


def with_move(
    index: Index, action: Action, version: str | None, *, actor: str, reason: str, decision_hash: str, run_id: str
) -> Index:
    """The index after production moved; the event is the last of its history.

    Args:
        index: before.
        action: `promoted` or `rolled_back`.
        version: to which version; None, for a rollback alone: to the previous one.
        actor, reason, decision_hash, run_id: see HistoryEntry.

    Raises:
        InputError: the version is not registered or was pruned; or see `rollback_target`.
    """
    require_accountable(actor, reason)
    name = rollback_target(index, version) if action == ROLLED_BACK else index.find(version or "").version
    return index.with_entry(
        HistoryEntry(utc_now(), action, actor, reason, index.production, name, decision_hash, run_id)
    )


def with_record(
    index: Index,
    action: Action,
    version: str | None,
    *,
    actor: str,
    reason: str,
    decision_hash: str = "",
    run_id: str = "",
    traffic_before: Mapping[str, int] | None = None,
    traffic_after: Mapping[str, int] | None = None,
    endpoint: str = "",
) -> Index:
    """The index after an event that moves no pointer; the event is the last of its history.

    Raises:
        InputError: the action is one that moves a pointer, the version is not registered, traffic adds up to something
            else than 100 %, or it would be taken from production and given to nobody.
    """
    require_accountable(actor, reason)
    if action not in _RECORDABLE:
        raise InputError(f"{action} is not an event to record: call the method that does it")
    before, after = dict(traffic_before or {}), dict(traffic_after or {})
    if action == SHIFTING and not after and index.production and (index.production in before or not before):
        raise InputError("traffic would point to nothing; give the share of each version after the shift")
    for shares in (before, after):
        _require_shares(shares)
    name = index.find(version).version if version else None
    said = (actor, reason, index.production, name, decision_hash, run_id)
    entry = HistoryEntry(utc_now(), action, *said, before, after, endpoint)
    return index.with_entry(entry)


def rollback_target(index: Index, to: str | None) -> str:
    """The version that a rollback puts into production: the previous one, or the one named by `to`.

    Raises:
        InputError: nothing is in production, there is no previous version, or the named one is not registered or is in
            production already.
    """
    if index.production is None:
        raise InputError("nothing is in production, so there is nothing to roll back from; deploy a version first")
    if to:
        target = index.find(to).version
        if target == index.production:
            raise InputError(f"{target} is in production already; nothing was changed")
        return target
    if index.previous is None:
        raise InputError(
            f"{index.production} is the first version in production, there is no previous one to return to; "
            "name a registered version with --to"
        )
    return index.previous


def versions_to_prune(index: Index, keep: int) -> list[str]:
    """The versions that are neither among the newest `keep` nor needed, oldest first.

    Needed are those that an alias stands for, and those that clients may be served by: those that the last shift of
    traffic at an endpoint gave some, whatever became of the pointers since; all that it names, where it has not ended
    or failed.

    Raises:
        InputError: `keep` is negative.
    """
    if keep < 0:
        raise InputError(f"cannot keep {keep} versions; give 0 or more")
    needed = {index.production, index.previous, index.candidate, *_in_traffic(index)}
    old = index.names()[: max(len(index.versions) - keep, 0)]
    return [version for version in old if version not in needed]


def with_pruned(index: Index, keep: int, *, actor: str, reason: str) -> Index:
    """The index after old versions were pruned, an event for each; their files may be deleted once it is stored.

    Raises:
        InputError: see `versions_to_prune`.
    """
    require_accountable(actor, reason)
    for name in versions_to_prune(index, keep):
        indexed = index.find(name)
        kept = tuple(other for other in index.versions if other != indexed)
        entry = HistoryEntry(utc_now(), PRUNED, actor, reason, index.production, name)
        index = replace(index, versions=kept, pruned=(*index.pruned, indexed)).with_entry(entry)
    return index


def read_or_told(
    read: Callable[[IndexedVersion], ModelVersion], indexed: IndexedVersion
) -> ModelVersion | DamagedVersion:
    """A version's metadata, or what is wrong with it, so that one damaged version hides no other.

    Args:
        read: reads its version.json; what it raises as InputError is wrong with that file alone.
        indexed: the version.
    """
    try:
        return read(indexed)
    except InputError as error:
        return DamagedVersion(indexed.version, str(error))


def require_accountable(actor: str, reason: str = _STORED) -> None:
    """Refuse an event of which the history could not say who did it and why.

    Raises:
        InputError: the actor or the reason is blank.
    """
    if not (actor.strip() and reason.strip()):
        raise InputError("the registry's history needs an actor and a reason for every event; give both")


def _in_traffic(index: Index) -> set[str]:
    """Versions that clients may be served by, as the last shift of traffic at each endpoint says.

    When production moved to the version of that shift, those that it gave traffic to; else all that it names, since a
    shift that failed may have happened or not. A shift of which nobody wrote down where counts while it is the last.
    """
    moved: set[str | None] = set()
    last: dict[str, set[str]] = {}
    for entry in reversed(index.history):
        if entry.action in (PROMOTED, ROLLED_BACK):
            moved.add(entry.to_version)
        elif entry.action == SHIFTING and entry.endpoint not in last and (entry.endpoint or not last):
            named = {*entry.traffic_before, *entry.traffic_after, *filter(None, [entry.to_version])}
            last[entry.endpoint] = set(entry.traffic_after) if entry.to_version in moved else named
    return {version for versions in last.values() for version in versions}


def _require_shares(shares: Mapping[str, int]) -> None:
    wrong = shares and (min(shares.values()) < 0 or sum(shares.values()) != _ALL_PERCENT)
    if wrong:
        told = ", ".join(f"{version} {percent}" for version, percent in shares.items())
        raise InputError(f"shares of traffic must be percentages that add up to 100, not {told}")
