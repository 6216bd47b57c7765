from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from release_site import make_registry

from lab_lens.registry.local import LocalRegistry

Lens = Callable[..., Any]


@pytest.fixture
def served(tmp_path: Path) -> LocalRegistry:
    """v2 is in production after v1, and clients are served at an endpoint that is not there any more."""
    registry = make_registry(tmp_path, versions=2)
    for version in ("v1", "v2"):
        registry.promote(version, actor="ana", reason="good", decision_hash="")
    registry.record("shifting", actor="ana", reason="r", traffic_after={"v2": 100}, endpoint="local:/srv/notes")
    return registry


def test_clients_that_are_served_at_an_endpoint_are_not_forgotten(lens: Lens, served: LocalRegistry) -> None:
    command = ("rollback-model", "--registry", str(served.path), "--force", "--reason", "omits allergies")
    ended = lens(*command)
    assert ended.status == 2
    (problem,) = ended.problems
    assert problem.startswith("clients are served at local:/srv/notes, and no endpoint is configured")
    assert problem.endswith("give --endpoint local:/srv/notes (or deployment.endpoint), or --registry-only")
    assert lens(*command, "--registry-only", "--from", "v1").status == 0
    assert served.production() == "v2"
    assert lens(*command, "--registry-only", "--from", "v2").status == 0
    assert served.production() == "v1"


@pytest.mark.parametrize(
    "command", [("rollback-model", "--force", "--reason", "r"), ("deploy-model", "--version", "v1")]
)
def test_traffic_is_moved_or_not(lens: Lens, served: LocalRegistry, command: tuple[str, ...]) -> None:
    where = ("--registry", str(served.path), "--endpoint", "local:/srv/notes")
    ended = lens(*command, *where, "--registry-only")
    assert (ended.status, ended.problems) == (
        2,
        ["--endpoint moves traffic and --registry-only does not; give one of them"],
    )
