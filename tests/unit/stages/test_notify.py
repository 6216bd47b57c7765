import json
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lab_lens.stages.notify import run_notify
from lab_lens.tracking import TrackingTarget, tracked


@pytest.mark.parametrize("state", ["SUCCEEDED", "FAILED", "CANCELLED"])
def test_a_notification_says_which_run_ended_how_and_when(
    state: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        notification = run_notify(state, run_name="nightly", notification_dir=tmp_path / "out")
    written = json.loads(notification.path.read_text())
    assert (written["run_name"], written["state"], written["schema_version"]) == ("nightly", state, 1)
    assert datetime.now(UTC) - datetime.fromisoformat(written["time"]) < timedelta(minutes=1)
    assert caplog.messages == [f"pipeline run nightly ended: {state}"]
    assert set(written) == {"run_name", "state", "schema_version", "time"}


def test_a_run_without_a_name_is_told_too(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        run_notify("FAILED", run_name="", notification_dir=tmp_path)
    assert caplog.messages == ["pipeline run (unnamed) ended: FAILED"]


def test_the_mlflow_run_is_closed_as_the_pipeline_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow.tracking import MlflowClient

    # A store of plain files, since making the tables of a database takes seconds.
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    uri = (tmp_path / "mlflow").as_uri()
    for state, status in (("SUCCEEDED", "FINISHED"), ("FAILED", "FAILED"), ("CANCELLED", "FAILED")):
        target = TrackingTarget(uri, "lab-lens", f"run {state}")
        with tracked(target, "prepare_data"):
            pass
        run_notify(state, run_name=target.run_name, notification_dir=tmp_path / state, tracking=target)
        client = MlflowClient(tracking_uri=uri)
        experiment = client.get_experiment_by_name("lab-lens")
        (run,) = client.search_runs([experiment.experiment_id], f"tags.`lab_lens.run_name` = 'run {state}'")
        assert run.info.status == status
