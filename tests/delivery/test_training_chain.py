"""The training workflow from notes to a registry in a bucket: its own scripts, in jobs that share artifacts alone."""

import csv
import json
import os
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from definitions import WORKFLOWS, load
from workflow_runner import Runner

from lab_lens.config import Config

pytestmark = [
    pytest.mark.integration,
    pytest.mark.xdist_group("training-workflow"),
    pytest.mark.skipif(os.name == "nt", reason="GitHub runs these on Linux"),
]

TRAINING = load(next(path for path in WORKFLOWS if path.name == "model_training.yml"))
REASON = "a rehearsal on forty patients | <b>"
VALUES = {
    "github.actor": "ana",
    "github.run_id": "42",
    "github.token": "",
    "inputs.base_model": "",
    "inputs.config || 'configs/demo.json'": "configs/tiny.json",
    "inputs.data || 'synthetic'": "synthetic",
    "inputs.skip_training || false": "false",
    "inputs.trained_model": "",
    "inputs.force_deploy || false": "true",
    "inputs.force_reason": REASON,
    "inputs.force_deploy && inputs.force_reason || ''": REASON,
    "vars.LAB_LENS_REGISTRY": "gs://team/ci",
    "vars.GCP_WORKLOAD_IDENTITY_PROVIDER": "p",
    "vars.GCP_SERVICE_ACCOUNT": "a",
}


@pytest.fixture
def runner(tiny_config: Config, bucket: Path, tmp_path: Path) -> Runner:
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "tiny.json").write_text(tiny_config.to_json())
    environment = {"FAKE_BUCKET": str(bucket), "OMP_NUM_THREADS": "1"}
    return Runner(TRAINING, tmp_path, VALUES, environment)


def test_a_model_gets_from_notes_into_the_registry(runner: Runner, bucket: Path, tmp_path: Path) -> None:
    for job in ("setup", "train", "validate", "bias", "sensitivity", "decide", "deploy"):
        directory = runner.run(job)
    assert runner.values["needs.decide.outputs.verdict"] == "promote"
    assert runner.values["needs.deploy.outputs.version"] == "v1"
    kept = json.loads((bucket / "team/ci/registry_index.json").read_text())
    assert kept["production"] == "v1"
    assert (bucket / "team/ci/v1/model/model.safetensors").is_file()
    shown = (directory / "github_step_summary").read_text()
    assert re.search(r"^v1 +production ", shown, re.MULTILINE)
    said = (tmp_path / "decide" / "github_step_summary").read_text()
    assert said.startswith("### ✓ promote")
    assert "&#124; &#60;b&#62;" in said
    _only_reports_are_kept(tmp_path / "artifacts", tmp_path / "validate" / "data" / "model_ready")


def _only_reports_are_kept(artifacts: Path, data: Path) -> None:
    """No report holds a sentence of a note; what holds summaries or weights says that it is synthetic."""
    kept = [path for path in artifacts.rglob("*") if path.is_file()]
    heavy = {path.relative_to(artifacts).parts[0] for path in kept if path.suffix in {".csv", ".safetensors"}}
    assert heavy == {"synthetic-model", "synthetic-predictions"}
    assert not any(path.name.startswith("lime_") for path in kept)
    reports = [path for path in kept if path.suffix in {".json", ".html", ".txt"} and "synthetic-" not in str(path)]
    assert len(reports) > 10
    sentences = _sentences(data)
    assert len(sentences) > 20
    assert _holding(reports, sentences) == []
    planted = artifacts / "planted.txt"
    planted.write_text(f"An example: {sentences[-1]}!", encoding="utf-8")
    assert _holding([planted], sentences) == [planted], "the check above could not fail"


def _sentences(data: Path) -> list[str]:
    """Longer sentences and lines of all notes and their reference summaries."""
    found: list[str] = []
    for path in sorted(data.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as handle:
            texts = [row[name] for row in csv.DictReader(handle) for name in ("input_text", "target_summary")]
        found += [part for text in texts for part in re.split(r"[.\n]", text) if len(part) >= 40]
    return found


def _holding(paths: Sequence[Path], sentences: Sequence[str]) -> list[Path]:
    texts = {path: path.read_text(encoding="utf-8") for path in paths}
    return [path for path, text in texts.items() if any(sentence in text for sentence in sentences)]
