import json
import logging
from pathlib import Path
from typing import Any

import pytest
from loopback.mail import MailServer
from loopback.webhook import Answer, WebhookServer

from lab_lens.config import parse_config
from lab_lens.config_notifications import Notifications
from lab_lens.errors import InputError
from lab_lens.notifications.message import Notification
from lab_lens.notifications.notifier import UndeliveredError, require_all_delivered, require_delivered, send_to_all


def channels(**given: Any) -> Notifications:
    return parse_config(json.dumps({"notifications": given})).notifications


def mail_to(port: int) -> dict[str, Any]:
    parties = {"sender": "a@b.example", "recipients": ["c@d.example"]}
    return {"host": "127.0.0.1", "port": port, "security": "none", **parties}


def test_every_channel_is_told_though_others_are_broken(
    notification: Notification, outbox: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with WebhookServer() as good, WebhookServer(Answer(404)) as bad, MailServer() as mail:
        monkeypatch.setenv("GOOD", good.url)
        monkeypatch.setenv("BAD", f"{bad.url}/secret")
        monkeypatch.delenv("MISSING", raising=False)
        hooks = [{"name": name, "url_env": name.upper()} for name in ("missing", "bad", "good")]
        files = [{"name": "blocked", "path": str(Path(__file__) / "x.jsonl")}, {"path": str(outbox)}]
        with caplog.at_level(logging.INFO):
            told = send_to_all(notification, channels(files=files, webhooks=hooks, emails=[mail_to(mail.port)]))
    delivered = {item.channel: item.delivered for item in told}
    wanted = {"log": True, "blocked": False, "file": True, "missing": False, "bad": False, "good": True, "email": True}
    assert delivered == wanted
    assert len(good.payloads) == len(mail.messages) == 1
    assert json.loads(outbox.read_text(encoding="utf-8"))["run_name"] == "nightly"
    loud = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(loud) == 3
    assert loud[1] == (
        "notification was NOT delivered: channel missing (webhook): environment variable MISSING is not set"
    )
    assert not any("secret" in line for line in loud)


def test_a_broken_channel_fails_the_run_only_if_it_is_required(
    notification: Notification, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MISSING", raising=False)
    optional = send_to_all(notification, channels(webhooks=[{"url_env": "MISSING"}]))
    require_delivered(optional)
    required = send_to_all(notification, channels(webhooks=[{"url_env": "MISSING", "required": True}]))
    with pytest.raises(UndeliveredError, match=r"channel webhook .* MISSING is not set"):
        require_delivered(required)
    with pytest.raises(InputError) as refused:
        require_all_delivered([*optional, *required])
    assert len(refused.value.problems) == 2


def test_a_channel_hears_only_of_the_events_that_it_wants(
    notification: Notification, outbox: Path, caplog: pytest.LogCaptureFixture
) -> None:
    silent = channels(log={"events": []}, files=[{"path": str(outbox), "events": ["failed", "promoted"]}])
    with caplog.at_level(logging.INFO):
        assert send_to_all(notification, silent) == []
    assert not outbox.exists()
    assert caplog.messages == []
    (to_all, *_), (wanted,) = (
        send_to_all(notification, silent, whatever_event=True),
        send_to_all(notification, channels(log={"events": []}, files=[{"path": str(outbox), "events": ["held"]}])),
    )
    assert (to_all.channel, wanted.channel) == ("log", "file")
    assert len(outbox.read_text(encoding="utf-8").splitlines()) == 2


@pytest.mark.parametrize(
    ("event", "level"), [("failed", "WARNING"), ("unhealthy", "WARNING"), ("promoted", "INFO"), ("held", "INFO")]
)
def test_the_log_gets_one_line_and_bad_news_as_a_warning(
    event: Any, level: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        send_to_all(Notification(event, (event,), "", "SUCCEEDED", version="v3"), Notifications())
    (record,) = caplog.records
    assert record.levelname == level
    assert record.getMessage() == f"Lab Lens run (unnamed): {event} (SUCCEEDED); version: v3"


def test_channels_are_tried_at_the_same_time(notification: Notification, monkeypatch: pytest.MonkeyPatch) -> None:
    with WebhookServer(*[Answer(after_seconds=0.3)] * 4) as server:
        monkeypatch.setenv("HOOK", server.url)
        hooks = [{"name": f"hook{n}", "url_env": "HOOK", "timeout_seconds": 0.7, "retries": 0} for n in range(4)]
        told = send_to_all(notification, channels(webhooks=hooks))
    assert all(item.delivered for item in told)
