"""The graph that searches hyperparameters, compiled and run natively as a whole."""

import builtins
import logging
from pathlib import Path
from typing import Any

import pytest

from lab_lens import artifacts
from lab_lens.config import Config, parse_config, with_overrides
from local_runner.execution import check_branches
from local_runner.native import NativeRun, run_native
from local_runner.tasks import TaskRecord
from pipelines.compile import CompileOptions, compile_pipeline

pytestmark = [pytest.mark.components, pytest.mark.xdist_group("components")]

SPACE = {"training.learning_rate": {"type": "float", "low": 1e-3, "high": 5e-3, "log": True}}


class Silence:
    def task_started(self, name: str) -> None: ...

    def task_line(self, name: str, text: str) -> None: ...

    def task_ended(self, record: TaskRecord) -> None: ...


def run(config: Config, out: Path) -> list[TaskRecord]:
    out.mkdir()
    template = compile_pipeline(out / "pipeline.yaml", CompileOptions(config=config))
    arguments = {
        "data": "synthetic",
        "config": config.to_json(),
        "registry": str(out / "registry"),
        "checkpoints": str(out / "checkpoints"),
        "device": "cpu",
    }
    native = NativeRun(out, Silence())
    before = logging.getLogger().handlers[:]
    run_native(template, arguments, native)
    # Searches side by side each replace the handlers of the whole process.
    assert logging.getLogger().handlers == before
    for record in native.records:
        assert record.succeeded, record.log.read_text(encoding="utf-8")
    check_branches(native.records)
    return native.records


def named(records: list[TaskRecord], name: str) -> list[TaskRecord]:
    return [record for record in records if record.name == name]


def report_of(record: TaskRecord) -> dict[str, Any]:
    content: dict[str, Any] = artifacts.read_json(record.artifacts["tuned"] / artifacts.TUNING_REPORT_JSON)
    return content


@pytest.mark.parametrize("workers", [1, 2])
def test_every_task_after_the_search_uses_what_it_found(workers: int, tiny_config: Config, tmp_path: Path) -> None:
    tuning = {"tuning.trials": 2, "tuning.workers": workers, "tuning.search_space": SPACE}
    config = with_overrides(tiny_config, {**tuning, "training.learning_rate": 0.002})
    records = run(config, tmp_path / "run")

    searches = named(records, "tune-hyperparameters")
    assert sorted(report_of(search)["budget"]["workers"] for search in searches) == [[n] for n in range(workers)]
    (chosen,) = named(records, "select-hyperparameters") if workers > 1 else searches
    report, tuned = report_of(chosen), parse_config(chosen.returned())
    assert report["counts"]["finished"] == 2
    assert tuned == with_overrides(config, {**report["best"]["parameters"], "tuning.trials": 0})
    assert len({record.log for record in records}) == len(records)

    (trained,) = named(records, "train-model")
    manifest = artifacts.read_json(trained.artifacts["model"] / artifacts.TRAINING_MANIFEST)
    assert manifest["config"] == tuned.model_dump(mode="json")
    assert manifest["training"]["best_rougeL"] == pytest.approx(report["best"]["value"])
    assert builtins.print.__module__ == "builtins"
