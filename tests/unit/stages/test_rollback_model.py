import json
from collections.abc import Callable
from pathlib import Path

import pytest

from lab_lens.config import Config
from lab_lens.errors import InputError
from lab_lens.registry.base import Evidence
from lab_lens.registry.local import LocalRegistry
from lab_lens.stages.rollback_model import Rollback, read_reasons, run_rollback_model

Act = Callable[..., Rollback]


@pytest.fixture
def registry(tmp_path: Path) -> LocalRegistry:
    """v1, v2 and v3 were promoted one after the other."""
    registry = LocalRegistry(tmp_path / "registry")
    for weights in ("one", "two", "three"):
        model = tmp_path / weights
        model.mkdir()
        (model / "model.safetensors").write_text(weights)
        version = registry.register(model, Evidence({}, {}), actor="ana").version
        registry.promote(version, actor="ana", reason="better", decision_hash="h")
    return registry


@pytest.fixture
def act(tmp_path: Path) -> Act:
    def run(registry: Path = tmp_path / "registry", **options: object) -> Rollback:
        given = {"actor": "ben", "reason": "ROUGE-L fell"} | options
        return run_rollback_model(registry, Config(), rollback_dir=tmp_path / "out", **given)  # type: ignore[arg-type]

    return run


def test_a_hold_keeps_production_and_stands_in_the_history(registry: LocalRegistry, act: Act, tmp_path: Path) -> None:
    assert act().action == "kept"
    assert (registry.production(), registry.previous()) == ("v3", "v2")
    entry = registry.history()[-1]
    assert (entry.action, entry.who, entry.why) == ("held", "ben", "production stays v3: ROUGE-L fell")
    written = json.loads((tmp_path / "out" / "rollback.json").read_text())
    assert written == {
        "schema_version": 1,
        "action": "kept",
        "from": "v3",
        "to": "v3",
        "reason": "ROUGE-L fell",
        "actor": "ben",
    }


def test_force_really_returns_to_the_previous_version_and_on_to_the_one_before(
    registry: LocalRegistry, act: Act
) -> None:
    first, second = act(force=True), act(force=True)
    assert (first.action, first.from_version, first.to_version) == ("rolled_back", "v3", "v2")
    assert (second.from_version, second.to_version) == ("v2", "v1")
    assert registry.production() == "v1"
    with pytest.raises(InputError, match="no previous one to return to"):
        act(force=True)
    assert registry.production() == "v1"


def test_a_named_version_becomes_production(registry: LocalRegistry, act: Act) -> None:
    assert act(to="1").to_version == "v1"
    assert registry.production() == "v1"


@pytest.mark.parametrize(("to", "message"), [("v9", "not registered"), ("../v1", "not allowed"), ("v3", "already")])
def test_a_version_that_cannot_be_returned_to_changes_nothing(
    registry: LocalRegistry, act: Act, to: str, message: str, tmp_path: Path
) -> None:
    before = registry.history()
    with pytest.raises(InputError, match=message):
        act(to=to)
    assert registry.history() == before
    assert not (tmp_path / "out").exists()


def test_production_never_returns_to_a_version_whose_files_were_changed(registry: LocalRegistry, act: Act) -> None:
    weights = registry.model_dir("v2") / "model.safetensors"
    weights.chmod(0o644)
    weights.write_text("tampered")
    before = registry.history()
    with pytest.raises(InputError, match=r"model/model\.safetensors was changed after registration"):
        act(force=True)
    assert (registry.production(), registry.history()) == ("v3", before)


def test_a_hold_before_anything_was_released_has_nothing_to_keep_and_stands_in_the_history(
    act: Act, tmp_path: Path
) -> None:
    assert act(registry=tmp_path / "none", run_id="42").action == "nothing_in_production"
    assert (tmp_path / "out" / "rollback.json").is_file()
    (entry,) = LocalRegistry(tmp_path / "none").history()
    assert (entry.action, entry.to_version, entry.run_id) == ("held", None, "42")
    assert entry.why == "nothing is in production: ROUGE-L fell"


def test_without_a_registry_a_forced_rollback_is_refused(act: Act, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing is in production"):
        act(registry=tmp_path / "none", force=True)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("said", [{"reason": " "}, {"actor": ""}])
def test_a_rollback_without_actor_or_reason_is_refused(registry: LocalRegistry, act: Act, said: dict[str, str]) -> None:
    with pytest.raises(InputError, match="needs an actor and a reason"):
        act(force=True, **said)
    assert registry.production() == "v3"


@pytest.mark.parametrize("name", ["decision.json", "deployment.json"])
def test_reasons_come_from_the_decision_or_the_deployment(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(json.dumps({"reasons": ["ROUGE-L is below 0.15", "BLEU is unknown"]}))
    assert read_reasons(tmp_path) == read_reasons(tmp_path / name) == "ROUGE-L is below 0.15; BLEU is unknown"


def test_grounds_without_reasons_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no decision\.json or deployment\.json at"):
        read_reasons(tmp_path)
    (tmp_path / "decision.json").write_text("{}")
    with pytest.raises(InputError, match="gives no reasons"):
        read_reasons(tmp_path)
