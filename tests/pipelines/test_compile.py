import ast
import builtins
import dis
import re
from collections.abc import Iterator
from pathlib import Path
from types import CodeType
from typing import Any

import pytest
import yaml
from kfp import components as kfp_components
from kfp import dsl
from kfp.dsl.base_component import BaseComponent

from components import images
from lab_lens.config import Config, with_overrides
from pipelines.compile import CompileOptions, compile_pipeline
from pipelines.component_docs import COMPONENTS

FILES = Path(images.__file__).parent
# Parameters that name something outside the graph: it can change while the name stays the same.
OUTSIDE = {"data", "registry", "checkpoints", "base_model", "trained_model"}
by_name = pytest.mark.parametrize("component", COMPONENTS, ids=lambda component: component.name)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_pipeline(tmp_path_factory.mktemp("compiled") / "pipeline.yaml")


@pytest.fixture(scope="module")
def document(compiled: Path) -> dict[str, Any]:
    documents = list(yaml.safe_load_all(compiled.read_text(encoding="utf-8")))
    assert len(documents) == 1
    content: dict[str, Any] = documents[0]
    return content


@pytest.fixture(scope="module")
def tasks(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Every task by name, those inside groups too; `within` names the groups around it, outermost first."""
    return dict(_tasks(document, document["root"], ()))


def _tasks(document: dict[str, Any], component: dict[str, Any], within: tuple[str, ...]) -> Iterator[Any]:
    for task in component.get("dag", {}).get("tasks", {}).values():
        name = task["taskInfo"]["name"]
        yield name, {**task, "within": within}
        yield from _tasks(document, document["components"][task["componentRef"]["name"]], (*within, name))


def _upstream(tasks: dict[str, dict[str, Any]], name: str) -> set[str]:
    return set(tasks[name].get("dependentTasks", []))


def test_the_compiled_pipeline_is_one_document_that_kfp_can_load(compiled: Path, document: dict[str, Any]) -> None:
    loaded = kfp_components.load_component_from_file(str(compiled))
    assert loaded.name == document["pipelineInfo"]["name"] == "lab-lens-model-development"


def test_compiling_twice_gives_the_same_bytes(compiled: Path, tmp_path: Path) -> None:
    again = compile_pipeline(tmp_path / "below" / "again.yaml")
    assert again.read_bytes() == compiled.read_bytes()


def _components_of(document: dict[str, Any]) -> set[str]:
    return {re.sub(r"-\d+$", "", name.removeprefix("exec-")) for name in document["deploymentSpec"]["executors"]}


def test_every_component_is_used(document: dict[str, Any], tmp_path: Path) -> None:
    everything = {component.name for component in COMPONENTS}
    assert _components_of(document) == everything - {"tune-hyperparameters", "select-hyperparameters"}
    assert _components_of(tuned(tmp_path, workers=1)) == everything - {"select-hyperparameters"}
    assert _components_of(tuned(tmp_path, workers=2)) == everything


def tuned(folder: Path, workers: int) -> dict[str, Any]:
    """The document of a configuration that asks for tuning."""
    config = with_overrides(Config(), {"tuning.trials": 6, "tuning.workers": workers})
    compiled = compile_pipeline(folder / f"tuned-{workers}.yaml", CompileOptions(config=config))
    content: dict[str, Any] = yaml.safe_load(compiled.read_text(encoding="utf-8"))
    return content


def _source_of_config(tasks: dict[str, dict[str, Any]], name: str) -> str:
    """The task that a task has its configuration from; its group's inputs are named after that task."""
    given = tasks[name]["inputs"]["parameters"]["config"]
    if "taskOutputParameter" in given:
        return str(given["taskOutputParameter"]["producerTask"])
    return str(given["componentInputParameter"])


@pytest.mark.parametrize(("workers", "chooses"), [(1, "tune-hyperparameters"), (2, "select-hyperparameters")])
def test_every_task_after_the_search_uses_the_configuration_that_it_found(
    workers: int, chooses: str, tmp_path: Path
) -> None:
    document = tuned(tmp_path, workers)
    tasks = dict(_tasks(document, document["root"], ()))
    for name in ("prepare-data", "notify"):
        assert _source_of_config(tasks, name).endswith("config")
    for name in ("train-model", "generate-summaries", "validate-model", "detect-bias", "analyze-sensitivity"):
        assert _source_of_config(tasks, name) == chooses
    assert _source_of_config(tasks, "decide-release") == chooses
    assert _source_of_config(tasks, "deploy-model") == f"pipelinechannel--{chooses}-Output"
    for name in {"tune-hyperparameters", chooses}:
        assert not tasks[name].get("cachingOptions", {}).get("enableCache")


def test_searches_side_by_side_know_which_one_they_are(tmp_path: Path) -> None:
    document = tuned(tmp_path, workers=3)
    tasks = dict(_tasks(document, document["root"], ()))
    (loop,) = (name for name in tasks if "parameterIterator" in tasks[name])
    assert tasks[loop]["parameterIterator"]["items"] == {"raw": '["0", "1", "2"]'}
    assert tasks["tune-hyperparameters"]["within"][-1] == loop
    assert tasks["select-hyperparameters"]["within"] == tasks[loop]["within"]
    given = tasks["select-hyperparameters"]["inputs"]["artifacts"]["searches"]["taskOutputArtifact"]
    assert _upstream(tasks, "select-hyperparameters") == {given["producerTask"]}
    searches = document["components"]["comp-select-hyperparameters"]["inputDefinitions"]["artifacts"]["searches"]
    assert searches["isArtifactList"]


def test_a_configuration_without_tuning_gives_the_graph_without_it(document: dict[str, Any], tmp_path: Path) -> None:
    compiled = compile_pipeline(tmp_path / "plain.yaml", CompileOptions(config=Config()))
    assert yaml.safe_load(compiled.read_text(encoding="utf-8")) == document


def test_the_exit_handler_runs_after_everything_whatever_happened(tasks: dict[str, dict[str, Any]]) -> None:
    assert tasks["notify"]["within"] == ()
    assert tasks["notify"]["triggerPolicy"]["strategy"] == "ALL_UPSTREAM_TASKS_COMPLETED"
    assert _upstream(tasks, "notify") == {"exit-handler-1"}
    assert all(task["within"][0] == "notes-to-release" for name, task in tasks.items() if task["within"])


def test_predictions_are_made_once_and_read_by_the_three_checks(tasks: dict[str, dict[str, Any]]) -> None:
    assert _upstream(tasks, "train-model") == {"prepare-data"}
    assert _upstream(tasks, "generate-summaries") == {"prepare-data", "train-model"}
    for check in ("validate-model", "detect-bias", "analyze-sensitivity"):
        artifacts = tasks[check]["inputs"]["artifacts"]
        assert artifacts["predictions"]["taskOutputArtifact"]["producerTask"] == "generate-summaries"
        assert artifacts["test"]["taskOutputArtifact"]["producerTask"] == "prepare-data"


def test_the_decision_waits_for_all_three_checks(tasks: dict[str, dict[str, Any]]) -> None:
    assert _upstream(tasks, "decide-release") == {"validate-model", "detect-bias", "analyze-sensitivity"}


def test_promote_registers_then_deploys_then_undoes_an_unhealthy_deployment(tasks: dict[str, dict[str, Any]]) -> None:
    release, undo = tasks["release"], tasks["undo"]
    assert release["triggerPolicy"]["condition"].endswith("decide-release-Output'] == 'promote'")
    assert tasks["register-model"]["within"][-1] == tasks["deploy-model"]["within"][-1] == "release"
    assert _upstream(tasks, "deploy-model") == {"register-model"}
    assert undo["within"][-1] == "release"
    assert undo["triggerPolicy"]["condition"].endswith("deploy-model-Output'] == 'unhealthy'")
    assert tasks["rollback-model"]["within"][-2:] == ("release", "undo")


def test_every_other_verdict_keeps_production_or_returns_it(tasks: dict[str, dict[str, Any]]) -> None:
    promote = tasks["release"]["triggerPolicy"]["condition"]
    assert tasks["keep"]["triggerPolicy"]["condition"] == f"!({promote})"
    assert tasks["rollback-model-2"]["within"][-1] == "keep"


def test_no_task_that_depends_on_outside_state_is_cached(tasks: dict[str, dict[str, Any]]) -> None:
    cached = {name for name, task in tasks.items() if task.get("cachingOptions", {}).get("enableCache")}
    assert cached == {"validate-model", "detect-bias", "analyze-sensitivity"}
    for name in cached:
        assert not OUTSIDE & set(tasks[name]["inputs"]["parameters"])


def test_every_image_is_one_of_ours(document: dict[str, Any]) -> None:
    executors = document["deploymentSpec"]["executors"].values()
    assert {executor["container"]["image"] for executor in executors} == {
        images.TRAINER,
        images.EVALUATOR,
        images.OPS,
    }


def test_every_parameter_of_the_pipeline_has_a_description(document: dict[str, Any]) -> None:
    parameters = document["root"]["inputDefinitions"]["parameters"]
    assert [name for name, parameter in parameters.items() if not parameter.get("description")] == []


def _globals_of(code: CodeType) -> set[str]:
    """Names that the code looks up outside itself, those of functions inside it too."""
    named = {item.argval for item in dis.get_instructions(code) if item.opname in {"LOAD_GLOBAL", "LOAD_NAME"}}
    inner = [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return named.union(*(_globals_of(code) for code in inner))


def _unknown_names(component: BaseComponent) -> set[str]:
    """What the shipped source (command line of the container) needs and does not have."""
    source = component.component_spec.implementation.container.command[-1]
    shipped: dict[str, Any] = {}
    exec(compile(source, component.name, "exec"), shipped)  # what KFP's executor does with it
    function = shipped[component.python_func.__name__]
    return _globals_of(function.__code__) - set(shipped) - set(dir(builtins))


@by_name
def test_the_shipped_source_of_a_component_stands_alone(component: BaseComponent) -> None:
    assert _unknown_names(component) == set()


def test_a_module_constant_in_a_body_would_be_found() -> None:
    @dsl.component(base_image=images.OPS, install_kfp_package=False)
    def leaky() -> str:
        return ", ".join(sorted(OUTSIDE))

    assert _unknown_names(leaky) == {"OUTSIDE"}


def _installs(component: BaseComponent) -> bool:
    return "pip install" in " ".join(component.component_spec.implementation.container.command)


@by_name
def test_a_component_installs_nothing_when_it_runs(component: BaseComponent) -> None:
    assert not _installs(component)


def test_an_installation_at_run_time_would_be_found() -> None:
    @dsl.component(base_image=images.OPS, packages_to_install=["rich"])
    def hungry() -> str:
        return "fed"

    assert _installs(hungry)


@by_name
def test_a_component_file_is_a_short_contract_with_one_call_into_its_stage(component: BaseComponent) -> None:
    name = component.python_func.__name__
    tree = ast.parse((FILES / f"{name}.py").read_text(encoding="utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    # Postponed annotations are strings, which KFP takes for types it does not know.
    assert "__future__" not in {node.module for node in imports}
    calls = [node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    assert calls.count(f"run_{name}") == 1
    stages = {node.module for node in imports if node.module.startswith("lab_lens.stages.")}
    assert stages == {f"lab_lens.stages.{name}"}
    function = next(node for node in tree.body if isinstance(node, ast.FunctionDef))
    statements = [node for node in function.body[1:] if not isinstance(node, ast.ImportFrom)]
    assert statements[-1].end_lineno - statements[0].lineno < 40


_NAMES_OF_RUNS = ("{{$.pipeline_job_name}}", "{{$.pipeline_job_resource_name}}")


@pytest.mark.parametrize(
    ("target", "placeholder"),
    [
        ("local", "{{$.pipeline_job_name}}"),
        ("kubeflow", "{{$.pipeline_job_name}}"),
        ("vertex", "{{$.pipeline_job_resource_name}}"),
    ],
)
def test_a_version_links_to_its_run_by_the_name_that_the_target_knows(
    target: Any, placeholder: str, tmp_path: Path
) -> None:
    text = compile_pipeline(tmp_path / "p.yaml", CompileOptions(target=target)).read_text(encoding="utf-8")
    assert all((other in text) is (other == placeholder) for other in _NAMES_OF_RUNS)
