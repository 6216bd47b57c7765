"""BERTScore as a module of the `evaluate` library; nothing is downloaded that the user did not name.

`evaluate.load("bertscore")` would fetch code from a hub. Importing this module imports `evaluate` and `datasets`, which
takes seconds; `lab_lens.metrics.bert_score` computes the same without them.
"""

from typing import Any

import datasets
import evaluate

from lab_lens.metrics.bert_score import load_encoder, score_bert

_DESCRIPTION = (
    "BERTScore precision, recall and F1 of summaries, by example, without idf weights and without rescaling. "
    "Needs encoder, a directory or hub id, and layer, its hidden layer counted from 1."
)
_CITATION = "Zhang et al. (2020), BERTScore: Evaluating Text Generation with BERT. ICLR."


class BertScore(evaluate.Metric):  # type: ignore[misc]  # evaluate ships no types
    """`compute(predictions=..., references=..., encoder=..., layer=...)` gives the arrays of `BertScores`, by name.

    Beside them: "summary_tokens_left_out", "reference_tokens_left_out" and "signature".
    """

    def _info(self) -> evaluate.MetricInfo:
        strings = {"predictions": datasets.Value("string"), "references": datasets.Value("string")}
        return evaluate.MetricInfo(
            description=_DESCRIPTION, citation=_CITATION, inputs_description="", features=datasets.Features(strings)
        )

    def _compute(
        self,
        predictions: list[str],
        references: list[str],
        encoder: str,
        layer: int | None = None,
        device: str = "auto",
    ) -> dict[str, Any]:
        scores = score_bert(load_encoder(encoder, layer, device), predictions, references)
        return {
            **scores.per_example,
            "summary_tokens_left_out": scores.summary_tokens_left_out,
            "reference_tokens_left_out": scores.reference_tokens_left_out,
            "signature": scores.signature,
        }
