"""Candidate against champion on the same rows: paired by patient, since the same notes are hard for both."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lab_lens.errors import InputError
from lab_lens.metrics.uncertainty import (
    MIN_CLUSTERS,
    Interval,
    Statistic,
    bootstrap_statistic,
    cluster_sums,
    mean_of,
    with_counts,
)

FloatArray = NDArray[np.float64]
_SWAPS_IN_MEMORY = 1 << 22


@dataclass(frozen=True)
class PairedDifference:
    """Candidate minus champion.

    Args:
        difference: in the metric's own points.
        relative: as a fraction of the champion's score; None where the champion scores 0.
        p_value: two-sided, of "the two are interchangeable for each patient"; None below MIN_CLUSTERS patients.
        reason: why something is None.
    """

    difference: Interval
    relative: Interval | None
    p_value: float | None
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """The fields as a JSON object."""
        relative = self.relative.to_json() if self.relative else None
        return {
            "difference": self.difference.to_json(),
            "relative": relative,
            "p_value": self.p_value,
            "reason": self.reason,
        }


def paired_difference(
    candidate: ArrayLike,
    champion: ArrayLike,
    clusters: Sequence[str],
    *,
    resamples: int = 2000,
    confidence: float = 0.95,
    seed: int,
) -> PairedDifference:
    """Compare mean scores of the same rows.

    Args:
        candidate, champion: shape (n,), finite, row i of both about the same example.
        clusters: n patient ids.

    Raises:
        InputError: no rows, unequal lengths or values that are not finite.
    """
    return paired_statistic(
        with_counts(candidate),
        with_counts(champion),
        clusters,
        mean_of,
        resamples=resamples,
        confidence=confidence,
        seed=seed,
    )


def paired_statistic(
    candidate: FloatArray,
    champion: FloatArray,
    clusters: Sequence[str],
    statistic: Statistic,
    *,
    resamples: int = 2000,
    confidence: float = 0.95,
    seed: int,
) -> PairedDifference:
    """As `paired_difference`, for any statistic that is a function of column sums.

    Args:
        candidate, champion: shape (n, k), finite.
    """
    if candidate.shape != champion.shape:
        raise InputError(
            f"{len(candidate)} rows of the candidate, {len(champion)} of the champion: score the same rows"
        )
    width = candidate.shape[1]

    def difference(sums: FloatArray) -> FloatArray:
        return statistic(sums[..., :width]) - statistic(sums[..., width:])

    def relative(sums: FloatArray) -> FloatArray:
        with np.errstate(all="ignore"):
            return difference(sums) / statistic(sums[..., width:])

    both = np.hstack([candidate, champion])
    sums = cluster_sums(both, clusters)
    champion_scores = bool(np.isfinite(relative(sums.sum(axis=0))))

    def interval(of: Statistic) -> Interval:
        return bootstrap_statistic(both, clusters, of, resamples=resamples, confidence=confidence, seed=seed)

    return PairedDifference(
        interval(difference),
        interval(relative) if champion_scores else None,
        _randomization_p(sums, difference, resamples, seed) if len(sums) >= MIN_CLUSTERS else None,
        "; ".join(_reasons(champion_scores, len(sums))),
    )


def _reasons(champion_scores: bool, clusters: int) -> list[str]:
    reasons = [] if champion_scores else ["the champion scores 0: no relative difference"]
    return (
        reasons
        if clusters >= MIN_CLUSTERS
        else [*reasons, f"a test needs {MIN_CLUSTERS} patients, and there are {clusters}"]
    )


def _randomization_p(sums: FloatArray, difference: Statistic, rounds: int, seed: int) -> float:
    """Swap candidate and champion for random halves of the patients (approximate randomization, Noreen 1989).

    The observed labelling counts as one of the rounds, so that p is never 0 (Phipson and Smyth 2010).
    """
    generator = np.random.default_rng(seed)
    width = sums.shape[1] // 2
    change = np.hstack([sums[:, width:] - sums[:, :width], sums[:, :width] - sums[:, width:]])
    total = sums.sum(axis=0)
    observed = abs(float(difference(total)))
    # Sums in another order differ in the last digits; a labelling that ties with the observed one counts as extreme.
    threshold = observed - 1e-9 * max(observed, 1.0)
    extreme = 0
    rows = max(1, _SWAPS_IN_MEMORY // len(sums))
    for start in range(0, rounds, rows):
        swapped = generator.integers(0, 2, size=(min(rows, rounds - start), len(sums))).astype(np.float64)
        extreme += int((np.abs(difference(total + swapped @ change)) >= threshold).sum())
    return (1 + extreme) / (1 + rounds)
