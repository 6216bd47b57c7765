"""Many writers at once, and what reaches the disk before what."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from registry_killer import abandoned, check, make_model

from lab_lens.registry.base import PROMOTED
from lab_lens.registry.local import LocalRegistry

pytestmark = pytest.mark.integration
WRITERS = 16


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks its writers")
def test_sixteen_processes_that_register_and_promote_at_once_lose_nothing(tmp_path: Path) -> None:
    program = Path(__file__).with_name("registry_crowd.py")
    command = [sys.executable, str(program), str(WRITERS), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    registry = LocalRegistry(tmp_path / "registry")
    check(registry)
    versions = registry.list_versions()
    assert {version.version for version in versions} == {f"v{number}" for number in range(1, 2 * WRITERS + 2)}
    assert len({version.content_hash for version in versions}) == 2 * WRITERS + 1
    moves = [entry for entry in registry.history() if entry.action == PROMOTED]
    assert len(moves) == 3 * WRITERS
    assert {(entry.who, entry.why) for entry in moves} == {
        (f"writer{number}", weights)
        for number in range(WRITERS)
        for weights in ("everybody's", f"writer{number} first", f"writer{number} second")
    }
    assert [later.from_version for later in moves[1:]] == [earlier.to_version for earlier in moves[:-1]]
    assert registry.production() == moves[-1].to_version
    assert abandoned(registry.path) == []


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc which file is flushed")
def test_everything_is_flushed_before_it_gets_its_name(tmp_path: Path) -> None:
    """A power failure loses what was not flushed: then a name would stand for a file that is empty."""
    make_model(tmp_path / "model", "weights")
    (tmp_path / "golden.json").write_text("{}")
    program = Path(__file__).with_name("registry_killer.py")
    command = [sys.executable, str(program), "steps", "create", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    registry, unflushed, renamed = tmp_path / "registry", set(), []
    for event, path in json.loads(done.stdout):
        if event == "write":
            unflushed.add(path)
        elif event == "fsync":
            unflushed.discard(path)
        elif event == "os.mkdir" and Path(path).is_relative_to(registry) and path != str(registry):
            unflushed.add(path)
        elif event == "os.rename":
            assert not [other for other in unflushed if Path(other).is_relative_to(path)], path
            assert str(registry) not in unflushed, "an earlier name must be on the disk before a later one is given"
            unflushed.add(str(registry))
            renamed.append(Path(path).name[:9])
    assert renamed == [".registry", ".staging-", ".registry"]
    assert unflushed == set()
