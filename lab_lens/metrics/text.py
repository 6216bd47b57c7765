"""Scores of summaries against references: ROUGE F1 and BLEU, an example at a time, from 0 to 1."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab_lens.errors import InputError
from lab_lens.metrics.bleu import bleu_signature, corpus_bleu_of, sentence_bleu
from lab_lens.metrics.processes import by_rows
from lab_lens.metrics.rouge import STEMMED, RougeVariant, TokenizedText, rouge_l, rouge_lsum, rouge_n, tokenize

FloatArray = NDArray[np.float64]

PER_EXAMPLE = ("rouge1", "rouge2", "rougeL", "rougeLsum", "bleu")
SENTENCE_BLEU_LABEL = "BLEU (mean of examples, 0 to 1)"
_ROWS_NAMED = 5
_RowScores = tuple[FloatArray, FloatArray, FloatArray]
_TOKEN = re.compile("[a-z0-9]")


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


def score_texts(
    predictions: Sequence[str],
    references: Sequence[str],
    variant: RougeVariant = STEMMED,
    *,
    processes: int = 1,
) -> TextScores:
    """Score every prediction against its reference. An empty prediction scores 0: saying nothing is a failure.

    Args:
        variant: which ROUGE.
        processes: at most so many work on it; 0: one for each processor.

    Raises:
        InputError: no rows, unequal lengths, or references without any letter a-z or digit, which nothing can match.
    """
    return score_answers({"": predictions}, references, variant, processes=processes)[""]


def score_answers(
    answers: Mapping[str, Sequence[str]],
    references: Sequence[str],
    variant: RougeVariant = STEMMED,
    *,
    processes: int = 1,
) -> dict[str, TextScores]:
    """As `score_texts`, for several answers to the same notes, by name; what they share is read once."""
    for predictions in answers.values():
        check_pairs(predictions, references)
    _check_references(references)
    pieces = by_rows(_score_answers, [references, *answers.values()], variant, processes=processes)
    found: dict[str, TextScores] = {}
    for index, name in enumerate(answers):
        rouge, bleu, counts = (np.concatenate(parts) for parts in zip(*(piece[index] for piece in pieces), strict=True))
        found[name] = TextScores(dict(zip(PER_EXAMPLE, (*rouge.T, bleu), strict=True)), counts)
    return found


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


def _score_answers(references: Sequence[str], *answers_and_variant: Any) -> list[_RowScores]:
    """For each of the answers: ROUGE of shape (n, 4), sentence BLEU (n,) and counts of BLEU (n, COUNT_COLUMNS)."""
    *answers, variant = answers_and_variant
    expected = [tokenize(text, variant) for text in references]
    # An answer that is given to many notes is tokenized once.
    read = cache(partial(tokenize, variant=variant))
    found: list[_RowScores] = []
    for predictions in answers:
        rouge = np.array([_rouge(reference, read(text)) for reference, text in zip(expected, predictions, strict=True)])
        found.append((rouge, *sentence_bleu(predictions, references)))
    return found


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


def _check_references(references: Sequence[str]) -> None:
    empty = [row for row, text in enumerate(references) if not _TOKEN.search(text.lower())]
    if empty:
        named = ", ".join(str(row) for row in empty[:_ROWS_NAMED]) + (", ..." if len(empty) > _ROWS_NAMED else "")
        raise InputError(
            f"{len(empty)} references hold no letter a-z and no digit (rows {named}, counted from 0): "
            "nothing can be scored against them; remove these rows or give their references"
        )
