import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from loopback.webhook import Answer, WebhookServer

from lab_lens.config import Config, parse_config
from lab_lens.notifications.notifier import UndeliveredError
from lab_lens.notifications.outcome import RunEnd
from lab_lens.registry.base import Evidence
from lab_lens.registry.local import LocalRegistry
from lab_lens.stages.notify import Notified, run_notify
from lab_lens.stages.rollback_model import run_rollback_model
from lab_lens.tracking import TrackingTarget, tracked

NOTE = "Zebedee Quux was admitted with chest pain"
Tell = Callable[..., Notified]


@pytest.fixture
def tell(tmp_path: Path) -> Tell:
    def call(state: str = "SUCCEEDED", config: Config | None = None, **given: Any) -> Notified:
        known = {"run_name": "nightly", "run_id": "42"} | {k: given.pop(k) for k in list(given) if k in END_FIELDS}
        options = {"registry": None, "notification_dir": tmp_path / "out"} | given
        return run_notify(RunEnd(state, **known), config or Config(), **options)

    return call


END_FIELDS = {"run_name", "run_id", "job", "error_message"}


@pytest.fixture
def registry(tmp_path: Path) -> LocalRegistry:
    """v1 was promoted by run 41, v2 by run 42, whose reasons hold what must not be told."""
    registry = LocalRegistry(tmp_path / "registry")
    for number, run_id in ((1, "41"), (2, "42")):
        model = tmp_path / f"model-{number}"
        model.mkdir()
        (model / "model.safetensors").write_text(str(number))
        version = registry.register(model, Evidence({}, {}, reason=NOTE, run_id=run_id), actor="ana").version
        registry.promote(version, actor="ana", reason=NOTE, decision_hash="", run_id=run_id)
    return registry


def written(told: Notified) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(told.path.read_text(encoding="utf-8"))
    return content


@pytest.mark.parametrize(("state", "event"), [("SUCCEEDED", "succeeded"), ("FAILED", "failed")])
def test_a_notification_says_which_run_ended_how_and_when(
    state: str, event: str, tell: Tell, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        told = written(tell(state))
    assert (told["run_name"], told["run_id"], told["state"], told["event"]) == ("nightly", "42", state, event)
    assert told["schema_version"] == 1
    assert datetime.now(UTC) - datetime.fromisoformat(told["time"]) < timedelta(minutes=1)
    assert caplog.messages == [f"Lab Lens run nightly: {event} ({state})"]
    (log,) = told["deliveries"]
    assert (log["channel"], log["delivered"]) == ("log", True)


def test_the_registry_says_what_this_run_did_and_what_is_in_production(tell: Tell, registry: LocalRegistry) -> None:
    told = written(tell(registry=registry.path))
    assert (told["event"], told["verdict"], told["version"], told["production"]) == ("promoted", "promote", "v2", "v2")
    other = written(tell(registry=registry.path, run_id="43"))
    assert (other["event"], other["verdict"], other["version"], other["production"]) == ("succeeded", None, None, "v2")


def test_a_hold_before_anything_was_released_is_told_as_one(tell: Tell, tmp_path: Path) -> None:
    empty = tmp_path / "none"
    run_rollback_model(empty, Config(), actor="gate", reason=NOTE, rollback_dir=tmp_path / "kept", run_id="42")
    told = written(tell(registry=empty))
    assert (told["event"], told["verdict"], told["production"]) == ("held", "hold", None)


def test_nothing_of_reasons_and_errors_leaves_the_run(
    tell: Tell, registry: LocalRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    message = f"The failed tasks are: [train-model]. InputError: {NOTE}"
    outbox = tmp_path / "told.jsonl"
    with WebhookServer() as server, caplog.at_level(logging.DEBUG):
        monkeypatch.setenv("HOOK", server.url)
        channels = {"webhooks": [{"url_env": "HOOK"}], "files": [{"path": str(outbox)}]}
        config = parse_config(json.dumps({"notifications": channels}))
        told = tell("FAILED", config, registry=registry.path, error_message=message)
    payload = server.payloads[0]
    assert (payload["failed_stages"], payload["error_kind"]) == (["train-model"], "InputError")
    texts = [*caplog.messages, server.requests[0].body.decode(), outbox.read_text(), told.path.read_text()]
    assert len(texts) >= 4
    assert not any("Zebedee" in text or "chest pain" in text for text in texts)


def test_that_a_run_failed_is_told_though_its_registry_cannot_be_read(
    tell: Tell, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broken = tmp_path / "registry"
    broken.write_text("a file")
    told = tell("FAILED", registry=broken)
    assert told.notification.event == "failed"
    assert any(line.startswith("the notification says nothing of production: ") for line in caplog.messages)


@pytest.mark.parametrize("required", [False, True])
def test_an_undelivered_notification_is_loud_and_fails_the_run_only_if_required(
    tell: Tell, tmp_path: Path, required: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with WebhookServer(Answer(404)) as server:
        monkeypatch.setenv("HOOK", server.url)
        hook = {"url_env": "HOOK", "required": required}
        config = parse_config(json.dumps({"notifications": {"webhooks": [hook]}}))
        if required:
            with pytest.raises(UndeliveredError, match="it answered 404"):
                tell(config=config)
        else:
            tell(config=config)
    told = json.loads((tmp_path / "out" / "notification.json").read_text())
    assert [item["delivered"] for item in told["deliveries"]] == [True, False]
    assert any(record.levelname == "WARNING" and "NOT delivered" in record.message for record in caplog.records)


def test_the_mlflow_run_is_closed_as_the_pipeline_ended(
    tell: Tell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow.tracking import MlflowClient

    # A store of plain files, since making the tables of a database takes seconds.
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    uri = (tmp_path / "mlflow").as_uri()
    for state, status in (("SUCCEEDED", "FINISHED"), ("FAILED", "FAILED"), ("CANCELLED", "FAILED")):
        target = TrackingTarget(uri, "lab-lens", f"run {state}")
        with tracked(target, "prepare_data"):
            pass
        tell(state, run_name=target.run_name, tracking=target)
        client = MlflowClient(tracking_uri=uri)
        experiment = client.get_experiment_by_name("lab-lens")
        (run,) = client.search_runs([experiment.experiment_id], f"tags.`lab_lens.run_name` = 'run {state}'")
        assert run.info.status == status
