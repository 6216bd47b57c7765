"""What is told of a run: one payload for every channel, made of names, numbers and fixed words alone."""

import unicodedata
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from lab_lens import artifacts
from lab_lens.config_notifications import Event

_MAX_LINE_CHARS = 200
_UNNAMED = "(unnamed)"


@dataclass(frozen=True)
class Notification:
    """How a run ended. Reasons, messages of errors and texts of notes have no place in it.

    Attributes:
        event: the headline: what matters most of `events`.
        events: everything that happened: how the run ended, and what became of production.
        run_name, run_id: of the run; "" when unknown.
        state: the pipeline system's word (SUCCEEDED, FAILED, CANCELLED).
        verdict: the release gate's (`promote`, `hold`, `rollback`); None: it did not speak, or that is not known.
        version: the version that the run registered, promoted or returned to; None for none.
        production: the version in production now; None: none, or not known.
        failed_stages: names of stages that failed, as far as known.
        error_kind: name of our error class; None when unknown.
        blocking_rules: names of the policy's rules that forbid the release, as far as known.
        link: page of the run; None for none.
        time: ISO 8601, UTC.
        id: of this notification, the same on every attempt, so that a receiver can drop a repeated one.
    """

    event: Event
    events: tuple[Event, ...]
    run_name: str
    state: str
    run_id: str = ""
    verdict: str | None = None
    version: str | None = None
    production: str | None = None
    failed_stages: tuple[str, ...] = ()
    error_kind: str | None = None
    blocking_rules: tuple[str, ...] = ()
    link: str | None = None
    time: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    id: str = field(default_factory=lambda: uuid.uuid4().hex)

    def to_json(self) -> dict[str, Any]:
        """Every field, the schema version, and the same in words as `text`."""
        return {"schema_version": artifacts.SCHEMA_VERSION, **asdict(self), "text": self.text}

    @property
    def subject(self) -> str:
        """One line, without control characters, at most 200 characters."""
        return one_line(f"Lab Lens: run {self.run_name or _UNNAMED}: {self.event.replace('_', ' ')}")

    @property
    def text(self) -> str:
        """The message in words, a line a fact."""
        return "\n".join(one_line(line) for line in self._lines())

    def _lines(self) -> Iterator[str]:
        verdict = f", verdict {self.verdict}" if self.verdict else ""
        yield f"Lab Lens run {self.run_name or _UNNAMED}: {self.event.replace('_', ' ')} ({self.state}{verdict})"
        if self.failed_stages or self.error_kind:
            yield f"failed: {', '.join(self.failed_stages) or 'a stage'} ({self.error_kind or 'its log tells why'})"
        if self.blocking_rules:
            yield f"rules that forbid the release: {', '.join(self.blocking_rules)}"
        if self.version:
            yield f"version: {self.version}"
        if self.production:
            yield f"in production: {self.production}"
        if self.link:
            yield self.link


def one_line(text: str) -> str:
    """Text as one line of at most 200 characters: what could end a line, or hide, becomes a blank."""
    visible = "".join(" " if unicodedata.category(char)[0] == "C" or char in "\u2028\u2029" else char for char in text)
    return " ".join(visible.split())[:_MAX_LINE_CHARS]
