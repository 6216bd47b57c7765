"""Quality by length of the note: where longer notes are summarized worse, and whether truncation goes with it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab_lens.metrics.uncertainty import Interval, cluster_bootstrap

MAX_BINS = 4
_MIN_EXAMPLES_PER_BIN = 5


@dataclass(frozen=True)
class LengthBin:
    """Notes of similar length.

    Attributes:
        shortest_tokens: tokens of its shortest note, before truncation.
        longest_tokens: tokens of its longest note.
        quality: mean score with an interval over patients, in the score's units.
        truncated_fraction: share of its notes of which the model saw only the start.
    """

    shortest_tokens: int
    longest_tokens: int
    quality: Interval
    truncated_fraction: float


def quality_by_length(
    input_tokens: NDArray[np.int64],
    truncated: NDArray[np.bool_],
    scores: NDArray[np.float64],
    patients: Sequence[str],
    *,
    resamples: int,
    confidence: float,
    seed: int,
) -> list[LengthBin]:
    """Average scores in bins of note length, bounded by quantiles: four, or fewer where bins would be tiny.

    Args:
        input_tokens: shape (n,), tokens of each whole note.
        truncated: shape (n,).
        scores: shape (n,).
        patients: n patient ids.
        resamples: bootstrap resamples of patients.
        confidence: of the intervals.
        seed: of the resamples.

    Returns:
        Bins from short to long notes; notes of equal length are in one bin.
    """
    bins = max(1, min(MAX_BINS, len(input_tokens) // _MIN_EXAMPLES_PER_BIN))
    inner_edges = np.unique(np.quantile(input_tokens, np.linspace(0.0, 1.0, bins + 1)[1:-1]))
    numbers = np.searchsorted(inner_edges, input_tokens, side="left")
    ids = np.asarray(patients, dtype=str)
    return [
        LengthBin(
            shortest_tokens=int(input_tokens[rows].min()),
            longest_tokens=int(input_tokens[rows].max()),
            quality=cluster_bootstrap(
                scores[rows], ids[rows].tolist(), resamples=resamples, confidence=confidence, seed=seed
            ),
            truncated_fraction=float(truncated[rows].mean()),
        )
        for rows in (numbers == number for number in np.unique(numbers))
    ]
