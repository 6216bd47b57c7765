"""A result is reused only when everything that decides it is the same, by content."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from lab_lens.registry.base import Evidence
from lab_lens.registry.local import LocalRegistry
from local_runner.cache import TaskCache, task_key
from local_runner.tasks import TaskCall, TaskRecord, record_of

CONFIG = json.dumps({"model": {"base_model": "scratch:tiny"}})


@dataclass(frozen=True)
class Work:
    """A task `train-model` of a run in `root`, which counts how often it really runs."""

    root: Path
    ran: list[str]

    def call(
        self, run: str = "first", task: str = "train-model", command: str = "source", **parameters: str
    ) -> TaskCall:
        base = self.root / run / task
        given = {"config": CONFIG, "checkpoints": f"/somewhere/{run}", "run_name": "r", **parameters}
        inputs = {"artifacts": {"train": {"artifacts": [{"uri": str(self.root / "train")}]}}}
        outputs = {
            "outputFile": str(base / "executor_output.json"),
            "artifacts": {
                "model": {"artifacts": [{"uri": str(base / "model"), "type": {"schemaTitle": "system.Model"}}]}
            },
        }
        text = json.dumps({"inputs": {"parameterValues": given, **inputs}, "outputs": outputs})
        return TaskCall.parse([command, "--executor_input", text])

    def do(self, call: TaskCall, code: str = "image-1") -> TaskRecord:
        def run() -> TaskRecord:
            self.ran.append(call.name)
            model = call.output_file.parent / "model"
            model.mkdir(parents=True)
            (model / "weights").write_text("1", encoding="utf-8")
            moved = {"artifacts": {"model": {"artifacts": [{"uri": str(model)}]}}}
            call.output_file.write_text(json.dumps(moved), encoding="utf-8")
            return record_of(call, 0.0, 0, self.root / "log")

        return TaskCache(self.root / "cache").reused_or(call, code, run)


@pytest.fixture
def work(tmp_path: Path) -> Work:
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "train.csv").write_text("a,b\n", encoding="utf-8")
    return Work(tmp_path, [])


def test_the_same_task_in_the_next_run_is_not_run_again_and_its_outputs_lie_where_they_should(work: Work) -> None:
    work.do(work.call("first"))
    record = work.do(work.call("second"))
    assert work.ran == ["train-model"]
    assert record.reused
    assert record.succeeded
    assert record.artifacts["model"] == work.root / "second" / "train-model" / "model"
    assert (record.artifacts["model"] / "weights").read_text(encoding="utf-8") == "1"
    assert "first" not in record.output_file.read_text(encoding="utf-8")


def _other_code(work: Work) -> None:
    work.do(work.call("second"), code="image-2")


def _other_data(work: Work) -> None:
    (work.root / "train" / "train.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    work.do(work.call("second"))


def _other_source(work: Work) -> None:
    work.do(work.call("second", command="another source"))


def _other_setting(work: Work) -> None:
    work.do(work.call("second", config=json.dumps({"model": {"base_model": "scratch:small"}})))


def _other_base_model(work: Work) -> None:
    base = work.root / "base"
    base.mkdir()
    (base / "weights").touch()
    work.do(work.call("second", base_model=str(base)))


@pytest.mark.parametrize("change", [_other_code, _other_data, _other_source, _other_setting, _other_base_model])
def test_whatever_decides_a_result_makes_it_run_again(change: Callable[[Work], None], work: Work) -> None:
    work.do(work.call("first"))
    change(work)
    assert work.ran == ["train-model", "train-model"]


def test_a_file_that_changes_under_the_same_name_is_another_input(work: Work) -> None:
    data = work.root / "notes.csv"
    data.write_text("one", encoding="utf-8")
    before = task_key(work.call(task="prepare-data", data=str(data)), "code")
    data.write_text("two", encoding="utf-8")
    assert task_key(work.call(task="prepare-data", data=str(data)), "code") != before


def test_the_registry_counts_by_its_production_model(work: Work) -> None:
    registry = LocalRegistry(work.root / "registry")
    call = work.call(task="generate-summaries", registry=str(registry.path))
    empty = task_key(call, "code")
    model, decision = work.root / "model", work.root / "decision.json"
    model.mkdir()
    for file in (model / "model.safetensors", decision):
        file.write_text("{}", encoding="utf-8")
    registered = registry.register(model, Evidence({decision.name: decision}, {}), actor="tester")
    assert task_key(call, "code") == empty
    registry.promote(registered.version, actor="tester", reason="good", decision_hash="d")
    assert task_key(call, "code") != empty


def test_a_model_of_a_hub_is_never_taken_for_known(work: Work) -> None:
    assert task_key(work.call(base_model="GanjinZero/biobart-v2-base"), "code") is None


@pytest.mark.parametrize("task", ["decide-release", "register-model", "deploy-model", "rollback-model", "notify"])
def test_what_changes_or_judges_the_registry_always_runs(task: str, work: Work) -> None:
    for run in ("first", "second"):
        work.do(work.call(run, task=task))
    assert work.ran == [task, task]


def test_a_failed_task_is_not_kept(work: Work) -> None:
    call = work.call()

    def fail() -> Any:
        return replace(record_of(call, 0.0, 1, work.root / "log"))

    assert not TaskCache(work.root / "cache").reused_or(call, "code", fail).succeeded
    assert not (work.root / "cache").exists()
