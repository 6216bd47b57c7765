"""The training workflow from notes to a registry in a bucket: its own scripts, in jobs that share artifacts alone."""

import csv
import json
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from definitions import WORKFLOWS, load
from loopback.gcs import CloudStorageServer
from workflow_runner import Runner

from lab_lens.config import Config
from lab_lens.registry.open import open_registry

pytestmark = [
    pytest.mark.integration,
    pytest.mark.xdist_group("training-workflow"),
    pytest.mark.skipif(os.name == "nt", reason="GitHub runs these on Linux"),
]

TRAINING = load(next(path for path in WORKFLOWS if path.name == "model_training.yml"))
REGISTRY = "gs://team/ci"
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
    "github.event_name != 'pull_request' && vars.LAB_LENS_REGISTRY || 'model_registry'": REGISTRY,
    "vars.GCP_WORKLOAD_IDENTITY_PROVIDER": "p",
    "vars.GCP_SERVICE_ACCOUNT": "a",
}


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[CloudStorageServer]:
    with CloudStorageServer("team") as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
        yield server


@pytest.fixture
def runner(tiny_config: Config, cloud: CloudStorageServer, tmp_path: Path) -> Runner:
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "tiny.json").write_text(tiny_config.to_json())
    environment = {"STORAGE_EMULATOR_HOST": cloud.url, "OMP_NUM_THREADS": "1"}
    return Runner(TRAINING, tmp_path, VALUES, environment)


def test_a_model_gets_from_notes_into_the_registry(runner: Runner, tmp_path: Path) -> None:
    for job in ("setup", "train", "validate", "bias", "sensitivity", "decide", "deploy"):
        directory = runner.run(job)
    assert runner.values["needs.decide.outputs.verdict"] == "promote"
    assert runner.values["needs.deploy.outputs.version"] == "v1"
    registry = open_registry(REGISTRY)
    assert registry.production() == "v1"
    assert registry.verify("v1") == []
    assert "golden.json" in registry.show("v1").document_hashes
    history = json.loads((tmp_path / "artifacts" / "deployment" / "history.json").read_text())
    assert [entry["action"] for entry in history] == ["registered", "promoted"]
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
