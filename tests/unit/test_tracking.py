import json
import multiprocessing
from pathlib import Path

import pytest

from lab_lens.errors import ContractError, InputError
from lab_lens.tracking import TrackingTarget, finish_run, local_tracking_uri, tracked, tracking_target
from lab_lens.tracking_store import RUN_NAME_TAG

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")


@pytest.fixture
def target(tmp_path: Path) -> TrackingTarget:
    return TrackingTarget(local_tracking_uri(tmp_path / "a folder" / "mlflow"), "lab-lens", "run 2026-01-02")


def runs_of(target: TrackingTarget):
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=target.uri)
    experiment = client.get_experiment_by_name(target.experiment)
    return client, experiment, client.search_runs([experiment.experiment_id])


def record_a_stage(target: TrackingTarget, stage: str) -> None:
    with tracked(target, stage) as tracker:
        tracker.log_metrics({f"{stage}.gap.65+": 0.04})


def test_stages_even_at_once_share_one_mlflow_run_and_only_scalars_and_reports_arrive(
    target: TrackingTarget, tmp_path: Path
) -> None:
    note = "Admission Date: [**2101-1-2**]\nThe patient denies chest pain."
    report = tmp_path / "validation_report.json"
    report.write_text(json.dumps({"rougeL": 0.3}), encoding="utf-8")
    page = tmp_path / "html"
    page.write_text("<p>curves</p>", encoding="utf-8")
    table = tmp_path / "predictions.csv"
    table.write_text("example_id,summary\n1,text of a patient\n", encoding="utf-8")

    spawn = multiprocessing.get_context("spawn")
    processes = [
        spawn.Process(target=record_a_stage, args=(target, stage)) for stage in ("detect-bias", "prepare-data")
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    with tracked(target, "train-model") as tracker:
        tracker.log_params({"seed": 7, "base_model": "scratch:tiny", "revision": None})
        tracker.log_metrics({"train.loss": 4.0}, step=1)
        tracker.log_metrics({"train.loss": 3.0}, step=2)
    with tracked(target, "validate-model") as tracker:
        tracker.log_params({"seed": 7, "base_model": "scratch:small"})
        tracker.log_metrics({"rougeL": 0.3, "bertscore": None})
        tracker.log_artifact(report, "validation")
        tracker.log_artifact(page, "validation")
        with pytest.raises(ContractError, match="note_field") as refused:
            tracker.log_params({"note_field": note})
        assert "chest pain" not in str(refused.value)
        with pytest.raises(ContractError, match="words"):
            tracker.log_metrics({"words": "many"})  # type: ignore[dict-item]
        with pytest.raises(ContractError, match="broken"):
            tracker.log_metrics({"broken": float("nan")})
        with pytest.raises(ContractError, match=r"predictions\.csv"):
            tracker.log_artifact(table)
    with pytest.raises(ZeroDivisionError), tracked(target, "analyze-sensitivity"):
        raise ZeroDivisionError
    finish_run(target, "failed")

    client, experiment, (run,) = runs_of(target)
    assert run.data.params == {
        "seed": "7",
        "base_model": "scratch:tiny",
        "revision": "None",
        "validate-model.base_model": "scratch:small",
    }
    assert run.data.metrics == {
        "train.loss": 3.0,
        "rougeL": 0.3,
        "detect-bias.gap.65_": 0.04,
        "prepare-data.gap.65_": 0.04,
    }
    assert [point.value for point in client.get_metric_history(run.info.run_id, "train.loss")] == [4.0, 3.0]
    ours = {name: value for name, value in run.data.tags.items() if name.startswith("lab_lens")}
    assert ours == {
        RUN_NAME_TAG: "run 2026-01-02",
        "lab_lens.stage.train-model": "succeeded",
        "lab_lens.stage.validate-model": "succeeded",
        "lab_lens.stage.detect-bias": "succeeded",
        "lab_lens.stage.prepare-data": "succeeded",
        "lab_lens.stage.analyze-sensitivity": "failed",
        "lab_lens.not_computed.validate-model": "bertscore",
    }
    assert run.info.status == "FAILED"
    artifacts = tmp_path / "a folder" / "mlflow" / "artifacts"
    assert experiment.artifact_location == artifacts.as_uri()
    recorded = sorted(item.name for item in artifacts.rglob("*") if item.is_file())
    assert recorded == ["validate-model.html", "validation_report.json"]


def test_another_run_name_gets_another_run_and_a_deleted_experiment_is_said(target: TrackingTarget) -> None:
    other = TrackingTarget(target.uri, target.experiment, "another run")
    for each in (target, other):
        with tracked(each, "train-model") as tracker:
            tracker.log_params({"seed": 1})
    client, experiment, runs = runs_of(target)
    assert {run.info.run_name for run in runs} == {"run 2026-01-02", "another run"}
    finish_run(other, "finished")
    assert {run.info.status for run in runs_of(target)[2]} == {"RUNNING", "FINISHED"}
    client.delete_experiment(experiment.experiment_id)
    with pytest.raises(InputError, match="was deleted"), tracked(target, "train-model"):
        pass


def test_a_store_that_cannot_be_used_is_an_input_error_without_the_password(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("not a directory", encoding="utf-8")
    with (
        pytest.raises(InputError, match="cannot be used"),
        tracked(TrackingTarget(local_tracking_uri(file), "e", "r"), "s"),
    ):
        pass
    with (
        pytest.raises(InputError, match="cannot be used") as refused,
        tracked(TrackingTarget("wrong://somebody:secret@host/x", "e", "r"), "s"),
    ):
        pass
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("name", ["", "it's", 'a "quote"', "two\nlines", "x" * 251])
def test_a_run_name_that_cannot_be_searched_for_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="run name"):
        tracking_target("sqlite:///x", "e", name)


def test_without_a_target_nothing_is_recorded_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with tracked(None, "train-model") as tracker:
        tracker.log_params({"seed": 1})
        tracker.log_metrics({"loss": None})
        tracker.log_artifact(tmp_path / "absent.json")
    finish_run(tracking_target("", "lab-lens", "run"), "finished")
    assert list(tmp_path.iterdir()) == []
