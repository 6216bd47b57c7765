"""Fact scores of many summaries, as counts whose sums over any rows give every corpus figure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab_lens.errors import InputError
from lab_lens.metrics.catalogue import METRICS
from lab_lens.metrics.facts.review import COUNTS, Review, review_summary
from lab_lens.metrics.facts.types import KINDS, Finding
from lab_lens.metrics.processes import by_rows

FloatArray = NDArray[np.float64]
COLUMNS: tuple[str, ...] = (*COUNTS, *(f"{kind}.{count}" for kind in KINDS for count in COUNTS))
FACT_METRICS: tuple[str, ...] = tuple(name for name, metric in METRICS.items() if metric.family == "facts")


@dataclass(frozen=True)
class FactScores:
    """Fact scores of n summaries.

    Args:
        columns: counts of shape (n, len(COLUMNS)): of all kinds together, then of each kind as "<kind>.<count>".
        per_example: an array of shape (n,), 0 to 1, for each name of FACT_METRICS; NaN where an example has no fact of
            that sort.
        findings: what is wrong with each summary.
    """

    columns: FloatArray
    per_example: dict[str, FloatArray]
    findings: list[tuple[Finding, ...]]

    def sums_for(self, metric: str, kind: str = "") -> FloatArray:
        """The columns, of shape (n, k), whose sums METRICS[metric].statistic takes; of one kind where one is named."""
        return _columns_for(self.columns, metric, kind)


def score_facts(
    summaries: Sequence[str],
    notes: Sequence[str] | None,
    references: Sequence[str],
    *,
    processes: int = 0,
) -> FactScores:
    """Review every summary against its note and its reference.

    Args:
        summaries, references: n texts each.
        notes: n texts; None: nothing is held against notes, and every figure that needs them is NaN.
        processes: at most so many; 0: one for each processor.

    Raises:
        InputError: no rows, or unequal lengths.
    """
    _check(summaries, notes, references)
    columns = [summaries, references] if notes is None else [summaries, references, notes]
    pieces = by_rows(_review_rows, columns, processes=processes)
    counts = np.vstack([counts for counts, _ in pieces])
    per_example = {name: METRICS[name].statistic(_columns_for(counts, name, "")) for name in FACT_METRICS}
    return FactScores(counts, per_example, [findings for _, rows in pieces for findings in rows])


def figures_of(columns: FloatArray, kind: str = "") -> dict[str, float]:
    """Corpus figures of all rows of `FactScores.columns`, by metric; NaN where no row has a fact of that sort."""
    sums = columns.sum(axis=0)
    return {name: float(METRICS[name].statistic(_columns_for(sums, name, kind))) for name in FACT_METRICS}


def _check(summaries: Sequence[str], notes: Sequence[str] | None, references: Sequence[str]) -> None:
    given = {"summaries": len(summaries), "references": len(references)}
    given |= {} if notes is None else {"notes": len(notes)}
    if len(set(given.values())) > 1:
        raise InputError(f"{', '.join(f'{n} {name}' for name, n in given.items())}: give one of each for every row")
    if not summaries:
        raise InputError("there is nothing to score: no summary was given")


def _columns_for(columns: FloatArray, metric: str, kind: str) -> FloatArray:
    prefix = f"{kind}." if kind else ""
    return columns[..., [COLUMNS.index(prefix + count) for count in METRICS[metric].counts]]


def _review_rows(
    summaries: Sequence[str], references: Sequence[str], notes: Sequence[str] | None = None
) -> tuple[FloatArray, list[tuple[Finding, ...]]]:
    sources: Sequence[str | None] = [None] * len(summaries) if notes is None else notes
    reviews = [review_summary(*texts) for texts in zip(summaries, sources, references, strict=True)]
    return np.array([_row(review) for review in reviews]), [review.findings for review in reviews]


def _row(review: Review) -> list[float]:
    counts = review.counts
    total = [sum(own.get(name, 0) for own in counts.values()) for name in COUNTS]
    by_kind = [counts[kind].get(name, 0) if kind in counts else 0 for kind in KINDS for name in COUNTS]
    return [float(count) for count in (*total, *by_kind)]
