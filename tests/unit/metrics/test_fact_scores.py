import numpy as np
import pytest

from lab_lens.errors import InputError
from lab_lens.metrics.catalogue import METRICS
from lab_lens.metrics.facts import COLUMNS, COUNTS, FACT_METRICS, KINDS, figures_of, score_facts

NOTES = ["Aspirin 81 mg daily. No fever. Creatinine 3.0.", "Stroke. Lisinopril 10 mg.", "Nothing of note."]
SUMMARIES = ["Aspirin 325 mg. No fever.", "Stroke, gout.", "Well."]
REFERENCES = ["Aspirin 81 mg. Creatinine 3.0.", "Stroke.", "Well."]


@pytest.fixture(scope="module")
def scores():
    return score_facts(SUMMARIES, NOTES, REFERENCES, processes=1)


def test_columns_count_facts_of_all_kinds_and_of_each(scores):
    assert scores.columns.shape == (3, len(COLUMNS))
    assert COLUMNS[: len(COUNTS)] == COUNTS
    total = scores.columns[:, : len(COUNTS)]
    by_kind = scores.columns[:, len(COUNTS) :].reshape(3, len(KINDS), len(COUNTS))
    assert np.array_equal(total, by_kind.sum(axis=1))
    assert total[0].tolist() == [1, 0, 1, 2, 0, 2]


def test_figures_of_an_example_are_shares_of_its_facts_and_nan_where_it_has_none(scores):
    found = {name: scores.per_example[name].tolist() for name in FACT_METRICS}
    assert found["fact_precision"][:2] == [0.5, 0.5]
    assert found["hallucination_rate"][:2] == [0.0, 0.5]
    assert found["contradiction_rate"][:2] == [0.5, 0.0]
    assert found["fact_recall"][:2] == [0.0, 1.0]
    assert found["omission_rate"][:2] == [1.0, 0.0]
    assert found["fact_f1"][1] == pytest.approx(2 / 3)
    assert all(np.isnan(found[name][2]) for name in FACT_METRICS)


def test_corpus_figures_come_from_column_sums_and_not_from_means_of_examples(scores):
    assert figures_of(scores.columns) == pytest.approx(
        {
            "fact_precision": 0.5,
            "fact_recall": 1 / 3,
            "fact_f1": 0.4,
            "hallucination_rate": 0.25,
            "contradiction_rate": 0.25,
            "omission_rate": 2 / 3,
        }
    )
    for name in FACT_METRICS:
        sums = scores.sums_for(name).sum(axis=0)
        assert METRICS[name].statistic(sums) == pytest.approx(figures_of(scores.columns)[name])


def test_figures_of_one_kind_count_that_kind_alone(scores):
    medications = figures_of(scores.columns, "medication")
    assert (medications["contradiction_rate"], medications["fact_recall"]) == (1.0, 0.0)
    assert np.isnan(figures_of(scores.columns, "procedure")["fact_precision"])


def test_findings_are_kept_by_example(scores):
    assert [[found.problem for found in row] for row in scores.findings] == [
        ["contradicted", "omitted", "omitted"],
        ["unsupported"],
        [],
    ]


def test_without_notes_only_what_needs_none_is_measured():
    scores = score_facts(SUMMARIES, None, REFERENCES)
    measured = {name for name in FACT_METRICS if np.isfinite(scores.per_example[name][:2]).all()}
    assert measured == {"fact_recall", "omission_rate"}


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ((["a"], ["a", "b"], ["a"]), "1 summaries, 1 references, 2 notes"),
        ((["a"], None, ["a", "b"]), "1 summaries, 2 references"),
        (([], [], []), "nothing to score"),
    ],
)
def test_texts_that_do_not_belong_together_are_refused(texts, message):
    with pytest.raises(InputError, match=message):
        score_facts(*texts)
