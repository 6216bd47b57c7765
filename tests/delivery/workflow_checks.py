"""What the schema of GitHub's workflows misses: references, pins, permissions, and what leaves a runner."""

import re
from collections.abc import Iterator

from definitions import ROOT, Document, events_of, steps_of

_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")
_NEEDS = re.compile(r"needs\.([\w-]+)\.(?:outputs\.([\w-]+)|result)")
_STEPS = re.compile(r"steps\.([\w-]+)\.(?:outputs\.([\w-]+)|outcome|conclusion)")
# Of what may be seen by whoever may read the repository.
_NEVER_KEPT = re.compile(
    r"\.csv|lime_|data/model_ready(?!/data_report)|^\.$|^\*|model_registry/?$|model_registry/.*model"
)
# Of synthetic notes alone, which the artifact's name has to say.
_TEXT = re.compile(r"^(?:models/\w+|predictions)/?$")


def workflow_problems(workflow: Document) -> list[str]:
    """Everything that is wrong with a workflow."""
    problems = [] if workflow.get("permissions") == {} else ["the workflow gives every job permissions"]
    problems += [] if workflow.get("concurrency") else ["the workflow has no concurrency group"]
    for name, job in workflow["jobs"].items():
        problems += [f"job {name}: {problem}" for problem in _job_problems(job, workflow)]
    return problems + step_problems(workflow) + _input_problems(workflow)


def step_problems(document: Document) -> list[str]:
    """What is wrong with the steps of a workflow or of a composite action."""
    problems = []
    for job, _, step in steps_of(document):
        who = f"{job}: {step.get('name') or step.get('uses') or 'step'}"
        problems += [f"{who}: {problem}" for problem in _step_problems(step)]
    return problems


def _job_problems(job: Document, workflow: Document) -> Iterator[str]:
    needs = _needs(job)
    yield from (f"needs {name}, which is no job" for name in needs if name not in workflow["jobs"])
    if "timeout-minutes" not in job:
        yield "no timeout-minutes"
    if "permissions" not in job:
        yield "no permissions of its own"
    if "id-token" in (job.get("permissions") or {}) and not _logs_in(job):
        yield "id-token is asked for and no step logs in"
    if _logs_in(job) and "id-token" not in (job.get("permissions") or {}):
        yield "a step logs in without id-token"
    text = _text(job)
    for name, output in _NEEDS.findall(text):
        if name not in needs:
            yield f"reads needs.{name} and does not need it"
        elif output and output not in workflow["jobs"].get(name, {}).get("outputs", {}):
            yield f"reads {output} of {name}, which has no such output"
    yield from _step_output_problems(job)


def _needs(job: Document) -> list[str]:
    needs = job.get("needs", [])
    return [needs] if isinstance(needs, str) else list(needs)


def _logs_in(job: Document) -> bool:
    used = [str(step.get("uses", "")) for step in job.get("steps", [])]
    return any(name.startswith("google-github-actions/auth@") for name in used)


def _step_output_problems(job: Document) -> Iterator[str]:
    scripts = {step["id"]: step.get("run") for step in job.get("steps", []) if "id" in step}
    for name, output in _STEPS.findall(_text(job)):
        if name not in scripts:
            yield f"reads steps.{name}, which is no step of it"
        elif output and scripts[name] is not None and f"{output}=" not in scripts[name]:
            yield f"reads {output} of step {name}, whose script never writes it"


def _step_problems(step: Document) -> Iterator[str]:
    if not step.get("name"):
        yield "a step has no name"
    uses = str(step.get("uses", ""))
    if uses.startswith("./"):
        if not (ROOT / uses / "action.yml").is_file():
            yield f"{uses} is no action of this repository"
    elif uses and not _PINNED.fullmatch(uses):
        yield f"{uses} is not pinned by a commit's full hash"
    if uses.startswith("actions/checkout@") and step.get("with", {}).get("persist-credentials") is not False:
        yield "checkout leaves its token in the checkout"
    if uses.startswith("actions/upload-artifact@"):
        kept = str(step["with"]["path"]).split()
        made_up = str(step["with"].get("name", "")).startswith("synthetic-")
        yield from (f"keeps {path}, which can hold notes or models" for path in kept if _NEVER_KEPT.search(path))
        yield from (
            f"keeps {path}, and is not called synthetic-" for path in kept if _TEXT.search(path) and not made_up
        )
    if "${{" in str(step.get("run", "")):
        yield "an expression in a script can become a command; pass it by env"


def _input_problems(workflow: Document) -> list[str]:
    dispatch = (events_of(workflow) or {}).get("workflow_dispatch") or {}
    declared = set(dispatch.get("inputs", {}))
    used = set(re.findall(r"inputs\.(\w+)", " ".join(_expressions(workflow))))
    problems = [f"inputs.{name} is used and not declared" for name in sorted(used - declared)]
    return problems + [f"input {name} is declared and not used" for name in sorted(declared - used)]


def settings_used(document: Document) -> set[str]:
    """Names of repository variables and secrets, such as `vars.X`; the token of the run itself is none of them."""
    text = " ".join(_expressions(document))
    return {f"{kind}.{name}" for kind, name in re.findall(r"\b(vars|secrets)\.(\w+)", text)}


def version_comment_problems(text: str) -> list[str]:
    """Pins without the version that they are of."""
    lines = [line.strip() for line in text.splitlines() if re.search(r"uses: .*@[0-9a-f]{40}", line)]
    return [f"no version behind {line}" for line in lines if not re.search(r" # v\d+\.\d+\.\d+$", line)]


def _expressions(value: object, key: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for inner, item in value.items():
            yield from _expressions(item, str(inner))
    elif isinstance(value, list):
        for item in value:
            yield from _expressions(item, key)
    elif key == "if":
        yield str(value)
    else:
        yield from _EXPRESSION.findall(str(value))


def _text(job: Document) -> str:
    return " ".join(_expressions(job))
