import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lab_lens import artifacts
from lab_lens.errors import InputError
from lab_lens.registry.local import LocalRegistry
from lab_lens.stages.register_model import RegisteredVersion, run_register_model
from lab_lens.tracking import local_tracking_uri, tracking_target


@dataclass
class Candidate:
    """What the earlier stages hand over, as real files."""

    root: Path

    def write(self) -> "Candidate":
        (self.root / "model").mkdir(parents=True)
        (self.root / "model" / "model.safetensors").write_text("weights")
        artifacts.write_json(self.root / "model" / "training_manifest.json", {"data_hash": "d0"})
        rouge = {"label": "ROUGE-L", "estimate": 0.31, "low": 0.28, "high": 0.34}
        self.model_hash = artifacts.content_hash(artifacts.sha256_files(self.root / "model"))
        report = {"model_hash": self.model_hash, "metrics": {"rougeL": rouge}}
        artifacts.write_json(self.root / "validation" / "validation_report.json", report)
        artifacts.write_json(self.root / "bias" / "bias_report_20260102T030405.json", {"slices": []})
        return self.decide()

    def decide(self, **changes: Any) -> "Candidate":
        hashes = {
            "validation_report": artifacts.sha256_file(self.root / "validation" / "validation_report.json"),
            "bias_report": artifacts.sha256_file(self.root / "bias" / "bias_report_20260102T030405.json"),
        }
        decision = {"verdict": "promote", "model_hash": self.model_hash, "config_hash": "c0", "report_hashes": hashes}
        artifacts.write_report(self.root / "decision" / "decision.json", decision | changes)
        return self

    def register(self, **options: Any) -> RegisteredVersion:
        parts = [self.root / name for name in ("model", "decision", "validation", "bias")]
        return run_register_model(*parts, registry=self.root / "registry", actor="ana", **options)


@pytest.fixture
def candidate(tmp_path: Path) -> Candidate:
    return Candidate(tmp_path).write()


def test_a_promoted_model_becomes_a_version_with_the_figures_of_its_own_report(candidate: Candidate) -> None:
    version = candidate.register()
    registry = LocalRegistry(candidate.root / "registry")
    stored = registry.show(version.version)
    assert (version.version, version.content_hash) == ("v1", candidate.model_hash)
    assert stored.metrics == {"rougeL": 0.31, "rougeL_low": 0.28, "rougeL_high": 0.34}
    assert (stored.config_hash, stored.data_hash, stored.actor) == ("c0", "d0", "ana")
    kept = {path.name for path in Path(version.model_uri).parent.iterdir()}
    assert kept == {"model", "version.json", "decision.json", "validation_report.json", "bias_report.json"}
    assert registry.production() is None


def test_a_version_links_to_the_runs_that_made_it(candidate: Candidate, tmp_path: Path) -> None:
    target = tracking_target(local_tracking_uri(tmp_path / "mlruns"), "lab-lens", "run-1")
    version = candidate.register(job="projects/p/locations/l/pipelineJobs/7", tracking=target).version
    links = LocalRegistry(candidate.root / "registry").show(version).links
    assert links["pipeline_job"] == "projects/p/locations/l/pipelineJobs/7"
    assert len(links["mlflow_run"]) == 32


def test_registering_again_gives_the_same_version(candidate: Candidate) -> None:
    assert candidate.register() == candidate.register(version="2.0")


@pytest.mark.parametrize("verdict", ["hold", "rollback", "PROMOTE", None])
def test_only_a_promoted_model_is_registered(candidate: Candidate, verdict: str | None) -> None:
    candidate.decide(verdict=verdict)
    with pytest.raises(InputError, match="only verdict 'promote' lets a model in"):
        candidate.register()
    assert not (candidate.root / "registry").exists()


def test_a_model_that_changed_after_the_decision_is_refused(candidate: Candidate) -> None:
    (candidate.root / "model" / "model.safetensors").write_text("other weights")
    with pytest.raises(InputError, match="the decision is about another model") as refused:
        candidate.register()
    assert len(refused.value.problems) == 2
    assert not (candidate.root / "registry").exists()


@pytest.mark.parametrize("report", ["validation/validation_report.json", "bias/bias_report_20260102T030405.json"])
def test_a_report_that_was_not_the_one_decided_on_is_refused(candidate: Candidate, report: str) -> None:
    path = candidate.root / report
    artifacts.write_json(path, json.loads(path.read_text()) | {"note": "improved later"})
    with pytest.raises(InputError, match="the decision was made on another"):
        candidate.register()


def test_a_decision_that_was_edited_by_hand_is_refused(candidate: Candidate) -> None:
    path = candidate.decide(verdict="hold").root / "decision" / "decision.json"
    path.write_text(path.read_text().replace('"hold"', '"promote"'))
    with pytest.raises(InputError, match="changed after its stage wrote it"):
        candidate.register()
    assert not (candidate.root / "registry").exists()


def test_every_problem_is_named_at_once(candidate: Candidate) -> None:
    candidate.decide(verdict="hold", model_hash="m9", report_hashes={})
    with pytest.raises(InputError) as refused:
        candidate.register()
    assert len(refused.value.problems) == 4
