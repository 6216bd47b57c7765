"""Results of tasks kept for the next run of the same directory, found again by content and never by name.

kfp.local has a cache of its own, off by default: it keys on image tags, arguments and paths, so that a changed file or
a rebuilt image gives stale results. Here the key holds what decides a result: the code (the image's digest, or the
installed library), the component's source, the parameters, and the content of every input, also of those that stand
outside the graph (the data file, the base model, the registry's production model).
"""

import functools
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from lab_lens import artifacts
from lab_lens.code_hash import code_hash
from lab_lens.engine.scratch import is_scratch
from lab_lens.registry.open import open_registry
from local_runner.request import SYNTHETIC
from local_runner.tasks import TaskCall, TaskRecord, written_artifacts

# Tasks whose result is a matter of their inputs alone; what the others do is to change or judge the registry.
REUSABLE = frozenset(
    {
        "prepare-data",
        "tune-hyperparameters",
        "select-hyperparameters",
        "train-model",
        "generate-summaries",
        "validate-model",
        "detect-bias",
        "analyze-sensitivity",
    }
)
_OUTPUTS = "outputs"
_ENTRY_JSON = "entry.json"


@functools.cache
def library_hash() -> str:
    """Hash of the code that runs natively: the library's files, and name and version of every installed package."""
    installed = sorted({f"{package.name}=={package.version}" for package in distributions()})
    return artifacts.sha256_text(json.dumps([code_hash(), installed]))


@dataclass(frozen=True)
class TaskCache:
    """Results below `root`, a folder each; only tasks named in `REUSABLE` are kept or reused."""

    root: Path

    def reused_or(self, call: TaskCall, code: str, run: Callable[[], TaskRecord]) -> TaskRecord:
        """Give the result of an earlier task that was the same in everything that decides it, else run and keep it.

        Args:
            call: the task.
            code: digest of the image or hash of the library that would run it.
            run: runs it.
        """
        key = task_key(call, code) if call.name in REUSABLE else None
        if key is None:
            return run()
        entry = self.root / key
        if entry.is_dir():
            return _restore(entry, call)
        record = run()
        if record.succeeded:
            _keep(entry, call)
        return record


def task_key(call: TaskCall, code: str) -> str | None:
    """Hash of everything that decides a task's result; None where something does that cannot be known here.

    Args:
        call: the task; its input artifacts are read, and what its parameters name outside the graph.
        code: digest of the image or hash of the library that runs it.
    """
    parameters = _by_content(call.parameters)
    if parameters is None:
        return None
    deciding = {
        "code": code,
        "command": [part for part in call.command if part != call.executor_input_text],
        "parameters": parameters,
        "inputs": {
            name: [_content(Path(artifact["uri"])) for artifact in value["artifacts"]]
            for name, value in call.executor_input.get("inputs", {}).get("artifacts", {}).items()
        },
        "outputs": sorted(call.artifacts),
    }
    return artifacts.sha256_text(json.dumps(deciding, sort_keys=True))


def _content(path: Path) -> str:
    if path.is_dir():
        return artifacts.content_hash(artifacts.sha256_files(path))
    return artifacts.sha256_file(path) if path.is_file() else "absent"


def _by_content(parameters: Mapping[str, Any]) -> dict[str, Any] | None:
    """Parameters, with what they name outside the graph replaced by its content."""
    known = dict(parameters)
    # Where checkpoints lie decides no result.
    trains = known.pop("checkpoints", None) is not None
    # What a champion said before is what it would say again.
    known.pop("champion_cache", None)
    for name in ("data", "trained_model"):
        if known.get(name) and known[name] != SYNTHETIC:
            known[name] = _content(Path(known[name]))
    if "registry" in known:
        known["registry"] = _champion(known["registry"])
    if trains and not known.get("trained_model"):
        source = known.get("base_model") or json.loads(known["config"])["model"]["base_model"]
        known["base_model"] = _base_model(source)
        if known["base_model"] is None:
            return None
    return known


def _champion(registry: str) -> str:
    """What stages read of the registry: its production model."""
    known = open_registry(registry)
    version = known.production()
    return known.show(version).content_hash if version else "none"


def _base_model(source: str) -> str | None:
    if is_scratch(source):
        return source
    # What a hub would give is not known before it is asked.
    return _content(Path(source)) if Path(source).is_dir() else None


def _keep(entry: Path, call: TaskCall) -> None:
    """Copy a task's outputs to a new entry, which appears whole or not at all."""
    entry.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".keep-", dir=entry.parent) as scratch:
        staged = Path(scratch) / "entry"
        shutil.copytree(call.output_file.parent, staged / _OUTPUTS, copy_function=_link)
        artifacts.write_json(staged / _ENTRY_JSON, {"task": call.name, "root": str(call.output_file.parent)})
        staged.rename(entry)


def _link(source: str, target: str) -> None:
    """Share the bytes of a file, which stages replace and never change; copy it where the file system cannot."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _restore(entry: Path, call: TaskCall) -> TaskRecord:
    started = time.monotonic()
    target = call.output_file.parent
    shutil.copytree(entry / _OUTPUTS, target, dirs_exist_ok=True, copy_function=_link)
    former_root = artifacts.read_json(entry / _ENTRY_JSON)["root"]
    told = call.output_file.read_text(encoding="utf-8")
    # Paths stand in it as JSON strings.
    artifacts.write_text(call.output_file, told.replace(json.dumps(former_root)[1:-1], json.dumps(str(target))[1:-1]))
    log = target / "reused.log"
    artifacts.write_text(log, f"the result of {entry.name} was reused: same code, parameters and inputs\n")
    written = written_artifacts(call)
    missing = [name for name, path in written.items() if not path.exists()]
    return TaskRecord(call.name, time.monotonic() - started, 0, log, call.output_file, written, missing, reused=True)
