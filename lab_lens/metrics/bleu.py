"""BLEU (Papineni et al. 2002) by sacrebleu, and its counts by example, so that a corpus can be resampled."""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from sacrebleu.metrics.bleu import BLEU

FloatArray = NDArray[np.float64]
ORDERS = 4
# Columns of the counts: summary length, reference length, matches of order 1 to 4, n-grams of order 1 to 4.
COUNT_COLUMNS = 2 + 2 * ORDERS


def sentence_bleu(predictions: Sequence[str], references: Sequence[str]) -> tuple[FloatArray, FloatArray]:
    """Score each summary by itself, with effective order, and keep what corpus BLEU needs.

    Returns:
        Sentence BLEU of shape (n,), 0 to 1, and counts of shape (n, COUNT_COLUMNS), whose sums over rows give
        corpus BLEU (`corpus_bleu_of`).
    """
    scorer = _bleu(effective_order=True)
    scores = np.zeros(len(predictions))
    counts = np.zeros((len(predictions), COUNT_COLUMNS))
    for row, (prediction, reference) in enumerate(zip(predictions, references, strict=True)):
        result = scorer.sentence_score(prediction, [reference])
        scores[row] = result.score / 100.0
        counts[row] = [result.sys_len, result.ref_len, *result.counts, *result.totals]
    return scores, counts


def corpus_bleu_of(counts: FloatArray) -> FloatArray:
    """Corpus BLEU, 0 to 1, from counts summed over a corpus; exponential smoothing as sacrebleu's default.

    Args:
        counts: shape (..., COUNT_COLUMNS); one corpus a row.

    Returns:
        Shape (...): 0 where nothing matches or no 4-gram exists, as in sacrebleu.
    """
    summary_length, reference_length = counts[..., 0], counts[..., 1]
    matches, totals = counts[..., 2 : 2 + ORDERS], counts[..., 2 + ORDERS :]
    # The k-th order without a match counts as 2**-k matches (mteval-v13a).
    smoothed = np.where(matches == 0, 0.5 ** np.cumsum(matches == 0, axis=-1), matches)
    with np.errstate(divide="ignore", invalid="ignore"):
        geometric_mean = np.exp(np.log(smoothed / totals).mean(axis=-1))
        score = geometric_mean * np.exp(np.minimum(0.0, 1.0 - reference_length / summary_length))
    return np.where((matches[..., 0] > 0) & (totals[..., -1] > 0), score, 0.0)


@cache
def bleu_signature() -> str:
    """Sacrebleu's signature of corpus BLEU as computed here, for example "nrefs:1|case:mixed|eff:no|tok:13a|..."."""
    scorer = _bleu(effective_order=False)
    scorer.corpus_score(["a"], [["a"]])
    return str(scorer.get_signature())


def _bleu(*, effective_order: bool) -> "BLEU":
    from sacrebleu.metrics.bleu import BLEU

    return BLEU(effective_order=effective_order)
