"""The doctor names what is missing and its cure, and says nothing of what is in order."""

import json
import socket
from pathlib import Path

import pytest

from lab_lens.cli.main import main
from local_runner.choice import choose_runner
from local_runner.doctor import Finding, examine

NOWHERE = "unix:///nowhere/docker.sock"


def found(check: str, *, docker_needed: bool = False) -> Finding:
    (finding,) = [
        item for item in examine(Path(), ["lab-lens-ops"], docker_needed=docker_needed) if item.check == check
    ]
    return finding


@pytest.mark.parametrize(("needed", "status"), [(False, "note"), (True, "problem")])
def test_an_engine_that_does_not_answer_is_a_problem_only_for_who_needs_it(
    needed: bool, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", NOWHERE)
    finding = found("docker", docker_needed=needed)
    assert finding.status == status
    assert "does not answer" in finding.detail
    assert "start Docker" in finding.cure


def test_a_port_that_is_taken_names_the_flag_that_changes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        monkeypatch.setattr("local_runner.doctor._PORTS", {listener.getsockname()[1]: "lab-lens serve"})
        finding = found(f"port {listener.getsockname()[1]}")
    assert (finding.status, finding.cure) == ("note", "lab-lens serve --port N")


def test_credentials_that_are_not_there_are_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "key.json"))
    assert found("credentials").status == "problem"
    (tmp_path / "key.json").touch()
    assert found("credentials").status == "ok"


def test_every_finding_that_is_not_in_order_has_a_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", NOWHERE)
    assert [
        item.check for item in examine(Path(), [], docker_needed=True) if item.status != "ok" and not item.cure
    ] == []


def test_the_command_ends_with_2_when_something_would_make_runs_fail(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DOCKER_HOST", NOWHERE)
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    assert main(["doctor", "--json"]) == 0
    capsys.readouterr()
    assert main(["doctor", "--runner", "docker", "--json"]) == 2
    findings = json.loads(capsys.readouterr().out)
    assert {item["check"] for item in findings if item["status"] == "problem"} == {"docker"}


def test_auto_runs_natively_on_apple_s_gpu_and_says_so() -> None:
    assert choose_runner("mps", []) == ("native", "containers cannot use Apple's GPU (MPS)")


def test_auto_runs_natively_without_an_engine_and_gives_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", NOWHERE)
    name, reason = choose_runner("cpu", ["lab-lens-ops"])
    assert name == "native"
    assert "does not answer" in reason


def test_an_engine_on_another_machine_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://192.0.2.1:2375")
    name, reason = choose_runner("cpu", [])
    assert name == "native"
    assert "another machine" in reason
