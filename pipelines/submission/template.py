"""A compiled pipeline as it is sent: read, checked, and changed where the submission asks for it."""

import copy
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from lab_lens.errors import InputError

# Names of our image families without a registry before them: only this machine's Docker knows such images.
_LOCAL_IMAGE = "lab-lens-"
_JOB_NAME = "{{$.pipeline_job_name}}"


def read_template(path: Path, source: str = "") -> dict[str, Any]:
    """Read a compiled pipeline.

    Args:
        path: one YAML or JSON document of KFP IR.
        source: how messages call it; empty: by its path.

    Raises:
        InputError: there is no such file, or it is something else.
    """
    name = source or f"--template {path}"
    if not path.is_file():
        raise InputError(f"{name}: no such file; lab-lens compile --out {path.name} writes one")
    try:
        documents = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{name} is neither YAML nor JSON; give what lab-lens compile wrote") from error
    if len(documents) != 1:
        raise InputError(
            f"{name} has {len(documents)} YAML documents and must have one; compile it by lab-lens compile"
        )
    document = documents[0]
    if not isinstance(document, dict) or not {"pipelineInfo", "root", "deploymentSpec"} <= document.keys():
        raise InputError(f"{name} is no compiled pipeline (KFP IR 2.x); give what lab-lens compile wrote")
    return document


def pipeline_name(document: Mapping[str, Any]) -> str:
    """The pipeline's name."""
    return str(document["pipelineInfo"]["name"])


def image_problems(document: Mapping[str, Any]) -> list[str]:
    """Images that only this machine has."""
    local = sorted(image for image in images_of(document) if image.startswith(_LOCAL_IMAGE))
    if not local:
        return []
    return [
        f"the template names local images ({', '.join(local)}), which cannot be pulled elsewhere; push them "
        "and compile with --images REGISTRY/PREFIX --tag TAG or --digests FILE, or give these to submit directly"
    ]


def images_of(document: Mapping[str, Any]) -> set[str]:
    """Every image that a task of the pipeline runs in."""
    executors = document["deploymentSpec"].get("executors", {}).values()
    return {executor["container"]["image"] for executor in executors if "container" in executor}


def parameters_of(document: Mapping[str, Any], given: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """Values as the pipeline's types want them, and what is wrong with them.

    Args:
        document: the compiled pipeline.
        given: values by name; values are not shown in problems.
    """
    defined = document["root"].get("inputDefinitions", {}).get("parameters", {})
    problems = [
        f"the pipeline has no parameter {name}; it has {', '.join(sorted(defined))}" for name in given.keys() - defined
    ]
    problems += [
        f"the pipeline needs a value for {name}"
        for name, definition in defined.items()
        if name not in given and "defaultValue" not in definition and not definition.get("isOptional")
    ]
    values: dict[str, Any] = {}
    for name in given.keys() & defined.keys():
        kind = defined[name].get("parameterType", "STRING")
        try:
            values[name] = given[name] if kind == "STRING" else json.loads(given[name])
        except json.JSONDecodeError:
            problems.append(f"the value of {name} is no {kind}")
    return values, sorted(problems)


def without_cache(document: Mapping[str, Any]) -> dict[str, Any]:
    """The pipeline with caching off for every task; kfp.Client alone would miss those inside groups."""
    changed = copy.deepcopy(dict(document))
    for task in _tasks(changed):
        task["cachingOptions"] = {}
    return changed


def named_by_its_job(document: Mapping[str, Any]) -> dict[str, Any]:
    """The pipeline with the job's own name as `run_name`: runs of a schedule must not be tracked as one run."""
    changed = copy.deepcopy(dict(document))
    for task in changed["root"].get("dag", {}).get("tasks", {}).values():
        for name, source in task.get("inputs", {}).get("parameters", {}).items():
            if source == {"componentInputParameter": "run_name"}:
                task["inputs"]["parameters"][name] = {"runtimeValue": {"constant": _JOB_NAME}}
    return changed


def _tasks(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every task, those inside groups too."""
    for component in (document["root"], *document.get("components", {}).values()):
        yield from component.get("dag", {}).get("tasks", {}).values()
