"""What a compiled pipeline says of its tasks: its image and the limits it declares."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_UNITS = {
    "K": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
}


@dataclass(frozen=True)
class TaskSpec:
    """One task of a compiled pipeline.

    Attributes:
        image: reference of its container image.
        cpus: CPU cores at most; None: no limit declared.
        memory_bytes: memory at most; None: no limit declared.
    """

    image: str
    cpus: float | None
    memory_bytes: int | None


def task_specs(template: Path) -> dict[str, TaskSpec]:
    """Every task of a compiled pipeline (one YAML document), by the name under which kfp.local runs it."""
    document: dict[str, Any] = yaml.safe_load(template.read_text(encoding="utf-8"))
    executors = document["deploymentSpec"]["executors"]
    specs = {}
    for name, component in document["components"].items():
        label = component.get("executorLabel")
        if label is not None and "container" in executors[label]:
            container = executors[label]["container"]
            resources = container.get("resources", {})
            specs[name.removeprefix("comp-")] = TaskSpec(
                image=container["image"],
                cpus=_cpus(resources),
                memory_bytes=_memory_bytes(resources),
            )
    return specs


def _cpus(resources: Mapping[str, Any]) -> float | None:
    text = str(resources.get("resourceCpuLimit") or resources.get("cpuLimit") or "")
    if not text:
        return None
    return float(text.removesuffix("m")) / 1000 if text.endswith("m") else float(text)


def _memory_bytes(resources: Mapping[str, Any]) -> int | None:
    if text := resources.get("resourceMemoryLimit"):
        return parse_quantity(text)
    # The older field is a number of gigabytes.
    gigabytes = resources.get("memoryLimit")
    return math.ceil(float(gigabytes) * 10**9) if gigabytes else None


def parse_quantity(text: str) -> int:
    """Bytes of a Kubernetes quantity such as `16G` or `512Mi`.

    Raises:
        ValueError: it is no such quantity.
    """
    unit = next((unit for unit in sorted(_UNITS, key=len, reverse=True) if text.endswith(unit)), "")
    return math.ceil(float(text.removesuffix(unit)) * _UNITS.get(unit, 1))
