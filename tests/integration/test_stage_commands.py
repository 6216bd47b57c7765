"""The whole chain by itself, one command a stage, as somebody without a POSIX shell works: two releases, a rollback."""

import contextlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from process_logging import kept_logging

from lab_lens.cli.main import main
from lab_lens.config import Config
from lab_lens.registry.local import LocalRegistry

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("stage-commands")]

STAMP = re.compile(r"_\d{8}T\d{6}(?=\.)")
POSIX_ONLY = pytest.mark.skipif(os.name == "nt", reason="stops the server by a POSIX signal")


@dataclass
class Bench:
    """A working directory in which commands were run one after another; `statuses` and `said` by name of the step."""

    path: Path
    statuses: dict[str, int] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)

    def call(self, step: str, *arguments: str) -> None:
        out = io.StringIO()
        with contextlib.chdir(self.path), contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            self.statuses[step] = main(arguments)
        self.said[step] = out.getvalue()
        assert "Traceback" not in self.said[step]

    def release(self, name: str, version: str, base_model: str) -> None:
        """Train, measure and release a candidate; the policy says no, so it is forced."""
        config, device = ("--config", "config.json"), ("--device", "cpu")
        data, untracked = ("--data", "data"), "--no-tracking"
        models = ("--out", f"{name}/model", "--base-model", base_model)
        seen = ("--predictions", f"{name}/predictions", *data)
        reports = ("--validation", f"{name}/validation", "--bias", f"{name}/bias")
        self.call(f"{name} train", "train-model", *data, *config, *device, *models, untracked)
        model = ("--model", f"{name}/model")
        predictions = ("--out", f"{name}/predictions")
        self.call(f"{name} generate", "generate-summaries", *model, *data, *config, *device, *predictions)
        champion = ("--champion", f"{name}/predictions/champion")
        self.call(
            f"{name} validate", "validate-model", *seen, *champion, *config, "--out", f"{name}/validation", untracked
        )
        self.call(f"{name} bias", "detect-bias", *seen, *config, "--out", f"{name}/bias", untracked)
        explain = (*model, *seen, *config, *device, "--out", f"{name}/sensitivity", "--num-samples", "1")
        self.call(f"{name} explain", "analyze-sensitivity", *explain, untracked)
        decide = ("decide-release", *reports, "--sensitivity", f"{name}/sensitivity", *config, untracked)
        self.call(f"{name} decide", *decide, "--out", f"{name}/decision", "--fail-on-hold")
        force = ("--out", f"{name}/forced", "--fail-on-hold", "--force-reason", "a rehearsal", "--actor", "ana")
        self.call(f"{name} force", *decide, *force)
        bound = (*model, "--decision", f"{name}/forced", *reports, "--version", version, "--actor", "ana")
        self.call(f"{name} register", "register-model", *bound)
        deploy = ("deploy-model", "--version", version, *config, *device, "--actor", "ana")
        self.call(f"{name} deploy", *deploy, "--out", f"{name}/deployment")

    def json(self, path: str) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.path / path).read_text(encoding="utf-8"))
        return content

    def unstamped(self, directory: str) -> set[str]:
        """Names in a directory, with `*` for the stamp of the time."""
        return {STAMP.sub("_*", path.name) for path in (self.path / directory).iterdir()}


@pytest.fixture(scope="module")
def bench(tiny_config: Config, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    bench = Bench(tmp_path_factory.mktemp("bench"))
    with kept_logging():
        (bench.path / "config.json").write_text(tiny_config.to_json(), encoding="utf-8")
        bench.call("prepare", "prepare-data", "--data", "synthetic", "--config", "config.json", "--out", "data")
        bench.release("first", "v1.0", "scratch:tiny")
        # The second candidate starts from the first one's weights, so that it differs from it.
        bench.release("second", "2.0", "first/model")
    return bench


def test_every_command_ends_with_0_but_the_gate_that_was_asked_to_fail(bench: Bench) -> None:
    refused = {step for step, status in bench.statuses.items() if status == 3}
    assert refused == {"first decide", "second decide"}
    others = {step: bench.said[step] for step, status in bench.statuses.items() if status not in {0, 3}}
    assert others == {}


def test_the_gate_says_on_one_line_why_it_said_no(bench: Bench) -> None:
    last = bench.said["first decide"].splitlines()[-1]
    assert last == f"lab-lens: error: the verdict is hold; {Path('first', 'decision', 'decision.html')} says why"
    assert bench.json("first/decision/decision.json")["verdict"] == "hold"


def test_prepare_data_tells_the_counts_in_words(bench: Bench) -> None:
    assert re.search(
        r"^rows read \d+, rows filtered 0, examples \d+, patients 40, ", bench.said["prepare"], re.MULTILINE
    )


def test_a_stage_run_by_itself_is_tracked_in_mlruns_unless_told_otherwise(bench: Bench) -> None:
    from mlflow.tracking import MlflowClient

    client = MlflowClient(f"sqlite:///{(bench.path / 'mlruns' / 'mlflow.db').as_posix()}")
    experiment = client.get_experiment_by_name("lab-lens")
    (run,) = client.search_runs([experiment.experiment_id])
    assert re.fullmatch(r"prepare-data-\d{8}T\d{6}", run.info.run_name)
    assert run.data.metrics["data/patients"] == 40


def test_the_names_of_reports_are_stamped(bench: Bench) -> None:
    assert bench.unstamped("first/validation") == {
        "validation_report_*.json",
        "validation_report_*.html",
        "validation_summary_*.txt",
        "predictions_*.csv",
    }
    assert bench.unstamped("first/bias") == {
        "bias_report_*.json",
        "bias_report_*.html",
        "bias_summary_*.txt",
        "predictions_with_slices_*.csv",
    }
    explained = bench.unstamped("first/sensitivity")
    assert {"sensitivity_report_*.json", "sensitivity_report_*.html"} < explained
    assert any(re.fullmatch(r"lime_explanation_.+\.png", name) for name in explained)
    assert any(re.match(r"section_importance.*\.png", name) for name in explained)
    assert any(re.match(r"length_sensitivity_analysis.*\.png", name) for name in explained)


def test_the_model_directory_holds_the_model_and_nothing_else(bench: Bench) -> None:
    names = {path.name for path in (bench.path / "first" / "model").iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json", "training_manifest.json"} <= names
    assert not [name for name in names if name.endswith((".html", ".bin", ".pt", ".pkl"))]
    assert (bench.path / "first" / "model-training.html").is_file()


def test_the_second_candidate_was_measured_beside_the_first(bench: Bench) -> None:
    assert bench.json("first/predictions/champion/champion.json")["version"] is None
    assert bench.json("second/predictions/champion/champion.json")["version"] == "v1.0"
    assert bench.json("second/decision/decision.json")["champion"] == "v1.0"


def test_a_forced_release_is_recorded_with_actor_and_reason(bench: Bench) -> None:
    assert bench.json("first/forced/decision.json")["forced"] == {"actor": "ana", "reason": "a rehearsal"}


def test_a_deployed_version_is_in_production(bench: Bench) -> None:
    assert bench.json("second/deployment/deployment.json")["status"] == "healthy"
    assert bench.said["second deploy"].splitlines()[-2] == "v2.0: healthy"


@POSIX_ONLY
def test_serve_answers_with_a_summary_until_it_is_interrupted(bench: Bench) -> None:
    command = [sys.executable, "-m", "lab_lens", "serve", "--version", "v2.0", "--port", "0", "--device", "cpu"]
    with subprocess.Popen(command, cwd=bench.path, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        lines = iter(server.stderr.readline, "")
        address = next(found[0] for line in lines if (found := re.search(r"http://[\d.]+:\d+", line)))
        assert any(line.startswith("ready: ") for line in lines)
        body = json.dumps({"instances": [{"text": "The patient was admitted with chest pain."}]}).encode()
        request = urllib.request.Request(f"{address}/predict", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            assert json.load(answer)["predictions"][0]["summary"]
        server.send_signal(signal.SIGINT)
        assert server.wait(timeout=60) == 0


def test_rollback_returns_production_to_the_version_before(bench: Bench) -> None:
    bench.call("rollback", "rollback-model", "--force", "--reason", "v2.0 [omits] allergies", "--actor", "ben")
    assert bench.statuses["rollback"] == 0, bench.said["rollback"]
    assert LocalRegistry(bench.path / "model_registry").production() == "v1.0"
    assert bench.json("rollback/rollback.json")["from"] == "v2.0"
    bench.call("history", "registry", "history")
    assert "v2.0 [omits] allergies" in bench.said["history"]
    bench.call("again", "rollback-model", "--force", "--reason", "once more", "--actor", "ben")
    assert bench.statuses["again"] == 2, "there is nothing before v1.0"
