"""Several processes, and processes that are killed at every write."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab_lens.registry.base import Evidence
from lab_lens.registry.local import LocalRegistry

# Runs one operation again and again in a forked child, on a fresh registry each time, and kills the child at its
# first, second, ... write to the file system. Prints the number of write points.
KILLER = """
import os, signal, sys, shutil
from pathlib import Path
from lab_lens import artifacts
from lab_lens.registry.base import Evidence
from lab_lens.registry.local import LocalRegistry

work, operation = Path(sys.argv[1]), sys.argv[2]
model, evidence = work / "model", Evidence({"decision.json": work / "decision.json"}, {"rougeL": 0.3})

def run(registry):
    if operation == "register":
        registry.register(model, evidence, actor="child")
    elif operation == "promote":
        registry.promote("v1", actor="child", reason="r", decision_hash="")
    else:
        registry.rollback(actor="child", reason="r")

def die_at(point):
    seen = 0
    def wrap(function):
        def counted(*arguments, **options):
            nonlocal seen
            seen += 1
            if seen == point:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments, **options)
        return counted
    for name in ("replace", "rename", "mkdir", "fsync", "chmod", "unlink", "rmdir"):
        setattr(os, name, wrap(getattr(os, name)))
    shutil.copyfile = wrap(shutil.copyfile)

point = 0
while True:
    point += 1
    registry = LocalRegistry(work / f"registry-{point}")
    if (work / "template").is_dir():
        shutil.copytree(work / "template", registry.path)
    child = os.fork()
    if child == 0:
        die_at(point)
        run(registry)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status):
        break
print(point - 1)
"""

WRITER = """
import sys
from pathlib import Path
from lab_lens.registry.base import Evidence
from lab_lens.registry.local import LocalRegistry

work, me = Path(sys.argv[1]), sys.argv[2]
registry = LocalRegistry(work / "registry")
for weights in ("shared", f"own-{me}"):
    model = work / f"{me}-{weights}"
    model.mkdir()
    (model / "model.safetensors").write_text(weights)
    version = registry.register(model, Evidence({}, {}), actor=me).version
    registry.promote(version, actor=me, reason="better", decision_hash="")
"""


@pytest.fixture
def work(tmp_path: Path) -> Path:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.safetensors").write_text("weights")
    (tmp_path / "model" / "config.json").write_text("{}")
    (tmp_path / "decision.json").write_text("{}")
    return tmp_path


def _kill_at_every_write(work: Path, operation: str) -> list[LocalRegistry]:
    done = subprocess.run(
        [sys.executable, "-c", KILLER, str(work), operation], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    points = int(done.stdout)
    assert points >= 3
    return [LocalRegistry(work / f"registry-{point}") for point in range(1, points + 1)]


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked children")


@needs_fork
def test_a_registration_killed_at_any_write_leaves_a_registry_that_opens_and_a_repeat_completes_it(work: Path) -> None:
    evidence = Evidence({"decision.json": work / "decision.json"}, {"rougeL": 0.3})
    for registry in _kill_at_every_write(work, "register"):
        known = [stored.version for stored in registry.list_versions()]
        assert known in ([], ["v1"])
        assert registry.register(work / "model", evidence, actor="parent").version == "v1"
        assert registry.verify("v1") == []
        assert [(entry.action, entry.to_version) for entry in registry.history()] == [("registered", "v1")]
        assert {path.name for path in registry.path.iterdir()} - {".lock"} == {"registry_index.json", "v1"}


@needs_fork
@pytest.mark.parametrize("operation", ["promote", "rollback"])
def test_a_pointer_move_killed_at_any_write_happened_or_did_not(work: Path, operation: str) -> None:
    template = LocalRegistry(work / "template")
    for weights in ("one", "two"):
        (work / "model" / "model.safetensors").write_text(weights)
        version = template.register(work / "model", Evidence({}, {}), actor="ana").version
        template.promote(version, actor="ana", reason="r", decision_hash="")
    before, after = ("v2", "v1"), {"promote": ("v1", "v2"), "rollback": ("v1", None)}[operation]
    outcomes = set()
    for registry in _kill_at_every_write(work, operation):
        pointers = (registry.production(), registry.previous())
        outcomes.add(pointers)
        assert registry.history()[-1].action == (
            "promoted" if pointers == before or operation == "promote" else "rolled_back"
        )
        registry.promote("v2", actor="ana", reason="repeat", decision_hash="")
        assert registry.production() == "v2"
    assert outcomes == {before, after}


def test_eight_processes_that_register_and_promote_at_once_lose_nothing(tmp_path: Path) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), f"writer{index}"], stderr=subprocess.PIPE)
        for index in range(8)
    ]
    for writer in writers:
        _, problem = writer.communicate(timeout=120)
        assert writer.returncode == 0, problem
    registry = LocalRegistry(tmp_path / "registry")
    versions = registry.list_versions()
    assert [stored.version for stored in versions] == [f"v{number}" for number in range(1, 10)]
    assert len({stored.content_hash for stored in versions}) == 9
    assert all(registry.verify(stored.version) == [] for stored in versions)
    history = registry.history()
    assert sum(entry.action == "promoted" for entry in history) == 16
    moves = [entry for entry in history if entry.action == "promoted"]
    assert [later.from_version for later in moves[1:]] == [earlier.to_version for earlier in moves[:-1]]
    assert json.loads((registry.path / "registry_index.json").read_text())["production"] == moves[-1].to_version
