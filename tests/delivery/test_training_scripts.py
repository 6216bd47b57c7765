"""Inline scripts of the training workflow, run as GitHub runs them."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from definitions import ROOT, WORKFLOWS, load

pytestmark = pytest.mark.skipif(os.name == "nt", reason="GitHub runs these on Linux")

TRAINING = load(next(path for path in WORKFLOWS if path.name == "model_training.yml"))
ASKED = {
    "DATA": "synthetic",
    "SKIP_TRAINING": "false",
    "TRAINED_MODEL": "",
    "FORCE_DEPLOY": "false",
    "FORCE_REASON": "",
    "RUN_ID": "42",
    "CONFIG": "configs/demo.json",
}


def run_step(job: str, name: str, environment: dict[str, str], cwd: Path) -> subprocess.CompletedProcess[str]:
    script = next(step["run"] for step in TRAINING["jobs"][job]["steps"] if step["name"] == name)
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=cwd,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "output"


def ask(output: Path, **asked: str) -> tuple[int, list[str], dict[str, str]]:
    """Exit status, problems and outputs of what somebody asks for."""
    output.touch()
    done = run_step("setup", "What is asked for", {**ASKED, **asked, "GITHUB_OUTPUT": str(output)}, ROOT)
    problems = [line.removeprefix("::error::") for line in done.stdout.splitlines()]
    return done.returncode, problems, dict(line.split("=", 1) for line in output.read_text().splitlines())


def test_a_push_trains_on_synthetic_notes_here(output: Path) -> None:
    assert ask(output) == (0, [], {"place": "runner", "model_run": "42"})


def test_notes_of_a_bucket_are_read_on_vertex(output: Path) -> None:
    assert ask(output, DATA="gs://notes/n.csv") == (0, [], {"place": "vertex", "model_run": "42"})


def test_the_model_of_an_earlier_run_is_taken(output: Path) -> None:
    assert ask(output, SKIP_TRAINING="true", TRAINED_MODEL="7")[2] == {"place": "runner", "model_run": "7"}


def test_a_force_with_a_reason_is_let_through(output: Path) -> None:
    assert ask(output, FORCE_DEPLOY="true", FORCE_REASON="the sensor was off")[0] == 0


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        ({"DATA": "/home/me/notes.csv"}, "data must be synthetic or gs://bucket/file"),
        ({"DATA": "gs://"}, "data must be synthetic or gs://bucket/file"),
        ({"CONFIG": "configs/none.json"}, "config must be a file of this repository, such as configs/demo.json"),
        ({"SKIP_TRAINING": "true"}, "trained_model must be the number of an earlier run"),
        ({"SKIP_TRAINING": "true", "TRAINED_MODEL": "gs://b/m"}, "trained_model must be the number of an earlier run"),
        (
            {"DATA": "gs://b/n.csv", "SKIP_TRAINING": "true", "TRAINED_MODEL": "7"},
            "trained_model must be a gs:// directory",
        ),
        ({"TRAINED_MODEL": "7"}, "trained_model is given, but skip_training is not"),
        ({"FORCE_DEPLOY": "true"}, "force_deploy needs a force_reason of at least 10 characters"),
        ({"FORCE_REASON": "because I say so"}, "force_reason is given, but force_deploy is not"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_reason(output: Path, asked: dict[str, str], problem: str) -> None:
    assert ask(output, **asked) == (2, [problem], {})


def test_all_problems_are_told_at_once(output: Path) -> None:
    status, problems, _ = ask(output, DATA="x", FORCE_DEPLOY="true", TRAINED_MODEL="7")
    assert (status, len(problems)) == (2, 3)


def test_a_value_is_never_run(output: Path, tmp_path: Path) -> None:
    ask(output, DATA=f'"; touch {tmp_path}/pwned; $(touch {tmp_path}/pwned)', CONFIG="`touch pwned`")
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize(
    ("results", "verdict", "green"),
    [
        ("success success skipped", "promote", True),
        ("success success success", "hold", False),
        ("success failure skipped", "promote", False),
        ("success cancelled", "promote", False),
        ("success skipped", "", False),
    ],
)
def test_the_verdict_is_green_for_a_released_candidate_alone(
    results: str, verdict: str, green: bool, tmp_path: Path
) -> None:
    done = run_step("verdict", "Promote, or red", {"RESULTS": results, "VERDICT": verdict}, tmp_path)
    assert (done.returncode == 0) == green


@pytest.fixture
def rollback(tmp_path: Path) -> Path:
    """A checkout whose lab-lens writes down how it is called, and knows of a registry what the test says."""
    program = tmp_path / ".venv" / "bin" / "lab-lens"
    program.parent.mkdir(parents=True)
    known = 'if [ "$1" = registry ]; then cat known.json; exit; fi\n'
    record = 'mkdir -p rollback; echo \'{"from": "v2", "to": "v1"}\' > rollback/rollback.json\n'
    program.write_text(f'#!/bin/sh\n{known}printf "%s\\n" "$@" >> calls\n{record}')
    program.chmod(0o755)
    (tmp_path / ".github").mkdir()
    shutil.copy(ROOT / ".github" / "production.sh", tmp_path / ".github")
    (tmp_path / "decision").mkdir()
    (tmp_path / "decision" / "decision.json").write_text(json.dumps({"reasons": ["ROUGE-L fell", "so did BLEU"]}))
    return tmp_path


def roll_back(checkout: Path, production: str, **values: str) -> list[str]:
    """How lab-lens was called, a word each."""
    (checkout / "known.json").write_text(json.dumps({"production": production or None}))
    environment = {"VERDICT": "promote", "CHAMPION": "", "CANDIDATE": "", "ACTOR": "ana", "RUN": "https://x/1"}
    summary = {"GITHUB_STEP_SUMMARY": str(checkout / "summary.md"), "REGISTRY": "gs://b/r"}
    done = run_step("rollback", "Return to the last good version", {**environment, **values, **summary}, checkout)
    assert done.returncode == 0, done.stderr
    calls = checkout / "calls"
    return calls.read_text().splitlines() if calls.exists() else []


def test_production_returns_when_the_gate_says_so(rollback: Path) -> None:
    calls = roll_back(rollback, "v2", VERDICT="rollback", CHAMPION="v2")
    assert calls[:3] == ["rollback-model", "--registry", "gs://b/r"]
    assert "ROUGE-L fell; so did BLEU" in calls
    assert (rollback / "summary.md").read_text() == "Production returned from v2 to v1.\n"


def test_production_returns_when_a_deployment_ended_half_way(rollback: Path) -> None:
    calls = roll_back(rollback, "v3", CANDIDATE="v3")
    assert "the deployment of v3 did not end well: https://x/1" in calls


@pytest.mark.parametrize(
    ("production", "values"),
    [
        ("v2", {"CANDIDATE": "v3"}),
        ("v2", {}),
        ("", {}),
        ("v4", {"VERDICT": "rollback", "CHAMPION": "v2"}),
    ],
    ids=["unhealthy, never promoted", "failed before it registered", "empty registry", "moved on since the decision"],
)
def test_production_stays_otherwise(rollback: Path, production: str, values: dict[str, str]) -> None:
    assert roll_back(rollback, production, **values) == []
    assert "Nothing to roll back" in (rollback / "summary.md").read_text()
