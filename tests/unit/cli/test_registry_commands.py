import json
import socket
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest
from command_line import Lens
from registry_place import Maker
from vertex_registry_site import VertexSite

from lab_lens.registry.base import Evidence, Registry
from lab_lens.registry.local import LocalRegistry

Making = Callable[[Registry], Maker]
REASON = "v2 omits [bold]allergies[/bold] :warning: and [/] " + "very " * 60 + "often"


@pytest.fixture
def make(tmp_path: Path) -> Maker:
    (tmp_path / "made").mkdir()
    return Maker(tmp_path / "made", LocalRegistry(tmp_path / "model_registry"))


@pytest.fixture
def registry(make: Maker) -> Registry:
    """v1 is in production again after v2, which was rolled back; v3 was never promoted."""
    for number, rouge_l in enumerate((0.3125, 0.4, None), start=1):
        make.rouge_l = rouge_l
        make.register(str(number))
    for version in ("v1", "v2"):
        make.registry.promote(version, actor="ana", reason="better", decision_hash="h")
    make.registry.rollback(actor="ben", reason=REASON)
    return make.registry


def _rows(out: str) -> list[list[str]]:
    return [line.split() for line in out.splitlines() if line.strip(" ─-")]


def test_list_shows_every_version_its_role_its_verdict_and_its_score(registry: Registry, lens: Lens) -> None:
    ended = lens("registry", "list")
    assert ended.status == 0
    header, first, second, third = _rows(ended.out)
    assert header[:4] == ["version", "role", "verdict", "ROUGE-L"]
    assert first[:4] == ["v1", "production", "promote", "0.312"]
    assert second[:3] == ["v2", "promote", "0.400"], "after a rollback there is nothing earlier to return to"
    assert third[:4] == ["v3", "candidate", "promote", "-"], "a metric that was not computed is no zero"


def test_list_as_json_holds_aliases_and_whole_versions(registry: Registry, lens: Lens) -> None:
    ended = lens("registry", "list", "--json")
    told = json.loads(ended.out)
    assert (ended.status, told["production"], told["previous"], told["candidate"]) == (0, "v1", None, "v3")
    assert told["versions"] == [asdict(version) for version in registry.list_versions()]
    assert told["damaged"] == {}


def test_show_tells_everything_that_is_known_of_a_version(registry: Registry, lens: Lens) -> None:
    ended = lens("registry", "show", "production")
    assert ended.status == 0
    facts = {row[0]: row[1:] for row in _rows(ended.out)}
    stored = registry.show("v1")
    assert (facts["version"], facts["role"], facts["verdict"]) == (["v1"], ["production"], ["promote"])
    assert (facts["content_hash"], facts["model"]) == ([stored.content_hash], ["model_registry/v1/model"])
    assert ["rougeL", "0.312"] in [row[1:] for row in _rows(ended.out)]
    told = json.loads(lens("registry", "show", "1", "--json").out)
    assert told == {**asdict(stored), "role": "production", "model": "model_registry/v1/model"}


def test_show_says_of_a_pruned_version_that_its_files_are_gone(registry: Registry, lens: Lens) -> None:
    registry.prune(0, actor="ana", reason="space")
    assert "pruned: its files are gone" in lens("registry", "show", "v2").out
    assert json.loads(lens("registry", "show", "v2", "--json").out)["model"] is None


def test_history_as_json_holds_whole_entries(registry: Registry, lens: Lens) -> None:
    assert json.loads(lens("registry", "history", "--json").out) == [asdict(entry) for entry in registry.history()]


def test_verify_names_what_is_wrong_and_ends_with_the_status_of_a_no(registry: Registry, lens: Lens) -> None:
    ended = lens("registry", "verify")
    assert (ended.status, _rows(ended.out)[1:]) == (0, [["v1", "intact"], ["v2", "intact"], ["v3", "intact"]])
    (registry.model_dir("v2") / "model.safetensors").unlink()
    ended = lens("registry", "verify", "v1", "v2")
    assert ended.status == 3
    assert _rows(ended.out)[1:] == [["v1", "intact"], ["v2", "model/model.safetensors", "is", "missing"]]
    ended = lens("registry", "verify", "--json")
    assert ended.status == 3
    assert json.loads(ended.out) == {"v1": [], "v2": ["model/model.safetensors is missing"], "v3": []}


def test_one_damaged_version_leaves_the_others_readable(registry: Registry, lens: Lens) -> None:
    path = Path("model_registry/v2/version.json")
    path.chmod(0o644)
    path.write_text("{}")
    ended = lens("registry", "list")
    assert ended.status == 0
    assert [row[:3] for row in _rows(ended.out)[1:]] == [
        ["v1", "production", "promote"],
        ["v2", "damaged", "-"],
        ["v3", "candidate", "promote"],
    ]
    told = json.loads(lens("registry", "list", "--json").out)
    assert [version["version"] for version in told["versions"]] == ["v1", "v3"]
    assert told["damaged"].keys() == {"v2"}
    assert "version.json was changed after registration" in told["damaged"]["v2"]
    assert lens("registry", "show", "production").status == 0
    assert lens("registry", "show", "v2").status == 2
    ended = lens("registry", "verify")
    assert (ended.status, [row[:2] for row in _rows(ended.out)[1:]]) == (
        3,
        [["v1", "intact"], ["v2", "version.json"], ["v3", "intact"]],
    )


@pytest.mark.parametrize("place", ["model_registry", "gs://hospital-models/registry"])
def test_sync_is_for_registries_that_vertex_ai_shows(place: str, lens: Lens) -> None:
    ended = lens("registry", "sync", "--registry", place)
    assert ended.status == 2
    (problem,) = ended.problems
    assert problem.startswith(f"{place} is shown nowhere else, so there is nothing to bring into step; give vertex://")


def test_sync_repairs_what_vertex_ai_shows(site: VertexSite, making: Making, lens: Lens) -> None:
    make = making(site.open())
    make.release("a", "b")
    site.console.merge_version_aliases({"name": f"{site.model}@1", "version_aliases": ["production", "default"]})
    assert "production" in site.aliases()["1"]
    ended = lens("registry", "sync", "--registry", site.location)
    assert (ended.status, ended.out) == (0, "Vertex AI shows the registry as it is; production: v2\n")
    assert site.aliases() == {"1": {"v1", "previous"}, "2": {"v2", "production", "default"}}
    told = json.loads(lens("registry", "sync", "--json", "--registry", site.location).out)
    assert (told["in_step"], told["production"]) == (True, "v2")


def test_promote_moves_production_and_says_who_and_why(registry: Registry, lens: Lens) -> None:
    ended = lens("registry", "promote", "candidate", "--actor", "cleo", "--reason", "approved")
    assert (ended.status, ended.out) == (0, "production: v3 (before: v1)\n")
    entry = registry.history()[-1]
    assert (entry.action, entry.to_version, entry.who, entry.why) == ("promoted", "v3", "cleo", "approved")
    assert entry.decision_hash == registry.show("v3").decision_hash


def test_promote_refuses_a_version_that_was_changed_even_by_force(registry: Registry, lens: Lens) -> None:
    (registry.model_dir("v3") / "model.safetensors").unlink()
    before = registry.history()
    ended = lens("registry", "promote", "v3", "--reason", "r", "--force")
    assert ended.status == 2
    assert ended.problems == ["v3 was not promoted: model/model.safetensors is missing"]
    assert registry.history() == before


def test_promote_refuses_a_version_without_a_decision_unless_it_is_forced_and_records_that(
    registry: Registry, make: Maker, lens: Lens
) -> None:
    registry.register(make.model("by hand"), Evidence({}, {}), actor="ana")
    before = registry.history()
    ended = lens("registry", "promote", "v4", "--reason", "trial")
    assert ended.status == 3
    (problem,) = ended.problems
    assert problem.startswith("v4 was not promoted: it was registered with no decision")
    assert registry.history() == before
    ended = lens("registry", "promote", "v4", "--reason", "trial", "--force", "--json")
    assert (ended.status, json.loads(ended.out)["to_version"]) == (0, "v4")
    assert registry.history()[-1].why == "forced without a decision to promote: trial"


def test_promote_needs_a_reason(registry: Registry, lens: Lens) -> None:
    assert lens("registry", "promote", "v3").status == 2
    ended = lens("registry", "promote", "v3", "--reason", " ")
    assert ended.status == 2
    assert "needs an actor and a reason" in ended.problems[0]
    assert registry.production() == "v1"


def test_prune_tells_or_deletes(registry: Registry, lens: Lens) -> None:
    ended = lens("registry", "prune", "--keep", "0", "--dry-run")
    assert (ended.status, ended.out) == (0, "would be pruned: v2\n")
    assert registry.verify("v2") == []
    ended = lens("registry", "prune", "--keep", "0", "--json")
    assert json.loads(ended.out) == {"dry_run": False, "pruned": ["v2"]}
    assert registry.history()[-1].why == "the newest 0 were to be kept"
    assert lens("registry", "prune", "--keep", "0").out == "pruned: nothing\n"
    assert lens("registry", "prune", "--keep", "-1").status == 2


def test_history_keeps_an_event_on_one_line_and_its_reason_letter_by_letter(registry: Registry, lens: Lens) -> None:
    ended = lens("registry", "history")
    assert ended.status == 0
    rows = _rows(ended.out)
    assert len(rows) == 1 + len(registry.history())
    assert " ".join(REASON.split()) in " ".join(rows[-1])
    assert rows[-1][1:5] == ["ben", "rolled_back", "v2", "v1"]


@pytest.mark.parametrize(
    "action",
    [["list"], ["history"], ["show", "v1"], ["verify"], ["promote", "v1", "--reason", "r"], ["prune", "--keep", "1"]],
)
def test_a_registry_that_does_not_exist_is_an_error_and_is_not_made(
    action: list[str], lens: Lens, tmp_path: Path
) -> None:
    ended = lens("registry", *action, "--registry", "elsewhere")
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


def test_serve_refuses_a_version_that_does_not_exist(registry: Registry, lens: Lens) -> None:
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
