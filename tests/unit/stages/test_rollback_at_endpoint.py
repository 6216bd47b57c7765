"""Holds and rollbacks where clients are served at an endpoint, and where the configuration forgets it."""

import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from memory_endpoint import MemoryEndpoint
from release_site import make_registry, memory_endpoint

from lab_lens.config import Config
from lab_lens.config_deployment import Deployment
from lab_lens.endpoints import open as opening
from lab_lens.endpoints.base import EndpointError, release_of
from lab_lens.endpoints.rollout import roll_out
from lab_lens.errors import InputError
from lab_lens.registry.base import served_at
from lab_lens.registry.local import LocalRegistry
from lab_lens.stages.deploy_model import run_deploy_model
from lab_lens.stages.rollback_model import Rollback, read_champion, run_rollback_model

SETTINGS = Deployment(endpoint="local:site", latency_requests=1)
Act = Callable[..., Rollback]


@pytest.fixture
def registry(tmp_path: Path) -> LocalRegistry:
    return make_registry(tmp_path)


@pytest.fixture
def endpoint(registry: LocalRegistry, monkeypatch: pytest.MonkeyPatch) -> MemoryEndpoint:
    """What `local:DIR` stands for here; empty."""
    endpoint = memory_endpoint(registry)
    monkeypatch.setattr(opening, "LocalEndpoint", lambda *_: endpoint)
    return endpoint


@pytest.fixture
def act(registry: LocalRegistry, endpoint: MemoryEndpoint, tmp_path: Path) -> Act:
    def run(settings: Deployment = SETTINGS, **options: object) -> Rollback:
        given = {"actor": "ben", "reason": "omits allergies", "rollback_dir": tmp_path / "out"} | options
        return run_rollback_model(registry.path, Config(deployment=settings), **given)  # type: ignore[arg-type]

    return run


def promote(registry: LocalRegistry, *versions: str) -> None:
    for version in versions:
        registry.promote(version, actor="ana", reason="tried out", decision_hash="")


def release(registry: LocalRegistry, endpoint: MemoryEndpoint, *versions: str) -> None:
    for version in versions:
        assert roll_out(endpoint, registry, version, SETTINGS, actor="ana").healthy


def add_foreign(endpoint: MemoryEndpoint, **shares: int) -> None:
    """Another team's model, and the split that it makes."""
    endpoint._hashes["foreign"] = "f" * 64
    endpoint._shares = {**dict.fromkeys(endpoint._shares, 0), **shares}


@pytest.mark.parametrize("reaches_idle", [True, False])
def test_a_hold_brings_production_up_at_an_endpoint_that_serves_nobody(
    registry: LocalRegistry, endpoint: MemoryEndpoint, act: Act, reaches_idle: bool
) -> None:
    endpoint.reaches_idle = reaches_idle
    promote(registry, "v1")
    assert act().action == "kept"
    assert (registry.production(), endpoint.split()) == ("v1", {"v1": 100})
    assert (registry.history()[-1].action, registry.history()[-1].to_version) == ("held", "v1")


def test_the_first_release_at_a_new_endpoint_that_fails_is_followed_by_a_hold(
    registry: LocalRegistry, endpoint: MemoryEndpoint, act: Act
) -> None:
    promote(registry, "v1")
    endpoint.dead.add(registry.show("v2").content_hash)
    assert not roll_out(endpoint, registry, "v2", SETTINGS, actor="ana").healthy
    assert act(reason="v2 is unhealthy").action == "kept"
    assert (registry.production(), endpoint.split()) == ("v1", {"v1": 100})


def test_a_hold_where_production_has_its_traffic_moves_nothing(
    registry: LocalRegistry, endpoint: MemoryEndpoint, act: Act
) -> None:
    release(registry, endpoint, "v1")
    before = len(registry.history())
    assert act().action == "kept"
    assert [entry.action for entry in registry.history()[before:]] == ["held"]


@pytest.mark.parametrize("foreign", [50, 100])
def test_a_hold_leaves_others_their_traffic(
    registry: LocalRegistry, endpoint: MemoryEndpoint, act: Act, foreign: int
) -> None:
    release(registry, endpoint, "v1")
    endpoint.deploy(release_of(registry, "v2"))
    add_foreign(endpoint, foreign=foreign, v2=100 - foreign)
    assert act().action == "kept"
    assert {name: share for name, share in endpoint.split().items() if share} == (
        {"foreign": 100} if foreign == 100 else {"foreign": 50, "v1": 50}
    )


def test_a_hold_before_anything_is_in_production_leaves_others_alone(
    registry: LocalRegistry, endpoint: MemoryEndpoint, act: Act
) -> None:
    endpoint.deploy(release_of(registry, "v1"))
    add_foreign(endpoint, foreign=100)
    assert act().action == "nothing_in_production"
    assert endpoint.split() == {"foreign": 100}


@pytest.mark.parametrize(("wish", "action"), [({}, "held"), ({"force": True}, "deploy_failed")])
def test_an_endpoint_that_cannot_be_asked_stands_in_the_history(
    registry: LocalRegistry, endpoint: MemoryEndpoint, act: Act, wish: dict[str, object], action: str
) -> None:
    class Silent(MemoryEndpoint):
        def split(self) -> dict[str, int]:
            raise EndpointError("no answer")

    promote(registry, "v1", "v2")
    endpoint.__class__ = Silent
    with pytest.raises(EndpointError, match="no answer"):
        act(run_id="42", **wish)
    last = registry.history()[-1]
    assert (last.action, last.run_id, registry.production()) == (action, "42", "v2")
    assert "no answer" in last.why
    assert "omits allergies" in last.why


def test_without_its_endpoint_a_rollback_or_a_deployment_changes_nothing_and_names_it(
    registry: LocalRegistry, endpoint: MemoryEndpoint, act: Act, tmp_path: Path
) -> None:
    release(registry, endpoint, "v1", "v2")
    assert served_at(registry.history()) == "memory:"
    before = registry.history()
    with pytest.raises(InputError, match=r"clients are served at memory:, .*--endpoint memory: .*--registry-only"):
        act(Deployment(), force=True)
    with pytest.raises(InputError, match="clients are served at memory:"):
        run_deploy_model(registry.path, "v3", Config(), device="cpu", actor="ana", deployment_dir=tmp_path / "d")
    assert (registry.history(), endpoint.split()) == (before, {"v2": 100})


def test_a_hold_without_its_endpoint_is_recorded_with_a_warning(
    registry: LocalRegistry, endpoint: MemoryEndpoint, act: Act, caplog: pytest.LogCaptureFixture
) -> None:
    release(registry, endpoint, "v1")
    with caplog.at_level(logging.WARNING):
        assert act(Deployment()).action == "kept"
    assert "the traffic of memory: is not looked after" in caplog.text


def test_the_registry_alone_is_changed_when_that_is_wanted_and_the_history_says_so(
    registry: LocalRegistry, endpoint: MemoryEndpoint, act: Act
) -> None:
    release(registry, endpoint, "v1", "v2")
    assert act(force=True, registry_only=True).to_version == "v1"
    assert (registry.production(), endpoint.split()) == ("v1", {"v2": 100})
    assert registry.history()[-1].why == ("omits allergies; the registry alone was changed, not the traffic of memory:")


def test_another_endpoint_than_the_last_one_is_told(
    registry: LocalRegistry, endpoint: MemoryEndpoint, act: Act, caplog: pytest.LogCaptureFixture
) -> None:
    release(registry, endpoint, "v1", "v2")
    endpoint.location = "local:elsewhere"  # type: ignore[misc]
    with caplog.at_level(logging.WARNING):
        act(force=True)
    assert "traffic was last moved at memory:; this moves that of local:elsewhere" in caplog.text


@pytest.mark.parametrize("settings", [SETTINGS, Deployment()], ids=["at an endpoint", "in the registry alone"])
def test_a_rollback_that_is_repeated_does_not_go_back_twice(
    registry: LocalRegistry, endpoint: MemoryEndpoint, act: Act, settings: Deployment
) -> None:
    promote(registry, "v1", "v2", "v3")
    if settings.endpoint:
        release(registry, endpoint, "v3")
    assert act(settings, force=True, leave="v3", run_id="42").action == "rolled_back"
    again = act(settings, force=True, leave="3", run_id="42")
    assert (again.action, again.to_version, registry.production()) == ("kept", "v2", "v2")
    last = registry.history()[-1]
    assert (last.action, last.run_id) == ("held", "42")
    assert last.why == "production stays v2: 3 is not in production any more: omits allergies"


def test_what_is_to_be_left_is_left_also_while_a_release_was_cut_off(
    registry: LocalRegistry, endpoint: MemoryEndpoint, act: Act
) -> None:
    release(registry, endpoint, "v1", "v2")
    endpoint.deploy(release_of(registry, "v3"))
    endpoint.shift({"v2": 90, "v3": 10}, expected={"v2": 100})
    assert act(force=True, leave="v2").action == "rolled_back"
    assert (registry.production(), endpoint.split()["v1"]) == ("v1", 100)


@pytest.mark.parametrize(("content", "champion"), [({"champion": "v3"}, "v3"), ({"champion": None}, ""), ({}, "")])
def test_the_version_to_leave_comes_from_the_decision(
    tmp_path: Path, content: dict[str, object], champion: str
) -> None:
    (tmp_path / "decision.json").write_text(json.dumps(content))
    assert read_champion(tmp_path) == champion
