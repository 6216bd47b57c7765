"""The one page of the demo: a candidate is released, a worse one is refused, and a rollback undoes what was wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from lab_lens.reporting.html import (
    Block,
    Cell,
    Figure,
    Heading,
    Link,
    Paragraph,
    Passage,
    Status,
    Table,
    Verdict,
    format_number,
    write_page,
)
from lab_lens.reporting.outcome import Outcome, count_of, refuses, run_outcome
from lab_lens.reporting.plots import IntervalRow, interval_bars
from lab_lens.reporting.run_report import format_seconds, read_run_reports
from lab_lens.reporting.run_sections import rule_table


@dataclass(frozen=True)
class DemoExample:
    """A synthetic held-out note, its reference, and what each candidate made of it, by the name of its run."""

    note: str
    reference: str
    summaries: Mapping[str, str]


class RegistryEvent(Protocol):
    """What is shown of an entry of the registry's history."""

    @property
    def when(self) -> str:
        """ISO 8601, UTC."""
        ...

    @property
    def action(self) -> str:
        """What happened: registered, promoted, held, rolled_back, deploy_failed."""
        ...

    @property
    def who(self) -> str:
        """The actor."""
        ...

    @property
    def why(self) -> str:
        """The reason, as a sentence."""
        ...

    @property
    def from_version(self) -> str | None:
        """Production before."""
        ...

    @property
    def to_version(self) -> str | None:
        """The version that the event is about."""
        ...


@dataclass(frozen=True)
class _Chapter:
    title: str
    story: str
    expected_verdict: str


_CHAPTERS = (
    _Chapter(
        "A candidate that was trained",
        "It was trained on synthetic notes. Nothing is in production yet; the gate asks whether it is good, fair and "
        "better than answers that need no model.",
        "promote",
    ),
    _Chapter(
        "A candidate that was stopped too early",
        "The same model and the same notes, stopped after a small part of the training. Such a model can already write "
        "fluent sentences that have little to do with the note.",
        "hold",
    ),
)


@dataclass(frozen=True)
class _Told:
    chapter: _Chapter
    summary: Mapping[str, Any]
    rules: Sequence[Mapping[str, Any]]
    outcome: Outcome

    @property
    def as_expected(self) -> bool:
        return (self.summary["status"], self.summary["verdict"]) == ("succeeded", self.chapter.expected_verdict)


def write_demo_report(
    runs: Sequence[Mapping[str, Any]],
    history: Sequence[RegistryEvent],
    examples: Sequence[DemoExample],
    path: Path,
) -> Path:
    """Write the page of the whole demo. What it says is read from the runs; a demo that went wrong is said to have.

    Args:
        runs: contents of `summary.json` of the trained and of the undertrained candidate; each run's directory lies
            beside `path` and is called as its `run_name` says.
        history: the registry's history, oldest first.
        examples: synthetic notes only; they are shown in full.
        path: the HTML file to write.

    Raises:
        InputError: a report of a run is not JSON.
    """
    told = [_tell(chapter, summary, path.parent) for chapter, summary in zip(_CHAPTERS, runs, strict=True)]
    blocks: list[Block] = [_verdict(told, history), _runs_table(told), *_comparison(told)]
    for number, item in enumerate(told, start=1):
        blocks += [Heading(f"{number}. {item.chapter.title}"), *_run_blocks(item)]
    blocks += [Heading(f"{len(told) + 1}. A rollback on request"), *_history_blocks(history)]
    if examples:
        blocks += [Heading("What the candidates wrote"), *_example_blocks(examples)]
    return write_page(path, "Lab Lens: the demo", blocks, "Synthetic patients; every number on this page was measured")


def _tell(chapter: _Chapter, summary: Mapping[str, Any], directory: Path) -> _Told:
    reports = read_run_reports(summary, directory / summary["run_name"])
    decision = reports["decision"]
    return _Told(chapter, summary, decision["rules"] if decision else (), run_outcome(summary, reports))


def _verdict(told: Sequence[_Told], history: Sequence[RegistryEvent]) -> Verdict:
    rollbacks = [event for event in history if event.action == "rolled_back"]
    said = [f"{item.chapter.title}: {item.outcome.headline}." for item in told]
    said += [f"Rollback: production returned from {event.from_version} to {event.to_version}." for event in rollbacks]
    if rollbacks and all(item.as_expected for item in told):
        headline = "What was good was released, what was not was refused, and a rollback worked"
        return Verdict("pass", headline, "\n".join(said))
    wrong = [
        f"{item.chapter.title} should have ended with {item.chapter.expected_verdict}."
        for item in told
        if not item.as_expected
    ]
    wrong += [] if rollbacks else ["Nothing was rolled back."]
    return Verdict("fail", "The demo did not go as it should", "\n".join([*wrong, *said]))


def _runs_table(told: Sequence[_Told]) -> Table:
    rows: list[list[Cell]] = []
    for item in told:
        name, verdict = item.summary["run_name"], item.summary["verdict"]
        seconds = sum(stage["seconds"] or 0.0 for stage in item.summary["stages"])
        refusing = sum(refuses(rule) for rule in item.rules)
        mark = Status(verdict) if verdict else "none"
        rows.append([item.chapter.title, mark, refusing, format_seconds(seconds), Link(name, f"{name}/report.html")])
    return Table("The runs", ["Run", "Verdict", "Rules that refused it", "Took", "Its report"], rows)


def _comparison(told: Sequence[_Told]) -> list[Block]:
    found = [(item.chapter.title, rule) for item in told for rule in item.rules if rule["rule"] == "floor.rougeL"]
    if not found:
        return []
    rows = [
        IntervalRow(title, rule["value"], rule["low"], rule["high"], rule["status"], refuses(rule))
        for title, rule in found
    ]
    floor = found[0][1]["threshold"]
    said = [f"{row.label}: {'not computed' if row.estimate is None else format_number(row.estimate)}" for row in rows]
    caption = (
        "On held-out notes, with intervals over patients. "
        f"The dashed line is the lowest score that the policy accepts, {floor:g}."
    )
    png = interval_bars("", rows, "ROUGE-L (stemmed F1), 0 to 1", floor)
    return [Figure("How close each candidate comes to the references", png, "; ".join(said), caption)]


def _run_blocks(item: _Told) -> list[Block]:
    refusing = [rule for rule in item.rules if refuses(rule)]
    title = f"{count_of(len(refusing), 'rule')} refused it" if refusing else "Every rule"
    outcome = item.outcome
    return [
        Paragraph(item.chapter.story),
        Verdict(outcome.status, outcome.headline, outcome.text),
        *([rule_table(title, refusing or item.rules)] if item.rules else []),
    ]


def _history_blocks(history: Sequence[RegistryEvent]) -> list[Block]:
    promoted = {event.to_version for event in history if event.action == "promoted"}
    undone = [event for event in history if event.action == "rolled_back" and event.from_version in promoted]
    story = (
        "A person may force a release against the gate; who and why stays in the registry for ever. Here the refused "
        f"candidate was forced into production as {undone[-1].from_version}, and then production was returned to "
        f"{undone[-1].to_version}. "
        if undone
        else ""
    )
    rows: list[list[Cell]] = [
        [
            f"{datetime.fromisoformat(event.when):%Y-%m-%d %H:%M:%S}",
            event.action.replace("_", " "),
            event.from_version,
            event.to_version,
            event.who,
            event.why,
        ]
        for event in history
    ]
    columns = ["When (UTC)", "What", "In production before", "Version", "Who", "Why"]
    return [
        Paragraph(
            f"{story}The registry's history is appended to and never changed, and versions are never overwritten."
        ),
        Table("History of the registry", columns, rows),
    ]


def _example_blocks(examples: Sequence[DemoExample]) -> list[Block]:
    blocks: list[Block] = [Paragraph("Held-out notes that no candidate saw in training. Their patients are invented.")]
    for number, example in enumerate(examples, start=1):
        blocks.append(Passage(f"Note {number}: the whole note", example.note))
        blocks.append(Passage(f"Note {number}: the reference", example.reference, folded=False))
        blocks += [Passage(f"Note {number}: {name}", text, folded=False) for name, text in example.summaries.items()]
    return blocks
