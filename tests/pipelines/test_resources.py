import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from google.cloud import aiplatform_v1
from kfp import compiler, dsl
from kfp import components as kfp_components

from components.notify import notify
from components.train_model import train_model
from lab_lens.config import parse_config
from lab_lens.config_resources import PRESETS, TASKS, Need, Preset
from lab_lens.errors import InputError
from lab_lens.machines import ACCELERATORS, LARGEST, VERTEX_ACCELERATORS, carried_by, counts_of, smallest_for
from local_runner.template import task_specs
from pipelines.compile import CompileOptions, compile_pipeline
from pipelines.component_docs import COMPONENTS
from pipelines.resources import Target, container_resources

Compiled = Callable[..., dict[str, Any]]
RUNS_THE_MODEL = {"train-model", "generate-summaries", "analyze-sensitivity", "tune-hyperparameters"}


@pytest.fixture
def compiled(tmp_path: Path) -> Compiled:
    """Containers of the compiled pipeline by the component's name; settings of `resources` as keywords."""

    def run(target: Target, trials: int = 0, **resources: Any) -> dict[str, Any]:
        tuning = {"trials": trials, "workers": min(2, max(1, trials))}
        config = parse_config(json.dumps({"resources": resources, "tuning": tuning}))
        out = compile_pipeline(tmp_path / "pipeline.yaml", CompileOptions(config=config, target=target))
        assert kfp_components.load_component_from_file(str(out)).name == "lab-lens-model-development"
        (document,) = yaml.safe_load_all(out.read_text(encoding="utf-8"))
        executors = document["deploymentSpec"]["executors"]
        return {label.removeprefix("exec-"): executor["container"] for label, executor in executors.items()}

    return run


def refused(compiled: Compiled, target: Target, **resources: Any) -> tuple[str, ...]:
    with pytest.raises(InputError) as refusal:
        compiled(target, **resources)
    return refusal.value.problems


def test_every_component_has_a_place_in_the_settings() -> None:
    assert {component.python_func.__name__ for component in COMPONENTS} <= set(TASKS)
    assert all(set(preset) == set(TASKS) for preset in PRESETS.values())


@pytest.mark.parametrize("target", get_args(Target))
@pytest.mark.parametrize("preset", get_args(Preset))
def test_every_preset_compiles_to_one_document_for_every_target(
    compiled: Compiled, preset: str, target: Target
) -> None:
    containers = compiled(target, preset=preset, trials=4)
    assert {"tune-hyperparameters", "select-hyperparameters"} <= set(containers)
    limited = {name for name, container in containers.items() if "resources" in container}
    assert limited == (set() if preset == "local" else set(containers))


@pytest.mark.parametrize("preset", ["t4", "l4", "a100", "h100"])
def test_accelerators_go_to_the_tasks_that_run_the_model_and_to_no_other(compiled: Compiled, preset: str) -> None:
    containers = compiled("kubeflow", preset=preset, trials=4)
    with_accelerator = {name for name, container in containers.items() if "accelerator" in container["resources"]}
    assert with_accelerator == RUNS_THE_MODEL
    for name in with_accelerator:
        accelerator = containers[name]["resources"]["accelerator"]
        assert (accelerator["resourceType"], accelerator["resourceCount"]) == ("nvidia.com/gpu", "1")


@pytest.mark.parametrize(
    ("preset", "name"), [("t4", "NVIDIA_TESLA_T4"), ("l4", "NVIDIA_L4"), ("a100", "NVIDIA_A100_80GB")]
)
def test_vertex_reads_accelerators_by_the_names_of_its_api(compiled: Compiled, preset: str, name: str) -> None:
    accelerator = compiled("vertex", preset=preset)["train-model"]["resources"]["accelerator"]
    assert accelerator == {"type": name, "count": "1", "resourceType": name, "resourceCount": "1"}


def test_names_of_accelerators_are_those_of_the_api() -> None:
    assert set(VERTEX_ACCELERATORS) == set(ACCELERATORS)
    for name in VERTEX_ACCELERATORS.values():
        assert aiplatform_v1.AcceleratorType[name]


def test_limits_are_written_as_the_compiler_of_kfp_writes_them(tmp_path: Path) -> None:
    @dsl.pipeline
    def example() -> None:
        given = {"config": "", "checkpoints": ""}
        data = dsl.importer(artifact_uri="x", artifact_class=dsl.Dataset).output
        task = train_model(train=data, val=data, **given)
        task.set_cpu_limit("8").set_memory_limit("28Gi").set_accelerator_type("NVIDIA_L4").set_accelerator_limit(1)

    compiler.Compiler().compile(example, str(tmp_path / "example.yaml"))
    document = yaml.safe_load((tmp_path / "example.yaml").read_text(encoding="utf-8"))
    written = document["deploymentSpec"]["executors"]["exec-train-model"]["container"]["resources"]
    assert container_resources(Need(8, 28, "l4", 1), "vertex") == written


def test_only_limits_are_declared_since_vertex_takes_no_requests(compiled: Compiled) -> None:
    for container in compiled("vertex", preset="a100").values():
        assert not [name for name in container["resources"] if "request" in name.lower()]


def test_the_local_runner_reads_the_declared_limits(tmp_path: Path) -> None:
    config = parse_config('{"resources": {"tasks": {"detect_bias": {"cpu": 0.5, "memory_gib": 1.5}}}}')
    out = compile_pipeline(tmp_path / "pipeline.yaml", CompileOptions(config=config))
    specs = task_specs(out)
    assert (specs["detect-bias"].cpus, specs["detect-bias"].memory_bytes) == (0.5, 3 * 2**29)
    assert (specs["train-model"].cpus, specs["train-model"].memory_bytes) == (None, None)


def test_an_override_wins_over_the_preset_and_leaves_the_rest(compiled: Compiled) -> None:
    overrides = {
        "generate_summaries": {"memory_gib": 12},
        "analyze_sensitivity": {"accelerator": "none"},
        "rollback_model": {"cpu": 0.5},
        "train_model": {"accelerator": "a100_80gb", "accelerator_count": 2, "cpu": 24},
    }
    containers = compiled("vertex", preset="l4", tasks=overrides)
    generating = containers["generate-summaries"]["resources"]
    assert generating["resourceMemoryLimit"] == "12Gi"
    assert generating["accelerator"]["type"] == "NVIDIA_L4"
    assert generating["resourceCpuLimit"] == "8"
    assert "accelerator" not in containers["analyze-sensitivity"]["resources"]
    # The task stands in the graph twice.
    assert {containers[name]["resources"]["cpuLimit"] for name in ("rollback-model", "rollback-model-2")} == {0.5}
    assert containers["train-model"]["resources"]["accelerator"]["count"] == "2"


def test_an_accelerator_for_a_task_of_the_local_preset_is_one(compiled: Compiled) -> None:
    containers = compiled("vertex", tasks={"train_model": {"accelerator": "t4"}})
    assert containers["train-model"]["resources"]["accelerator"]["count"] == "1"
    assert "resources" not in containers["notify"]


def test_what_no_machine_of_vertex_has_is_refused_task_by_task(compiled: Compiled) -> None:
    tasks = {
        "train_model": {"accelerator_count": 3},
        "generate_summaries": {"cpu": 64, "memory_gib": 200},
        "analyze_sensitivity": {"accelerator": "h100_80gb"},
    }
    problems = refused(compiled, "vertex", preset="l4", tasks=tasks)
    assert problems == (
        "resources.tasks.analyze_sensitivity: Vertex AI lends 1 h100_80gb as a spot machine alone, which this task is "
        "not; set accelerator_count to 8, or another accelerator (training: resources.training.strategy spot)",
        "resources.tasks.generate_summaries.cpu is 64; a machine with 1 l4 has 32 at most",
        "resources.tasks.generate_summaries.memory_gib is 200; a machine with 1 l4 has 128 at most",
        "resources.tasks.train_model.accelerator_count is 3; one machine has 1, 2, 4, 8 l4",
    )
    assert compiled("kubeflow", preset="l4", tasks=tasks)["train-model"]["resources"]["accelerator"]["count"] == "3"


def test_a_single_h100_is_taken_as_a_spot_machine(compiled: Compiled) -> None:
    job = json.loads(argument(compiled("vertex", preset="h100")["train-model"], "--job"))
    assert job["strategy"] == "SPOT"
    assert job["machines"] == [
        {"machine_type": "a3-highgpu-1g", "accelerator": "NVIDIA_H100_80GB", "accelerator_count": 1}
    ]
    problems = refused(compiled, "vertex", preset="h100", training={"strategy": "on_demand"})
    assert "Vertex AI lends 1 h100_80gb as a spot machine alone" in problems[0]
    whole = {"train_model": {"accelerator_count": 8}}
    assert compiled("vertex", preset="h100", tasks=whole)["train-model"]["resources"]["accelerator"]["count"] == "8"


def test_the_preset_needs_machines_that_exist() -> None:
    for preset in PRESETS.values():
        for need in preset.values():
            if need.accelerator is not None:
                largest = LARGEST[need.accelerator, need.accelerator_count]
                assert (need.cpu or 0) <= largest.vcpus
                assert (need.memory_gib or 0) < largest.memory_gib


# Training as a custom job.


def argument(container: dict[str, Any], name: str) -> str:
    args: list[str] = container["args"]
    return args[args.index(name) + 1]


def test_spot_training_becomes_a_task_that_starts_a_job_with_the_same_command(compiled: Compiled) -> None:
    plain = compiled("vertex", preset="l4")["train-model"]
    container = compiled("vertex", preset="l4", training={"strategy": "spot", "timeout_hours": 6})["train-model"]
    assert container["image"] == "lab-lens-ops"
    assert container["command"] == ["python3", "-m", "lab_lens.jobs"]
    assert container["args"][container["args"].index("--") + 1 :] == [*plain["command"], *plain["args"]]
    assert container["args"].count("{{$}}") == 1
    assert json.loads(argument(container, "--job")) == {
        "image": "lab-lens-trainer",
        "machines": [{"machine_type": "g2-standard-8", "accelerator": "NVIDIA_L4", "accelerator_count": 1}],
        "regions": [],
        "replicas": 1,
        "strategy": "SPOT",
        "restart_job_on_worker_restart": True,
        "timeout_seconds": 21_600,
        "capacity_timeout_seconds": 3600.0,
    }
    # The launcher itself only waits.
    assert container["resources"]["cpuLimit"] == 1.0
    assert "accelerator" not in container["resources"]


def test_the_launcher_learns_of_the_pipeline_run_by_inputs_of_its_task(tmp_path: Path) -> None:
    config = parse_config('{"resources": {"preset": "l4", "training": {"strategy": "spot"}}}')
    out = compile_pipeline(tmp_path / "pipeline.yaml", CompileOptions(config=config, target="vertex"))
    document = yaml.safe_load(out.read_text(encoding="utf-8"))
    container = document["deploymentSpec"]["executors"]["exec-train-model"]["container"]
    declared = document["components"]["comp-train-model"]["inputDefinitions"]["parameters"]
    given = document["components"]["comp-exit-handler-1"]["dag"]["tasks"]["train-model"]["inputs"]["parameters"]
    for option, place in {
        "project": "{{$.pipeline_google_cloud_project_id}}",
        "region": "{{$.pipeline_google_cloud_location}}",
        "service_account": "{{$.pipeline_service_account}}",
        "network": "{{$.pipeline_network}}",
        "kms_key": "{{$.pipeline_encryption_key_name}}",
    }.items():
        read = argument(container, f"--{option.replace('_', '-')}")
        assert read == f"{{{{$.inputs.parameters['vertex_{option}']}}}}"
        assert declared[f"vertex_{option}"]["parameterType"] == "STRING"
        assert given[f"vertex_{option}"] == {"runtimeValue": {"constant": place}}


def test_nothing_but_the_training_task_changes_when_it_becomes_a_job(compiled: Compiled) -> None:
    plain, job = compiled("vertex", preset="l4"), compiled("vertex", preset="l4", training={"strategy": "spot"})
    assert {name for name in plain if plain[name] != job[name]} == {"train-model"}


@pytest.mark.parametrize("target", ["local", "kubeflow"])
def test_elsewhere_spot_training_stays_a_task(compiled: Compiled, target: Target) -> None:
    container = compiled(target, preset="l4", training={"strategy": "spot"})["train-model"]
    assert container == compiled(target, preset="l4")["train-model"]


@pytest.mark.parametrize(
    ("training", "strategy"),
    [
        ({}, None),
        ({"strategy": "task"}, None),
        ({"strategy": "on_demand"}, "STANDARD"),
        ({"strategy": "spot"}, "SPOT"),
        ({"replicas": 2}, "STANDARD"),
        ({"regions": ["europe-west4"]}, "STANDARD"),
        ({"machine_types": ["g2-standard-16"]}, "STANDARD"),
    ],
)
def test_training_is_a_job_where_the_settings_need_one(
    compiled: Compiled, training: dict[str, Any], strategy: str | None
) -> None:
    container = compiled("vertex", preset="l4", training=training)["train-model"]
    is_job = container["image"] == "lab-lens-ops"
    assert is_job == (strategy is not None)
    if is_job:
        assert json.loads(argument(container, "--job"))["strategy"] == strategy


def test_the_order_of_machines_and_regions_is_kept_and_each_machine_brings_its_accelerator(compiled: Compiled) -> None:
    training = {
        "strategy": "spot",
        "machine_types": ["g2-standard-12", "a2-ultragpu-1g", "n1-standard-8", "a3-highgpu-1g"],
        "regions": ["europe-west4", "europe-west1"],
        "replicas": 2,
        "restart_on_worker_restart": False,
    }
    job = json.loads(argument(compiled("vertex", preset="l4", training=training)["train-model"], "--job"))
    assert [tuple(machine.values()) for machine in job["machines"]] == [
        ("g2-standard-12", "NVIDIA_L4", 1),
        ("a2-ultragpu-1g", "NVIDIA_A100_80GB", 1),
        ("n1-standard-8", "NVIDIA_TESLA_T4", 1),
        ("a3-highgpu-1g", "NVIDIA_H100_80GB", 1),
    ]
    assert job["regions"] == ["europe-west4", "europe-west1"]
    assert (job["replicas"], job["restart_job_on_worker_restart"]) == (2, False)


@pytest.mark.parametrize(
    ("preset", "machine_type", "plain"),
    [
        ("cpu", "n1-standard-16", True),
        ("t4", "n1-standard-8", False),
        ("l4", "g2-standard-8", False),
        ("a100", "a2-ultragpu-1g", False),
        ("h100", "a3-highgpu-1g", False),
    ],
)
def test_a_job_takes_the_smallest_machine_that_fits(preset: Preset, machine_type: str, plain: bool) -> None:
    need = PRESETS[preset]["train_model"]
    fitting = smallest_for(need.accelerator, need.accelerator_count, need.cpu or 0, need.memory_gib or 0)
    assert fitting == machine_type
    carried = carried_by(machine_type, plain=plain)
    assert carried is not None
    assert carried.gives(need.accelerator, need.accelerator_count)


def test_memory_makes_the_machine_larger() -> None:
    assert smallest_for("l4", 1, 4, 60) == "g2-standard-16"
    assert smallest_for("l4", 2, 4, 8) == "g2-standard-24"
    assert smallest_for(None, 0, 2, 100) == "n1-standard-32"
    assert smallest_for("t4", 1, 500, 1) == "n1-standard-96"


def test_every_count_of_an_accelerator_has_a_machine() -> None:
    for accelerator in ACCELERATORS:
        for count in counts_of(accelerator):
            carried = carried_by(smallest_for(accelerator, count, 1, 1), plain=False)
            assert carried is not None
            assert carried.gives(accelerator, count)


def test_the_exit_handler_is_a_small_task(compiled: Compiled) -> None:
    assert compiled("vertex", preset="h100")[notify.name]["resources"]["resourceMemoryLimit"] == "4Gi"
