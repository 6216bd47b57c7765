"""Intervals from patients, not rows: notes of one patient resemble each other, so patients are what is resampled.

Cluster bootstrap, percentile intervals: Efron and Tibshirani (1993), "An Introduction to the Bootstrap", chapter 13;
Field and Welsh (2007), "Bootstrapping clustered data", J. R. Statist. Soc. B 69, 369-390.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lab_lens.errors import InputError

FloatArray = NDArray[np.float64]
# From column sums of shape (..., k) to values of shape (...): a mean, a ratio, corpus BLEU.
Statistic = Callable[[FloatArray], FloatArray]

# Four patients give 35 distinct resamples: a 95 % interval from them would be one in name only.
MIN_CLUSTERS = 5
_WEIGHTS_IN_MEMORY = 1 << 22


@dataclass(frozen=True)
class Interval:
    """An estimate and the interval around it, in the unit of what was measured.

    Args:
        low, high: the bounds, or None where they cannot be computed; `reason` then says why.
        n_examples, n_clusters: rows and patients that it was computed from.
    """

    estimate: float
    low: float | None
    high: float | None
    n_examples: int
    n_clusters: int
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """The fields as a JSON object."""
        return asdict(self)


def cluster_bootstrap(
    values: ArrayLike, clusters: Sequence[str], *, resamples: int = 2000, confidence: float = 0.95, seed: int
) -> Interval:
    """The mean over rows, with a percentile interval from resampling clusters with replacement.

    Args:
        values: shape (n,), finite.
        clusters: n patient ids.
        resamples: bootstrap samples.
        confidence: coverage, between 0 and 1.
        seed: equal seeds give equal intervals.

    Raises:
        InputError: no rows, unequal lengths or values that are not finite.
    """
    return bootstrap_statistic(
        with_counts(values), clusters, mean_of, resamples=resamples, confidence=confidence, seed=seed
    )


def bootstrap_statistic(
    columns: FloatArray,
    clusters: Sequence[str],
    statistic: Statistic,
    *,
    resamples: int = 2000,
    confidence: float = 0.95,
    seed: int,
) -> Interval:
    """As `cluster_bootstrap`, for any statistic that is a function of column sums.

    Args:
        columns: shape (n, k), finite.
    """
    sums = cluster_sums(columns, clusters)
    estimate = float(statistic(sums.sum(axis=0)))
    low, high, reason = None, None, f"an interval needs {MIN_CLUSTERS} patients, and there are {len(sums)}"
    if len(sums) >= MIN_CLUSTERS:
        low, high, reason = _percentiles(statistic(resampled_sums(sums, resamples, seed)), confidence)
    return Interval(estimate, low, high, len(columns), len(sums), reason)


def with_counts(values: ArrayLike) -> FloatArray:
    """Columns (value, 1) of shape (n, 2), whose sums give a mean by `mean_of`."""
    array = np.asarray(values, dtype=np.float64)
    return np.column_stack([array, np.ones_like(array)])


def mean_of(sums: FloatArray) -> FloatArray:
    """The mean from sums of `with_counts`: shape (..., 2) to (...)."""
    mean: FloatArray = sums[..., 0] / sums[..., 1]
    return mean


def cluster_sums(columns: FloatArray, clusters: Sequence[str]) -> FloatArray:
    """Sum rows by cluster: shape (n, k) to (clusters, k), in sorted order of cluster ids.

    Raises:
        InputError: no rows, unequal lengths or values that are not finite.
    """
    if len(columns) != len(clusters) or not len(columns):
        raise InputError(
            f"{len(columns)} rows with {len(clusters)} patient ids: give at least one row, and an id for each"
        )
    if not np.isfinite(columns).all():
        raise InputError(
            f"{int((~np.isfinite(columns)).any(axis=1).sum())} of {len(columns)} rows hold no finite score"
        )
    _, codes = np.unique(np.asarray(clusters, dtype=str), return_inverse=True)
    sums = np.zeros((int(codes.max()) + 1, columns.shape[1]))
    np.add.at(sums, codes, columns)
    return sums


def resampled_sums(sums: FloatArray, resamples: int, seed: int) -> FloatArray:
    """Column sums of bootstrap samples of clusters: shape (clusters, k) to (resamples, k), in bounded memory."""
    generator = np.random.default_rng(seed)
    clusters = len(sums)
    rows = max(1, _WEIGHTS_IN_MEMORY // clusters)
    # How often each cluster is drawn is multinomial, so a resample is a row of weights times the sums.
    weights = (
        generator.multinomial(clusters, np.full(clusters, 1.0 / clusters), size=min(rows, resamples - start))
        for start in range(0, resamples, rows)
    )
    return np.concatenate([chunk @ sums for chunk in weights])


def _percentiles(values: FloatArray, confidence: float) -> tuple[float | None, float | None, str]:
    undefined = int((~np.isfinite(values)).sum())
    if undefined:
        return None, None, f"the statistic is undefined in {undefined} of {len(values)} resamples"
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(values, [tail, 1.0 - tail])
    return float(low), float(high), ""
