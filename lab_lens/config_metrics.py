"""Names of metrics as the configuration knows them; what each is: `lab_lens.metrics.catalogue`."""

from typing import Literal

OverlapMetricName = Literal["rouge1", "rouge2", "rougeL", "rougeLsum", "bleu"]
MetricName = Literal[
    OverlapMetricName,
    "fact_precision",
    "fact_recall",
    "fact_f1",
    "hallucination_rate",
    "contradiction_rate",
    "omission_rate",
    "statement_precision",
    "statement_recall",
    "statement_f1",
    "bertscore_precision",
    "bertscore_recall",
    "bertscore_f1",
    "entailment_score",
    "entailed_rate",
    "entailment_contradiction_rate",
    "copy_coverage",
    "copy_density",
    "repetition_rate",
    "compression_ratio",
    "summary_words",
]
