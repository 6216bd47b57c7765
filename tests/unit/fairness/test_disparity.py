import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab_lens.fairness.disparity import benjamini_hochberg, compare_with_rest, detectable_difference


def patients_with_rows(rng, count):
    """Patient of each row: one to three rows a patient."""
    return np.repeat([f"p{number:03d}" for number in range(count)], rng.integers(1, 4, count))


def scores(rng, patients):
    """Scores around 0.3 that patients share a part of."""
    effect = dict(zip(np.unique(patients), rng.normal(0, 0.05, len(np.unique(patients))), strict=True))
    return 0.3 + np.array([effect[patient] for patient in patients]) + rng.normal(0, 0.05, len(patients))


def compare(values, in_slice, patients, seed=1, permutations=400):
    return compare_with_rest(
        values, in_slice, list(patients), resamples=300, confidence=0.95, seed=seed, permutations=permutations
    )


def test_a_slice_that_is_worse_is_found_with_its_size_and_an_interval_without_zero():
    rng = np.random.default_rng(0)
    patients = patients_with_rows(rng, 80)
    in_slice = np.char.replace(patients, "p", "").astype(int) < 30
    found = compare(scores(rng, patients) - 0.10 * in_slice, in_slice, patients)
    assert found.difference == pytest.approx(-0.10, abs=0.03)
    assert found.low < found.difference < found.high < 0.0
    assert found.p_value < 0.01


def test_equal_quality_is_called_different_no_more_often_than_the_level_allows():
    rng = np.random.default_rng(1)
    p_values = []
    for seed in range(120):
        patients = patients_with_rows(rng, 40)
        in_slice = np.char.replace(patients, "p", "").astype(int) < 14
        p_values.append(compare(scores(rng, patients), in_slice, patients, seed, permutations=200).p_value)
    # 120 reports at 5 %: more than 12 would happen in fewer than 2 % of cases.
    assert sum(p < 0.05 for p in p_values) <= 12


def test_rows_of_one_patient_are_no_independent_evidence():
    rng = np.random.default_rng(2)
    few = np.repeat([f"p{number}" for number in range(8)], 40)
    in_slice = np.isin(few, ["p0", "p1", "p2", "p3"])
    values = 0.3 + 0.1 * np.isin(few, ["p0", "p4", "p5"]) - 0.03 * in_slice + rng.normal(0, 0.01, len(few))
    assert compare(values, in_slice, few).p_value > 0.05
    independent = [f"row{number}" for number in range(len(few))]
    assert compare(values, in_slice, independent).p_value < 0.01


def test_a_patient_with_rows_on_both_sides_takes_part_on_both():
    rng = np.random.default_rng(3)
    patients = np.repeat([f"p{number:02d}" for number in range(30)], 2)
    in_slice = np.arange(60) % 2 == 0
    values = scores(rng, patients) - 0.15 * in_slice
    assert compare(values, in_slice, patients).p_value < 0.01
    assert compare(values + 0.15 * in_slice, in_slice, patients).p_value > 0.05


def test_equal_scores_everywhere_are_no_difference():
    found = compare(np.full(20, 0.3), np.arange(20) < 7, [f"p{number}" for number in range(20)])
    assert (found.difference, found.p_value, found.detectable) == (pytest.approx(0.0), 1.0, pytest.approx(0.0))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_the_order_of_patients_names_and_the_side_that_is_called_slice_change_only_the_sign(seed):
    rng = np.random.default_rng(seed)
    patients = patients_with_rows(rng, 20)
    in_slice = np.char.replace(patients, "p", "").astype(int) < 8
    values = scores(rng, patients)
    found = compare(values, in_slice, patients, permutations=100)
    mirrored = compare(values, ~in_slice, patients, permutations=100)
    assert mirrored.difference == pytest.approx(-found.difference)
    assert (mirrored.low, mirrored.high) == pytest.approx((-found.high, -found.low))
    assert mirrored.p_value == pytest.approx(found.p_value)
    assert 0.0 < found.p_value <= 1.0


def test_the_detectable_difference_is_what_a_simulation_finds_in_four_of_five_cases():
    rng = np.random.default_rng(4)
    patients = patients_with_rows(rng, 60)
    in_slice = np.char.replace(patients, "p", "").astype(int) < 25
    size = np.median([detectable_difference(scores(rng, patients), in_slice, list(patients)) for _ in range(20)])
    found = [
        compare(scores(rng, patients) - size * in_slice, in_slice, patients, seed, permutations=200).p_value < 0.05
        for seed in range(80)
    ]
    assert 0.65 < np.mean(found) < 0.95


@pytest.mark.parametrize("in_slice", [[True, True, True], [False, False, False]])
def test_with_nobody_on_one_side_nothing_is_detectable(in_slice):
    assert detectable_difference(np.array([0.1, 0.2, 0.3]), np.array(in_slice), ["a", "b", "c"]) is None


def test_two_patients_tell_nothing_about_the_spread():
    assert detectable_difference(np.array([0.1, 0.2]), np.array([True, False]), ["a", "b"]) is None


def test_benjamini_hochberg_agrees_with_the_worked_example():
    # Benjamini and Hochberg (1995), table 1 in part: p times m over rank, made monotone from the largest down.
    assert benjamini_hochberg([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.02, 0.04, 0.04, 0.02])
    assert benjamini_hochberg([]) == []


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=20))
def test_adjusted_p_values_keep_the_order_and_never_fall_below_the_raw_ones(p_values):
    adjusted = benjamini_hochberg(p_values)
    assert all(raw <= value <= 1.0 for raw, value in zip(p_values, adjusted, strict=True))
    ranked = [value for _, value in sorted(zip(p_values, adjusted, strict=True))]
    assert ranked == sorted(ranked)
