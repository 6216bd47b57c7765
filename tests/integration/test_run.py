"""The whole graph, natively, on tiny data: promote, hold, an unhealthy deployment, a rollback, and a run that fails."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from run_site import LENIENT, MARKER, STRICT, Site, make_site

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("run")]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Five runs against one registry; later ones take the first one's model instead of training again."""
    site = make_site(tmp_path_factory.mktemp("site"))
    first = site.run(site.command("promoted", LENIENT))
    assert first.returncode == 0, first.stderr
    trained = site.path / "promoted" / site.summary("promoted")["paths"]["train_model.model"]
    given = ("--model-dir", str(trained))
    runs = {
        "held": site.command("held", STRICT, *given),
        "promoted-again": site.command("promoted-again", LENIENT, *given, decoding={"num_beams": 2}),
        "unhealthy": site.command(
            "unhealthy", LENIENT, *given, decoding={"num_beams": 3}, deployment={"ready_timeout_seconds": 0.01}
        ),
        "rolled-back": site.command("rolled-back", STRICT, *given),
    }
    for name, command in runs.items():
        done = site.run(command)
        assert done.returncode == 0, f"{name}: {done.stderr}"
    return site


def stage_states(summary: dict[str, Any]) -> dict[str, str]:
    return {item["stage"]: item["status"] for item in summary["stages"]}


def test_a_good_candidate_is_registered_deployed_and_reported(story: Site) -> None:
    summary = story.summary("promoted")
    assert (summary["status"], summary["verdict"]) == ("succeeded", "promote")
    assert summary["versions"]["candidate"] == "v1"
    assert stage_states(summary)["deploy-model"] == "succeeded"
    assert stage_states(summary)["rollback-model"] == "skipped"
    assert all(item["seconds"] > 0 for item in summary["stages"] if item["status"] == "succeeded")
    assert 0.0 <= summary["metrics"]["rougeL"] <= 1.0


def test_every_path_of_the_summary_is_relative_and_exists(story: Site) -> None:
    paths = story.summary("promoted")["paths"]
    assert paths
    for name, path in paths.items():
        assert not Path(path).is_absolute(), name
        assert (story.path / "promoted" / path).exists(), name


def test_a_candidate_below_the_floor_is_held_and_production_stays(story: Site) -> None:
    summary = story.summary("held")
    assert summary["verdict"] == "hold"
    assert any("floor.rougeL" in reason for reason in summary["reasons"])
    assert stage_states(summary)["register-model"] == "skipped"
    assert summary["versions"]["production"] == "v1"


def test_a_given_model_is_not_trained_again(story: Site) -> None:
    assert story.summary("held")["metrics"]["training/training_skipped"] == 1.0


def test_an_unhealthy_deployment_leaves_production_and_is_undone(story: Site) -> None:
    summary = story.summary("unhealthy")
    assert summary["verdict"] == "promote"
    assert stage_states(summary)["rollback-model"] == "succeeded"
    assert summary["versions"] | {"lab_lens": ""} == {
        "candidate": "v3",
        "production": "v2",
        "previous": "v1",
        "lab_lens": "",
    }


def test_production_that_fails_its_own_floor_returns_to_the_previous_version(story: Site) -> None:
    summary = story.summary("rolled-back")
    assert summary["verdict"] == "rollback"
    assert summary["versions"]["production"] == "v1"


def test_the_history_tells_who_did_what_and_why(story: Site) -> None:
    entries = story.registry.history()
    assert {entry.who for entry in entries} == {"tester"}
    moves = [(entry.action, entry.to_version) for entry in entries if entry.action in {"promoted", "rolled_back"}]
    assert moves == [("promoted", "v1"), ("promoted", "v2"), ("rolled_back", "v1")]
    assert all(entry.why for entry in entries)


def test_each_run_told_what_it_did_itself(story: Site) -> None:
    told = {}
    for run in ("promoted", "held", "promoted-again", "unhealthy", "rolled-back"):
        (path,) = (story.path / run).rglob("notification.json")
        content = json.loads(path.read_text(encoding="utf-8"))
        assert (content["run_name"], content["state"]) == (run, "SUCCEEDED")
        told[run] = (content["event"], content["verdict"], content["version"], content["production"])
    assert told == {
        "promoted": ("promoted", "promote", "v1", "v1"),
        "held": ("held", "hold", None, "v1"),
        "promoted-again": ("promoted", "promote", "v2", "v2"),
        "unhealthy": ("unhealthy", "promote", "v3", "v2"),
        "rolled-back": ("rolled_back", "rollback", "v1", "v1"),
    }


def test_note_text_stands_only_in_data_and_predictions(story: Site) -> None:
    kept_apart = {"train.csv", "val.csv", "test.csv", "predictions.csv", "notes.csv", "tokenizer.json"}
    telling = [
        path.relative_to(story.path).as_posix()
        for path in story.path.rglob("*")
        if path.is_file() and path.name not in kept_apart and MARKER.encode() in path.read_bytes().lower()
    ]
    assert telling == []


def test_what_a_run_tracked_can_be_read_in_mlflow(story: Site) -> None:
    from mlflow.tracking import MlflowClient

    client = MlflowClient(f"sqlite:///{(story.path / 'mlruns' / 'mlflow.db').as_posix()}")
    experiment = client.get_experiment_by_name("lab-lens")
    runs = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    assert set(runs) == {"promoted", "held", "promoted-again", "unhealthy", "rolled-back"}
    assert runs["promoted"].info.status == "FINISHED"
    assert runs["promoted"].data.params["base_model"] == "scratch:tiny"
    assert "validation/rougeL" in runs["promoted"].data.metrics
    assert len(client.get_metric_history(runs["promoted"].info.run_id, "training/curves/eval_rougeL")) >= 1


def test_bad_data_ends_with_one_line_and_status_2_and_no_registry(tmp_path: Path) -> None:
    site = Site(tmp_path)
    (tmp_path / "notes.csv").write_text("subject_id,text\n1,a note\n2,another\n", encoding="utf-8")
    done = site.run(site.command("bad", LENIENT))
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith("lab-lens: error:")]
    assert len(errors) == 1
    assert "input_text" in errors[0]
    assert site.summary("bad")["status"] == "failed"
    assert (tmp_path / "bad" / "report.html").is_file()
    assert not (tmp_path / "registry").exists()


@pytest.mark.skipif(os.name == "nt", reason="sends a POSIX signal to the run")
def test_an_interrupted_run_continues_its_training_when_repeated(tmp_path: Path) -> None:
    site = make_site(tmp_path)
    training = {"max_steps": 60, "epochs": 60, "early_stopping_patience": 100}
    command = site.command("cut", LENIENT, training=training)
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 300
    while not list((tmp_path / "cut").glob("checkpoints/*/checkpoint-*/trainer_state.json")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "no checkpoint was written"
        time.sleep(0.05)
    tasks = psutil.Process(process.pid).children(recursive=True)
    assert tasks
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=120)
    assert process.returncode == 130
    assert psutil.wait_procs(tasks, timeout=30)[1] == []
    assert site.summary("cut")["status"] == "interrupted"
    assert not (tmp_path / "registry").exists()
    again = site.run(command)
    assert again.returncode == 0, again.stderr
    assert "training continues from step" in again.stderr
    assert site.summary("cut")["metrics"]["training/resumed_from_step"] > 0
