"""Kills processes that write to a registry: `registry_killer.py points|steps OPERATION WORK` or `random KILLS WORK`.

Run as a program of its own, which has imported the registry once and forks a child for each death.

`points`: the operation runs in a child again and again, each time on a fresh copy of `WORK/template` at `WORK/<point>`;
the child kills itself before its first, second, ... step that changes the file system, or in the middle of a write.
Prints the step of each death as JSON.

`steps`: the operation runs once, and nothing dies. Prints its steps in order.

`random`: children work on a registry, each until its parent kills it after a random time. After every death the parent
checks the registry and works on with it. Prints what it found, and the events that the registries' histories hold.
"""

import builtins
import io
import json
import os
import random
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lab_lens.registry.base import Evidence, pointers_after
from lab_lens.registry.index import INDEX_JSON
from lab_lens.registry.local import LocalRegistry

SAID = {"actor": "child", "reason": "r"}
STEPS = ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "os.link", "os.truncate", "fcntl.flock")
# The index grows with every event, and is read and written again and again.
KILLS_A_REGISTRY = 20
# So that a copy of a few bytes takes several steps.
BYTES_AT_ONCE = 8
LASTING = {INDEX_JSON, ".lock"}


def operate(registry: LocalRegistry, operation: str, work: Path) -> None:
    """One operation, on a registry as the test's template is; `create` registers into a directory that is not there."""
    if operation in ("create", "register"):
        registry.register(work / "model", Evidence({"golden.json": work / "golden.json"}, {}), actor="child")
    elif operation == "promote":
        registry.promote("v5", decision_hash="", **SAID)
    elif operation == "rollback":
        registry.rollback(to="v3", **SAID)
    else:
        registry.prune(0, **SAID)


Step = Callable[[str, str], None]


def watch_steps(inside: Path, step: Step) -> None:
    """Call `step` with event and path before each step of this process that changes files below a directory."""

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in STEPS:
            return
        reads = event == "open" and not arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        elsewhere = event == "open" and str(inside) not in str(arguments[0])
        if not (reads or elsewhere):
            step(event, str(arguments[0]))

    sys.addaudithook(audit)
    os.fsync = _flushing(os.fsync, step)
    io.open = builtins.open = _opening(io.open, step)
    if hasattr(os, "sendfile"):
        os.sendfile = _sending(os.sendfile, step)


def _flushing(function: Callable[[int], None], step: Step) -> Callable[[int], None]:
    def flushed(descriptor: int) -> None:
        step("fsync", _path_of(descriptor))
        function(descriptor)

    return flushed


def _sending(function: Callable[..., int], step: Step) -> Callable[..., int]:
    def sent(target: int, source: int, offset: int, count: int) -> int:
        step("write", _path_of(target))
        return function(target, source, offset, min(count, BYTES_AT_ONCE))

    return sent


def _path_of(descriptor: int) -> str:
    return str(Path(f"/proc/self/fd/{descriptor}").readlink()) if sys.platform == "linux" else ""


def _opening(function: Callable[..., Any], step: Step) -> Callable[..., Any]:
    def opened(*arguments: Any, **options: Any) -> Any:
        file = function(*arguments, **options)
        if file.writable():
            file.write = _halfway(file, step)
        return file

    return opened


def _halfway(file: Any, step: Step) -> Callable[[Any], int]:
    write = file.write

    def halved(content: Any) -> int:
        half = len(content) // 2
        write(content[:half])
        file.flush()
        step("write", str(file.name))
        return half + int(write(content[half:]))

    return halved


def kill_at_every_point(operation: str, work: Path) -> list[str]:
    """Run an operation until a child survives; returns the step at which each earlier one died."""
    steps: list[str] = []
    while True:
        path = work / operation / str(len(steps))
        path.parent.mkdir(exist_ok=True)
        if operation != "create":
            shutil.copytree(work / "template", path)
        child = os.fork()
        if child == 0:
            _die_at(len(steps), path)
            operate(LocalRegistry(path), operation, work)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            assert status == 0, "a child failed by itself"
            return steps
        steps.append((path.with_suffix(".step")).read_text())


def _die_at(point: int, path: Path) -> None:
    seen = 0
    told = os.open(path.with_suffix(".step"), os.O_WRONLY | os.O_CREAT)

    def step(event: str, path: str) -> None:
        nonlocal seen
        if seen == point:
            os.write(told, f"{event} {Path(path).name}".encode())
            os.kill(os.getpid(), signal.SIGKILL)
        seen += 1

    watch_steps(path, step)


def steps_of(operation: str, work: Path) -> list[tuple[str, str]]:
    """The steps of an operation in a process that lives on: events and paths."""
    steps: list[tuple[str, str]] = []
    watch_steps(work / "registry", lambda event, path: steps.append((event, path)))
    operate(LocalRegistry(work / "registry"), operation, work)
    return steps


def kill_at_random(kills: int, work: Path) -> dict[str, int]:
    """Kill a child again and again while it writes; returns how many died, and how many left something behind."""
    chance, found = random.Random(7), Counter[str]()
    for number in range(0, kills, KILLS_A_REGISTRY):
        registry = LocalRegistry(work / f"registry-{number}")
        seconds = _work_once(registry, work / "parent", "first")
        for _ in range(min(KILLS_A_REGISTRY, kills - number)):
            found["killed"] += _kill_after(chance.uniform(0, 2 * seconds), registry, work / "child")
            found["left_something"] += bool(abandoned(registry.path))
            check(registry)
            before = len(registry.history())
            seconds = _work_once(registry, work / "parent", f"after {before}")
            assert len(registry.history()) >= before + 3
            assert not abandoned(registry.path), abandoned(registry.path)
            check(registry)
        found.update(entry.action for entry in registry.history())
    return dict(found)


def _kill_after(seconds: float, registry: LocalRegistry, root: Path) -> bool:
    child = os.fork()
    if child == 0:
        for number in range(10**9):
            _work_once(registry, root, f"{os.getpid()} {number}")
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def _work_once(registry: LocalRegistry, root: Path, weights: str) -> float:
    began = time.monotonic()
    registry.register(make_model(root, weights), Evidence({}, {}), actor="writer")
    registry.promote("candidate", decision_hash="", **SAID)
    if registry.previous():
        registry.rollback(**SAID)
    registry.prune(1, **SAID)
    return time.monotonic() - began


def make_model(root: Path, weights: str) -> Path:
    """A model of two files in a directory that is used again."""
    (root / "tokenizer").mkdir(parents=True, exist_ok=True)
    (root / "model.safetensors").write_text(weights)
    (root / "tokenizer" / "vocab.json").write_text("{}")
    return root


def check(registry: LocalRegistry) -> None:
    """Every version is intact, the aliases are what the history says, and production moved along one line."""
    history, versions = registry.history(), registry.list_versions()
    assert registry.pointers() == pointers_after(history)
    problems = {version.version: registry.verify(version.version) for version in versions}
    assert not any(problems.values()), problems
    production = None
    for entry in history:
        assert entry.from_version == production, entry
        production = entry.to_version if entry.action in ("promoted", "rolled_back") else production


def abandoned(path: Path) -> list[str]:
    """What lies in a registry and is neither its own nor a version of its index."""
    index = json.loads((path / INDEX_JSON).read_text()) if (path / INDEX_JSON).exists() else {}
    known = {entry["version"] for entry in (*index.get("versions", ()), *index.get("pruned", ()))}
    models = [path / entry["version"] / "model" for entry in index.get("pruned", ())]
    left = [item.name for item in path.iterdir() if item.name not in LASTING | known] if path.exists() else []
    return left + [str(model) for model in models if model.exists()]


def main() -> None:
    """Kill, and print what came of it."""
    mode, what, work = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    if mode == "random":
        told: object = kill_at_random(int(what), work)
    else:
        told = (kill_at_every_point if mode == "points" else steps_of)(what, work)
    print(json.dumps(told))


if __name__ == "__main__":
    main()
