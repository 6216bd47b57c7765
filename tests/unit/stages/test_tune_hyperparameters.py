import json
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lab_lens.artifacts import write_json
from lab_lens.config import Config, load_config, with_overrides
from lab_lens.errors import InputError
from lab_lens.stages.select_hyperparameters import run_select_hyperparameters
from lab_lens.stages.train_model import run_train_model
from lab_lens.stages.tune_hyperparameters import run_tune_hyperparameters
from lab_lens.tracking import TrackingTarget, local_tracking_uri, tracked
from lab_lens.tuning.outcome import TuningResult

SPACE = {
    "training.learning_rate": {"type": "float", "low": 1e-3, "high": 1e-2, "log": True},
    "training.batch_size": {"type": "categorical", "values": [4, 8]},
}
MLFLOW_NOISE = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")


@pytest.fixture(scope="module")
def config(quick_trainings: None, tiny_config: Config) -> Config:
    """Three trials of three epochs, which a tiny model needs to say something of the reference."""
    settings = {"training.epochs": 3, "tuning.trials": 3, "tuning.search_space": SPACE}
    return with_overrides(tiny_config, settings)


def tune(data: Path, out: Path, config: Config, **options: Any) -> TuningResult:
    places = {"study": out / "study.db", "out_dir": out / "tuned", "html": out / "tuning.html"}
    choices = {"train": data, "val": data, "device": "cpu", "base_model": ""}
    return run_tune_hyperparameters(config=config, **(choices | places | options))


@pytest.fixture(scope="module")
def tuned(prepared_dir: Path, config: Config, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, TuningResult]:
    out = tmp_path_factory.mktemp("tuned")
    # The test set is out of reach.
    data = out / "data"
    data.mkdir()
    for name in ("train.csv", "val.csv"):
        shutil.copy(prepared_dir / name, data)
    return out, tune(data, out, config)


def report_of(out: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((out / "tuned" / "tuning_report.json").read_text(encoding="utf-8"))
    return content


def test_the_report_tells_every_trial_and_how_it_was_searched(tuned: tuple[Path, TuningResult], config: Config) -> None:
    report = report_of(tuned[0])
    assert [(trial["worker"], trial["number"], trial["state"]) for trial in report["trials"]] == [
        (0, number, "finished") for number in range(3)
    ]
    for trial in report["trials"]:
        assert set(trial["parameters"]) == set(SPACE)
        assert trial["value"] == max(trial["intermediate"].values()) > 0
        assert trial["seconds"] > 0
    assert report["budget"] | {"seconds_used": 0} == {
        "workers": [0],
        "trials": 3,
        "minutes_per_worker": 0.0,
        "trials_used": 3,
        "seconds_used": 0,
        "ended_by": "trials",
    }
    assert report["sampler"]["seed"] == config.seed
    assert report["pruner"] == {"name": "median", "startup_trials": 5}
    assert report["importance"] == {
        "method": "fANOVA",
        "values": None,
        "reason": "insufficient trials: 3 finished, 10 are needed",
    }


def test_the_best_values_stand_in_a_configuration_that_asks_for_no_more_tuning(
    tuned: tuple[Path, TuningResult], config: Config
) -> None:
    out, result = tuned
    report, written = report_of(out), load_config(out / "tuned" / "tuned_config.json")
    assert report["best"]["value"] == max(trial["value"] for trial in report["trials"])
    assert written == result.config == with_overrides(config, {**report["best"]["parameters"], "tuning.trials": 0})
    assert result.metrics["best_rougeL"] == report["best"]["value"]
    assert result.metrics["improvement_rougeL"] == report["best"]["value"] - report["baseline"]["value"] >= 0
    assert "highest of 3 finished trials" in report["best"]["selection"]


def test_training_with_the_tuned_configuration_repeats_the_best_trial(
    tuned: tuple[Path, TuningResult], prepared_dir: Path, tmp_path: Path
) -> None:
    trained = run_train_model(
        prepared_dir,
        prepared_dir,
        tuned[1].config,
        device="cpu",
        base_model="",
        trained_model=None,
        checkpoint_dir=tmp_path / "checkpoints",
        model_dir=tmp_path / "model",
        html=tmp_path / "training.html",
    )
    assert trained.metrics["best_rougeL_greedy"] == pytest.approx(report_of(tuned[0])["best"]["value"])


def test_the_page_shows_the_search_and_says_that_its_best_score_is_optimistic(tuned: tuple[Path, TuningResult]) -> None:
    out, _ = tuned
    page = (out / "tuning.html").read_text(encoding="utf-8")
    assert page.count("data:image/png") == 3  # the history, and a slice of each setting
    assert "optimistic: the highest of 3 finished trials" in page
    assert "insufficient trials" in page
    written = sorted(path.name for path in (out / "tuned").iterdir())
    assert written == ["tuned_config.json", "tuning_history.png", "tuning_report.json"]


def test_the_same_seed_and_data_give_the_same_trials(
    tuned: tuple[Path, TuningResult], prepared_dir: Path, config: Config, tmp_path: Path
) -> None:
    tune(prepared_dir, tmp_path, with_overrides(config, {"tuning.trials": 2}))
    known = ("parameters", "value", "intermediate")
    first, again = (report_of(out)["trials"] for out in (tuned[0], tmp_path))
    assert [[trial[name] for name in known] for trial in again] == [
        [trial[name] for name in known] for trial in first[:2]
    ]


def test_settings_of_decoding_are_measured_with_their_own_decoding(
    prepared_dir: Path, config: Config, tmp_path: Path
) -> None:
    space = {"decoding.min_new_tokens": {"type": "int", "low": 0, "high": 20}}
    tune(prepared_dir, tmp_path, with_overrides(config, {"tuning.search_space": space, "decoding.min_new_tokens": 0}))
    report = report_of(tmp_path)
    assert report["objective"]["decoding"] == "of each trial"
    # All trials train the same model, so greedy summaries are equal; by their own decoding they are not.
    assert len({max(trial["intermediate"].values()) for trial in report["trials"]}) == 1
    assert len({trial["value"] for trial in report["trials"]}) > 1


@pytest.mark.parametrize(
    ("path", "good", "bad", "reason"),
    [
        ("training.learning_rate", 0.002, 1e30, "the training diverged"),
        # More states than an address space holds.
        ("decoding.num_beams", 2, 10**14, "out of memory on cpu"),
    ],
)
def test_trials_that_diverge_or_need_too_much_memory_are_survived(
    path: str, good: float, bad: float, reason: str, prepared_dir: Path, config: Config, tmp_path: Path
) -> None:
    space = {path: {"type": "categorical", "values": [good, bad]}}
    quick = {"tuning.search_space": space, "tuning.trials": 4, "training.max_steps": 8}
    tune(prepared_dir, tmp_path, with_overrides(config, quick))
    trials = report_of(tmp_path)["trials"]
    assert {trial["parameters"][path]: trial["state"] for trial in trials} == {good: "finished", bad: "failed"}
    assert all(reason in trial["reason"] for trial in trials if trial["state"] == "failed")


def test_a_bad_training_is_ended_early(prepared_dir: Path, config: Config, tmp_path: Path) -> None:
    # So small a learning rate teaches nothing.
    space = {"training.learning_rate": {"type": "categorical", "values": [0.002, 1e-9]}}
    impatient = {"tuning.search_space": space, "tuning.trials": 4, "tuning.startup_trials": 1}
    patient = {"training.early_stopping_patience": 9, "training.epochs": 3}
    tune(prepared_dir, tmp_path, with_overrides(config, impatient | patient))
    trials = report_of(tmp_path)["trials"]
    states = {trial["parameters"]["training.learning_rate"]: trial["state"] for trial in trials}
    assert states == {0.002: "finished", 1e-9: "pruned"}
    assert {len(trial["intermediate"]) for trial in trials if trial["state"] == "pruned"} == {2}


def test_a_search_of_which_no_trial_finishes_is_an_error_that_tells_why_and_leaves_its_report(
    prepared_dir: Path, config: Config, tmp_path: Path
) -> None:
    space = {"training.learning_rate": {"type": "categorical", "values": [1e30]}}
    hopeless = with_overrides(config, {"tuning.search_space": space, "tuning.trials": 2})
    with pytest.raises(InputError) as refused:
        tune(prepared_dir, tmp_path, hopeless)
    first, *reasons = refused.value.problems
    assert first == "no trial finished, so there is nothing to choose from: change tuning.search_space"
    assert sum(int(reason.split()[0]) for reason in reasons) == 2
    assert all("the training diverged" in reason for reason in reasons)
    assert report_of(tmp_path)["best"] is None
    assert "No trial finished" in (tmp_path / "tuning.html").read_text(encoding="utf-8")


def test_nothing_is_tuned_for_a_model_that_was_trained_before(
    tiny_model_dir: Path, prepared_dir: Path, config: Config, tmp_path: Path
) -> None:
    result = tune(prepared_dir, tmp_path, config, trained_model=tiny_model_dir)
    assert result.config == config
    assert report_of(tmp_path)["skipped"] == "a trained model was given, which is used as it is"
    assert "Nothing was tuned" in (tmp_path / "tuning.html").read_text(encoding="utf-8")
    assert not (tmp_path / "study.db").exists()


@pytest.mark.parametrize(
    ("changes", "options", "problem"),
    [
        ({"tuning.trials": 0}, {}, "tuning.trials is 0, so there is nothing to try"),
        ({}, {"worker": 1}, "worker 1 does not exist; tuning.workers is 1"),
        ({}, {"device": "abacus"}, "device 'abacus' is unknown"),
        ({}, {"base_model": "scratch:huge"}, "'scratch:huge' is unknown"),
        ({}, {"base_model": "no/such/model"}, "cannot be loaded"),
        ({}, {"val": "train.csv"}, "hold the same examples"),
        ({}, {"val": "absent.csv"}, r"absent\.csv"),
    ],
)
def test_wrong_input_is_refused_before_any_trial(
    changes: Mapping[str, Any],
    options: Mapping[str, Any],
    problem: str,
    prepared_dir: Path,
    config: Config,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    files = {name: prepared_dir / path for name, path in options.items() if name == "val"}
    with pytest.raises(InputError, match=problem):
        tune(prepared_dir, tmp_path, with_overrides(config, changes), **{**options, **files})
    assert not (tmp_path / "tuned").exists()


COMMAND = """
import sys, pathlib
from lab_lens.config import load_config
from lab_lens.stages.tune_hyperparameters import run_tune_hyperparameters
data, out = map(pathlib.Path, sys.argv[1:])
run_tune_hyperparameters(data, data, load_config(out / "config.json"), device="cpu", base_model="",
    study=out / "study.db", out_dir=out / "tuned", html=out / "tuning.html")
"""


def test_a_killed_stage_continues_with_the_same_command_and_keeps_to_its_budget(
    tuned: tuple[Path, TuningResult], prepared_dir: Path, config: Config, tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text(config.to_json(), encoding="utf-8")
    command = [sys.executable, "-c", COMMAND, str(prepared_dir), str(tmp_path)]
    with subprocess.Popen(command) as process:
        while process.poll() is None and _trials_in(tmp_path / "study.db") < 2:
            time.sleep(0.1)
        process.kill()
    assert not (tmp_path / "tuned").exists()
    tune(prepared_dir, tmp_path, config)
    report, whole = report_of(tmp_path), report_of(tuned[0])
    assert report["budget"]["trials_used"] == 3
    values = [trial["value"] for trial in report["trials"] if trial["state"] != "killed"]
    assert values == pytest.approx([trial["value"] for trial in whole["trials"]])


def _trials_in(study: Path) -> int:
    if not study.exists():
        return 0
    with sqlite3.connect(study) as database:
        count = int(database.execute("SELECT count(*) FROM trials").fetchone()[0])
    database.close()
    return count


@MLFLOW_NOISE
def test_every_trial_is_a_child_of_the_runs_mlflow_run_recorded_once(
    prepared_dir: Path, config: Config, tmp_path: Path
) -> None:
    from mlflow.tracking import MlflowClient

    target = TrackingTarget(local_tracking_uri(tmp_path / "mlflow"), "lab-lens", "a run")
    space = {"training.learning_rate": {"type": "categorical", "values": [0.002, 1e30]}}
    mixed = with_overrides(config, {"tuning.search_space": space})
    for _ in range(2):
        tune(prepared_dir, tmp_path, mixed, tracking=target)
    with tracked(target, "train_model"):
        pass

    client = MlflowClient(tracking_uri=target.uri)
    (experiment,) = client.search_experiments(filter_string="name = 'lab-lens'")
    runs = client.search_runs([experiment.experiment_id])
    (parent,) = (run for run in runs if "mlflow.parentRunId" not in run.data.tags)
    children = {run.info.run_name: run for run in runs if run is not parent}
    trials = report_of(tmp_path)["trials"]
    assert sorted(children) == [f"worker 0, trial {number}" for number in range(3)]
    for trial in trials:
        run = children[f"worker 0, trial {trial['number']}"]
        assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
        assert run.data.tags["lab_lens.trial_state"] == trial["state"]
        assert run.info.status == ("FINISHED" if trial["state"] == "finished" else "FAILED")
        assert run.data.params == {name: str(value) for name, value in trial["parameters"].items()}
        assert run.data.metrics.get("objective") == trial["value"]
        history = client.get_metric_history(run.info.run_id, "rougeL")
        assert {str(point.step): point.value for point in history} == trial["intermediate"]
    assert parent.data.metrics["tuning/best_rougeL"] == report_of(tmp_path)["best"]["value"]
    assert parent.data.tags["lab_lens.stage.tune_hyperparameters"] == "succeeded"
    recorded = sorted(path.name for path in (tmp_path / "mlflow" / "artifacts").rglob("*") if path.is_file())
    assert recorded == ["tuning.html", "tuning_report.json"]


def test_no_text_of_a_note_leaves_with_the_search(tuned: tuple[Path, TuningResult], prepared_dir: Path) -> None:
    notes = pd.read_csv(prepared_dir / "val.csv", dtype=str)["input_text"]
    words = [note[:40] for note in notes]
    for path in tuned[0].rglob("*"):
        if path.is_file() and "data" not in path.parts:
            content = path.read_bytes().decode("utf-8", "replace")
            assert not any(word in content for word in words), path.name


@pytest.fixture(scope="module")
def side_by_side(
    prepared_dir: Path, config: Config, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Config, list[Path]]:
    out = tmp_path_factory.mktemp("workers")
    shared = with_overrides(config, {"tuning.workers": 2})
    for worker in range(2):
        tune(prepared_dir, out / str(worker), shared, worker=worker)
    return out, shared, [out / str(worker) / "tuned" for worker in range(2)]


def test_workers_share_the_trials_and_the_best_of_all_is_chosen(
    side_by_side: tuple[Path, Config, list[Path]], tmp_path: Path
) -> None:
    _, shared, reports = side_by_side
    result = run_select_hyperparameters(reports, shared, out_dir=tmp_path / "tuned", html=tmp_path / "tuning.html")
    merged = report_of(tmp_path)
    assert [(trial["number"], trial["worker"]) for trial in merged["trials"]] == [(0, 0), (0, 1), (1, 0)]
    assert merged["budget"]["workers"] == [0, 1]
    assert merged["budget"]["trials_used"] == merged["budget"]["trials"] == 3
    assert merged["best"]["value"] == max(trial["value"] for trial in merged["trials"])
    assert result.config == with_overrides(shared, {**merged["best"]["parameters"], "tuning.trials": 0})


def test_reports_that_do_not_belong_together_are_refused(
    side_by_side: tuple[Path, Config, list[Path]], tmp_path: Path
) -> None:
    _, shared, reports = side_by_side
    places = {"out_dir": tmp_path / "tuned", "html": tmp_path / "tuning.html"}
    with pytest.raises(InputError, match=r"those of workers \[0, 0\]; needed: one of each of \[0, 1\]"):
        run_select_hyperparameters([reports[0], reports[0]], shared, **places)
    other = json.loads((reports[1] / "tuning_report.json").read_text(encoding="utf-8")) | {"study": "another"}
    with pytest.raises(InputError, match="different data, base models or settings"):
        run_select_hyperparameters([reports[0], write_json(tmp_path / "other.json", other)], shared, **places)
