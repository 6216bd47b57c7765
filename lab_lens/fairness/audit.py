"""The fairness audit: every attribute's slices, their comparisons, and which of them are flagged."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from lab_lens.config import Config
from lab_lens.errors import InputError
from lab_lens.fairness.disparity import benjamini_hochberg, compare_with_rest, detectable_difference
from lab_lens.fairness.slices import (
    MIN_PATIENTS_PER_SLICE,
    NOT_RECORDED,
    SUMMARY_WORDS,
    SliceSummary,
    slice_labels,
    summarize_slices,
)
from lab_lens.metrics.text import PER_EXAMPLE

SIGNIFICANCE_LEVEL = 0.05
_REST = "rest"
_NEVER_SLICED = ("example_id", "subject_id", "input_text", "target_summary", "summary")
_OWN_COLUMNS = (*PER_EXAMPLE, SUMMARY_WORDS, "note_words", "input_tokens", "output_tokens", "truncated")

AttributeStatus = Literal["compared", "insufficient_evidence", "absent"]


@dataclass(frozen=True)
class Comparison:
    """A slice against the other recorded rows of its attribute, in points of the compared metric (0 to 1).

    Attributes:
        difference: mean of the slice minus mean of the rest; negative: the slice is served worse.
        p_adjusted: Benjamini-Hochberg over all comparisons of the audit.
        detectable: see `disparity.Difference`.
        flagged: worse by more than the policy allows, and beyond chance.
    """

    slice: str
    versus: str
    difference: float
    low: float
    high: float
    p_value: float
    p_adjusted: float
    detectable: float | None
    flagged: bool


@dataclass(frozen=True)
class AttributeFinding:
    """What the held-out notes say about one attribute.

    Attributes:
        status: "compared"; "insufficient_evidence": fewer than two slices are large enough; "absent": no values.
        reason: why it was not compared; else empty.
        slices: every slice, rows without a value last.
        detectable: difference that the largest slice against the rest could show; None where it cannot be estimated.
    """

    attribute: str
    status: AttributeStatus
    reason: str
    slices: Sequence[SliceSummary] = ()
    comparisons: Sequence[Comparison] = ()
    detectable: float | None = None

    @property
    def largest_gap(self) -> Comparison | None:
        """The comparison of the slice that is served worst."""
        return min(self.comparisons, key=lambda item: item.difference, default=None)

    @property
    def flagged(self) -> list[Comparison]:
        """The comparisons that are flagged."""
        return [item for item in self.comparisons if item.flagged]


def audit(scored: pd.DataFrame, config: Config) -> list[AttributeFinding]:
    """Examine every configured attribute; the order of the rows does not matter.

    Args:
        scored: one row an example with example_id, subject_id, all of `slices.measures`, and truncated where it is
            known; attribute columns hold strings, an empty string where a value is not recorded.
        config: fairness, validation (bootstrap), policy.max_disparity and seed.

    Raises:
        InputError: a configured attribute is an identifier or a text.
    """
    check_attributes(config.fairness.slices)
    # Sums of floats and seeded draws depend on the order of the rows, so it is fixed first.
    scored = scored.sort_values(["subject_id", "example_id"], kind="stable")
    attributes = dict.fromkeys(config.fairness.slices)
    return _judged([_examine(scored, attribute, config) for attribute in attributes], config)


def check_attributes(attributes: Sequence[str]) -> None:
    """Refuse columns whose values would put identifiers or note text into a report, or that the audit makes itself.

    Raises:
        InputError: naming every such attribute.
    """
    wrong = [name for name in attributes if name in (*_NEVER_SLICED, *_OWN_COLUMNS)]
    if wrong:
        raise InputError([f"fairness.slices: {name} cannot be a slice; name a column of categories" for name in wrong])


def _examine(scored: pd.DataFrame, attribute: str, config: Config) -> AttributeFinding:
    if attribute not in scored:
        return AttributeFinding(attribute, "absent", f"the data has no column {attribute}")
    labels = slice_labels(scored, attribute)
    if (labels == NOT_RECORDED).all():
        return AttributeFinding(attribute, "absent", f"the column {attribute} is empty in every row")
    summaries = summarize_slices(scored, attribute, config)
    recorded = scored[labels != NOT_RECORDED]
    enough = [summary for summary in summaries if summary.enough]
    comparable = len(enough) >= 2
    return AttributeFinding(
        attribute=attribute,
        status="compared" if comparable else "insufficient_evidence",
        reason="" if comparable else _shortage(summaries, config),
        slices=summaries,
        comparisons=_compare(recorded, attribute, enough, config) if comparable else (),
        detectable=_detectable(recorded, attribute, config.fairness.metric),
    )


def _shortage(summaries: Sequence[SliceSummary], config: Config) -> str:
    groups = [summary for summary in summaries if summary.slice != NOT_RECORDED]
    if len(groups) == 1:
        return "only one group is recorded, so there is nothing to compare it with"
    enough = sum(summary.enough for summary in groups)
    return (
        f"{enough} of {len(groups)} groups have the {config.fairness.min_examples_per_slice} examples of at least "
        f"{MIN_PATIENTS_PER_SLICE} patients that a comparison needs; two groups must"
    )


def _compare(
    recorded: pd.DataFrame, attribute: str, enough: Sequence[SliceSummary], config: Config
) -> list[Comparison]:
    labels = slice_labels(recorded, attribute)
    metric = config.fairness.metric
    if labels.nunique() == 2:
        # Two groups make one comparison: the second would be its mirror image.
        enough = [min(enough, key=lambda summary: summary.metrics[metric].estimate)]
    return [_compare_one(recorded, labels == summary.slice, summary.slice, config) for summary in enough]


def _compare_one(recorded: pd.DataFrame, in_slice: "pd.Series[bool]", name: str, config: Config) -> Comparison:
    found = compare_with_rest(
        recorded[config.fairness.metric].to_numpy(dtype=np.float64),
        in_slice.to_numpy(dtype=np.bool_),
        recorded["subject_id"].tolist(),
        resamples=config.validation.bootstrap_resamples,
        confidence=config.validation.confidence,
        seed=config.seed,
    )
    return Comparison(
        slice=name,
        versus=_REST,
        difference=found.difference,
        low=found.low,
        high=found.high,
        p_value=found.p_value,
        p_adjusted=found.p_value,
        detectable=found.detectable,
        flagged=False,
    )


def _detectable(recorded: pd.DataFrame, attribute: str, metric: str) -> float | None:
    labels = slice_labels(recorded, attribute)
    largest = labels.value_counts().sort_index().idxmax()
    return detectable_difference(
        recorded[metric].to_numpy(dtype=np.float64),
        (labels == largest).to_numpy(dtype=np.bool_),
        recorded["subject_id"].tolist(),
    )


def _judged(findings: Sequence[AttributeFinding], config: Config) -> list[AttributeFinding]:
    adjusted = iter(benjamini_hochberg([item.p_value for finding in findings for item in finding.comparisons]))
    return [
        replace(finding, comparisons=[_judge(item, next(adjusted), config) for item in finding.comparisons])
        for finding in findings
    ]


def _judge(comparison: Comparison, p_adjusted: float, config: Config) -> Comparison:
    worse = comparison.difference < -config.policy.max_disparity
    return replace(comparison, p_adjusted=p_adjusted, flagged=worse and p_adjusted < SIGNIFICANCE_LEVEL)


def finding_json(finding: AttributeFinding) -> dict[str, Any]:
    """The finding as the bias report holds it."""
    gap = finding.largest_gap
    return {
        "status": finding.status,
        "reason": finding.reason,
        "slices": [_slice_json(summary) for summary in finding.slices],
        "comparisons": [vars(item) for item in finding.comparisons],
        "largest_gap": vars(gap) if gap else None,
        "detectable_difference": finding.detectable,
        "flagged": bool(finding.flagged),
    }


def _slice_json(summary: SliceSummary) -> dict[str, Any]:
    return {
        "slice": summary.slice,
        "recorded": summary.slice != NOT_RECORDED,
        "n_examples": summary.n_examples,
        "n_patients": summary.n_patients,
        "metrics": {name: interval.to_json() for name, interval in summary.metrics.items()},
        "truncated_fraction": summary.truncated_fraction,
        "enough": summary.enough,
        "verdict": _verdict(summary),
    }


def _verdict(summary: SliceSummary) -> str:
    if summary.slice == NOT_RECORDED:
        return "not compared"
    return "enough evidence" if summary.enough else "insufficient evidence"
