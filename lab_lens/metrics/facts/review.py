"""A summary held against its note and its reference."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from lab_lens.metrics.facts.entailment import Evidence, Judgement
from lab_lens.metrics.facts.extract import Reading, facts_of, read
from lab_lens.metrics.facts.lexicon import Lexicon
from lab_lens.metrics.facts.types import Fact, Finding, Kind, Problem, TextSpan

COUNTS = ("supported", "unsupported", "contradicted", "in_reference", "recalled", "omitted")


@dataclass(frozen=True)
class Review:
    """What is wrong with one summary.

    Attributes:
        findings: unsupported and contradicted facts by their place in the summary, then omitted ones by their place in
            the reference.
        counts: for every kind of fact that occurs, a count for each name of COUNTS: of the summary's facts against the
            note, of the reference's facts against the summary. A fact that is told twice counts once.
    """

    findings: tuple[Finding, ...]
    counts: Mapping[Kind, Mapping[str, int]]


def review_summary(summary: str, note: str | None, reference: str | None = None) -> Review:
    """Hold every fact of a summary against the note, and every fact of the reference against the summary.

    The note alone decides what is a hallucination: a fact that only the reference tells counts as unsupported. The
    reference alone decides what is missing. Without a note nothing can be unsupported, without a reference nothing can
    be omitted.
    """
    source_reading = None if note is None else read(note)
    # A finding that no lexicon knows can still be denied in the note and told in the summary.
    further = None if source_reading is None else source_reading.denied_terms()
    written = _evidence(read(summary), further)
    counts: dict[Kind, Counter[str]] = {}
    findings: list[Finding | None] = []
    if source_reading is not None:
        source = _evidence(source_reading, further)
        findings += [_against_note(fact, source.judge(fact), counts) for fact in _distinct(written)]
    if reference is not None:
        expected = _evidence(read(reference), further)
        findings += [_against_summary(fact, written.judge(fact), counts) for fact in _distinct(expected)]
    return Review(tuple(filter(None, findings)), counts)


def _evidence(reading: Reading, further: Lexicon | None) -> Evidence:
    return Evidence(reading.tokens, facts_of(reading, further))


def _distinct(evidence: Evidence) -> list[Fact]:
    return [fact for fact in evidence.distinct() if _states_something(fact)]


def _states_something(fact: Fact) -> bool:
    """Whether a fact can be right or wrong: a test named without a value, or a warning, cannot."""
    if fact.kind in {"lab", "vital"} and not fact.attributes.keys() & {"value", "level"}:
        return False
    return fact.attributes.get("context") not in {"question", "hypothetical"}


def _against_note(fact: Fact, judgement: Judgement, counts: dict[Kind, Counter[str]]) -> Finding | None:
    own = counts.setdefault(fact.kind, Counter())
    if judgement.status == "supported":
        own["supported"] += 1
        return None
    problem: Problem = "contradicted" if judgement.status == "contradicted" else "unsupported"
    own[problem] += 1
    return Finding(problem, fact.kind, judgement.differs, (fact.start, fact.end), "note", _span(judgement.evidence))


def _against_summary(fact: Fact, judgement: Judgement, counts: dict[Kind, Counter[str]]) -> Finding | None:
    own = counts.setdefault(fact.kind, Counter())
    own["in_reference"] += 1
    if judgement.status == "supported":
        own["recalled"] += 1
        return None
    own["omitted"] += 1
    span = _span(judgement.evidence)
    return Finding("omitted", fact.kind, judgement.differs, span, "reference", (fact.start, fact.end))


def _span(fact: Fact | None) -> TextSpan | None:
    return (fact.start, fact.end) if fact else None
