import json
from pathlib import Path
from typing import Any

import pytest
from command_line import Lens
from loopback.webhook import Answer, WebhookServer


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Channels `chat`, which wants failures alone, and `all`, both at the address in HOOK."""
    hooks = [
        {"name": "chat", "url_env": "HOOK", "events": ["failed"], "retries": 0},
        {"name": "all", "url_env": "HOOK"},
    ]
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"notifications": {"link": "https://runs.example/{run_name}", "webhooks": hooks}}))
    return path


def results(out: str) -> dict[str, str]:
    _, *rows = out.splitlines()
    return {row.split()[0]: "delivered" if "NOT" not in row else "NOT delivered" for row in rows}


def test_ci_tells_how_a_remote_run_ended(lens: Lens, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with WebhookServer() as server:
        monkeypatch.setenv("HOOK", server.url)
        given = ("--run-name", "nightly", "--state", "SUCCEEDED", "--verdict", "promote", "--version", "v3")
        ended = lens("notify", "--config", str(config), *given, "--out", "told")
    assert ended.status == 0
    assert results(ended.out) == {"log": "delivered", "all": "delivered"}
    (payload,) = server.payloads
    assert (payload["event"], payload["version"], payload["link"]) == (
        "promoted",
        "v3",
        "https://runs.example/nightly",
    )
    assert json.loads((config.parent / "told" / "notification.json").read_text())["event"] == "promoted"


def test_a_summary_says_it_all(lens: Lens, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    summary: dict[str, Any] = {"status": "failed", "run_name": "first", "verdict": None, "versions": {}, "paths": {}}
    summary["stages"] = [{"stage": "train-model", "status": "failed"}]
    (config.parent / "summary.json").write_text(json.dumps(summary))
    with WebhookServer() as server:
        monkeypatch.setenv("HOOK", server.url)
        ended = lens("notify", "--config", str(config), "--summary", "summary.json")
    assert ended.status == 0
    assert len(server.payloads) == 2
    assert (server.payloads[0]["event"], server.payloads[0]["failed_stages"]) == ("failed", ["train-model"])
    assert server.payloads[0]["link"] == "https://runs.example/first"


def test_a_test_goes_to_every_channel_and_all_must_take_it(
    lens: Lens, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with WebhookServer() as server:
        monkeypatch.setenv("HOOK", server.url)
        assert lens("notify", "--config", str(config), "--test").status == 0
        assert [payload["run_name"] for payload in server.payloads] == ["test", "test"]
    monkeypatch.delenv("HOOK")
    ended = lens("notify", "--config", str(config), "--test")
    assert ended.status == 2
    assert results(ended.out) == {"log": "delivered", "chat": "NOT delivered", "all": "NOT delivered"}
    told = [line for line in ended.err.splitlines() if line.startswith("lab-lens: error: ")]
    assert told == [
        f"lab-lens: error: notification was NOT delivered: channel {name} (webhook): "
        "environment variable HOOK is not set"
        for name in ("chat", "all")
    ]


def test_an_undelivered_notification_fails_the_command_only_if_required(
    lens: Lens, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for required, status in ((False, 0), (True, 1)):
        settings = {"notifications": {"webhooks": [{"url_env": "HOOK", "required": required}]}}
        config.write_text(json.dumps(settings))
        with WebhookServer(Answer(404)) as server:
            monkeypatch.setenv("HOOK", server.url)
            ended = lens("notify", "--config", str(config), "--state", "FAILED")
        assert ended.status == status
        assert "NOT delivered: channel webhook (webhook): it answered 404" in ended.err


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ((), "give --state SUCCEEDED, FAILED or CANCELLED, or --summary FILE, or --test to try the channels"),
        (
            ("--summary", "summary.json", "--state", "FAILED", "--version", "v1"),
            "--summary tells the state, the verdict and the version; leave out --state, --version",
        ),
        (("--summary", "nowhere.json"), "no such file: nowhere.json"),
    ],
)
def test_wrong_input_is_told(lens: Lens, given: tuple[str, ...], problem: str) -> None:
    ended = lens("notify", *given)
    assert ended.status == 2
    assert ended.problems == [problem]


def test_when_no_channel_wants_the_event_that_is_said(lens: Lens, tmp_path: Path) -> None:
    (tmp_path / "quiet.json").write_text('{"notifications": {"log": {"events": ["failed"]}}}')
    ended = lens("notify", "--config", "quiet.json", "--state", "SUCCEEDED")
    assert (ended.status, ended.out) == (0, "no channel wants this event\n")
