"""Write what each task may use into a compiled pipeline, in the words of its target."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from lab_lens.config_resources import TASKS, Need, Resources, TaskName
from lab_lens.errors import InputError
from lab_lens.machines import LARGEST, SPOT_ONLY, VERTEX_ACCELERATORS, counts_of

Target = Literal["local", "kubeflow", "vertex"]
_KUBERNETES_GPU = "nvidia.com/gpu"
_BYTES_A_GIB = 2**30
_BYTES_A_GB = 10**9
_MIB_A_GIB = 1024


def set_resources(executors: Mapping[str, Any], resources: Resources, target: Target) -> None:
    """Set the limits of every task's container; requests are left to the target.

    Raises:
        InputError: no machine of Vertex AI has what a task asks for; every such task is listed.
    """
    labels = {label: task for label in executors if (task := task_of(label)) is not None}
    if target == "vertex":
        problems = [problem for task in sorted(set(labels.values())) for problem in _problems(resources, task)]
        if problems:
            raise InputError(problems)
    for label, task in labels.items():
        limits = container_resources(resources.need(task), target)
        if limits:
            executors[label]["container"]["resources"] = limits


def task_of(label: str) -> TaskName | None:
    """The task that an executor (`exec-rollback-model-2`) belongs to; None: a task that the settings do not know."""
    name = re.sub(r"-\d+$", "", label.removeprefix("exec-")).replace("-", "_")
    return next((task for task in TASKS if task == name), None)


def container_resources(need: Need, target: Target) -> dict[str, Any]:
    """`resources` of a container as KFP's compiler writes them: numbers for older back ends, text for newer ones."""
    written: dict[str, Any] = {}
    if need.cpu is not None:
        written |= {"cpuLimit": float(need.cpu), "resourceCpuLimit": _cpu_text(need.cpu)}
    if need.memory_gib is not None:
        gigabytes = need.memory_gib * _BYTES_A_GIB / _BYTES_A_GB
        written |= {"memoryLimit": gigabytes, "resourceMemoryLimit": _memory_text(need.memory_gib)}
    # kfp.local has no word for accelerators; its runners take those that the user names.
    if need.accelerator is not None and target != "local":
        kind = VERTEX_ACCELERATORS[need.accelerator] if target == "vertex" else _KUBERNETES_GPU
        count = str(need.accelerator_count)
        written["accelerator"] = {"type": kind, "count": count, "resourceType": kind, "resourceCount": count}
    return written


def _cpu_text(cpu: float) -> str:
    return f"{cpu:g}" if cpu == int(cpu) else f"{round(cpu * 1000)}m"


def _memory_text(gib: float) -> str:
    return f"{gib:g}Gi" if gib == int(gib) else f"{round(gib * _MIB_A_GIB)}Mi"


def _problems(resources: Resources, task: TaskName) -> Iterator[str]:
    need, path = resources.need(task), f"resources.tasks.{task}"
    if need.accelerator is None or (task == "train_model" and resources.training.machine_types):
        return
    kind = (need.accelerator, need.accelerator_count)
    if kind not in LARGEST:
        allowed = ", ".join(map(str, counts_of(need.accelerator)))
        yield f"{path}.accelerator_count is {need.accelerator_count}; one machine has {allowed} {need.accelerator}"
        return
    if kind in SPOT_ONLY and not (task == "train_model" and resources.strategy() == "spot"):
        yield (
            f"{path}: Vertex AI lends {kind[1]} {kind[0]} as a spot machine alone, which this task is not; set "
            "accelerator_count to 8, or another accelerator (training: resources.training.strategy spot)"
        )
    largest = LARGEST[kind]
    for name, asked, most in (("cpu", need.cpu, largest.vcpus), ("memory_gib", need.memory_gib, largest.memory_gib)):
        if asked is not None and asked > most:
            yield f"{path}.{name} is {asked:g}; a machine with {kind[1]} {kind[0]} has {most} at most"
