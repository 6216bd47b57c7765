import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab_lens.errors import InputError
from lab_lens.metrics import uncertainty
from lab_lens.metrics.uncertainty import (
    Bootstrap,
    bootstrap_statistics,
    cluster_bootstrap,
    cluster_sums,
    detectable_difference,
    mean_of,
    resampled_sums,
    standard_error,
    with_counts,
)


def patients(count):
    return [f"p{number}" for number in range(count)]


def test_the_interval_of_independent_rows_is_that_of_the_normal_approximation():
    values = np.random.default_rng(1).normal(0.4, 0.1, size=2000)
    interval = cluster_bootstrap(values, patients(2000), resamples=4000, seed=3)
    half_width = 1.96 * values.std() / np.sqrt(2000)
    assert interval.estimate == pytest.approx(values.mean())
    assert [interval.low, interval.high] == pytest.approx(
        [values.mean() - half_width, values.mean() + half_width], abs=4e-4
    )
    assert (interval.n_examples, interval.n_clusters, interval.reason) == (2000, 2000, "")


def test_repeating_a_patients_rows_does_not_narrow_the_interval():
    values = np.random.default_rng(2).random(40)
    once = cluster_bootstrap(values, patients(40), seed=7)
    ten_times = cluster_bootstrap(np.repeat(values, 10), np.repeat(patients(40), 10).tolist(), seed=7)
    assert [ten_times.low, ten_times.high] == pytest.approx([once.low, once.high])
    assert ten_times.n_examples == 400


def test_patients_with_many_notes_weigh_by_their_notes():
    interval = cluster_bootstrap([1.0, 0.0, 0.0, 0.0, 0.0, 0.0], ["a", "b", "c", "d", "e", "e"], seed=1)
    assert interval.estimate == pytest.approx(1 / 6)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 8)), min_size=1, max_size=40),
    st.integers(0, 2**32 - 1),
)
def test_the_interval_holds_the_observed_range_and_depends_on_the_seed_alone(rows, seed):
    values, clusters = [value for value, _ in rows], [str(cluster) for _, cluster in rows]
    first = cluster_bootstrap(values, clusters, resamples=100, seed=seed)
    assert first == cluster_bootstrap(values, clusters, resamples=100, seed=seed)
    assert (first.low is None) == (len(set(clusters)) < uncertainty.MIN_CLUSTERS) == bool(first.reason)
    if first.low is not None:
        assert min(values) - 1e-9 <= first.low <= first.high <= max(values) + 1e-9


def test_the_order_of_the_rows_does_not_matter():
    values, clusters = np.random.default_rng(5).random(30), [f"p{number % 9}" for number in range(30)]
    order = np.random.default_rng(6).permutation(30)
    shuffled = cluster_bootstrap(values[order], [clusters[row] for row in order], seed=1)
    straight = cluster_bootstrap(values, clusters, seed=1)
    assert [shuffled.low, shuffled.high] == pytest.approx([straight.low, straight.high])


def test_intervals_cover_the_true_mean_about_as_often_as_they_say():
    generator = np.random.default_rng(11)
    covered = 0
    for seed in range(200):
        levels = generator.normal(0.5, 0.1, size=60)
        values = (levels[:, None] + generator.normal(0, 0.02, size=(60, 3))).ravel()
        interval = cluster_bootstrap(values, np.repeat(patients(60), 3).tolist(), resamples=400, seed=seed)
        covered += interval.low <= 0.5 <= interval.high
    # 95 % of 200 is 190; the standard deviation of the count is 3.
    assert 180 <= covered <= 198


def test_too_few_patients_give_no_bounds_and_a_reason():
    interval = cluster_bootstrap([0.1, 0.2, 0.3], ["a", "a", "b"], seed=1)
    assert interval.estimate == pytest.approx(0.2)
    assert (interval.low, interval.high) == (None, None)
    assert interval.reason == "an interval needs 5 patients, and there are 2"
    assert json.loads(json.dumps(interval.to_json()))["low"] is None


def test_the_memory_limit_does_not_change_the_resamples(monkeypatch):
    sums = cluster_sums(with_counts(np.arange(50.0)), patients(50))
    at_once = resampled_sums(sums, 300, seed=9)
    monkeypatch.setattr(uncertainty, "_DRAWS_IN_MEMORY", 1000)
    np.testing.assert_allclose(resampled_sums(sums, 300, seed=9), at_once)


@pytest.mark.parametrize(
    ("values", "clusters", "message"),
    [
        ([0.1, float("inf")], ["a", "b"], "1 of 2 rows hold no finite score"),
        ([0.1], ["a", "b"], "1 rows with 2 patient ids"),
        ([], [], "give at least one row"),
    ],
)
def test_unusable_values_are_refused(values, clusters, message):
    with pytest.raises(InputError, match=message):
        cluster_bootstrap(values, clusters, seed=1)


def rare_facts(generator, patients_count):
    """Counts (wrong, all) of facts: 5 % are wrong, but in few patients."""
    facts = generator.poisson(8, size=patients_count) + 1
    rates = generator.beta(0.3, 5.7, size=patients_count)
    return np.column_stack([generator.binomial(facts, rates), facts]).astype(np.float64)


def misses(method):
    """How often of 150 times a 90 % interval lies above the true rate, and how often below it."""
    generator = np.random.default_rng(12)
    above = below = 0
    for seed in range(150):
        measured = {"rate": (rare_facts(generator, 120), mean_of)}
        interval = bootstrap_statistics(measured, patients(120), Bootstrap(300, 0.90, seed, method))["rate"]
        above, below = above + (interval.low > 0.05), below + (interval.high < 0.05)
    return above, below


def test_intervals_of_a_rare_rate_cover_it_and_corrected_ones_lie_less_often_below_it():
    corrected, plain = misses("bca"), misses("percentile")
    # 10 % of 150 is 15, with a standard deviation of 3.7.
    assert max(sum(corrected), sum(plain)) <= 26
    assert corrected[1] < plain[1]


def test_statistics_together_have_the_intervals_that_each_has_alone():
    generator = np.random.default_rng(3)
    values = generator.random(60)
    sparse = np.where(generator.random(60) < 0.5, np.nan, values)
    clusters = [f"p{row // 2}" for row in range(60)]
    measured = {"all": (with_counts(values), mean_of), "sparse": (with_counts(sparse), mean_of)}
    together = bootstrap_statistics(measured, clusters, Bootstrap(300, seed=4))
    for name, values_alone in (("all", values), ("sparse", sparse)):
        assert together[name] == cluster_bootstrap(values_alone, clusters, resamples=300, seed=4)


def test_rows_that_have_nothing_to_measure_are_left_out_and_not_counted():
    values = [0.2, 0.4, 0.6, 0.8, 1.0, float("nan"), float("nan")]
    interval = cluster_bootstrap(values, list("abcdefg"), seed=1)
    assert interval.estimate == pytest.approx(0.6)
    assert (interval.n_examples, interval.n_clusters) == (5, 5)
    assert interval == cluster_bootstrap(values[:5], list("abcde"), seed=1)


def test_what_no_row_has_is_undefined_and_null_in_the_report():
    interval = cluster_bootstrap([float("nan")] * 6, list("abcdef"), seed=1)
    assert interval.to_json()["estimate"] is None
    assert (interval.low, interval.reason) == (None, "no example has what is measured")


def test_the_standard_error_of_a_mean_is_the_textbook_one():
    values = np.random.default_rng(8).normal(size=50)
    error = standard_error(cluster_sums(with_counts(values), patients(50)), mean_of)
    assert error == pytest.approx(values.std(ddof=1) / np.sqrt(50))
    assert np.isnan(standard_error(with_counts(values[:4]), mean_of))


def test_a_difference_of_the_detectable_size_is_found_four_times_in_five():
    generator = np.random.default_rng(21)
    spread = 0.1
    true_difference = detectable_difference(spread / np.sqrt(80))
    found = 0
    for _ in range(400):
        differences = generator.normal(true_difference, spread, size=80)
        found += abs(differences.mean()) > 1.96 * differences.std(ddof=1) / np.sqrt(80)
    assert found / 400 == pytest.approx(0.80, abs=0.06)


@pytest.mark.parametrize("count", [5, 20, 30])
@pytest.mark.parametrize(("event", "confidence"), [(0.0, 0.95), (1.0, 0.9)])
def test_a_share_that_never_varies_has_the_exact_bound_of_its_patients(count, event, confidence):
    """Clopper and Pearson: n patients without an event are as likely as half of the error at the bound."""
    columns = np.tile([3.0 * event, 3.0], (2 * count, 1))
    clusters = [f"p{row // 2}" for row in range(2 * count)]
    settings = Bootstrap(100, confidence)
    measured = dict.fromkeys(("share", "words"), (columns, mean_of))
    found = bootstrap_statistics(measured, clusters, settings, shares=["share"])
    low, high = found["share"].low, found["share"].high
    assert (low if event == 0.0 else high) == event
    rare = high if event == 0.0 else 1.0 - low
    assert (1.0 - rare) ** count == pytest.approx((1.0 - confidence) / 2.0)
    assert (found["words"].low, found["words"].high) == (event, event)


def test_a_share_that_varies_has_the_bounds_of_its_resamples():
    measured = {"share": (with_counts(np.random.default_rng(1).random(30)), mean_of)}
    settings = Bootstrap(100)
    plain, exact = (bootstrap_statistics(measured, patients(30), settings, shares=names) for names in ((), ("share",)))
    assert plain == exact
