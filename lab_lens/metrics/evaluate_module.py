"""The text scores as a module of the `evaluate` library, for the trainer and the stages; nothing is downloaded.

`evaluate.load("rouge")` would fetch code from a hub. Importing this module imports `evaluate` and `datasets`, which
takes seconds; `lab_lens.metrics.text` computes the same without them.
"""

import tempfile
from collections.abc import Sequence
from typing import Any

import datasets
import evaluate

from lab_lens.metrics.text import TextScores, check_pairs, score_texts

_DESCRIPTION = "ROUGE-1, ROUGE-2, ROUGE-L, ROUGE-Lsum (stemmed F1) and BLEU of summaries, by example, from 0 to 1."
_CITATION = "Lin (2004), ROUGE; Papineni et al. (2002), BLEU; Post (2018), sacreBLEU."


class SummaryScores(evaluate.Metric):  # type: ignore[misc]  # evaluate ships no types
    """`compute(predictions=..., references=...)` gives the arrays of `TextScores`, by name, and "bleu_counts"."""

    def _info(self) -> evaluate.MetricInfo:
        strings = {"predictions": datasets.Value("string"), "references": datasets.Value("string")}
        return evaluate.MetricInfo(
            description=_DESCRIPTION, citation=_CITATION, inputs_description="", features=datasets.Features(strings)
        )

    def _compute(self, predictions: list[str], references: list[str]) -> dict[str, Any]:
        scores = score_texts(predictions, references)
        return {**scores.per_example, "bleu_counts": scores.bleu_counts}


def summary_scores(predictions: Sequence[str], references: Sequence[str]) -> TextScores:
    """Score summaries through `SummaryScores`, in memory.

    Raises:
        InputError: as `score_texts`.
    """
    # `evaluate` quotes its input when it refuses it, and that input is about patients: it is checked before.
    check_pairs(predictions, references)
    # Even in memory `evaluate` makes a cache directory, below the home directory unless told where.
    with tempfile.TemporaryDirectory() as cache:
        module = SummaryScores(keep_in_memory=True, cache_dir=cache)
        results = module.compute(predictions=list(predictions), references=list(references))
    return TextScores(bleu_counts=results.pop("bleu_counts"), per_example=results)
