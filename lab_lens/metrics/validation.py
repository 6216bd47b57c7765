"""Measurements of a test set's summaries, every figure with its interval, in the shape of the validation report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from lab_lens.config import Config
from lab_lens.metrics import baselines
from lab_lens.metrics.catalogue import METRICS
from lab_lens.metrics.comparison import PairedDifference, on_shared_rows, paired_statistic
from lab_lens.metrics.families import word_counts
from lab_lens.metrics.scores import FloatArray, SystemScores, Texts
from lab_lens.metrics.uncertainty import (
    POWER,
    Bootstrap,
    Interval,
    bootstrap_statistics,
    cluster_sums,
    detectable_difference,
    standard_error,
)

DECIDING_METRIC = "rougeL"
TEST_LEVEL = 0.05
_PAIRED = "paired with the champion by patient"
_UNPAIRED = (
    "no champion: as if its scores spread as much as the candidate's and went independently of them; with a champion "
    "that finds the same notes hard, smaller differences show"
)


@dataclass(frozen=True)
class Evaluation:
    """How figures over a test set are computed.

    Args:
        patients: patient id of each of n rows.
        bootstrap: over patients.
    """

    patients: Sequence[str]
    bootstrap: Bootstrap

    @classmethod
    def of(cls, examples: pd.DataFrame, config: Config) -> "Evaluation":
        """The evaluation of these examples under this configuration."""
        settings = config.validation
        bootstrap = Bootstrap(settings.bootstrap_resamples, settings.confidence, config.seed, settings.interval)
        return cls(examples["subject_id"].tolist(), bootstrap)

    def measure(self, scores: SystemScores) -> dict[str, Interval]:
        """Every metric that was computed, with its interval."""
        measured = {name: scores.columns(name) for name in scores.measured}
        shares = [name for name in measured if (METRICS[name].lowest, METRICS[name].highest) == (0.0, 1.0)]
        return bootstrap_statistics(measured, self.patients, self.bootstrap, shares=shares) if measured else {}

    def compare(self, candidate: SystemScores, other: SystemScores, name: str) -> PairedDifference:
        """Candidate minus other on the same rows, for a metric that both have; n_examples tells how many have it."""
        columns, statistic = candidate.columns(name)
        settings = self.bootstrap
        return paired_statistic(
            columns,
            other.columns(name)[0],
            self.patients,
            statistic,
            resamples=settings.resamples,
            confidence=settings.confidence,
            seed=settings.seed,
            method=settings.method,
        )

    def detectable(self, candidate: SystemScores, other: SystemScores | None, name: str) -> float:
        """The smallest true difference that a test at TEST_LEVEL finds with POWER; NaN where it cannot be told."""
        columns, statistic = candidate.columns(name)
        if other is None:
            error = np.sqrt(2.0) * standard_error(_sums(columns, self.patients), statistic)
            return detectable_difference(float(error), 1.0 - TEST_LEVEL)
        width = columns.shape[1]
        both = _sums(np.hstack(on_shared_rows(columns, other.columns(name)[0], statistic)), self.patients)

        def difference(sums: FloatArray) -> FloatArray:
            return statistic(sums[..., :width]) - statistic(sums[..., width:])

        return detectable_difference(standard_error(both, difference), 1.0 - TEST_LEVEL)


def _sums(columns: FloatArray, patients: Sequence[str]) -> FloatArray:
    """Sums of the patients that have what is measured."""
    sums = cluster_sums(columns, patients)
    return sums[sums.any(axis=1)]


def metrics_json(scores: SystemScores, intervals: Mapping[str, Interval]) -> dict[str, Any]:
    """Every metric that was computed or is missing for a reason: label, direction, estimate, interval.

    `computed` tells a metric that finds nothing to measure from one that failed or is turned off.
    """
    nothing = {"estimate": None, "low": None, "high": None, "n_examples": 0, "n_clusters": 0}
    found: dict[str, Any] = {}
    for name, metric in METRICS.items():
        said = {"label": scores.label(name), "direction": metric.direction}
        if name in intervals:
            found[name] = {**said, **intervals[name].to_json(), "computed": True}
        elif name in scores.missing:
            found[name] = {**said, **nothing, "reason": scores.missing[name], "computed": False}
    return found


def detectable_json(candidate: SystemScores, champion: SystemScores | None, evaluation: Evaluation) -> dict[str, Any]:
    """The minimum detectable difference of every metric at this number of patients."""
    names = [name for name in candidate.measured if champion is None or name in champion.per_example]
    found: dict[str, float | None] = {}
    for name in names:
        value = evaluation.detectable(candidate, champion, name)
        found[name] = value if np.isfinite(value) else None
    return {
        "level": TEST_LEVEL,
        "power": POWER,
        "basis": _UNPAIRED if champion is None else _PAIRED,
        "differences": found,
    }


def comparisons_json(candidate: SystemScores, other: SystemScores, evaluation: Evaluation) -> dict[str, Any]:
    """Candidate minus other for every metric that both have."""
    names = [name for name in candidate.measured if name in other.per_example]
    compared = {
        name: evaluation.compare(candidate, other, name) for name in names if _is_defined(candidate, other, name)
    }
    return {name: difference.to_json() for name, difference in compared.items()}


def _is_defined(candidate: SystemScores, other: SystemScores, name: str) -> bool:
    columns, statistic = candidate.columns(name)
    pair = on_shared_rows(columns, other.columns(name)[0], statistic)
    return all(np.isfinite(statistic(system.sum(axis=0))) for system in pair)


def baselines_json(
    candidate: SystemScores, answers: Mapping[str, SystemScores], evaluation: Evaluation, metrics: Sequence[str]
) -> dict[str, Any]:
    """Every baseline's metrics, and the candidate's lead over it; null with a reason where it cannot be made.

    Args:
        metrics: names of those in which leads are asked for.
    """
    found: dict[str, Any] = {}
    for name in baselines.BASELINES:
        scores = answers.get(name)
        missing = {} if scores is None else _not_shared(candidate, scores, metrics)
        leads = [] if scores is None else [metric for metric in metrics if metric not in missing]
        compared = {metric: evaluation.compare(candidate, answers[name], metric).to_json() for metric in leads}
        found[name] = {
            "label": baselines.LABELS[name],
            "metrics": None if scores is None else metrics_json(scores, evaluation.measure(scores)),
            "comparison": compared or None,
            "reason": baselines.NEEDS[name] if scores is None else "; ".join(missing.values()),
        }
    return found


def _not_shared(candidate: SystemScores, answer: SystemScores, metrics: Sequence[str]) -> dict[str, str]:
    """Why there is no lead, by metric."""
    missing = {**answer.missing, **candidate.missing}
    absent = [name for name in metrics if name in missing or name not in answer.per_example]
    return {
        name: f"{candidate.label(name)} is missing: {missing.get(name, 'it is not computed for such answers')}"
        for name in absent
    }


def lengths_json(texts: Texts) -> dict[str, Any]:
    """Words (separated by white space) of notes, references and summaries, and note words per summary word."""
    references, given = word_counts(texts.references), word_counts(texts.summaries)
    notes = None if texts.notes is None else word_counts(texts.notes)
    total = int(given.sum())
    reason = "" if total else "every summary is empty: no compression ratio"
    return {
        "note_words": None if notes is None else _spread(notes),
        "reference_words": _spread(references),
        "summary_words": _spread(given),
        "compression_ratio": None if notes is None or not total else float(notes.sum() / total),
        "reference_compression_ratio": None if notes is None else float(notes.sum() / references.sum()),
        "reason": "the data has no notes" if notes is None else reason,
    }


def _spread(counts: FloatArray) -> dict[str, float]:
    low, median, high = np.quantile(counts, [0.05, 0.5, 0.95])
    return {"mean": float(counts.mean()), "p05": float(low), "median": float(median), "p95": float(high)}
