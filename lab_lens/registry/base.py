"""The contract of a model registry, whatever stores it, and the rules that need no storage."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Protocol

from lab_lens import artifacts
from lab_lens.errors import InputError

Action = Literal["registered", "promoted", "rolled_back", "held", "shifting", "deploy_failed", "pruned"]
REGISTERED: Action = "registered"
PROMOTED: Action = "promoted"
ROLLED_BACK: Action = "rolled_back"
HELD: Action = "held"
SHIFTING: Action = "shifting"
DEPLOY_FAILED: Action = "deploy_failed"
PRUNED: Action = "pruned"

PRODUCTION = "production"
PREVIOUS = "previous"
CANDIDATE = "candidate"
ALIASES = (CANDIDATE, PRODUCTION, PREVIOUS)

_VERSION_NAME = re.compile(r"v(?!\.)[A-Za-z0-9._-]{1,63}(?<!\.)")
_LEADING_NUMBER = re.compile(r"v(\d+)")


@dataclass(frozen=True)
class Evidence:
    """What a model is registered with: the papers that let it in, and what they say.

    Attributes:
        documents: files to keep beside the model, keyed by the name they get; `decision.json` is the decision.
        metrics: the figures of the model's own validation report; null where one could not be computed.
        config_hash: hash of the configuration it was trained and judged with; "" when unknown.
        data_hash: hash of its training data; "" when unknown.
        code_hash: hash of the lab-lens code that judged and registered it; "" when unknown.
        decoding_hash: hash of the decoding that its metrics were measured with; "" when unknown.
        verdict: of the decision, such as `promote`; "" when there was none.
        links: where more is told of it, such as `mlflow_run` and `pipeline_job`.
        reason: what the history says of why it was let in, such as that somebody forced it; "" for nothing special.
        run_id: the pipeline run that registers it; "" when a person does.
    """

    documents: Mapping[str, Path]
    metrics: Mapping[str, float | None]
    config_hash: str = ""
    data_hash: str = ""
    code_hash: str = ""
    decoding_hash: str = ""
    verdict: str = ""
    links: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""
    run_id: str = ""


@dataclass(frozen=True)
class ModelVersion:
    """What a registry knows about one version; it never changes after registration.

    Attributes:
        version: name, `v` first.
        content_hash: sha256 over names and bytes of the model's files; equal models have equal hashes.
        file_hashes: sha256 of each file of the model, keyed by POSIX path.
        document_hashes: sha256 of each document that is kept beside the model, keyed by file name.
        metrics, config_hash, data_hash, code_hash, decoding_hash, verdict, links: see `Evidence`.
        decision_hash: sha256 of the decision that let it in; "" when it was registered without one.
        created: when it was registered, ISO 8601, UTC.
        actor: who registered it.
    """

    version: str
    content_hash: str
    file_hashes: dict[str, str]
    document_hashes: dict[str, str]
    metrics: dict[str, float | None]
    decision_hash: str
    config_hash: str
    data_hash: str
    created: str
    actor: str
    code_hash: str = ""
    decoding_hash: str = ""
    verdict: str = ""
    links: dict[str, str] = field(default_factory=dict)
    schema_version: int = artifacts.SCHEMA_VERSION


@dataclass(frozen=True)
class DamagedVersion:
    """A registered version whose metadata is missing or was changed; `problem` says so in a sentence."""

    version: str
    problem: str


@dataclass(frozen=True)
class HistoryEntry:
    """One event in the life of a registry; entries are appended, never changed.

    Attributes:
        when: ISO 8601, UTC.
        action: what happened.
        who: the actor. why: the reason, as a sentence.
        from_version: production before the event; None when nothing was in production.
        to_version: the version the event is about; after `promoted` and `rolled_back` it is production.
        decision_hash: sha256 of the decision behind the event; "" when a person acted without one.
        run_id: the pipeline run that did it, by the pipeline system's own identifier; "" when a person did.
        traffic_before, traffic_after: of `shifting`, which is written before traffic is moved: the share of requests
            of each version, in percent, that the move sets out from, and the one that it wants.
        endpoint: of `shifting`: where clients are served, as `open_endpoint` takes it.
    """

    when: str
    action: Action
    who: str
    why: str
    from_version: str | None
    to_version: str | None
    decision_hash: str = ""
    run_id: str = ""
    traffic_before: dict[str, int] = field(default_factory=dict)
    traffic_after: dict[str, int] = field(default_factory=dict)
    endpoint: str = ""


@dataclass(frozen=True)
class Pointers:
    """What the aliases stand for; None for nothing.

    Attributes:
        production: the version in production.
        previous: the version that a rollback returns to.
        candidate: the version that was registered last, until it is promoted, its deployment fails or it is pruned.
    """

    production: str | None
    previous: str | None
    candidate: str | None = None


class Registry(Protocol):
    """Immutable versions, aliases and history, wherever they are stored.

    A version is given by its name, with or without `v`, or by one of ALIASES. Methods raise InputError on wrong input,
    and when the store cannot be used; nothing has changed then.

    Attributes:
        location: where it is, as `open_registry` takes it.
    """

    location: str

    def register(self, model: Path, evidence: Evidence, *, actor: str, version: str = "") -> ModelVersion:
        """Store a model and its evidence; a model whose bytes are already here gives its existing version."""
        ...

    def list_versions(self) -> list["ModelVersion | DamagedVersion"]:
        """Every version that was not pruned, oldest first; also those whose metadata cannot be read."""
        ...

    def show(self, version: str) -> ModelVersion:
        """One version's metadata."""
        ...

    def pointers(self) -> Pointers:
        """What the aliases stand for, all of one moment."""
        ...

    def production(self) -> str | None:
        """The version in production."""
        ...

    def previous(self) -> str | None:
        """The version that a rollback returns to."""
        ...

    def candidate(self) -> str | None:
        """The version that waits for its promotion."""
        ...

    def history(self) -> list[HistoryEntry]:
        """Every event, oldest first."""
        ...

    def model_dir(self, version: str, cache: Path | None = None) -> Path:
        """A directory on this machine with a version's model files, which nobody may change.

        Args:
            cache: where a registry that lies elsewhere keeps its copies, by content hash, checked; None: a folder of
                this user. A registry on this machine gives its own directory and needs none.
        """
        ...

    def model_uri(self, version: str) -> str:
        """Where a version's model files lie, as a path or `gs://bucket/prefix`."""
        ...

    def read_document(self, version: str, name: str) -> bytes:
        """The content of a document that is kept beside a version, such as its golden note, checked by its hash.

        Raises:
            InputError: the version has no such document (see `document_hashes`), or it was changed.
        """
        ...

    def promote(self, version: str, *, actor: str, reason: str, decision_hash: str, run_id: str = "") -> HistoryEntry:
        """Put a version into production; the one before it becomes previous."""
        ...

    def rollback(self, *, actor: str, reason: str, to: str | None = None, run_id: str = "") -> HistoryEntry:
        """Return production to the previous version, or to a named one."""
        ...

    def rollback_target(self, to: str | None = None) -> str:
        """The version that `rollback(to=to)` would put into production."""
        ...

    def record(
        self,
        action: Action,
        *,
        actor: str,
        reason: str,
        version: str | None = None,
        decision_hash: str = "",
        run_id: str = "",
        traffic_before: Mapping[str, int] | None = None,
        traffic_after: Mapping[str, int] | None = None,
        endpoint: str = "",
    ) -> HistoryEntry:
        """Append an event that moves no pointer: held, shifting, deploy_failed."""
        ...

    def verify(self, version: str) -> list[str]:
        """What is wrong with a version's stored files, one sentence a problem; empty when it is intact."""
        ...

    def prune(self, keep: int, *, actor: str, reason: str, dry_run: bool = False) -> list[str]:
        """Delete the files of old versions, and give their names; they stay in the history and are never used again.

        Args:
            keep: how many of the newest versions stay; what an alias stands for stays whatever its age.
            dry_run: only tell.
        """
        ...


def utc_now() -> str:
    """This moment, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def normalize_version(name: str) -> str:
    """Turn `1.0` or `v1.0` into `v1.0`.

    Raises:
        InputError: the name could not be a directory name on every platform, would leave the registry, or is an alias.
    """
    normalized = name if name.startswith("v") else f"v{name}"
    if not _VERSION_NAME.fullmatch(normalized):
        raise InputError(
            f"version name {name!r} is not allowed: use at most 63 letters, digits, '.', '_' and '-', "
            "without a dot at either end, such as v2 or v1.4.0"
        )
    if normalized.removeprefix("v") in ALIASES:
        raise InputError(f"version name {name!r} is not allowed: {', '.join(ALIASES)} are aliases of versions")
    return normalized


def next_number(versions: Iterable[str]) -> int:
    """One more than the highest leading number: 3 after `v1` and `v2.1`, 1 for an empty registry."""
    found = (_LEADING_NUMBER.match(version) for version in versions)
    return max((int(match.group(1)) for match in found if match), default=0) + 1


def pointers_after(history: Sequence[HistoryEntry]) -> Pointers:
    """Replay a history: the pointers are a function of it.

    A version that production was rolled back from is never `previous` because of that: after v1, v2, v3 and a rollback,
    production is v2 and a second rollback returns to v1, not to v3.
    """
    line: list[str] = []
    candidate: str | None = None
    for entry in history:
        line = _line_after(line, entry)
        candidate = _candidate_after(candidate, entry)
    previous = line[-2] if len(line) > 1 else None
    return Pointers(production=line[-1] if line else None, previous=previous, candidate=candidate)


def served_at(history: Sequence[HistoryEntry]) -> str:
    """The endpoint at which traffic was moved last; "" when it never was, or when nobody wrote down where."""
    return next((entry.endpoint for entry in reversed(history) if entry.action == SHIFTING), "")


def ever_registered(history: Sequence[HistoryEntry]) -> set[str]:
    """Every version that a registry knows, also those whose files were pruned."""
    return {entry.to_version for entry in history if entry.action == REGISTERED and entry.to_version}


def was_in_production(history: Sequence[HistoryEntry], version: str) -> bool:
    """Whether a version was in production at any time."""
    return any(entry.to_version == version and entry.action in (PROMOTED, ROLLED_BACK) for entry in history)


def _candidate_after(candidate: str | None, entry: HistoryEntry) -> str | None:
    if entry.action == REGISTERED:
        return entry.to_version
    settled = entry.action in (PROMOTED, ROLLED_BACK, DEPLOY_FAILED, PRUNED) and entry.to_version == candidate
    return None if settled else candidate


def _line_after(line: list[str], entry: HistoryEntry) -> list[str]:
    """The versions that production went through and could return to, oldest first, after one more event."""
    target = entry.to_version
    if target is None or entry.action not in (PROMOTED, ROLLED_BACK, PRUNED):
        return line
    if entry.action == PRUNED:
        return [version for version in line if version != target]
    if entry.action == PROMOTED:
        return line if line[-1:] == [target] else [*line, target]
    earlier = line[:-1]
    if target not in earlier:
        return [*earlier, target]
    while earlier[-1] != target:
        earlier.pop()
    return earlier
