"""The text scores as modules of the `evaluate` library, for the trainer and the stages; nothing is downloaded.

`evaluate.load("rouge")` would fetch code from a hub. Importing this module imports `evaluate` and `datasets`, which
takes seconds; `lab_lens.metrics.text` and `lab_lens.metrics.copying` compute the same without them.
"""

import tempfile
from collections.abc import Sequence
from typing import Any

import datasets
import evaluate
import numpy as np

from lab_lens.metrics.copying import COPY_COLUMNS, FloatArray, score_copying
from lab_lens.metrics.processes import by_rows
from lab_lens.metrics.rouge import STEMMED, RougeVariant
from lab_lens.metrics.text import TextScores, check_pairs, score_texts

_OVERLAP = (
    "ROUGE-1, ROUGE-2, ROUGE-L, ROUGE-Lsum (F1, stemmed unless `stemmed=False`; ROUGE-Lsum by sentence unless "
    '`units="lines"`) and BLEU of summaries, by example, from 0 to 1.'
)
_COPYING = (
    "Coverage and density of the fragments that a summary copies from its note (given as its reference), and the share "
    "of its trigrams that repeat earlier ones, by example."
)


class SummaryScores(evaluate.Metric):  # type: ignore[misc]  # evaluate ships no types
    """`compute(predictions=..., references=...)` gives the arrays of `TextScores`, by name, and "bleu_counts".

    Further arguments of `compute`: `stemmed`, `units` (as `RougeVariant`) and `processes`.
    """

    def _info(self) -> evaluate.MetricInfo:
        return _described(_OVERLAP, "Lin (2004), ROUGE; Papineni et al. (2002), BLEU; Post (2018), sacreBLEU.")

    def _compute(
        self, predictions: list[str], references: list[str], processes: int = 1, **variant: Any
    ) -> dict[str, Any]:
        scores = score_texts(predictions, references, RougeVariant(**variant), processes=processes)
        return {**scores.per_example, "bleu_counts": scores.bleu_counts}


class CopyScores(evaluate.Metric):  # type: ignore[misc]  # evaluate ships no types
    """`compute(predictions=summaries, references=notes)` gives an array for each name of COPY_COLUMNS."""

    def _info(self) -> evaluate.MetricInfo:
        return _described(_COPYING, "Grusky et al. (2018), Newsroom.")

    def _compute(self, predictions: list[str], references: list[str], processes: int = 1) -> dict[str, Any]:
        pieces = by_rows(score_copying, [predictions, references], processes=processes)
        return dict(zip(COPY_COLUMNS, np.concatenate(pieces).T, strict=True))


def summary_scores(
    predictions: Sequence[str],
    references: Sequence[str],
    variant: RougeVariant = STEMMED,
    *,
    processes: int = 1,
) -> TextScores:
    """Score summaries through `SummaryScores`, in memory.

    Raises:
        InputError: as `score_texts`.
    """
    results = _computed(
        SummaryScores, predictions, references, stemmed=variant.stemmed, units=variant.units, processes=processes
    )
    return TextScores(bleu_counts=results.pop("bleu_counts"), per_example=results)


def copy_scores(summaries: Sequence[str], notes: Sequence[str], *, processes: int = 1) -> dict[str, FloatArray]:
    """Score summaries through `CopyScores`, in memory: an array of shape (n,) for each name of COPY_COLUMNS.

    Raises:
        InputError: no rows, or unequal lengths.
    """
    return _computed(CopyScores, summaries, notes, processes=processes)


def _described(description: str, citation: str) -> evaluate.MetricInfo:
    strings = {"predictions": datasets.Value("string"), "references": datasets.Value("string")}
    return evaluate.MetricInfo(
        description=description, citation=citation, inputs_description="", features=datasets.Features(strings)
    )


def _computed(
    metric: type[evaluate.Metric], predictions: Sequence[str], references: Sequence[str], **settings: Any
) -> dict[str, Any]:
    # `evaluate` quotes its input when it refuses it, and that input is about patients: it is checked before.
    check_pairs(predictions, references)
    # Even in memory `evaluate` makes a cache directory, below the home directory unless told where.
    with tempfile.TemporaryDirectory() as cache:
        module = metric(keep_in_memory=True, cache_dir=cache)
        results: dict[str, Any] = module.compute(predictions=list(predictions), references=list(references), **settings)
    return results
