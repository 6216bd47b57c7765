import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab_lens.errors import InputError
from lab_lens.metrics.bleu import corpus_bleu_of
from lab_lens.metrics.comparison import non_inferiority, paired_difference, paired_statistic
from lab_lens.metrics.text import score_texts
from lab_lens.metrics.uncertainty import mean_of, with_counts

PATIENTS = [f"p{number // 2}" for number in range(60)]
HARDNESS = np.random.default_rng(1).uniform(0.1, 0.6, size=60)


def noise(seed, scale=0.02):
    return np.random.default_rng(seed).normal(0, scale, size=60)


def ratio(sums):
    with np.errstate(invalid="ignore"):
        return sums[..., 0] / sums[..., 1]


def test_equal_systems_do_not_differ():
    result = paired_difference(HARDNESS, HARDNESS, PATIENTS, seed=1)
    assert (result.difference.estimate, result.difference.low, result.difference.high) == (0, 0, 0)
    assert (result.p_value, result.reason) == (1.0, "")


def test_a_small_steady_loss_is_found_among_notes_of_very_different_hardness():
    result = paired_difference(HARDNESS - 0.02 + noise(2), HARDNESS + noise(3), PATIENTS, seed=1)
    assert result.difference.high < 0.0
    assert result.relative.high < 0.0
    assert result.p_value < 0.01
    assert result.relative.estimate == pytest.approx(result.difference.estimate / (HARDNESS + noise(3)).mean())


def test_the_test_keeps_its_level_between_interchangeable_systems():
    p_values = [
        paired_difference(
            HARDNESS + noise(2 * seed + 10), HARDNESS + noise(2 * seed + 11), PATIENTS, resamples=300, seed=seed
        ).p_value
        for seed in range(200)
    ]
    # 5 % of 200 is 10; the standard deviation of the count is 3.
    assert sum(p <= 0.05 for p in p_values) <= 19


def test_rows_of_one_patient_are_not_counted_as_independent_evidence():
    candidate, champion = np.array([0.5, 0.4, 0.6, 0.5, 0.4, 0.6]), np.full(6, 0.45)
    few = paired_difference(candidate, champion, list("abcdef"), seed=1)
    copies = paired_difference(
        np.repeat(candidate, 50), np.repeat(champion, 50), list(np.repeat(list("abcdef"), 50)), seed=1
    )
    assert copies.p_value == few.p_value
    assert copies.difference.low == pytest.approx(few.difference.low)


def test_the_p_value_is_that_of_all_swaps():
    # All of 2 ** 6 labellings: only the observed one and its mirror are as extreme.
    result = paired_difference([0.5] * 6, [0.4] * 6, list("abcdef"), resamples=20_000, seed=1)
    assert result.p_value == pytest.approx(2 / 64, abs=0.005)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=5, max_size=20), st.integers(0, 1000))
def test_exchanging_the_systems_mirrors_the_difference(rows, seed):
    first, second = map(list, zip(*rows, strict=True))
    clusters = [str(row) for row in range(len(rows))]
    forward = paired_difference(first, second, clusters, resamples=100, seed=seed)
    backward = paired_difference(second, first, clusters, resamples=100, seed=seed)
    assert forward.difference.estimate == pytest.approx(-backward.difference.estimate, abs=1e-12)
    assert forward.difference.low == pytest.approx(-backward.difference.high, abs=1e-12)
    assert forward.p_value == backward.p_value


def test_corpus_bleu_is_compared_as_corpus_bleu():
    references = [f"the patient was given {number} mg of aspirin and went home" for number in range(12)]
    good = [text.replace("went", "was sent") for text in references]
    bad = [text.replace("mg of", "grams") for text in references]
    counts = [score_texts(answers, references).bleu_counts for answers in (good, bad)]
    result = paired_statistic(*counts, [str(row) for row in range(12)], corpus_bleu_of, seed=1)
    expected = [corpus_bleu_of(system.sum(axis=0)) for system in counts]
    assert result.difference.estimate == pytest.approx(expected[0] - expected[1])
    assert result.p_value < 0.01


def test_a_champion_that_scores_zero_has_no_relative_difference():
    result = paired_difference([0.1] * 6, [0.0] * 6, list("abcdef"), seed=1)
    assert result.relative is None
    assert result.reason == "the champion does not score above 0: no relative difference"
    assert json.loads(json.dumps(result.to_json()))["relative"] is None


def test_too_few_patients_give_the_difference_without_interval_or_test():
    result = paired_difference([0.3, 0.2], [0.2, 0.2], ["a", "b"], seed=1)
    assert result.difference.estimate == pytest.approx(0.05)
    assert (result.difference.low, result.p_value) == (None, None)
    assert result.reason == "a test needs 5 patients, and there are 2"


def test_systems_scored_on_different_rows_are_refused():
    with pytest.raises(InputError, match="3 rows of the candidate, 2 of the champion"):
        paired_difference([0.1] * 3, [0.1] * 2, ["a"] * 3, seed=1)


@pytest.mark.parametrize(
    ("gain", "low", "high", "conclusion", "patients"),
    [
        (0.0, -0.019, 0.02, "non_inferior", None),
        (-0.1, -0.15, -0.021, "inferior", None),
        (0.0, -0.04, 0.04, "inconclusive", 401),
        (-0.03, -0.05, -0.01, "inconclusive", 401),
        (-0.02, -0.05, 0.01, "inconclusive", None),
        (0.0, -0.02, 0.02, "inconclusive", 101),
    ],
)
def test_a_margin_is_ruled_out_certain_or_within_the_interval(gain, low, high, conclusion, patients):
    found = non_inferiority(gain, low, high, margin=0.02, patients=100)
    assert (found.conclusion, found.patients_needed) == (conclusion, patients)


def test_the_patients_that_are_said_to_settle_it_do():
    def compared(patients):
        candidate = np.resize(HARDNESS + noise(2, 0.1), patients) + 0.005
        names = [str(row) for row in range(patients)]
        relative = paired_difference(candidate, np.resize(HARDNESS + noise(3, 0.1), patients), names, seed=1).relative
        bounds = (relative.estimate, relative.low, relative.high)
        return non_inferiority(*bounds, margin=0.02, patients=patients)

    open_question = compared(60)
    assert open_question.conclusion == "inconclusive"
    # Whole copies of the notes, so that the estimate stays.
    settled = 60 * -(-open_question.patients_needed // 60)
    assert compared(settled + 60).conclusion != "inconclusive"
    assert compared(max(120, settled // 2 // 60 * 60)).conclusion == "inconclusive"


def test_a_system_without_anything_to_measure_has_no_difference():
    facts = np.column_stack([np.arange(6.0), np.full(6, 8.0)])
    result = paired_statistic(np.zeros((6, 2)), facts, list("abcdef"), mean_of, seed=1)
    assert (result.relative, result.p_value) == (None, None)
    assert result.to_json()["difference"]["estimate"] is None
    assert result.reason.startswith("one of the two has nothing that could be measured")


def test_a_system_that_is_silent_on_hard_notes_is_compared_on_the_others():
    hard = np.arange(60) % 2 == 1
    champion = np.where(hard, 0.4, 0.9) + noise(1)
    candidate = np.where(hard, np.nan, champion - 0.02)
    patients = [f"p{number}" for number in range(60)]
    result = paired_statistic(with_counts(candidate), with_counts(champion), patients, mean_of, seed=1)
    assert result.difference.estimate == pytest.approx(-0.02)
    assert result.relative.estimate == pytest.approx(-0.02 / champion[~hard].mean())
    assert (result.difference.n_examples, result.difference.n_clusters) == (30, 30)
    mirrored = paired_statistic(with_counts(champion), with_counts(candidate), patients, mean_of, seed=1)
    assert mirrored.difference.estimate == pytest.approx(0.02)


def test_a_test_needs_patients_that_both_systems_answer():
    candidate = np.array([0.5, 0.4, 0.6, *[np.nan] * 6])
    result = paired_statistic(with_counts(candidate), with_counts(np.full(9, 0.3)), list("abcdefghi"), mean_of, seed=1)
    assert (result.difference.low, result.p_value) == (None, None)
    assert result.reason == "a test needs 5 patients, and there are 3"


def test_rows_without_counts_are_part_of_a_ratio():
    one, other = np.tile([1.0, 4.0], (8, 1)), np.tile([3.0, 4.0], (8, 1))
    one[0] = 0.0
    result = paired_statistic(one, other, list("abcdefgh"), ratio, seed=1)
    assert (result.difference.estimate, result.difference.n_examples) == (pytest.approx(-0.5), 8)


def test_means_of_different_rows_have_no_difference():
    one, other = np.full(12, np.nan), np.full(12, 0.3)
    one[:6], other[:6] = 0.3, np.nan
    result = paired_statistic(with_counts(one), with_counts(other), list("abcdefghijkl"), mean_of, seed=1)
    assert result.to_json()["difference"]["estimate"] is None
    assert "nothing on the rows of the other" in result.reason


def test_a_test_that_some_labellings_cannot_decide_is_not_made():
    one = np.zeros((6, 2))
    one[:3] = (1.0, 2.0)
    other = np.zeros((6, 2))
    other[3:] = (1.0, 2.0)
    result = paired_statistic(one, other, list("abcdef"), ratio, seed=1)
    assert (result.difference.estimate, result.p_value) == (0.0, None)
    assert "no test" in result.reason
