"""How much of a summary is copied from its note, and how much it repeats itself.

Coverage and density of extractive fragments: Grusky, Naaman and Artzi (2018), "Newsroom: A dataset of 1.3 million
summaries with diverse extractive strategies", section 4.1 and figure 3. Words are those of ROUGE, without stems: lower
case, letters a-z and digits.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lab_lens.metrics.rouge import words_of

FloatArray = NDArray[np.float64]
REPETITION_ORDER = 3
COPY_COLUMNS = ("copy_coverage", "copy_density", "repetition_rate")


def fragment_lengths(summary: Sequence[str], note: Sequence[str]) -> list[int]:
    """Lengths in words of the runs that the summary shares with the note, found greedily from left to right.

    As in the paper, the search for a longer run goes on behind the run that was just compared.
    """
    places: dict[str, list[int]] = {}
    for place, word in enumerate(note):
        places.setdefault(word, []).append(place)
    lengths: list[int] = []
    start = 0
    while start < len(summary):
        longest, free_from = 0, 0
        for place in places.get(summary[start], ()):
            if place >= free_from:
                length = _shared_run(summary, start, note, place)
                longest, free_from = max(longest, length), place + length
        if longest:
            lengths.append(longest)
        start += max(longest, 1)
    return lengths


def repetition_rate(words: Sequence[str], order: int = REPETITION_ORDER) -> float:
    """Share of n-grams that occurred before in the same text, 0 to 1; NaN for a text of fewer words than `order`."""
    total = len(words) - order + 1
    if total < 1:
        return float("nan")
    return 1.0 - len({tuple(words[start : start + order]) for start in range(total)}) / total


def score_copying(summaries: Sequence[str], notes: Sequence[str]) -> FloatArray:
    """Coverage (0 to 1), density (0 and more) and repetition (0 to 1) of each summary.

    Coverage is the share of the summary's words that stand in a copied run, density the mean over its words of the
    length of the run that a word stands in (0 outside of runs).

    Returns:
        Shape (n, 3), the columns of COPY_COLUMNS; NaN where the summary has no word or, for coverage and density,
        the note has none, and where the summary is too short to repeat itself.
    """
    found = np.full((len(summaries), len(COPY_COLUMNS)), np.nan)
    for row, (summary_text, note_text) in enumerate(zip(summaries, notes, strict=True)):
        summary, note = words_of(summary_text, stemmed=False), words_of(note_text, stemmed=False)
        if summary and note:
            lengths = fragment_lengths(summary, note)
            found[row, 0] = sum(lengths) / len(summary)
            found[row, 1] = sum(length * length for length in lengths) / len(summary)
        found[row, 2] = repetition_rate(summary)
    return found


def _shared_run(summary: Sequence[str], start: int, note: Sequence[str], place: int) -> int:
    most = min(len(summary) - start, len(note) - place)
    length = 1
    while length < most and summary[start + length] == note[place + length]:
        length += 1
    return length
