"""Processes that die while they write to a registry: at every step in turn, and at random."""

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from registry_killer import abandoned, check, make_model, operate

from lab_lens.registry.base import Evidence, Pointers
from lab_lens.registry.local import LocalRegistry

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked children"),
]
RANDOM_KILLS = 200

Killer = Callable[..., Any]


@pytest.fixture
def work(tmp_path: Path) -> Iterator[Path]:
    """A directory in memory where there is one: a kill loses nothing written, a disk would only be slower."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(prefix="lab-lens-registry-", dir=memory) as folder:
        yield Path(folder)


@pytest.fixture
def kill(work: Path) -> Killer:
    """Runs the killer, and gives what it printed."""

    def call(*arguments: str) -> Any:
        program = Path(__file__).with_name("registry_killer.py")
        command = [sys.executable, str(program), *arguments, str(work)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return call


@pytest.fixture
def template(work: Path) -> LocalRegistry:
    """v4 is in production after v3, v2 and v1, whose files nothing needs; v5 waits for its promotion."""
    registry = LocalRegistry(work / "template")
    for weights in "abcde":
        registry.register(make_model(work / "other", weights), Evidence({}, {}), actor="ana")
        if weights != "e":
            registry.promote("candidate", actor="ana", reason="r", decision_hash="")
    (work / "golden.json").write_text("{}")
    make_model(work / "model", "weights of the sixth")
    return registry


def names(registry: LocalRegistry) -> list[str]:
    return [version.version for version in registry.list_versions()]


@dataclass(frozen=True)
class Outcome:
    """What an operation changes, and what shows that it happened."""

    at_least_steps: int
    before: object
    after: object
    seen: Callable[[LocalRegistry], object]


OUTCOMES = {
    "create": Outcome(60, [], ["v1"], names),
    "register": Outcome(60, ["v1", "v2", "v3", "v4", "v5"], ["v1", "v2", "v3", "v4", "v5", "v6"], names),
    "promote": Outcome(10, Pointers("v4", "v3", "v5"), Pointers("v5", "v4"), LocalRegistry.pointers),
    "rollback": Outcome(10, Pointers("v4", "v3", "v5"), Pointers("v3", "v2", "v5"), LocalRegistry.pointers),
    "prune": Outcome(20, ["v1", "v2", "v3", "v4", "v5"], ["v3", "v4", "v5"], names),
}


@pytest.mark.parametrize("operation", OUTCOMES)
@pytest.mark.usefixtures("template")
def test_an_operation_killed_at_any_step_happened_or_did_not_and_its_repeat_leaves_nothing_behind(
    kill: Killer, work: Path, operation: str
) -> None:
    steps, outcome = kill("points", operation), OUTCOMES[operation]
    kinds = Counter(step.split()[0] for step in steps)
    print(f"\n{operation}: {len(steps)} kills survived, one before each of {dict(kinds)}")
    assert len(steps) >= outcome.at_least_steps
    assert {"write", "fsync", "os.rename"} <= set(kinds)
    found = []
    for point in range(len(steps)):
        registry = LocalRegistry(work / operation / str(point))
        check(registry)
        found.append(outcome.seen(registry))
        if operation != "rollback" or found[-1] == outcome.before:
            operate(registry, operation, work)
        registry.record("held", actor="ana", reason="somebody works on")
        check(registry)
        assert outcome.seen(registry) == outcome.after
        assert abandoned(registry.path) == []
    assert found[0] == outcome.before
    assert found[-1] == outcome.after
    assert found == sorted(found, key=lambda seen: seen == outcome.after), "it happens at one step"


def test_two_hundred_random_kills_leave_a_registry_that_works_on(kill: Killer) -> None:
    found = kill("random", str(RANDOM_KILLS))
    print(f"\nrandom kills survived: {found}")
    assert found["killed"] == RANDOM_KILLS
    assert found["left_something"] > RANDOM_KILLS // 10, "the kills must hit the middle of something"
    assert found["promoted"] > RANDOM_KILLS + 1, "some children got far"
