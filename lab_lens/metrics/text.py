"""Scores of summaries against references: ROUGE (stemmed F1) and BLEU, an example at a time, from 0 to 1."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab_lens.errors import InputError
from lab_lens.metrics.bleu import bleu_signature, corpus_bleu_of, sentence_bleu
from lab_lens.metrics.rouge import TokenizedText, rouge_l, rouge_lsum, rouge_n, tokenize

FloatArray = NDArray[np.float64]

PER_EXAMPLE = ("rouge1", "rouge2", "rougeL", "rougeLsum", "bleu")
# What a figure is, said wherever it is shown: stemmed and unstemmed ROUGE differ by points, and so do L, Lsum of the
# sentences that we split, and Lsum of the lines that a text happens to have.
LABELS = {
    "rouge1": "ROUGE-1 (stemmed F1)",
    "rouge2": "ROUGE-2 (stemmed F1)",
    "rougeL": "ROUGE-L (stemmed F1)",
    "rougeLsum": "ROUGE-Lsum (stemmed F1, by sentence)",
    "bleu": "BLEU (corpus, 0 to 1)",
}
SENTENCE_BLEU_LABEL = "BLEU (mean of examples, 0 to 1)"
_ROWS_NAMED = 5


@dataclass(frozen=True)
class CorpusBleu:
    """BLEU of a whole test set, 0 to 1, and the signature that says how it was computed."""

    score: float
    signature: str


@dataclass(frozen=True)
class TextScores:
    """Scores of n summaries.

    Args:
        per_example: an array of shape (n,) for each name of PER_EXAMPLE, 0 to 1; "bleu" is sentence BLEU.
        bleu_counts: shape (n, bleu.COUNT_COLUMNS); their sum over any rows gives those rows' corpus BLEU.
    """

    per_example: dict[str, FloatArray]
    bleu_counts: FloatArray

    @property
    def corpus_bleu(self) -> CorpusBleu:
        """Corpus BLEU of all rows."""
        return CorpusBleu(float(corpus_bleu_of(self.bleu_counts.sum(axis=0))), bleu_signature())


def score_texts(predictions: Sequence[str], references: Sequence[str]) -> TextScores:
    """Score every prediction against its reference. An empty prediction scores 0: saying nothing is a failure.

    Raises:
        InputError: no rows, unequal lengths, or references without any letter a-z or digit, which nothing can match.
    """
    check_pairs(predictions, references)
    expected = [tokenize(text) for text in references]
    _check_references(expected)
    rouge = np.array([_rouge(*pair) for pair in zip(expected, map(tokenize, predictions), strict=True)])
    bleu, bleu_counts = sentence_bleu(predictions, references)
    columns = (*rouge.T, bleu)
    return TextScores(dict(zip(PER_EXAMPLE, columns, strict=True)), bleu_counts)


def score_summaries(predictions: Sequence[str], references: Sequence[str]) -> dict[str, FloatArray]:
    """The scores by example of `score_texts`: an array of shape (n,), 0 to 1, for each name of PER_EXAMPLE."""
    return score_texts(predictions, references).per_example


def mean_rouge_l(predictions: Sequence[str], references: Sequence[str]) -> float:
    """Mean ROUGE-L (stemmed F1), 0 to 1: what training selects the best checkpoint by."""
    return float(score_texts(predictions, references).per_example["rougeL"].mean())


def corpus_bleu(predictions: Sequence[str], references: Sequence[str]) -> CorpusBleu:
    """Corpus BLEU of `score_texts`."""
    check_pairs(predictions, references)
    _, counts = sentence_bleu(predictions, references)
    return CorpusBleu(float(corpus_bleu_of(counts.sum(axis=0))), bleu_signature())


def _rouge(reference: TokenizedText, prediction: TokenizedText) -> tuple[float, float, float, float]:
    return (
        rouge_n(reference, prediction, 1),
        rouge_n(reference, prediction, 2),
        rouge_l(reference, prediction),
        rouge_lsum(reference, prediction),
    )


def check_pairs(predictions: Sequence[str], references: Sequence[str]) -> None:
    """Check that there is something to score.

    Raises:
        InputError: no rows, or not as many predictions as references.
    """
    if len(predictions) != len(references):
        raise InputError(f"{len(predictions)} predictions for {len(references)} references: give one for each")
    if not references:
        raise InputError("there is nothing to score: no prediction and no reference was given")


def _check_references(references: Sequence[TokenizedText]) -> None:
    empty = [row for row, text in enumerate(references) if not text.tokens]
    if empty:
        named = ", ".join(str(row) for row in empty[:_ROWS_NAMED]) + (", ..." if len(empty) > _ROWS_NAMED else "")
        raise InputError(
            f"{len(empty)} references hold no letter a-z and no digit (rows {named}, counted from 0): "
            "nothing can be scored against them; remove these rows or give their references"
        )
