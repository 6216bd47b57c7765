"""Candidate against champion on the same rows: paired by patient, since the same notes are hard for both."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lab_lens.errors import InputError
from lab_lens.metrics.uncertainty import (
    MIN_CLUSTERS,
    Bootstrap,
    Interval,
    Method,
    Statistic,
    bootstrap_statistics,
    cluster_sums,
    mean_of,
    with_counts,
)

FloatArray = NDArray[np.float64]
Conclusion = Literal["non_inferior", "inferior", "inconclusive"]
_SWAPS_IN_MEMORY = 1 << 22
# A score that is rounding, or none: fractions of it mean nothing.
_NOTHING = 1e-9


@dataclass(frozen=True)
class PairedDifference:
    """Candidate minus champion.

    Args:
        difference: in the metric's own points.
        relative: as a fraction of the champion's score; None where the champion does not score above 0.
        p_value: two-sided, of "the two are interchangeable for each patient"; None below MIN_CLUSTERS patients, and
            where the statistic is undefined for one of the two.
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
    method: Method = "bca",
) -> PairedDifference:
    """As `paired_difference`, for any statistic that is a function of column sums.

    Args:
        candidate, champion: shape (n, k), finite; of a mean (`mean_of`) only the rows of `on_shared_rows` count.
        method: of the bounds.
    """
    if candidate.shape != champion.shape:
        raise InputError(
            f"{len(candidate)} rows of the candidate, {len(champion)} of the champion: score the same rows"
        )
    candidate, champion = on_shared_rows(candidate, champion, statistic)
    width = candidate.shape[1]

    def difference(sums: FloatArray) -> FloatArray:
        return statistic(sums[..., :width]) - statistic(sums[..., width:])

    def relative(sums: FloatArray) -> FloatArray:
        with np.errstate(all="ignore"):
            return difference(sums) / statistic(sums[..., width:])

    both = np.hstack([candidate, champion])
    sums = cluster_sums(both, clusters)
    sums = sums[sums.any(axis=1)]
    total = sums.sum(axis=0)
    defined = bool(np.isfinite(difference(total)))
    champion_scores = defined and float(statistic(total[width:])) > _NOTHING
    measured: dict[str, tuple[FloatArray, Statistic]] = {"difference": (both, difference)}
    if champion_scores:
        measured["relative"] = (both, relative)
    intervals = bootstrap_statistics(measured, clusters, Bootstrap(resamples, confidence, seed, method))
    p_value = _randomization_p(sums, difference, resamples, seed) if defined and len(sums) >= MIN_CLUSTERS else None
    reasons = _reasons(len(sums), defined=defined, champion_scores=champion_scores, tested=p_value is not None)
    return PairedDifference(intervals["difference"], intervals.get("relative"), p_value, "; ".join(reasons))


def on_shared_rows(candidate: FloatArray, other: FloatArray, statistic: Statistic) -> tuple[FloatArray, FloatArray]:
    """Columns with zeros where one of the two lacks what a mean is of; those of other statistics as they are.

    Else the means would be of different notes, and a system that is silent on hard ones would win. A ratio of counts
    has its own denominator in each system, and rows without counts are part of it.
    """
    if statistic is not mean_of:
        return candidate, other
    shared = ((candidate[:, 1] > 0.0) & (other[:, 1] > 0.0))[:, None]
    return np.where(shared, candidate, 0.0), np.where(shared, other, 0.0)


@dataclass(frozen=True)
class NonInferiority:
    """What an interval says about a loss of `margin`.

    Args:
        conclusion: "non_inferior": the whole interval lies above the loss; "inferior": the whole of it below;
            "inconclusive": the loss lies within it.
        patients_needed: how many patients would settle an inconclusive one, if the estimate stays what it is and the
            interval shrinks with the root of their number; None where nothing is to be settled, or no number does.
    """

    conclusion: Conclusion
    patients_needed: int | None = None


def non_inferiority(gain: float, low: float, high: float, *, margin: float, patients: int) -> NonInferiority:
    """Judge a gain by its interval against a margin: the test of Piaggio et al. (2012, CONSORT), JAMA 308, 2594-2604.

    Args:
        gain: candidate minus champion, positive: better; `low` and `high` are its bounds.
        margin: the loss that may not be exceeded, as a positive number in the unit of `gain`.
        patients: how many the interval comes from.
    """
    if low > -margin:
        return NonInferiority("non_inferior")
    if high < -margin:
        return NonInferiority("inferior")
    distance = gain + margin
    reach = gain - low if distance > 0.0 else high - gain
    # A distance that is nothing but rounding would ask for patients without end.
    hopeless = abs(distance) <= 1e-9 * max(abs(gain), margin)
    return NonInferiority("inconclusive", None if hopeless else math.ceil(patients * (reach / distance) ** 2) + 1)


def _reasons(clusters: int, *, defined: bool, champion_scores: bool, tested: bool) -> list[str]:
    if not defined:
        return ["one of the two has nothing that could be measured, or nothing on the rows of the other"]
    reasons = [] if champion_scores else ["the champion does not score above 0: no relative difference"]
    if clusters < MIN_CLUSTERS:
        return [*reasons, f"a test needs {MIN_CLUSTERS} patients, and there are {clusters}"]
    return reasons if tested else [*reasons, "no test: one of the two would have nothing that could be measured"]


def _randomization_p(sums: FloatArray, difference: Statistic, rounds: int, seed: int) -> float | None:
    """Swap candidate and champion for random halves of the patients (approximate randomization, Noreen 1989).

    The observed labelling counts as one of the rounds, so that p is never 0 (Phipson and Smyth 2010). None where the
    statistic is undefined for a labelling: it would count as a mild one, and p be too small.
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
        found = np.abs(difference(total + swapped @ change))
        if not np.isfinite(found).all():
            return None
        extreme += int((found >= threshold).sum())
    return (1 + extreme) / (1 + rounds)
