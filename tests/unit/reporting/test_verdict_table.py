import json
from pathlib import Path
from typing import Any

import pytest
from run_records import decision, write_run

from lab_lens.errors import InputError
from lab_lens.reporting.verdict_table import verdict_markdown


def written(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def rows_of(text: str) -> list[list[str]]:
    """Cells of each table row, headers and rulers left out."""
    lines = [line for line in text.splitlines() if line.startswith("| ") and ":--" not in line]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_a_held_decision_says_so_first_and_lists_the_refusing_rule_first(tmp_path: Path) -> None:
    text = verdict_markdown(written(tmp_path / "decision.json", decision("hold", 0.1)))
    assert text.splitlines()[0].startswith("### ✗ hold")
    rows = rows_of(text)
    assert rows[0][:4] == ["Rule", "Measured", "Needed", "Status"]
    assert rows[1][3] == "✗ fail"
    assert len(rows) == 1 + 6, "every rule has its row"


def test_a_directory_is_as_good_as_its_file(tmp_path: Path) -> None:
    path = written(tmp_path / "decision.json", decision("promote", 0.3))
    assert verdict_markdown(tmp_path) == verdict_markdown(path)
    assert "No rule said no." in verdict_markdown(path)


def test_a_forced_release_names_who_and_why_and_cannot_inject(tmp_path: Path) -> None:
    forced = decision("promote", 0.1) | {"forced": {"actor": "dr.k", "reason": "<b>rehearsal</b> | of [the](x) drill"}}
    text = verdict_markdown(written(tmp_path / "decision.json", forced))
    assert "Forced by dr.k&#58; &#60;b&#62;rehearsal" in text
    assert "<b>" not in text


def test_a_rule_that_could_not_be_measured_shows_no_number(tmp_path: Path) -> None:
    text = verdict_markdown(written(tmp_path / "decision.json", decision("promote", 0.3)))
    (unknown,) = [row for row in rows_of(text) if row[0] == "rougeL by ethnicity"]
    assert unknown[1] == "not computed"
    assert unknown[3] == "? unknown, only warns"


def test_a_run_shows_its_outcome_rules_metrics_and_stages(tmp_path: Path) -> None:
    summary = write_run(tmp_path, "promote", 0.3) | {"metrics": {"rougeL": 0.3}}
    text = verdict_markdown(written(tmp_path / "summary.json", summary))
    assert text.startswith("### ✓ Released as")
    rows = rows_of(text)
    assert {"Rule", "Metric", "Stage"} <= {row[0] for row in rows}
    assert {stage["stage"] for stage in summary["stages"]} <= {row[0] for row in rows}


def test_a_failed_run_names_the_stage_and_needs_no_decision(tmp_path: Path) -> None:
    summary = write_run(tmp_path, "hold", 0.1, stages=2)
    text = verdict_markdown(written(tmp_path / "summary.json", summary))
    assert text.startswith("### ✗ The run failed in generate-summaries")
    assert "What the policy asked" not in text


@pytest.mark.parametrize("content", [{}, [], {"verdict": "promote"}, {"verdict": "hold", "rules": [{"rule": "x"}]}])
def test_other_files_are_refused_by_name(tmp_path: Path, content: Any) -> None:
    with pytest.raises(InputError, match=r"decision\.json is neither a decision nor the summary of a run"):
        verdict_markdown(written(tmp_path / "decision.json", content))


def test_a_run_under_way_is_said_to_be_under_way(tmp_path: Path) -> None:
    started = {"schema_version": 1, "status": "running", "run_name": "x", "started": "2026-11-24T09:00:00+00:00"}
    with pytest.raises(InputError, match="has not ended"):
        verdict_markdown(written(tmp_path / "summary.json", started))


def test_nothing_there_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no summary\.json or decision\.json at .*: give the file"):
        verdict_markdown(tmp_path)
