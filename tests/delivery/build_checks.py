"""What the schema of Cloud Build misses: references inside a configuration, pins, limits."""

import re
from collections.abc import Iterable

from definitions import Document

# https://cloud.google.com/build/docs/configuring-builds/substitute-variable-values
BUILT_IN = {
    "PROJECT_ID", "PROJECT_NUMBER", "BUILD_ID", "LOCATION", "TRIGGER_NAME", "COMMIT_SHA", "REVISION_ID", "SHORT_SHA",
    "REPO_NAME", "REPO_FULL_NAME", "BRANCH_NAME", "TAG_NAME", "REF_NAME", "TRIGGER_BUILD_CONFIG_PATH",
    "SERVICE_ACCOUNT_EMAIL", "SERVICE_ACCOUNT",
}  # fmt: skip
_OWN = re.compile(r"\$\{?(_[A-Z0-9_]+)")
_CAPITALS = re.compile(r"\$\{?([A-Z][A-Z0-9_]+)")
_PINNED = re.compile(r".+:\d+\.\d+[\w.-]*$|.+@sha256:[0-9a-f]{64}$")


def build_problems(build: Document) -> list[str]:
    """Everything that is wrong with a build configuration."""
    steps = build["steps"]
    return [
        *_step_problems(steps),
        *_order_problems(steps),
        *_volume_problems(steps),
        *_substitution_problems(build),
        *_build_wide_problems(build),
    ]


def _step_problems(steps: Iterable[Document]) -> list[str]:
    problems = []
    for number, step in enumerate(steps, start=1):
        who = f"step {step.get('id') or number}"
        if not step.get("id"):
            problems.append(f"{who} has no id")
        if not step.get("name"):
            problems.append(f"{who} has no name: no image to run in")
        elif not _PINNED.fullmatch(step["name"]):
            problems.append(f"{who}: {step['name']} is pinned neither by version nor by digest")
        if not step.get("timeout"):
            problems.append(f"{who} has no timeout")
        if "secretEnv" in step:
            problems.append(f"{who}: secrets come from files here, and secretEnv needs a declaration")
    return problems


def _order_problems(steps: Iterable[Document]) -> list[str]:
    """A step can only wait for one that stands before it; a name that nobody has is never waited for."""
    problems, before = [], set()
    for step in steps:
        unknown = [name for name in step.get("waitFor", []) if name != "-" and name not in before]
        problems += [f"step {step.get('id')} waits for {name}, which is no step before it" for name in unknown]
        if step.get("id") in before:
            problems.append(f"two steps are called {step['id']}")
        before.add(step.get("id"))
    return problems


def _volume_problems(steps: Iterable[Document]) -> list[str]:
    """Cloud Build refuses a volume that only one step mounts."""
    named = [volume["name"] for step in steps for volume in step.get("volumes", [])]
    return [f"volume {name} is mounted by one step alone" for name in sorted(set(named)) if named.count(name) == 1]


def _substitution_problems(build: Document) -> list[str]:
    declared = build.get("substitutions", {})
    text = _text({key: value for key, value in build.items() if key != "substitutions"})
    used = set(_OWN.findall(text + _text(declared)))
    problems = [f"${name} is used and not declared" for name in sorted(used - set(declared))]
    problems += [f"{name} is declared and not used" for name in sorted(set(declared) - used)]
    strangers = set(_CAPITALS.findall(text)) - BUILT_IN - _assigned(text)
    problems += [f"${name} is no substitution of Cloud Build" for name in sorted(strangers)]
    nested = [
        name
        for name, value in declared.items()
        for inner in _OWN.findall(str(value))
        if _OWN.search(str(declared.get(inner, "")))
    ]
    return problems + [f"{name} refers to a substitution that refers to another" for name in nested]


def _assigned(text: str) -> set[str]:
    """Variables that scripts set themselves."""
    return set(re.findall(r"(?:^|[\s;])(?:export )?([A-Z][A-Z0-9_]+)=", text)) | {"PATH", "HOME"}


def _build_wide_problems(build: Document) -> list[str]:
    options = build.get("options", {})
    problems = [] if build.get("timeout") else ["the build has no timeout"]
    if options.get("logging") != "CLOUD_LOGGING_ONLY":
        problems.append("options.logging is not CLOUD_LOGGING_ONLY, which a service account of one's own needs")
    if any("script" in step for step in build["steps"]) and not options.get("automapSubstitutions"):
        problems.append("scripts see no substitution without options.automapSubstitutions")
    if any("$" in str(value) for value in build.get("substitutions", {}).values()) and not options.get(
        "dynamicSubstitutions"
    ):
        problems.append("substitutions refer to one another without options.dynamicSubstitutions")
    return problems


def _text(value: object) -> str:
    """All strings in a document, a line each."""
    if isinstance(value, dict):
        return "\n".join(_text(item) for item in value.values())
    if isinstance(value, list):
        return "\n".join(_text(item) for item in value)
    return str(value)
