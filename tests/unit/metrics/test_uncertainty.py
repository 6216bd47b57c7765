import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab_lens.errors import InputError
from lab_lens.metrics import uncertainty
from lab_lens.metrics.uncertainty import cluster_bootstrap, cluster_sums, resampled_sums, with_counts


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
    monkeypatch.setattr(uncertainty, "_WEIGHTS_IN_MEMORY", 1000)
    np.testing.assert_allclose(resampled_sums(sums, 300, seed=9), at_once)


@pytest.mark.parametrize(
    ("values", "clusters", "message"),
    [
        ([0.1, float("nan")], ["a", "b"], "1 of 2 rows hold no finite score"),
        ([0.1], ["a", "b"], "1 rows with 2 patient ids"),
        ([], [], "give at least one row"),
    ],
)
def test_unusable_values_are_refused(values, clusters, message):
    with pytest.raises(InputError, match=message):
        cluster_bootstrap(values, clusters, seed=1)
