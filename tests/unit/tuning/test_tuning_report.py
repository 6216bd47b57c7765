import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lab_lens.config import Config, with_overrides
from lab_lens.tuning.outcome import write_outcome
from lab_lens.tuning.report import failure_of_all, study_identity, tuning_report
from lab_lens.tuning.trials import State, TrialRecord

SPACE = {
    "training.learning_rate": {"type": "float", "low": 1e-5, "high": 1e-3, "log": True},
    "training.batch_size": {"type": "categorical", "values": [4, 8, 16]},
}


@pytest.fixture(scope="module")
def config() -> Config:
    return with_overrides(Config(), {"tuning.search_space": SPACE, "tuning.trials": 14, "tuning.workers": 2})


def trial(number: int, value: float | None, state: State = "finished", **more: Any) -> TrialRecord:
    random = np.random.default_rng(number)
    parameters = {
        "training.learning_rate": float(10 ** random.uniform(-5, -3)),
        "training.batch_size": int(random.choice([4, 8, 16])),
    }
    given = {"worker": 0, "parameters": parameters, "intermediate": {1: 0.1, 2: 0.2}, "seconds": 2.0} | more
    return TrialRecord(number=number, value=value, state=state, **given)


def decided_by_the_learning_rate(count: int) -> list[TrialRecord]:
    trials = [trial(number, 0.0) for number in range(count)]
    return [replace(each, value=1 + 0.2 * np.log10(each.parameters["training.learning_rate"])) for each in trials]


def report_of(trials: Sequence[TrialRecord], config: Config, **more: Any) -> dict[str, Any]:
    identity = study_identity(config, "scratch:tiny", {"train": "a", "val": "b"}, 30)
    return tuning_report(trials, config, identity, [0, 1], **more)


def test_what_decided_is_found_and_shown(config: Config, tmp_path: Path) -> None:
    trials = [
        *decided_by_the_learning_rate(12),
        trial(12, None, "pruned", reason="below the median of earlier trials"),
        trial(13, None, "failed", reason="out of memory on cuda"),
        trial(14, None, "killed", reason="its process ended in the middle"),
    ]
    report = report_of(trials, config)
    shares = report["importance"]["values"]
    assert list(shares) == ["training.learning_rate", "training.batch_size"]
    assert sum(shares.values()) == pytest.approx(1.0)
    assert shares["training.learning_rate"] > 0.8
    assert report["counts"] == {"finished": 12, "pruned": 1, "failed": 1, "killed": 1}
    assert report["budget"]["trials_used"] == 14
    assert report["budget"]["ended_by"] == "trials"

    write_outcome(report, config, tmp_path, tmp_path / "page.html")
    written = sorted(path.name for path in tmp_path.iterdir())
    assert written == [
        "page.html",
        "parameter_importance.png",
        "tuned_config.json",
        "tuning_history.png",
        "tuning_report.json",
    ]
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert page.count("data:image/png") == 4
    for said in ("out of memory on cuda", "its process ended in the middle", "log10 of training.learning_rate"):
        assert said in page


def test_a_report_is_the_same_from_the_same_trials_and_reads_back_as_them(config: Config) -> None:
    trials = [*decided_by_the_learning_rate(11), trial(11, None, "killed"), trial(12, 0.3, retry_of=11)]
    text = json.dumps(report_of(trials, config), allow_nan=False)
    assert text == json.dumps(report_of(trials, config))
    assert [TrialRecord.from_json(each) for each in json.loads(text)["trials"]] == trials


@pytest.mark.parametrize(
    ("trials", "reason"),
    [
        (decided_by_the_learning_rate(9), "insufficient trials: 9 finished, 10 are needed"),
        ([trial(number, 0.25) for number in range(12)], "all finished trials have the same value"),
    ],
)
def test_an_importance_that_cannot_be_computed_is_null_with_a_reason(
    trials: list[TrialRecord], reason: str, config: Config, tmp_path: Path
) -> None:
    report = report_of(trials, config)
    assert (report["importance"]["values"], report["importance"]["reason"]) == (None, reason)
    write_outcome(report, config, tmp_path, tmp_path / "page.html")
    assert f"not computed, {reason}" in (tmp_path / "page.html").read_text(encoding="utf-8")
    assert not (tmp_path / "parameter_importance.png").exists()


def test_the_gain_over_the_configuration_as_given_is_told_or_why_it_is_unknown(config: Config) -> None:
    known = report_of([trial(0, 0.30, baseline=True), trial(1, 0.34)], config)
    assert known["baseline"] == {"value": 0.30, "reason": ""}
    assert known["improvement"] == pytest.approx(0.04)
    pruned = report_of([trial(0, None, "failed", baseline=True, reason="diverged"), trial(1, 0.3)], config)
    assert pruned["baseline"] == {"value": None, "reason": "it was tried and failed: diverged"}
    assert pruned["improvement"] is None
    far = with_overrides(config, {"training.learning_rate": 0.1, "training.batch_size": 3})
    assert report_of([trial(0, 0.3)], far)["baseline"] == {
        "value": None,
        "reason": "its values lie outside the search space: training.learning_rate, training.batch_size",
    }


def test_the_best_is_the_earliest_of_equals_and_called_optimistic(config: Config) -> None:
    best = report_of([trial(0, 0.3), trial(1, 0.4), trial(2, 0.4), trial(3, None, "pruned")], config)["best"]
    assert best["number"] == 1
    assert best["selection"].startswith("optimistic: the highest of 3 finished trials, chosen on the same 30 valid")


def test_a_search_that_the_minutes_ended_says_so(config: Config) -> None:
    assert report_of([trial(0, 0.3)], config)["budget"]["ended_by"] == "minutes"


def test_the_commonest_reason_of_failure_comes_first() -> None:
    reasons = ["diverged", "out of memory", "out of memory"]
    trials = [trial(place, None, "failed", reason=reason) for place, reason in enumerate(reasons)]
    assert failure_of_all(trials)[1:] == ["2 of 3 trials: out of memory", "1 of 3 trials: diverged"]


def test_another_budget_is_the_same_study_and_anything_else_is_another(config: Config) -> None:
    def study(settings: Config, base_model: str = "a", val: str = "v") -> str:
        return str(study_identity(settings, base_model, {"train": "t", "val": val}, 30)["study"])

    same = with_overrides(config, {"tuning.trials": 99, "tuning.minutes": 5, "tuning.workers": 3, "policy.floors": {}})
    assert study(same) == study(config)
    others = [
        study(config, base_model="b"),
        study(config, val="w"),
        study(with_overrides(config, {"seed": 1})),
        study(with_overrides(config, {"training.epochs": 1})),
        study(with_overrides(config, {"tuning.startup_trials": 2})),
    ]
    assert len({study(config), *others}) == 6
