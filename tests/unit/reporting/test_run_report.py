import json
import re
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import run_records

from lab_lens.errors import InputError
from lab_lens.reporting.outcome import Outcome, run_outcome
from lab_lens.reporting.run_report import format_seconds, write_run_report


def report_of(run_dir: Path, summary: dict[str, Any]) -> str:
    return unescape(write_run_report(summary, run_dir, run_dir / "report.html").read_text(encoding="utf-8"))


def headline(page: str) -> str:
    found = re.search(r'class="headline">(.*?)<', page)
    assert found
    return found[1]


def change(run_dir: Path, place: str, **changes: Any) -> None:
    path = run_dir / "tasks" / place
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | changes), encoding="utf-8")


def test_a_released_candidate_is_told_with_its_evidence(tmp_path: Path) -> None:
    page = report_of(tmp_path, run_records.write_run(tmp_path, "promote", 0.31))
    assert headline(page) == "Released as v2"
    for said in (
        "Production is v2.",
        "0.310 (0.290 to 0.330)",
        "at least 0.150",
        "candidate: 0.310; champion v1: 0.280; first three sentences of the note: 0.120",
        "one reference for all: not computed",
        "age_group: 65+: -0.090 (flagged)",
        "ethnicity: absent from the data; the data has no column ethnicity.",
        "Brief hospital course: 0.420",
        "ethnicity is absent from the data.",
        "4 min 05 s",
        "unknown, only warns",
    ):
        assert said in page
    assert "Not produced by this run." not in page


def test_a_refused_candidate_is_told_with_the_refusing_rules_first(tmp_path: Path) -> None:
    page = report_of(tmp_path, run_records.write_run(tmp_path, "hold", 0.09))
    assert headline(page) == "Not released"
    assert "2 rules of the policy said no. Production is v1." in page
    assert "ROUGE-L is below the floor." in page
    statuses = re.findall(r'class="status \w+"><span aria-hidden="true">.</span> ([^<]+)<', page)
    assert statuses[:3] == ["hold", "fail", "fail"]
    assert "Next: train longer or on more notes." in page


def test_a_run_that_failed_in_the_middle_says_what_is_missing(tmp_path: Path) -> None:
    page = report_of(tmp_path, run_records.write_run(tmp_path, "promote", 0.31, stages=3))
    assert headline(page) == "The run failed in validate-model"
    assert "validate-model failed: out of memory" in page
    assert page.count("Not produced by this run.") == 4
    assert "none was reached" in page


def test_a_run_that_failed_at_once_or_was_interrupted_has_a_page_too(tmp_path: Path) -> None:
    assert headline(report_of(tmp_path, run_records.write_run(tmp_path, "promote", 0.31, stages=0))) == (
        "The run failed in prepare-data"
    )
    summary = run_records.write_run(tmp_path / "other", "promote", 0.31) | {"status": "interrupted"}
    assert headline(report_of(tmp_path / "other", summary)) == "The run was interrupted"


def test_a_failed_deployment_a_force_and_a_rollback_are_not_told_as_a_release(tmp_path: Path) -> None:
    promoted = run_records.write_run(tmp_path, "promote", 0.31)
    decision = run_records.decision("promote", 0.31)
    reports: dict[str, Any] = {
        "decision": decision,
        "deployment": {"status": "healthy", "reasons": []},
        "rollback": None,
    }
    unhealthy = {"status": "unhealthy", "reasons": ["It did not answer"]}
    assert run_outcome(promoted, reports | {"deployment": unhealthy}) == Outcome(
        "fail", "v2 may be released, but its deployment failed", "It did not answer. Production is v2."
    )
    forced = {"forced": {"reason": "for a test", "actor": "A. Person"}}
    assert run_outcome(promoted, reports | {"decision": decision | forced}) == Outcome(
        "waived",
        "Released by force as v2",
        "A. Person released it against the rules, for this reason: for a test. Production is v2.",
    )
    returned = {"action": "rolled_back", "from": "v2", "to": "v1"}
    refusing = {"rules": [run_records.rule("floor.rougeL", "fail", 0.1, 0.15)]}
    rolled_back = reports | {"rollback": returned, "decision": refusing}
    assert run_outcome(promoted | {"verdict": "rollback"}, rolled_back) == Outcome(
        "rollback",
        "Not released, and the model in production was not good enough either",
        "1 rule of the policy said no. Production returned from v2 to v1.",
    )


def test_every_link_leads_to_something_and_stage_pages_have_a_suffix_that_browsers_know(tmp_path: Path) -> None:
    run_dir = tmp_path / "a run"
    summary = run_records.write_run(run_dir, "promote", 0.31)
    (run_dir / "logs").mkdir()
    page = report_of(run_dir, summary)
    links = [unquote(link) for link in re.findall(r'href="([^"#]+)"', page) if not link.startswith("data:")]
    assert "pages/train_model.html" in links
    assert [link for link in links if not (run_dir / link).exists()] == []
    assert "<title>train-model" in (run_dir / "pages" / "train_model.html").read_text(encoding="utf-8")


def test_a_damaged_report_is_an_input_error_not_a_page_without_it(tmp_path: Path) -> None:
    summary = run_records.write_run(tmp_path, "promote", 0.31)
    (tmp_path / "tasks/detect_bias/report/bias_report.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match="is not JSON"):
        report_of(tmp_path, summary)


def test_what_could_not_be_measured_is_never_a_zero(tmp_path: Path) -> None:
    summary = run_records.write_run(tmp_path, "hold", 0.31)
    validation = run_records.validation(0.31)
    validation["metrics"]["rougeL"] |= run_records.interval(0.31, None)
    validation |= {"truncated_fraction": None, "champion": {"version": None, "reason": "first run"}}
    change(tmp_path, "validate_model/report/validation_report.json", **validation)
    sensitivity = {"lime_mean_r2": None, "section_importance": {"remarks": ["No note was explained."], "parts": []}}
    change(tmp_path, "analyze_sensitivity/report/sensitivity_report.json", **sensitivity)
    page = report_of(tmp_path, summary)
    assert "0.310 (no interval: 3 patients: an interval needs at least 5)" in page
    assert "Champion: none" in page
    assert "No note was explained." in page
    assert "0.0%" not in page


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.04, "0.0 s"), (59.9, "59.9 s"), (245.2, "4 min 05 s"), (7810, "2 h 10 min")]
)
def test_durations_are_said_as_people_say_them(seconds: float, said: str) -> None:
    assert format_seconds(seconds) == said
