"""Intervals from patients, not rows: notes of one patient resemble each other, so patients are what is resampled.

Cluster bootstrap: Efron and Tibshirani (1993), "An Introduction to the Bootstrap", chapters 13 and 14; Field and Welsh
(2007), "Bootstrapping clustered data", J. R. Statist. Soc. B 69, 369-390. Bounds are bias-corrected and accelerated
(BCa; Efron 1987, "Better bootstrap confidence intervals", J. Am. Statist. Assoc. 82, 171-185): rates of rare things,
such as facts that a note contradicts, are skewed, and percentile intervals of them miss too often on the upper side.

A share that is 0, or 1, in every resample has no spread to resample. Its open side is the exact bound for a count of 0
in n patients, 1 - (alpha/2)^(1/n) (Clopper and Pearson 1934, Biometrika 26, 404-413; Hanley and Lippman-Hand 1983,
"If nothing goes wrong, is everything all right?", JAMA 249, 1743-1745). It bounds the share of patients in whom the
event can happen, and by that the mean over patients of any share from 0 to 1; of a ratio of counts, which weighs
patients by their counts, it is an approximation.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import NormalDist
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lab_lens.errors import InputError

FloatArray = NDArray[np.float64]
# From column sums of shape (..., k) to values of shape (...): a mean, a ratio, corpus BLEU; NaN where it is undefined.
Statistic = Callable[[FloatArray], FloatArray]
Method = Literal["bca", "percentile"]

# Four patients give 35 distinct resamples: a 95 % interval from them would be one in name only.
MIN_CLUSTERS = 5
POWER = 0.80
# Small enough for a processor's cache: larger pieces take twice the time.
_DRAWS_IN_MEMORY = 1 << 21
_NORMAL = NormalDist()


@dataclass(frozen=True)
class Interval:
    """An estimate and the interval around it, in the unit of what was measured.

    Args:
        estimate: NaN where no example has what is measured; `reason` then says so.
        low, high: the bounds, or None where they cannot be computed; `reason` then says why.
        n_examples, n_clusters: rows and patients that have what is measured.
    """

    estimate: float
    low: float | None
    high: float | None
    n_examples: int
    n_clusters: int
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """The fields as a JSON object; an undefined estimate is null."""
        return asdict(self) | {"estimate": self.estimate if np.isfinite(self.estimate) else None}


@dataclass(frozen=True)
class Bootstrap:
    """How intervals are made.

    Args:
        resamples: bootstrap samples.
        confidence: coverage, between 0 and 1.
        seed: equal seeds give equal intervals.
        method: of the bounds.
    """

    resamples: int = 2000
    confidence: float = 0.95
    seed: int = 0
    method: Method = "bca"


def cluster_bootstrap(
    values: ArrayLike, clusters: Sequence[str], *, resamples: int = 2000, confidence: float = 0.95, seed: int
) -> Interval:
    """The mean over rows, with an interval from resampling clusters with replacement.

    Args:
        values: shape (n,); NaN where a row does not have what is measured.
        clusters: n patient ids.
        resamples: bootstrap samples.
        confidence: coverage, between 0 and 1.
        seed: equal seeds give equal intervals.

    Raises:
        InputError: no rows, unequal lengths or infinite values.
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
        columns: shape (n, k), finite; a row of zeros does not have what is measured.
    """
    settings = Bootstrap(resamples, confidence, seed)
    return bootstrap_statistics({"": (columns, statistic)}, clusters, settings)[""]


def bootstrap_statistics(
    measured: Mapping[str, tuple[FloatArray, Statistic]],
    clusters: Sequence[str],
    settings: Bootstrap,
    *,
    shares: Collection[str] = (),
) -> dict[str, Interval]:
    """As `bootstrap_statistic`, for several statistics at once: those of the same patients share their resamples.

    A patient none of whose rows has what is measured is left out of that statistic's resamples.

    Args:
        measured: columns of shape (n, k) and the statistic of their sums, by name.
        shares: names of statistics from 0 to 1, whose bounds are exact where every resample is 0, or every one is 1.
    """
    sums = {name: cluster_sums(columns, clusters) for name, (columns, _) in measured.items()}
    groups: dict[bytes, list[str]] = {}
    for name, total in sums.items():
        groups.setdefault(_having(total).tobytes(), []).append(name)
    found: dict[str, Interval] = {}
    for names in groups.values():
        kept = {name: sums[name][_having(sums[name])] for name in names}
        for name, resampled in _resampled_together(kept, settings).items():
            columns, statistic = measured[name]
            rows = int(columns.any(axis=1).sum())
            interval = _interval(kept[name], resampled, statistic, rows, settings)
            found[name] = _with_exact_bound(interval, settings.confidence) if name in shares else interval
    return {name: found[name] for name in measured}


def with_counts(values: ArrayLike) -> FloatArray:
    """Columns (value, 1) of shape (n, 2), (0, 0) where a value is NaN; their sums give a mean by `mean_of`."""
    array = np.asarray(values, dtype=np.float64)
    defined = ~np.isnan(array)
    return np.column_stack([np.where(defined, array, 0.0), defined.astype(np.float64)])


def mean_of(sums: FloatArray) -> FloatArray:
    """The mean from sums of `with_counts`: shape (..., 2) to (...); NaN where nothing was counted."""
    with np.errstate(invalid="ignore"):
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
    rows = max(1, _DRAWS_IN_MEMORY // clusters)
    pieces = []
    for start in range(0, resamples, rows):
        count = min(rows, resamples - start)
        drawn = generator.integers(0, clusters, size=(count, clusters), dtype=np.int32)
        # How often each resample draws each cluster, times the clusters' sums.
        drawn += clusters * np.arange(count, dtype=np.int32)[:, None]
        weights = np.bincount(drawn.ravel(), minlength=count * clusters).reshape(count, clusters)
        pieces.append(weights.astype(np.float64) @ sums)
    return np.concatenate(pieces)


def standard_error(sums: FloatArray, statistic: Statistic) -> float:
    """Jackknife standard error over clusters (Efron and Tibshirani 1993, chapter 11): how far an estimate would move.

    Args:
        sums: shape (clusters, k).

    Returns:
        In the unit of the statistic; NaN below MIN_CLUSTERS clusters, or where the statistic is undefined.
    """
    clusters = len(sums)
    if clusters < MIN_CLUSTERS:
        return float("nan")
    deviations = _jackknife_deviations(sums, statistic)
    return float(np.sqrt((clusters - 1) / clusters * np.square(deviations).sum()))


def detectable_difference(error: float, confidence: float = 0.95, power: float = POWER) -> float:
    """The smallest true difference that a two-sided test finds with this power, given the difference's error.

    (z(1 - alpha/2) + z(power)) standard errors: the usual sample-size formula, solved for the difference.
    """
    return (_NORMAL.inv_cdf(0.5 + confidence / 2.0) + _NORMAL.inv_cdf(power)) * error


def _having(sums: FloatArray) -> NDArray[np.bool_]:
    return np.asarray(sums.any(axis=1), dtype=np.bool_)


def _resampled_together(sums: Mapping[str, FloatArray], settings: Bootstrap) -> dict[str, FloatArray]:
    """Resampled sums of several statistics over the same clusters; empty below MIN_CLUSTERS."""
    together = np.hstack(list(sums.values()))
    enough = len(together) >= MIN_CLUSTERS
    resampled = resampled_sums(together, settings.resamples, settings.seed) if enough else together[:0]
    ends = np.cumsum([part.shape[1] for part in sums.values()])
    return dict(zip(sums, np.split(resampled, ends[:-1], axis=1), strict=True))


def _interval(
    sums: FloatArray, resampled: FloatArray, statistic: Statistic, rows: int, settings: Bootstrap
) -> Interval:
    clusters = len(sums)
    if not clusters:
        return Interval(float("nan"), None, None, 0, 0, "no example has what is measured")
    estimate = float(statistic(sums.sum(axis=0)))
    if not np.isfinite(estimate):
        return Interval(estimate, None, None, rows, clusters, "undefined on these examples")
    if not len(resampled):
        reason = f"an interval needs {MIN_CLUSTERS} patients, and there are {clusters}"
        return Interval(estimate, None, None, rows, clusters, reason)
    values = statistic(resampled)
    undefined = int((~np.isfinite(values)).sum())
    if undefined:
        reason = f"the statistic is undefined in {undefined} of {len(values)} resamples"
        return Interval(estimate, None, None, rows, clusters, reason)
    tail = (1.0 - settings.confidence) / 2.0
    tails = [tail, 1.0 - tail]
    if settings.method == "bca":
        tails = _corrected(tails, values, estimate, _jackknife_deviations(sums, statistic))
    low, high = np.quantile(values, tails)
    return Interval(estimate, float(low), float(high), rows, clusters)


def _with_exact_bound(interval: Interval, confidence: float) -> Interval:
    """The interval of a share; without a spread at 0 or 1, its open side is the exact bound for its patients."""
    if interval.low is None or interval.low != interval.high or interval.low not in (0.0, 1.0):
        return interval
    reach = ((1.0 - confidence) / 2.0) ** (1.0 / interval.n_clusters)
    return replace(interval, high=1.0 - reach) if interval.low == 0.0 else replace(interval, low=reach)


def _corrected(tails: Sequence[float], values: FloatArray, estimate: float, deviations: FloatArray) -> list[float]:
    """The quantiles that BCa reads instead of `tails` (Efron 1987, equations 2.3 and 6.6)."""
    ties = np.isclose(values, estimate, rtol=1e-9, atol=1e-12)
    below = float(((values < estimate) & ~ties).mean() + ties.mean() / 2.0)
    # Half a resample: a share of 0 or 1 has no normal quantile.
    least = 0.5 / len(values)
    bias = _NORMAL.inv_cdf(min(max(below, least), 1.0 - least))
    spread = np.square(deviations).sum()
    # Divided before the third power, which is 0 in floats for tiny deviations.
    acceleration = float(((deviations / np.sqrt(spread)) ** 3).sum() / 6.0) if spread > 0.0 else 0.0
    shifts = (bias + _NORMAL.inv_cdf(tail) for tail in tails)
    return [_NORMAL.cdf(bias + shift / (1.0 - acceleration * shift)) for shift in shifts]


def _jackknife_deviations(sums: FloatArray, statistic: Statistic) -> FloatArray:
    """How far the statistic without each cluster lies below the mean of those; shape (clusters,)."""
    without_one = statistic(sums.sum(axis=0) - sums)
    # Without a cluster a ratio can be undefined, such as words of note for a word of empty summaries.
    with np.errstate(invalid="ignore"):
        deviations: FloatArray = without_one.mean() - without_one
    return deviations
