"""Slices of the scored held-out notes: who is in them, and how well the model does there, with intervals."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lab_lens.config import Config
from lab_lens.metrics.uncertainty import MIN_CLUSTERS, Interval, cluster_bootstrap

NOT_RECORDED = "(not recorded)"
SUMMARY_WORDS = "summary_words"
SCORES = ("rouge1", "rouge2", "rougeL", "rougeLsum", "bleu")
# With fewer patients there is no interval, and one unusual patient decides a permutation test.
MIN_PATIENTS_PER_SLICE = MIN_CLUSTERS


@dataclass(frozen=True)
class SliceSummary:
    """One slice of one attribute.

    Attributes:
        slice: the attribute's value, or NOT_RECORDED.
        metrics: means with intervals over patients: scores in 0 to 1, `summary_words` in words.
        truncated_fraction: share of its notes of which the model saw only the start; None where that is not known.
        enough: whether it has the examples and patients that a comparison needs; never for NOT_RECORDED.
    """

    slice: str
    n_examples: int
    n_patients: int
    metrics: Mapping[str, Interval]
    truncated_fraction: float | None
    enough: bool


def slice_labels(scored: pd.DataFrame, attribute: str) -> "pd.Series[str]":
    """The slice of every row; rows without a value are NOT_RECORDED."""
    values = scored[attribute].fillna("").astype(str).str.strip()
    return values.where(values != "", NOT_RECORDED)


def measures(config: Config) -> tuple[str, ...]:
    """What is averaged in each slice: the scores, the metric that is compared, and the summary's length."""
    return tuple(dict.fromkeys((*SCORES, config.fairness.metric, SUMMARY_WORDS)))


def summarize_slices(scored: pd.DataFrame, attribute: str, config: Config) -> list[SliceSummary]:
    """Summarize every slice of an attribute, by name, rows without a value last.

    Args:
        scored: one row an example with subject_id, the attribute, every one of `measures`, and truncated (bool) where
            that is known.
        attribute: a column of `scored`.
        config: the smallest slice, resamples, confidence and seed.
    """
    groups = dict(list(scored.groupby(slice_labels(scored, attribute), sort=True)))
    names = sorted(groups, key=lambda name: (name == NOT_RECORDED, name))
    return [_summarize(str(name), groups[name], config) for name in names]


def truncated_fraction(rows: pd.DataFrame) -> float | None:
    """Share of truncated notes; None where the predictions do not say."""
    return float(rows["truncated"].mean()) if "truncated" in rows else None


def _summarize(name: str, rows: pd.DataFrame, config: Config) -> SliceSummary:
    patients = int(rows["subject_id"].nunique())
    return SliceSummary(
        slice=name,
        n_examples=len(rows),
        n_patients=patients,
        metrics={measure: _mean(rows, measure, config) for measure in measures(config)},
        truncated_fraction=truncated_fraction(rows),
        enough=name != NOT_RECORDED
        and len(rows) >= config.fairness.min_examples_per_slice
        and patients >= MIN_PATIENTS_PER_SLICE,
    )


def _mean(rows: pd.DataFrame, measure: str, config: Config) -> Interval:
    return cluster_bootstrap(
        rows[measure].to_numpy(dtype=np.float64),
        rows["subject_id"].tolist(),
        resamples=config.validation.bootstrap_resamples,
        confidence=config.validation.confidence,
        seed=config.seed,
    )
