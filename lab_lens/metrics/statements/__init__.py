"""How much of what a summary says its note or reference says too, and how much of the reference the summary says.

A general score of faithfulness, for texts in which typed clinical facts (`lab_lens.metrics.facts`) are sparse: social
history, symptoms, plans. Texts are split into clauses, and these into content words, numbers and named things ("HTN"
and "high blood pressure" are one), each affirmed or negated (NegEx, Chapman et al. 2001). A thing counts once a text,
as the content units of a pyramid do (Nenkova and Passonneau 2004, HLT-NAACL, 145-152). There is no model, and no
licensed vocabulary.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab_lens.metrics.processes import by_rows
from lab_lens.metrics.statements.matching import Content, Overlap
from lab_lens.metrics.text import check_pairs

FloatArray = NDArray[np.float64]

COLUMNS = ("in_summary", "supported", "contradicted", "in_reference", "recalled")
PER_EXAMPLE = (
    "statement_precision",
    "statement_recall",
    "statement_f1",
    "statement_hallucination",
    "statement_contradiction",
    "statement_omission",
)
_WITHOUT_NOTE = frozenset({"statement_recall", "statement_omission"})


@dataclass(frozen=True)
class StatementScores:
    """Scores of n summaries.

    Args:
        columns: shape (n, len(COLUMNS)); counts of content words. Their sums over any rows give those rows' figures by
            `scores_of`. The first three are 0 where no notes were given.
        per_example: an array of shape (n,) for each name of PER_EXAMPLE, 0 to 1; NaN where it is undefined.
    """

    columns: FloatArray
    per_example: dict[str, FloatArray]


def score_statements(
    summaries: Sequence[str], notes: Sequence[str] | None, references: Sequence[str], *, processes: int = 0
) -> StatementScores:
    """Score every summary against its note and its reference.

    - statement_precision: the share of the summary's content that the note or the reference says.
    - statement_contradiction: the share that they say only the other way around: denied and not affirmed, affirmed and
      not denied, or a patient of the other sex.
    - statement_hallucination: the share that they do not say at all. These three sum to 1. NaN for a summary without
      content, or without notes.
    - statement_recall, statement_omission: the share of the reference's content that the summary says, and the rest.
      NaN for a reference without content.
    - statement_f1: the harmonic mean of precision and recall; 0 for a summary that says nothing, NaN where recall is
      NaN, or without notes.

    Args:
        summaries, references: n texts each.
        notes: n texts, or None where they are not at hand.
        processes: as in `by_rows`.

    Raises:
        InputError: no rows, or not as many texts of one sort as of another.
    """
    check_pairs(summaries, references)
    if notes is not None:
        check_pairs(summaries, notes)
    given = [""] * len(summaries) if notes is None else notes
    pieces = by_rows(_counts, [summaries, given, references], notes is not None, processes=processes)
    columns = np.concatenate(pieces)
    scores = scores_of(columns)
    if notes is None:
        scores |= {name: np.full(len(summaries), np.nan) for name in PER_EXAMPLE if name not in _WITHOUT_NOTE}
    return StatementScores(columns, scores)


def scores_of(sums: FloatArray) -> dict[str, FloatArray]:
    """The scores by name of PER_EXAMPLE from counts, or sums of counts, of shape (..., len(COLUMNS))."""
    in_summary, supported, contradicted, in_reference, recalled = np.moveaxis(sums, -1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        precision, recall = supported / in_summary, recalled / in_reference
        contradiction = contradicted / in_summary
    return {
        "statement_precision": precision,
        "statement_recall": recall,
        "statement_f1": _f1(precision, recall),
        "statement_hallucination": 1.0 - precision - contradiction,
        "statement_contradiction": contradiction,
        "statement_omission": 1.0 - recall,
    }


def _f1(precision: FloatArray, recall: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = 2.0 * precision * recall / (precision + recall)
    # A summary that says nothing has no precision, but it has failed; so has one that says nothing right.
    return np.where(recall == 0.0, 0.0, mean)


def _counts(summaries: Sequence[str], notes: Sequence[str], references: Sequence[str], with_notes: bool) -> FloatArray:
    rows = zip(summaries, notes, references, strict=True)
    return np.array([_row(*row, with_notes=with_notes) for row in rows], dtype=np.float64)


def _row(summary: str, note: str, reference: str, *, with_notes: bool) -> tuple[int, ...]:
    given, expected = Content.of(summary), Content.of(reference)
    supported = _with_sex(given, [expected, Content.of(note)]) if with_notes else Overlap(0, 0, 0)
    recalled = expected.overlap([given])
    return (*supported, recalled.total, recalled.found)


def _with_sex(summary: Content, sources: Sequence[Content]) -> Overlap:
    """The overlap with the sources, where the patient's sex is one more thing that a summary says by its pronouns.

    It is compared with the first source that speaks of one sex; relatives make a text speak of both.
    """
    overlap = summary.overlap(sources)
    told = next((source.sexes for source in sources if source.sexes), frozenset[str]())
    if len(summary.sexes) != 1 or len(told) != 1:
        return overlap
    same = summary.sexes == told
    return Overlap(overlap.total + 1, overlap.found + same, overlap.contradicted + (not same))
