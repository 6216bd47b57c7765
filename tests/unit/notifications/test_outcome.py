import json
from pathlib import Path
from typing import Any

import pytest

import lab_lens
from lab_lens.errors import InputError
from lab_lens.notifications.outcome import (
    STAGES,
    RunEnd,
    notification_by_hand,
    notification_of,
    notification_of_summary,
)
from lab_lens.registry.base import HistoryEntry

NOTE = "Zebedee Quux was admitted with chest pain"
VERTEX_JOB = "projects/123456/locations/europe-west4/pipelineJobs/lab-lens-model-development-20261124"


def entry(action: Any, to: str | None, run_id: str = "42") -> HistoryEntry:
    return HistoryEntry("2026-01-01T00:00:00+00:00", action, "ana", f"because {NOTE}", None, to, "", run_id)


def told_of(*history: HistoryEntry, state: str = "SUCCEEDED", **end: str) -> Any:
    return notification_of(RunEnd(state, **{"run_name": "nightly", "run_id": "42"} | end), history, "v7", None)


@pytest.mark.parametrize(
    ("history", "event", "verdict", "version"),
    [
        ([], "succeeded", None, None),
        ([entry("registered", "v2"), entry("promoted", "v2")], "promoted", "promote", "v2"),
        ([entry("registered", "v2"), entry("deploy_failed", "v2"), entry("held", "v1")], "unhealthy", "promote", "v2"),
        ([entry("held", "v1")], "held", "hold", None),
        ([entry("held", None)], "held", "hold", None),
        ([entry("rolled_back", "v1")], "rolled_back", "rollback", "v1"),
    ],
)
def test_the_history_says_what_this_run_did(
    history: list[HistoryEntry], event: str, verdict: str | None, version: str | None
) -> None:
    told = told_of(*history)
    assert (told.event, told.verdict, told.version) == (event, verdict, version)
    assert "succeeded" in told.events
    assert told.production == "v7"


def test_what_other_runs_and_people_did_is_not_told() -> None:
    told = told_of(entry("promoted", "v2", "41"), entry("held", "v2"), entry("rolled_back", "v1", ""))
    assert told.events == ("held", "succeeded")
    nameless = told_of(entry("promoted", "v2", ""), entry("promoted", "v2", "42"), run_id="")
    assert nameless.events == ("succeeded",)


@pytest.mark.parametrize(("state", "event"), [("FAILED", "failed"), ("CANCELLED", "cancelled"), ("ABORTED", "failed")])
def test_a_run_that_promoted_and_then_failed_is_told_as_both(state: str, event: str) -> None:
    told = told_of(entry("promoted", "v2"), state=state)
    assert told.events == (event, "promoted")
    assert (told.event, told.state, told.version) == (event, state, "v2")


def test_of_an_error_only_names_of_stages_and_of_our_errors_are_told() -> None:
    message = (
        "The DAG failed because some tasks failed. The failed tasks are: [train-model, detect-bias].; "
        f"lab_lens.errors.InputError: row 7: {NOTE}; pretrain-models, InputErrors, x-deploy-model"
    )
    told = told_of(state="FAILED", error_message=message)
    assert told.failed_stages == ("train-model", "detect-bias")
    assert told.error_kind == "InputError"
    assert "failed: train-model, detect-bias (InputError)" in told.text
    for where in (json.dumps(told.to_json()), told.subject, told.text):
        assert not any(word in where for word in NOTE.split() if word not in {"was", "with"})
        assert "row 7" not in where


def test_reasons_of_the_history_are_not_told() -> None:
    assert "Zebedee" not in json.dumps(told_of(entry("held", "v1")).to_json())


def test_every_stage_can_be_named() -> None:
    files = {path.stem.replace("_", "-") for path in (Path(lab_lens.__file__).parent / "stages").glob("[a-z]*.py")}
    assert files - {"notify"} <= set(STAGES)


def test_the_link_is_the_configured_one_or_that_of_vertex() -> None:
    end = RunEnd("SUCCEEDED", "night & day", "42", VERTEX_JOB)
    configured = notification_of(end, [], None, "https://kfp.example/#/runs/{run_id}?n={run_name}")
    assert configured.link == "https://kfp.example/#/runs/42?n=night%20%26%20day"
    assert notification_of(end, [], None, None).link == (
        "https://console.cloud.google.com/vertex-ai/locations/europe-west4/pipelines/runs/"
        "lab-lens-model-development-20261124?project=123456"
    )
    assert told_of(job="local-pipeline-exit-handler-1").link is None


@pytest.mark.parametrize(
    ("state", "verdict", "events"),
    [
        ("SUCCEEDED", "", ("succeeded",)),
        ("SUCCEEDED", "promote", ("promoted", "succeeded")),
        ("SUCCEEDED", "hold", ("held", "succeeded")),
        ("SUCCEEDED", "rollback", ("rolled_back", "succeeded")),
        ("SUCCEEDED", "unhealthy", ("unhealthy", "succeeded")),
        ("FAILED", "promote", ("failed",)),
    ],
)
def test_a_caller_can_say_what_happened(state: str, verdict: str, events: tuple[str, ...]) -> None:
    assert notification_by_hand(RunEnd(state, "ci"), verdict, None, None).events == events


def summary_of(tmp_path: Path, **changed: Any) -> Path:
    rules = [
        {"rule": "floor.rougeL", "status": "fail", "blocking": True, "reason": NOTE},
        {"rule": "floor.bleu", "status": "waived", "blocking": True, "reason": NOTE},
        {"rule": "disparity.gender", "status": "unknown", "blocking": False, "reason": NOTE},
    ]
    decision = tmp_path / "tasks" / "decision"
    decision.mkdir(parents=True)
    (decision / "decision.json").write_text(json.dumps({"rules": rules}))
    summary = {
        "status": "succeeded",
        "run_name": "by\nhand",
        "verdict": "hold",
        "reasons": [NOTE],
        "stages": [{"stage": "train-model", "status": "succeeded"}],
        "versions": {"candidate": None, "production": "v1"},
        "paths": {"decide_release.decision": "tasks/decision"},
        "error": NOTE,
    }
    path = tmp_path / "summary.json"
    path.write_text(json.dumps(summary | changed))
    return path


def test_a_summary_tells_the_rules_by_name_and_no_sentence(tmp_path: Path) -> None:
    told = notification_of_summary(summary_of(tmp_path), None)
    assert (told.events, told.run_name, told.production) == (("held", "succeeded"), "by hand", "v1")
    assert told.blocking_rules == ("floor.rougeL",)
    assert "Zebedee" not in json.dumps(told.to_json())


@pytest.mark.parametrize(
    ("changed", "events"),
    [
        ({"verdict": "promote", "versions": {"candidate": "v2", "production": "v2"}}, ("promoted", "succeeded")),
        ({"verdict": "promote", "versions": {"candidate": "v2", "production": "v1"}}, ("unhealthy", "succeeded")),
        ({"verdict": "rollback"}, ("rolled_back", "succeeded")),
        ({"status": "interrupted", "verdict": None}, ("cancelled",)),
        ({"status": "failed", "verdict": "promote"}, ("failed",)),
    ],
)
def test_a_summary_tells_how_the_run_ended(tmp_path: Path, changed: dict[str, Any], events: tuple[str, ...]) -> None:
    assert notification_of_summary(summary_of(tmp_path, **changed), None).events == events


def test_a_failed_stage_is_named_by_the_summary(tmp_path: Path) -> None:
    stages = [{"stage": "prepare-data", "status": "succeeded"}, {"stage": "train-model", "status": "failed"}]
    told = notification_of_summary(summary_of(tmp_path, status="failed", stages=stages), None)
    assert told.failed_stages == ("train-model",)


@pytest.mark.parametrize("content", ["[]", "{}", '{"status": "odd"}'])
def test_a_file_that_is_no_summary_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "summary.json").write_text(content)
    with pytest.raises(InputError, match="is no summary of a run"):
        notification_of_summary(tmp_path / "summary.json", None)
