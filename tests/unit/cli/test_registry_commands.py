import socket
from pathlib import Path

import pytest
from command_line import Lens

from lab_lens.registry.base import Evidence
from lab_lens.registry.local import LocalRegistry

REASON = "v2 omits [bold]allergies[/bold] :warning: and [/] " + "very " * 60 + "often"


@pytest.fixture
def registry(tmp_path: Path) -> LocalRegistry:
    """v1 is in production again after v2, which was rolled back; v3 was never promoted."""
    registry = LocalRegistry(tmp_path / "model_registry")
    decision = tmp_path / "decision.json"
    decision.write_text('{"verdict": "promote"}', encoding="utf-8")
    for number, rouge_l in enumerate((0.3125, 0.4, None), start=1):
        model = tmp_path / f"model-{number}"
        model.mkdir()
        (model / "model.safetensors").write_text(str(number), encoding="utf-8")
        evidence = Evidence({"decision.json": decision}, {"rougeL": rouge_l}, config_hash="c", data_hash="d")
        registry.register(model, evidence, actor="ana")
    for version in ("v1", "v2"):
        registry.promote(version, actor="ana", reason="better", decision_hash="h")
    registry.rollback(actor="ben", reason=REASON)
    return registry


def _rows(out: str) -> list[list[str]]:
    return [line.split() for line in out.splitlines() if line.strip(" ─-")]


def test_list_shows_every_version_its_role_and_its_score(registry: LocalRegistry, lens: Lens) -> None:
    ended = lens("registry", "list")
    assert ended.status == 0
    header, first, second, third = _rows(ended.out)
    assert header[:3] == ["version", "role", "ROUGE-L"]
    assert first[:3] == ["v1", "production", "0.312"]
    assert second[:2] == ["v2", "0.400"], "after a rollback there is nothing earlier to return to"
    assert third[:2] == ["v3", "-"], "a metric that was not computed is no zero"


def test_history_keeps_an_event_on_one_line_and_its_reason_letter_by_letter(
    registry: LocalRegistry, lens: Lens
) -> None:
    ended = lens("registry", "history")
    assert ended.status == 0
    rows = _rows(ended.out)
    assert len(rows) == 1 + len(registry.history())
    assert " ".join(REASON.split()) in " ".join(rows[-1])
    assert rows[-1][1:5] == ["ben", "rolled_back", "v2", "v1"]


@pytest.mark.parametrize("action", ["list", "history"])
def test_a_registry_that_does_not_exist_is_an_error_and_is_not_made(action: str, lens: Lens, tmp_path: Path) -> None:
    ended = lens("registry", action, "--registry", "elsewhere")
    assert ended.status == 2
    assert ended.problems == ["no model registry at elsewhere; the first lab-lens run or register-model makes one"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("action", "what"), [("list", "versions"), ("history", "history")])
def test_an_empty_registry_is_told_in_words(action: str, what: str, lens: Lens, tmp_path: Path) -> None:
    (tmp_path / "model_registry").mkdir()
    ended = lens("registry", action)
    assert (ended.status, ended.out) == (0, f"model_registry has no {what} yet\n")


def test_serve_refuses_without_a_production_version(lens: Lens) -> None:
    ended = lens("serve", "--registry", "elsewhere")
    assert ended.status == 2
    assert ended.problems == ["elsewhere has no production version; run the pipeline, or give --version"]


def test_serve_refuses_a_version_that_does_not_exist(registry: LocalRegistry, lens: Lens) -> None:
    ended = lens("serve", "--version", "v9")
    assert ended.status == 2
    (problem,) = ended.problems
    assert "v9" in problem
    assert "v1, v2, v3" in problem


def test_serve_refuses_a_port_that_is_taken(tiny_model_dir: Path, lens: Lens, tmp_path: Path) -> None:
    registry = LocalRegistry(tmp_path / "model_registry")
    decision = tmp_path / "decision.json"
    decision.write_text('{"verdict": "promote"}', encoding="utf-8")
    evidence = Evidence({"decision.json": decision}, {}, config_hash="c", data_hash="d")
    version = registry.register(tiny_model_dir, evidence, actor="ana").version
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = lens("serve", "--version", version, "--port", port)
    assert ended.status == 2
    (problem,) = ended.problems
    assert problem.startswith(f"cannot listen on 127.0.0.1:{port}: ")


def test_mlflow_ui_refuses_a_store_that_does_not_exist_and_makes_none(lens: Lens, tmp_path: Path) -> None:
    for more in ((), ("--tracking-uri", f"sqlite:///{(tmp_path / 'else.db').as_posix()}")):
        ended = lens("mlflow", "ui", *more)
        assert ended.status == 2
        (problem,) = ended.problems
        assert problem.startswith("nothing is tracked in sqlite:///")
    assert list(tmp_path.iterdir()) == []


def test_mlflow_ui_refuses_the_address_of_a_server(lens: Lens) -> None:
    ended = lens("mlflow", "ui", "--tracking-uri", "http://mlflow.example:5000")
    assert ended.status == 2
    assert ended.problems == ["http://mlflow.example:5000 is an MLflow server already: open that address in a browser"]
