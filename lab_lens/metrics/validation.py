"""Measurements of a test set's summaries, every figure with its interval, in the shape of the validation report."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from lab_lens.config import Config
from lab_lens.metrics import baselines
from lab_lens.metrics.bleu import corpus_bleu_of
from lab_lens.metrics.comparison import PairedDifference, paired_statistic
from lab_lens.metrics.text import LABELS, PER_EXAMPLE, FloatArray, TextScores
from lab_lens.metrics.uncertainty import Interval, Statistic, bootstrap_statistic, mean_of, with_counts

DECIDING_METRIC = "rougeL"


@dataclass(frozen=True)
class Evaluation:
    """How figures over a test set are computed.

    Args:
        patients: patient id of each of n rows.
        resamples, confidence, seed: of the bootstrap over patients.
    """

    patients: Sequence[str]
    resamples: int
    confidence: float
    seed: int

    @classmethod
    def of(cls, examples: pd.DataFrame, config: Config) -> "Evaluation":
        """The evaluation of these examples under this configuration."""
        settings = config.validation
        return cls(examples["subject_id"].tolist(), settings.bootstrap_resamples, settings.confidence, config.seed)

    def measure(self, scores: TextScores) -> dict[str, Interval]:
        """Mean ROUGE and corpus BLEU with intervals, by name of PER_EXAMPLE."""
        return {name: self._interval(*_columns(scores, name)) for name in PER_EXAMPLE}

    def compare(self, candidate: TextScores, other: TextScores, name: str = DECIDING_METRIC) -> PairedDifference:
        """Candidate minus other on the same rows, for one metric of PER_EXAMPLE."""
        columns, statistic = _columns(candidate, name)
        return paired_statistic(
            columns,
            _columns(other, name)[0],
            self.patients,
            statistic,
            resamples=self.resamples,
            confidence=self.confidence,
            seed=self.seed,
        )

    def _interval(self, columns: FloatArray, statistic: Statistic) -> Interval:
        return bootstrap_statistic(
            columns,
            self.patients,
            statistic,
            resamples=self.resamples,
            confidence=self.confidence,
            seed=self.seed,
        )


def _columns(scores: TextScores, name: str) -> tuple[FloatArray, Statistic]:
    """Columns to be summed for a metric, and the metric as a function of their sums."""
    if name == "bleu":
        return scores.bleu_counts, corpus_bleu_of
    return with_counts(scores.per_example[name]), mean_of


def metrics_json(metrics: dict[str, Interval]) -> dict[str, Any]:
    """Intervals by metric, each with the label that says which variant it is."""
    return {name: {"label": LABELS[name], **interval.to_json()} for name, interval in metrics.items()}


def baselines_json(candidate: TextScores, answers: dict[str, TextScores], evaluation: Evaluation) -> dict[str, Any]:
    """Every baseline's metrics, and the candidate's lead over it; null with a reason where it cannot be made."""
    found: dict[str, Any] = {}
    for name in baselines.BASELINES:
        scores = answers.get(name)
        found[name] = {
            "label": baselines.LABELS[name],
            "metrics": metrics_json(evaluation.measure(scores)) if scores else None,
            "comparison": {DECIDING_METRIC: evaluation.compare(candidate, scores).to_json()} if scores else None,
            "reason": "" if scores else baselines.NEEDS_OTHER_PATIENTS,
        }
    return found


def lengths_json(examples: pd.DataFrame, summaries: Iterable[str]) -> dict[str, Any]:
    """Words (separated by white space) of notes, references and summaries, and note words per summary word."""
    notes, references = words(examples["input_text"]), words(examples["target_summary"])
    given = words(summaries)
    total = int(given.sum())
    return {
        "note_words": _spread(notes),
        "reference_words": _spread(references),
        "summary_words": _spread(given),
        "compression_ratio": float(notes.sum() / total) if total else None,
        "reference_compression_ratio": float(notes.sum() / references.sum()),
        "reason": "" if total else "every summary is empty: no compression ratio",
    }


def words(texts: Iterable[str]) -> FloatArray:
    """Count the words of each text."""
    return np.array([len(text.split()) for text in texts], dtype=np.float64)


def _spread(counts: FloatArray) -> dict[str, float]:
    low, median, high = np.quantile(counts, [0.05, 0.5, 0.95])
    return {"mean": float(counts.mean()), "p05": float(low), "median": float(median), "p95": float(high)}
