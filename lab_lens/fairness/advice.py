"""Advice that follows from an audit: sentences with computed numbers, no text of notes."""

import math
from collections.abc import Sequence

import pandas as pd

from lab_lens.config import Config
from lab_lens.fairness.audit import AttributeFinding, Comparison
from lab_lens.fairness.slices import (
    MIN_PATIENTS_PER_SLICE,
    NOT_RECORDED,
    SliceSummary,
    slice_labels,
    truncated_fraction,
)

# Notes of a slice that are this much longer, or cut this much more often, are harder for any model.
_LENGTH_RATIO = 1.15
_TRUNCATION_GAP_FRACTION = 0.10
_NOT_RECORDED_FRACTION = 0.20
_SLICES_NAMED = 6


def advise(scored: pd.DataFrame, findings: Sequence[AttributeFinding], config: Config) -> list[str]:
    """What to do about what an audit found, and what it could not see.

    Args:
        scored: the audited rows, with `note_words` (words of each note) besides the attributes.
        findings: of `audit.audit` on these rows.
        config: the configuration that they were audited with.
    """
    advice: list[str] = []
    for finding in findings:
        if finding.status == "absent":
            advice.append(_on_absent(finding))
            continue
        advice += [_on_flagged(scored, finding, comparison, config) for comparison in finding.flagged]
        advice += _on_small(finding, len(scored), config)
        advice += _on_not_recorded(finding, len(scored))
    return advice + _on_what_stays_unseen(findings, config)


def _on_absent(finding: AttributeFinding) -> str:
    name = finding.attribute
    return (
        f"{name}: {finding.reason}, so nothing can be said about disparities by {name}. Map a column to it in "
        f"data.columns, or take {name} out of fairness.slices if the data cannot have it."
    )


def _on_small(finding: AttributeFinding, rows: int, config: Config) -> list[str]:
    small = [item for item in finding.slices if not item.enough and item.slice != NOT_RECORDED]
    if not small:
        return []
    needed = config.fairness.min_examples_per_slice
    named = [_shortage(item, needed) for item in small[:_SLICES_NAMED]]
    more = [f"{len(small) - _SLICES_NAMED} others"] if len(small) > _SLICES_NAMED else []
    held_out = math.ceil(rows * needed / min(needed, *(item.n_examples for item in small)))
    return [
        f"{finding.attribute}: too small to compare are {'; '.join(named + more)}. At their present shares of the "
        f"notes it takes about {held_out:,} held-out notes instead of {rows:,} to compare every slice."
    ]


def _shortage(summary: SliceSummary, needed: int) -> str:
    examples = max(0, needed - summary.n_examples)
    patients = max(0, MIN_PATIENTS_PER_SLICE - summary.n_patients)
    missing = [f"{examples} more examples"] * (examples > 0) + [f"{patients} more patients"] * (patients > 0)
    held = f"{summary.n_examples} examples of {summary.n_patients} patients"
    return f"{summary.slice} ({held}: {' and '.join(missing)} needed)"


def _on_not_recorded(finding: AttributeFinding, rows: int) -> list[str]:
    blank = sum(summary.n_examples for summary in finding.slices if summary.slice == NOT_RECORDED)
    if blank <= _NOT_RECORDED_FRACTION * rows:
        return []
    return [
        f"{finding.attribute} is not recorded for {blank} of {rows} examples ({blank / rows:.0%}): what is found holds "
        "for the others only. Complete it before relying on it."
    ]


def _on_flagged(scored: pd.DataFrame, finding: AttributeFinding, comparison: Comparison, config: Config) -> str:
    labels = slice_labels(scored, finding.attribute)
    rows, rest = scored[labels == comparison.slice], scored[~labels.isin([comparison.slice, NOT_RECORDED])]
    words, rest_words = float(rows["note_words"].median()), float(rest["note_words"].median())
    return (
        f"{finding.attribute} = {comparison.slice} scores {-comparison.difference:.3f} below the rest on "
        f"{config.fairness.metric} ({config.validation.confidence:.0%} interval of the difference "
        f"{comparison.low:.3f} to {comparison.high:.3f}). It makes up {len(rows) / len(scored):.0%} of the held-out "
        f"notes; they have a median of {words:,.0f} words against {rest_words:,.0f}{_truncation(rows, rest)}. "
        f"{_remedy(rows, rest, words / max(rest_words, 1.0), config)}"
    )


def _truncation(rows: pd.DataFrame, rest: pd.DataFrame) -> str:
    cut, rest_cut = truncated_fraction(rows), truncated_fraction(rest)
    return "" if cut is None else f", and {cut:.0%} of them are truncated against {rest_cut:.0%}"


def _remedy(rows: pd.DataFrame, rest: pd.DataFrame, length_ratio: float, config: Config) -> str:
    if (truncated_fraction(rows) or 0.0) - (truncated_fraction(rest) or 0.0) > _TRUNCATION_GAP_FRACTION:
        return (
            f"The model sees less of these notes: raise model.max_input_tokens above {config.model.max_input_tokens}, "
            "if the model has positions for it, and audit again."
        )
    if not 1.0 / _LENGTH_RATIO <= length_ratio <= _LENGTH_RATIO:
        return (
            "Notes of another length may explain a part of the gap: look at the quality by note length in the "
            "sensitivity report, then add training examples of this slice at these lengths."
        )
    return (
        "Note length does not explain the gap: compare the slice's share of the training notes in the data report with "
        "this one, add or repeat training examples of it, and read its worst summaries (lowest scores in the "
        "predictions with slices)."
    )


def _on_what_stays_unseen(findings: Sequence[AttributeFinding], config: Config) -> list[str]:
    blind = {
        finding.attribute: finding.detectable
        for finding in findings
        if finding.detectable is not None and finding.detectable > config.policy.max_disparity
    }
    if not blind:
        return []
    named = ", ".join(f"{value:.3f} by {name}" for name, value in blind.items())
    return [
        f"With these notes a gap must be about this large to be found in four of five cases: {named} "
        f"({config.fairness.metric}); the policy allows {config.policy.max_disparity:g}. More held-out patients are "
        "needed to exclude smaller gaps."
    ]
