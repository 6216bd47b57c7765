"""The gate on simulated releases whose truth is known; the whole tables: benchmarks/release_gate.py."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from lab_lens.config_policy import Policy
from lab_lens.metrics.comparison import paired_difference

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"
RELEASES = 60


@pytest.fixture(scope="module")
def gate() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        yield importlib.import_module("release_gate")


def promoted(gate: ModuleType, sampler: object, loss: float, patients: int, policy: Policy | None = None) -> int:
    judged = gate.simulate(sampler, loss, patients, [policy or Policy()], RELEASES)
    return int(judged[0].promoted)


def test_a_planted_regression_is_held_and_an_equal_model_released(gate: ModuleType) -> None:
    model = gate.synthetic_model()
    assert promoted(gate, model, 0.08, 300) == 0
    # A false hold is due in about 7 of 100 releases.
    assert promoted(gate, model, 0.0, 300) >= 0.8 * RELEASES
    assert promoted(gate, model, -0.02, 300) >= 0.9 * RELEASES


def test_at_few_notes_a_large_regression_is_still_held(gate: ModuleType) -> None:
    assert promoted(gate, gate.synthetic_model(), 0.08, 30) <= 0.15 * RELEASES


def test_missing_sentences_are_seen_in_the_texts(gate: ModuleType) -> None:
    dropped = gate.synthetic_texts(notes=30)
    assert promoted(gate, dropped, 0.08, 150) == 0
    assert promoted(gate, dropped, 0.0, 150) == RELEASES


def test_without_its_second_rule_the_gate_is_fooled_more_often_at_few_notes(gate: ModuleType) -> None:
    model = gate.synthetic_model()
    assert promoted(gate, model, 0.08, 30, Policy(rules=())) > promoted(gate, model, 0.08, 30)


def test_simulated_releases_are_measured_as_validation_measures_them(gate: ModuleType) -> None:
    generator = np.random.default_rng(3)
    champion = generator.uniform(0.1, 0.4, (40, 2))
    candidate = champion * 0.95 + generator.normal(0.0, 0.02, (40, 2))
    patients = [f"{row:06d}" for row in range(40)]
    for column, (mean, gain) in enumerate(gate.measured_releases(candidate, champion)):
        expected = paired_difference(candidate[:, column], champion[:, column], patients, seed=gate.SEED).relative
        assert expected is not None
        assert (gain.estimate, gain.low, gain.high) == pytest.approx((expected.estimate, expected.low, expected.high))
        assert mean.estimate == pytest.approx(candidate[:, column].mean())


@pytest.mark.parametrize(("hits", "low", "high"), [(0, 0.0, 0.0188), (10, 0.0274, 0.0896), (200, 0.9812, 1.0)])
def test_rates_have_wilson_intervals(gate: ModuleType, hits: int, low: float, high: float) -> None:
    assert gate.wilson(hits, 200) == pytest.approx((low, high), abs=5e-4)


def test_altered_numbers_are_held_though_rouge_hardly_sees_them(gate: ModuleType) -> None:
    pool = gate.synthetic_facts(notes=30)
    altered = [gate.simulate_facts(pool, share, 60, Policy(), 20).promoted for share in (0.0, 1.0)]
    assert altered == [20, 0]
