"""What a fact and a finding are."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal[
    "medication",
    "lab",
    "vital",
    "measurement",
    "date",
    "duration",
    "age",
    "diagnosis",
    "procedure",
    "finding",
    "laterality",
]
Polarity = Literal["affirmed", "negated", "uncertain"]
Problem = Literal["unsupported", "contradicted", "omitted"]
Source = Literal["note", "reference"]
KINDS: tuple[Kind, ...] = get_args(Kind)
TextSpan = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Fact:
    """One clinical statement of a text.

    Attributes:
        kind: "measurement" is a quantity of no known test ("4.1 cm"), "finding" a sign or symptom, "laterality" a side
            of a part of the body that belongs to no known diagnosis, finding or procedure.
        concept: the canonical name, for example "metoprolol", "potassium", "heart failure"; synonyms share it.
        attributes: what was said of it, normalized: dose ("500 mg"), route, frequency, value, unit, side, site, ...
        start: offset of the first character in the text; the fact is text[start:end].
        end: offset after the last character.
    """

    kind: Kind
    concept: str
    attributes: Mapping[str, str | float]
    polarity: Polarity
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Finding:
    """One disagreement between a summary and its note or reference.

    Attributes:
        problem: unsupported (the note does not say it), contradicted (the note says otherwise of the same concept), or
            omitted (the reference says it, the summary does not).
        differs: what is told otherwise, as "dose", "value", "side", "polarity", "date"; empty where all is missing.
        summary_span: characters of the summary; None where the summary says nothing of it.
        source: the text that the summary was held against.
        source_span: characters of that text; None where it says nothing of the concept.
    """

    problem: Problem
    kind: Kind
    differs: str
    summary_span: TextSpan | None
    source: Source
    source_span: TextSpan | None
