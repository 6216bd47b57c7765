"""A run that did not end well keeps its name when the same settings continue it; any other run gets a new one."""

import json
from pathlib import Path

import pytest

from lab_lens.config import Config
from local_runner.summary import interrupted_run_name


def left_behind(out: Path, status: str, config: Config) -> Path:
    out.mkdir()
    (out / "summary.json").write_text(json.dumps({"status": status, "run_name": "run-1"}), encoding="utf-8")
    (out / "config.json").write_text(config.to_json(), encoding="utf-8")
    return out


@pytest.mark.parametrize("status", ["running", "interrupted", "failed"])
def test_a_run_that_did_not_end_well_keeps_its_name(status: str, tmp_path: Path) -> None:
    assert interrupted_run_name(left_behind(tmp_path / "out", status, Config()), Config()) == "run-1"


def test_a_run_that_ended_well_is_followed_by_a_new_one(tmp_path: Path) -> None:
    assert interrupted_run_name(left_behind(tmp_path / "out", "succeeded", Config()), Config()) is None


def test_other_settings_make_another_run(tmp_path: Path) -> None:
    assert interrupted_run_name(left_behind(tmp_path / "out", "failed", Config(seed=1)), Config()) is None


def test_an_empty_directory_has_no_run(tmp_path: Path) -> None:
    assert interrupted_run_name(tmp_path, Config()) is None
