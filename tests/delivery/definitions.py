"""Cloud Build and GitHub files of this repository, and the scripts in them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

import lab_lens

ROOT = Path(lab_lens.__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTIONS = sorted((ROOT / ".github" / "actions").glob("*/action.yml"))
TRIGGERS = sorted((ROOT / "pipelines" / "triggers").glob("*.yaml"))
CLOUD_BUILD = ROOT / "cloudbuild.yaml"
DEPENDABOT = ROOT / ".github" / "dependabot.yml"
EVERY_FILE = [CLOUD_BUILD, *TRIGGERS, *WORKFLOWS, *ACTIONS, DEPENDABOT]

Document = dict[Any, Any]


@dataclass(frozen=True)
class Script:
    """An inline script: where it stands, its text, its shell, and what its environment variables are known to be."""

    where: str
    text: str
    shell: str
    values: Mapping[str, str] = field(default_factory=dict)


def load(path: Path) -> Document:
    """One YAML document."""
    content: Document = yaml.safe_load(path.read_text(encoding="utf-8"))
    return content


def name_of(path: Path) -> str:
    """The path as people know it."""
    return path.relative_to(ROOT).as_posix()


def events_of(workflow: Document) -> Document:
    """What starts a workflow; YAML 1.1 reads the key `on` as true."""
    events: Document = workflow.get("on", workflow.get(True))
    return events


def builds() -> dict[str, Document]:
    """Build configurations by name: the repository's own, and those that stand in a trigger."""
    found = {name_of(CLOUD_BUILD): load(CLOUD_BUILD)}
    for path in TRIGGERS:
        trigger = load(path)
        if "build" in trigger:
            found[name_of(path)] = {**trigger["build"], "substitutions": trigger.get("substitutions", {})}
    return found


def workflows() -> dict[str, Document]:
    """Workflows by name."""
    return {name_of(path): load(path) for path in WORKFLOWS}


def actions() -> dict[str, Document]:
    """Composite actions by name."""
    return {name_of(path): load(path) for path in ACTIONS}


def steps_of(document: Document) -> Iterator[tuple[str, Document, Document]]:
    """Job (or ""), job's definition (or the action's) and step, of a workflow or a composite action."""
    if "runs" in document:
        yield from (("", document, step) for step in document["runs"]["steps"])
    for job, definition in document.get("jobs", {}).items():
        yield from ((job, definition, step) for step in definition.get("steps", []))


def build_scripts(name: str, build: Document) -> list[Script]:
    """Scripts of a Cloud Build configuration; the first line says their shell, `sh` without one."""
    values = {key: str(value) for key, value in build.get("substitutions", {}).items()}
    return [
        Script(f"{name}: {step.get('id')}", step["script"], _shell(step["script"]), values)
        for step in build["steps"]
        if "script" in step
    ]


def workflow_scripts(name: str, document: Document) -> list[Script]:
    """Scripts of a workflow or action, whose shell is bash everywhere."""
    scripts = []
    for job, definition, step in steps_of(document):
        if "run" in step:
            values = {**document.get("env", {}), **definition.get("env", {}), **step.get("env", {})}
            shell = step.get("shell") or document.get("defaults", {}).get("run", {}).get("shell", "")
            where = f"{name}: {job}: {step.get('name')}"
            scripts.append(Script(where, step["run"], shell, {key: _literal(value) for key, value in values.items()}))
    return scripts


def every_script() -> list[Script]:
    """All scripts of all files."""
    found = [script for name, build in builds().items() for script in build_scripts(name, build)]
    documents = {**workflows(), **actions()}
    return found + [script for name, document in documents.items() for script in workflow_scripts(name, document)]


def _shell(script: str) -> str:
    first = script.splitlines()[0]
    return first.rsplit("/", 1)[-1].removeprefix("env ").strip() if first.startswith("#!") else "sh"


def _literal(value: Any) -> str:
    """A value of `env`; the fallback of an expression such as `inputs.x || 'y'` stands for it."""
    text = str(value)
    if "${{" not in text:
        return text
    fallback = text.rpartition("||")[2]
    return fallback.split("'")[1] if fallback.count("'") == 2 else ""
