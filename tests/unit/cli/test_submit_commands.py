"""What submit, status, cancel and upload-template take, and refuse without asking anyone."""

import subprocess
import sys

import pytest
from command_line import Lens

from lab_lens.cli.main import build_parser

REMOTE = ("submit", "status", "cancel", "upload-template")


@pytest.mark.parametrize("command", REMOTE)
def test_help_loads_neither_kfp_nor_a_cloud(command: str) -> None:
    script = f"""
import sys
from lab_lens.cli.main import main
try:
    main(["{command}", "--help"])
except SystemExit as ended:
    assert ended.code == 0
heavy = ("kfp", "google.api_core", "requests", "yaml", "pydantic", "pipelines")
loaded = [name for name in heavy if name in sys.modules]
sys.exit(f"loaded: {{loaded}}" if loaded else 0)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_token_is_named_and_never_given() -> None:
    for command in (("status", "run"), ("cancel", "run"), ("submit",)):
        parsed = build_parser().parse_args([*command, "--token-env", "NAME"])
        assert parsed.token_env == "NAME"
        assert not hasattr(parsed, "token")


def test_submit_needs_a_service(lens: Lens) -> None:
    ended = lens("submit")
    assert ended.status == 2
    assert ended.problems == [
        "give --project and --region (Vertex AI Pipelines), or --kubeflow HOST",
        "--data is needed: gs://BUCKET/notes.csv, or `synthetic`",
        "--staging-bucket gs://BUCKET is needed",
    ]


def test_labels_without_a_value_are_named(lens: Lens) -> None:
    ended = lens("submit", "--project", "p", "--region", "r", "--data", "synthetic", "--labels", "team,stage=test")
    assert "--labels: 'team' is no label; give KEY=VALUE, with commas between them" in ended.problems


@pytest.mark.parametrize("seconds", ["0", "-1", "4000", "nan"])
def test_the_time_between_two_looks_has_bounds(lens: Lens, seconds: str) -> None:
    problems = lens("submit", "--poll-seconds", seconds).problems
    assert any(problem.startswith("--poll-seconds") for problem in problems)


@pytest.mark.parametrize("name", ["../up", "a/b", 'quote"', "x" * 101, "line\nbreak"])
def test_a_run_name_that_would_be_a_path_or_break_a_line_is_refused(lens: Lens, name: str) -> None:
    problems = lens("submit", "--run-name", name).problems
    assert any(problem.startswith("--run-name: up to 100 letters") for problem in problems)


def test_a_full_name_says_where_the_run_is(lens: Lens) -> None:
    ended = lens("status", "projects/Bad Name/locations/nowhere/pipelineJobs/run")
    assert ended.status == 2
    assert [problem.split(" is no ")[0] for problem in ended.problems] == ["--project 'Bad Name'", "--region 'nowhere'"]


def test_a_run_that_is_no_id_is_refused(lens: Lens) -> None:
    ended = lens("status", "a/b", "--project", "my-project", "--region", "us-central1")
    assert ended.status == 2
    assert ended.problems[0].startswith("'a/b' is no run")


def test_what_is_for_kubeflow_is_refused_elsewhere(lens: Lens) -> None:
    problems = lens("submit", "--namespace", "nlp", "--experiment", "x", "--data", "synthetic").problems
    assert problems[:2] == [
        "--namespace is for Kubeflow; give --kubeflow HOST, or leave it out",
        "--experiment is for Kubeflow; give --kubeflow HOST, or leave it out",
    ]
