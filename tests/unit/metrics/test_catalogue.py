from typing import get_args

import numpy as np
import pytest

from lab_lens.config_metrics import MetricName, OverlapMetricName
from lab_lens.metrics.catalogue import LABELS, METRICS, label_of
from lab_lens.metrics.rouge import RougeVariant
from lab_lens.metrics.text import PER_EXAMPLE


def test_a_policy_may_ask_for_every_metric_of_the_catalogue_and_no_other():
    assert set(get_args(MetricName)) == set(METRICS) == set(LABELS)
    assert get_args(OverlapMetricName) == PER_EXAMPLE


def test_every_metric_has_a_label_and_a_range():
    for metric in METRICS.values():
        assert metric.label
        assert metric.lowest < (1e9 if metric.highest is None else metric.highest)
    assert len(set(LABELS.values())) == len(LABELS)


def test_labels_say_which_rouge_a_figure_is():
    published = RougeVariant(stemmed=False, units="lines")
    assert label_of("rouge1") == "ROUGE-1 (stemmed F1)"
    assert label_of("rougeL", published) == "ROUGE-L (F1, not stemmed)"
    assert label_of("rougeLsum") == "ROUGE-Lsum (stemmed F1, by sentence)"
    assert label_of("rougeLsum", published) == "ROUGE-Lsum (F1, not stemmed, by line)"
    assert label_of("bleu", published) == LABELS["bleu"]


def figure(name, **counts):
    metric = METRICS[name]
    return float(metric.statistic(np.array([counts[count] for count in metric.counts], dtype=float)))


FACTS = {"supported": 6, "unsupported": 3, "contradicted": 1, "in_reference": 8, "recalled": 4, "omitted": 4}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("fact_precision", 0.6),
        ("hallucination_rate", 0.3),
        ("contradiction_rate", 0.1),
        ("fact_recall", 0.5),
        ("omission_rate", 0.5),
        ("fact_f1", 2 * 0.6 * 0.5 / 1.1),
    ],
)
def test_corpus_figures_of_facts_follow_from_sums_of_counts(name, expected):
    assert figure(name, **FACTS) == pytest.approx(expected)


def test_a_figure_without_anything_to_count_is_undefined_and_one_without_hits_is_zero():
    nothing = dict.fromkeys(FACTS, 0)
    assert all(np.isnan(figure(name, **nothing)) for name in ("fact_precision", "fact_recall", "fact_f1"))
    assert figure("fact_f1", **{**nothing, "unsupported": 2, "in_reference": 3, "omitted": 3}) == 0.0
    assert np.isnan(figure("fact_f1", **{**nothing, "in_reference": 3, "omitted": 3}))
