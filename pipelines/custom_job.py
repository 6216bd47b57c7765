"""Turn the training task of a compiled pipeline into one that starts a custom job and waits for it."""

from collections.abc import Iterator, Mapping
from typing import Any

from lab_lens.config_resources import Need, Resources
from lab_lens.errors import ContractError
from lab_lens.jobs.spec import job_spec
from pipelines.resources import container_resources

_EXECUTOR = "exec-train-model"
_COMPONENT = "comp-train-model"
# Options of the launcher, and what Vertex AI fills in for them; what the pipeline does not have becomes empty.
_PLACES = {
    "project": "{{$.pipeline_google_cloud_project_id}}",
    "region": "{{$.pipeline_google_cloud_location}}",
    "service-account": "{{$.pipeline_service_account}}",
    "network": "{{$.pipeline_network}}",
    "kms-key": "{{$.pipeline_encryption_key_name}}",
}
_HANDED_ON = {"image", "command", "args", "resources"}
_LAUNCHER = Need(cpu=1, memory_gib=2)


def train_in_custom_job(document: Mapping[str, Any], resources: Resources, launcher_image: str) -> None:
    """Let the training task run the launcher, with the job and the task's own command as its arguments.

    The command keeps its place for the executor input (`{{$}}`) as an argument of its own, so nothing needs quoting:
    Vertex AI fills it in, and the launcher hands the arguments on as they are. Inside the job the component therefore
    runs as it would in the task, and writes outputs and executor output to the same places. What the launcher must know
    of the pipeline run comes as further inputs of the task, which the component does not look at.

    Raises:
        ContractError: the task's container has a setting that the job would not have.
    """
    executor = document["deploymentSpec"]["executors"][_EXECUTOR]
    container = executor["container"]
    if lost := set(container) - _HANDED_ON:
        raise ContractError(f"the custom job that trains knows nothing of {', '.join(sorted(lost))} of its container")
    job = job_spec(resources, container["image"])
    placed = [
        word for option in _PLACES for word in (f"--{option}", f"{{{{$.inputs.parameters['{_input(option)}']}}}}")
    ]
    executor["container"] = {
        "image": launcher_image,
        "command": ["python3", "-m", "lab_lens.jobs"],
        "args": ["--job", job.model_dump_json(), *placed, "--", *container["command"], *container["args"]],
        "resources": container_resources(_LAUNCHER, "vertex"),
    }
    _add_inputs(document)


def _add_inputs(document: Mapping[str, Any]) -> None:
    declared = document["components"][_COMPONENT]["inputDefinitions"]["parameters"]
    declared |= {_input(option): {"parameterType": "STRING"} for option in _PLACES}
    for task in _training_tasks(document):
        task["inputs"]["parameters"] |= {
            _input(option): {"runtimeValue": {"constant": place}} for option, place in _PLACES.items()
        }


def _input(option: str) -> str:
    return f"vertex_{option.replace('-', '_')}"


def _training_tasks(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for component in (document["root"], *document["components"].values()):
        for task in component.get("dag", {}).get("tasks", {}).values():
            if task["componentRef"]["name"] == _COMPONENT:
                yield task
