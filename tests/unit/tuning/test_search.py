import itertools
import json
import math
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lab_lens.config import Config, parse_config
from lab_lens.errors import InputError
from lab_lens.tuning.search import Objective, Search, TrialFailedError
from lab_lens.tuning.study import open_study
from lab_lens.tuning.trials import TrialRecord, best_of

if TYPE_CHECKING:
    from lab_lens.engine.fine_tune import Evaluated

SPACE = {
    "training.learning_rate": {"type": "float", "low": 1e-5, "high": 1e-2, "log": True},
    "training.batch_size": {"type": "categorical", "values": [4, 8, 16]},
    "training.warmup_steps": {"type": "int", "low": 0, "high": 100, "step": 10},
}
GIVEN = {"learning_rate": 0.0005, "batch_size": 8, "warmup_steps": 50}


def settings(**tuning: Any) -> Config:
    values = {"trials": 8, "startup_trials": 3, "search_space": SPACE} | tuning
    return parse_config(json.dumps({"seed": 7, "training": GIVEN, "tuning": values}))


def hill(config: Config, evaluated: "Evaluated") -> float:
    """ROUGE-L that is highest at a learning rate of 1e-3; three evaluations that rise to it."""
    top = 0.5 - 0.1 * abs(math.log10(config.training.learning_rate) + 3)
    for step in (1, 2, 3):
        evaluated(10 * step, top * step / 3)
    return top


@pytest.fixture
def search(tmp_path: Path) -> Callable[..., list[TrialRecord]]:
    """Searches in `study.db`; `told` collects what the search tells."""

    def run(
        objective: Objective = hill, *, told: list[TrialRecord] | None = None, worker: int = 0, **tuning: Any
    ) -> list[TrialRecord]:
        told = [] if told is None else told
        with open_study(tmp_path / "study.db", f"worker-{worker}") as opened:
            return Search(settings(**tuning), objective, opened, worker, told.append).run()

    return run


def parameters(trials: list[TrialRecord]) -> list[dict[str, float]]:
    return [dict(trial.parameters) for trial in trials if trial.state != "killed"]


def test_the_same_seed_tries_the_same_and_another_worker_tries_something_else(
    search: Callable[..., list[TrialRecord]], tmp_path: Path
) -> None:
    first = search()
    (tmp_path / "study.db").rename(tmp_path / "first.db")
    assert parameters(search()) == parameters(first)
    assert len(first) == 8
    others = search(worker=1, workers=2, trials=16)
    assert not any(trial in parameters(first) for trial in parameters(others))
    assert {trial.worker for trial in others} == {1}


def test_the_first_trial_is_the_configuration_as_given_and_the_search_learns(
    search: Callable[..., list[TrialRecord]],
) -> None:
    trials = search(trials=15, pruning=False)
    assert trials[0].baseline
    assert trials[0].parameters == {f"training.{name}": value for name, value in GIVEN.items()}
    assert [trial.baseline for trial in trials[1:]] == [False] * 14
    best = best_of(trials)
    assert best is not None
    assert abs(math.log10(best.parameters["training.learning_rate"]) + 3) < 0.2
    assert all(isinstance(trial.parameters["training.batch_size"], int) for trial in trials)


def test_values_outside_the_space_are_not_tried(search: Callable[..., list[TrialRecord]]) -> None:
    narrow = {"training.learning_rate": SPACE["training.learning_rate"] | {"low": 1e-3}}
    trials = search(trials=3, search_space=narrow)
    assert not any(trial.baseline for trial in trials)
    assert all(trial.parameters["training.learning_rate"] >= 1e-3 for trial in trials)


def test_a_bad_trial_is_pruned_at_its_second_evaluation_and_only_when_asked_for(
    search: Callable[..., list[TrialRecord]], tmp_path: Path
) -> None:
    def planted() -> Objective:
        place = itertools.count()
        return lambda config, evaluated: rising(0.05 if next(place) == 4 else 0.4, evaluated)

    trials = search(planted(), trials=6)
    assert [trial.state for trial in trials] == ["finished"] * 4 + ["pruned", "finished"]
    assert (trials[4].value, list(trials[4].intermediate)) == (None, [1, 2])
    (tmp_path / "study.db").unlink()
    assert [trial.state for trial in search(planted(), trials=6, pruning=False)] == ["finished"] * 6


def rising(top: float, evaluated: "Evaluated") -> float:
    for step in (1, 2, 3):
        evaluated(step, top * step / 3)
    return top


def test_failed_trials_are_recorded_and_survived(search: Callable[..., list[TrialRecord]]) -> None:
    def fragile(config: Config, evaluated: "Evaluated") -> float:
        if config.training.learning_rate > 1e-3:
            raise TrialFailedError("the training diverged")
        return hill(config, evaluated)

    told: list[TrialRecord] = []
    trials = search(fragile, told=told)
    assert told == trials
    failed = [trial for trial in trials if trial.state == "failed"]
    assert len(trials) == 8
    assert 0 < len(failed) < 8
    assert {(trial.value, trial.reason) for trial in failed} == {(None, "the training diverged")}


def test_a_finished_search_tries_nothing_again_and_a_larger_budget_continues_it(
    search: Callable[..., list[TrialRecord]],
) -> None:
    first = search(trials=4)

    def never(config: Config, evaluated: "Evaluated") -> float:
        raise AssertionError("there is no budget for another trial")

    assert search(never, trials=4) == first
    assert parameters(search(trials=6))[:4] == parameters(first)


def test_minutes_end_the_search_between_trials_also_over_several_runs(
    search: Callable[..., list[TrialRecord]], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = itertools.count(step=20)
    monkeypatch.setattr("time.monotonic", lambda: float(next(clock)))  # 20 seconds at every look

    def one(config: Config, evaluated: "Evaluated") -> float:
        evaluated(1, 0.1)
        return 0.1

    trials = search(one, minutes=1.5)
    # A trial looks three times: at its start, its evaluation and its end. The third would start after 80 seconds.
    assert [trial.seconds for trial in trials] == [40.0, 40.0, 40.0]
    assert search(one, minutes=1.5) == trials
    assert len(search(one, minutes=2.5)) == 4


KILLED = """
import os, pathlib, sys
sys.path.insert(0, sys.argv[1])
from test_search import hill, settings
from lab_lens.tuning.search import Search
from lab_lens.tuning.study import open_study

trials = 0
def objective(config, evaluated):
    global trials
    trials += 1
    def maybe_die(step, value):
        evaluated(step, value)
        if trials == int(sys.argv[3]) and step == 20:
            os.kill(os.getpid(), 9)
    return hill(config, maybe_die)

with open_study(pathlib.Path(sys.argv[2]), "worker-0") as opened:
    Search(settings(pruning=False), objective, opened, 0, lambda trial: None).run()
"""


def killed_in(trial: int, study: Path) -> None:
    """Let a process be killed in the middle of its n-th trial."""
    command = [sys.executable, "-c", KILLED, str(Path(__file__).parent), str(study), str(trial)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == -9, done.stderr


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
def test_a_killed_search_continues_as_if_nothing_had_happened(
    search: Callable[..., list[TrialRecord]], tmp_path: Path
) -> None:
    whole = search(pruning=False)
    (tmp_path / "study.db").unlink()
    killed_in(6, tmp_path / "study.db")
    continued = search(pruning=False)
    (killed,) = (trial for trial in continued if trial.state == "killed")
    (retry,) = (trial for trial in continued if trial.retry_of is not None)
    assert (killed.number, retry.number, retry.retry_of) == (5, 6, 5)
    assert retry.parameters == killed.parameters
    assert (killed.value, list(killed.intermediate)) == (None, [1, 2])
    assert parameters(continued) == parameters(whole)
    assert [trial.value for trial in continued if trial.state != "killed"] == [trial.value for trial in whole]


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
def test_parameters_that_kill_their_process_twice_are_not_tried_a_third_time(
    search: Callable[..., list[TrialRecord]], tmp_path: Path
) -> None:
    killed_in(2, tmp_path / "study.db")
    killed_in(1, tmp_path / "study.db")
    trials = search()
    assert [trial.state for trial in trials[:4]] == ["finished", "killed", "failed", "finished"]
    assert trials[2].reason == "its process ended in the middle, twice: out of memory?"
    assert len(parameters(trials)) == 8


def test_a_study_that_another_process_works_with_or_that_is_none_is_refused(tmp_path: Path) -> None:
    study = tmp_path / "study.db"
    with open_study(study, "a"), pytest.raises(InputError, match="another process"), open_study(study, "a"):
        pass
    study.write_text("id,note\n1,fever", encoding="utf-8")
    with pytest.raises(InputError, match=r"study\.db is not a study"), open_study(study, "a"):
        pass
    assert study.read_text(encoding="utf-8") == "id,note\n1,fever"
    with pytest.raises(InputError, match="is a file"), open_study(study / "below" / "study.db", "a"):
        pass


def test_the_study_file_is_whole_after_every_step(search: Callable[..., list[TrialRecord]], tmp_path: Path) -> None:
    seen: list[int] = []

    def looking(config: Config, evaluated: "Evaluated") -> float:
        value = hill(config, evaluated)
        with sqlite3.connect(tmp_path / "study.db") as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            seen.append(database.execute("SELECT count(*) FROM trials").fetchone()[0])
        database.close()
        return value

    search(looking, trials=3)
    assert seen == [1, 2, 3]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["study.db", "study.db.lock"]
