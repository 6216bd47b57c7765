"""Each component's shell, alone in kfp.local as a real process: inputs imported, outputs where its docstring says."""

import inspect
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docstring_parser
import pytest
from kfp import compiler, dsl
from kfp.dsl.base_component import BaseComponent

from components.notify import notify
from components.rollback_model import rollback_model
from lab_lens import artifacts
from lab_lens.config import Config, parse_config, with_overrides
from lab_lens.registry.local import LocalRegistry
from local_runner.native import NativeRun, run_native
from local_runner.tasks import TaskRecord
from pipelines.component_docs import COMPONENTS

pytestmark = [pytest.mark.components, pytest.mark.xdist_group("components")]

ARTIFACT_CLASSES = {"Artifact": dsl.Artifact, "Dataset": dsl.Dataset, "Model": dsl.Model}
STAGES = {component.name: component for component in COMPONENTS if component is not notify}
FILE_NAME = re.compile(r"`(\w+\.(?:csv|json|txt))`")
by_stage = pytest.mark.parametrize("name", STAGES)


class Silence:
    def task_started(self, name: str) -> None: ...

    def task_line(self, name: str, text: str) -> None: ...

    def task_ended(self, record: TaskRecord) -> None: ...


def run_pipeline(graph: Any, run_dir: Path) -> dict[str, TaskRecord]:
    """Compile a pipeline and run it natively; records by name of the task."""
    run_dir.mkdir()
    compiler.Compiler().compile(graph, str(run_dir / "pipeline.yaml"))
    run = NativeRun(run_dir, Silence())
    run_native(run_dir / "pipeline.yaml", {}, run)
    return {record.name: record for record in run.records}


@dataclass
class Workshop:
    """Runs shells one after another; a later one imports what an earlier one wrote."""

    path: Path
    settings: Mapping[str, str]
    records: dict[str, TaskRecord] = field(default_factory=dict)

    def run(self, component: BaseComponent, inputs: Mapping[str, Path], **parameters: str) -> None:
        accepted = component.component_spec.inputs
        given = {name: value for name, value in self.settings.items() if name in accepted} | parameters

        @dsl.pipeline(name="one-shell")
        def one_shell() -> None:
            imported = {name: _imported(accepted[name].type, path) for name, path in inputs.items()}
            component(**given, **imported)

        record = run_pipeline(one_shell, self.path / component.name)[component.name]
        assert record.succeeded, record.log.read_text(encoding="utf-8")
        self.records[component.name] = record

    def search(self, config: str, data: Path) -> None:
        """Two searches side by side, and the choice between them: only a loop gives a list of artifacts."""
        tune, select = STAGES["tune-hyperparameters"], STAGES["select-hyperparameters"]

        @dsl.pipeline(name="two-searches")
        def two_searches() -> None:
            examples = {name: _imported("Dataset", data) for name in ("train", "val")}
            places = {"config": config, "checkpoints": self.settings["checkpoints"], "device": "cpu"}
            with dsl.ParallelFor(["0", "1"]) as worker:
                searched = tune(worker=worker, **places, **examples)
            select(config=config, searches=dsl.Collected(searched.outputs["tuned"]))

        self.records |= run_pipeline(two_searches, self.path / "searches")

    def wrote(self, stage: str, artifact: str) -> Path:
        return self.records[stage].artifacts[artifact]


def _imported(kfp_type: str, path: Path) -> Any:
    artifact_class = ARTIFACT_CLASSES[kfp_type.removeprefix("system.").split("@")[0]]
    return dsl.importer(artifact_uri=str(path), artifact_class=artifact_class).output


@pytest.fixture(scope="module")
def workshop(
    tiny_config: Config, prepared_dir: Path, tiny_model_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Workshop:
    path = tmp_path_factory.mktemp("workshop")
    settings = {
        "config": tiny_config.to_json(),
        "registry": str(path / "registry"),
        "checkpoints": str(path / "checkpoints"),
        "device": "cpu",
        "actor": "tester",
    }
    shop = Workshop(path, settings)
    seen = {"test": prepared_dir}
    shop.run(STAGES["prepare-data"], {}, data="synthetic")
    tuning = {"training.max_steps": 4, "tuning.trials": 2, "tuning.workers": 2}
    shop.search(with_overrides(tiny_config, tuning).to_json(), prepared_dir)
    shop.run(STAGES["train-model"], {"train": prepared_dir, "val": prepared_dir})
    shop.run(STAGES["generate-summaries"], {"model": tiny_model_dir, **seen})
    predicted = {**seen, "predictions": shop.wrote("generate-summaries", "predictions")}
    champion = shop.wrote("generate-summaries", "champion")
    shop.run(STAGES["validate-model"], {**predicted, "champion": champion})
    shop.run(STAGES["detect-bias"], predicted)
    shop.run(STAGES["analyze-sensitivity"], {"model": tiny_model_dir, **predicted})
    measured = {
        "validation": shop.wrote("validate-model", "report"),
        "bias": shop.wrote("detect-bias", "report"),
    }
    explained = {"sensitivity": shop.wrote("analyze-sensitivity", "report")}
    shop.run(STAGES["decide-release"], {**measured, **explained}, force_reason="a rehearsal with random weights")
    decision = shop.wrote("decide-release", "decision")
    papers = {"decision": decision, "predictions": predicted["predictions"], **measured}
    shop.run(STAGES["register-model"], {"model": tiny_model_dir, **papers})
    shop.run(STAGES["deploy-model"], {"decision": decision}, version=shop.records["register-model"].returned())
    shop.run(STAGES["rollback-model"], {"grounds": decision}, verdict="hold")
    return shop


def _documented_files(component: BaseComponent) -> dict[str, set[str]]:
    """File names that the docstring promises, by output."""
    docs = docstring_parser.parse(inspect.getdoc(component.python_func) or "")
    outputs = component.component_spec.outputs or {}
    return {
        param.arg_name: set(FILE_NAME.findall(param.description or ""))
        for param in docs.params
        if param.arg_name in outputs
    }


def _held_by(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()} if directory.is_dir() else set()


@by_stage
def test_a_shell_writes_every_file_that_its_docstring_names(name: str, workshop: Workshop) -> None:
    promised = _documented_files(STAGES[name])
    for output, files in promised.items():
        # Without a champion, its predictions are not there; `champion.json` says so.
        wanted = {artifacts.CHAMPION_JSON} if output == "champion" else files
        if wanted:
            assert wanted <= _held_by(workshop.wrote(name, output)), output


def _outputs_of(kfp_type: str) -> list[tuple[str, str]]:
    """Stage and output, for every output of a type."""
    return [
        (name, output)
        for name, component in STAGES.items()
        for output, spec in (component.component_spec.outputs or {}).items()
        if kfp_type in spec.type
    ]


@pytest.mark.parametrize(("name", "output"), _outputs_of("HTML"))
def test_a_page_is_a_file_that_a_browser_opens(name: str, output: str, workshop: Workshop) -> None:
    page = workshop.wrote(name, output)
    assert page.suffix == ".html"
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(("name", "output"), _outputs_of("Metrics"))
def test_metrics_are_finite_numbers(name: str, output: str, workshop: Workshop) -> None:
    told = workshop.records[name].executor_output()["artifacts"][output]["artifacts"][0]["metadata"]
    assert told
    assert all(math.isfinite(value) for value in told.values())


def test_the_trained_model_is_a_complete_model_directory(workshop: Workshop) -> None:
    assert {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"} <= _held_by(
        workshop.wrote("train-model", "model")
    )


def test_what_a_search_returns_is_the_configuration_that_training_takes(workshop: Workshop) -> None:
    selected = workshop.records["select-hyperparameters"]
    written = (selected.artifacts["tuned"] / artifacts.TUNED_CONFIG_JSON).read_text(encoding="utf-8")
    assert parse_config(selected.returned()) == parse_config(written)
    assert artifacts.read_json(selected.artifacts["tuned"] / artifacts.TUNING_REPORT_JSON)["counts"]["finished"] == 2


def test_what_the_conditions_read_is_one_plain_word(workshop: Workshop) -> None:
    assert workshop.records["decide-release"].returned() == "promote"
    assert workshop.records["register-model"].returned() == "v1"
    assert workshop.records["deploy-model"].returned() == "healthy"
    assert LocalRegistry(workshop.path / "registry").production() == "v1"


@pytest.mark.parametrize(("reasons", "state"), [(["the floor was missed"], "SUCCEEDED"), ([], "FAILED")])
def test_the_exit_handler_tells_how_the_pipeline_ended(
    reasons: list[str], state: str, tiny_config: Config, tmp_path: Path
) -> None:
    grounds = tmp_path / "grounds"
    artifacts.write_json(grounds / artifacts.DECISION_JSON, {"reasons": reasons})
    config, registry = tiny_config.to_json(), str(tmp_path / "registry")

    @dsl.pipeline(name="one-exit-handler")
    def one_exit_handler() -> None:
        run = {"registry": registry, "run_id": dsl.PIPELINE_JOB_ID_PLACEHOLDER}
        with dsl.ExitHandler(exit_task=notify(config=config, run_name="rehearsal", **run)):
            # Without reasons a rollback fails.
            rollback_model(config=config, verdict="hold", grounds=_imported("Artifact", grounds), **run)

    records = run_pipeline(one_exit_handler, tmp_path / "run")
    assert records["rollback-model"].succeeded is (state == "SUCCEEDED")
    told = json.loads((records["notify"].artifacts["notification"] / "notification.json").read_text(encoding="utf-8"))
    assert (told["run_name"], told["state"]) == ("rehearsal", state)
    # The registry's history says what this very run did.
    assert told["events"] == (["held", "succeeded"] if state == "SUCCEEDED" else ["failed"])
    assert told["run_id"].isdecimal()
