"""What happened in a run, as events: from how it ended, and from what it left in the registry or in its summary."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from lab_lens import artifacts, errors
from lab_lens.config_notifications import Event
from lab_lens.errors import InputError
from lab_lens.notifications.message import Notification, one_line
from lab_lens.registry.base import DEPLOY_FAILED, HELD, PROMOTED, REGISTERED, ROLLED_BACK, HistoryEntry

# Names of the stages as tasks of the pipeline; all that is ever taken from a message of an error.
STAGES = (
    "prepare-data",
    "tune-hyperparameters",
    "select-hyperparameters",
    "train-model",
    "generate-summaries",
    "validate-model",
    "detect-bias",
    "analyze-sensitivity",
    "decide-release",
    "register-model",
    "deploy-model",
    "rollback-model",
)
_OF_STATE: dict[str, Event] = {"SUCCEEDED": "succeeded", "FAILED": "failed", "CANCELLED": "cancelled"}
_OF_ACTION: dict[str, Event] = {
    PROMOTED: "promoted",
    HELD: "held",
    ROLLED_BACK: "rolled_back",
    DEPLOY_FAILED: "unhealthy",
}
_OF_VERDICT: dict[str, Event] = {
    "promote": "promoted",
    "hold": "held",
    "rollback": "rolled_back",
    "unhealthy": "unhealthy",
}
# What matters most comes first.
_HEADLINES: tuple[Event, ...] = (
    "failed",
    "cancelled",
    "unhealthy",
    "rolled_back",
    "promoted",
    "held",
    "succeeded",
)
_STATE_OF_STATUS = {"succeeded": "SUCCEEDED", "failed": "FAILED", "interrupted": "CANCELLED", "running": "FAILED"}
_VERTEX_JOB = re.compile(r"projects/([\w:.-]+)/locations/([a-z0-9-]+)/pipelineJobs/([\w-]+)")
_NO_LETTER_AROUND = r"(?<![\w-]){}(?![\w])"


@dataclass(frozen=True)
class RunEnd:
    """How the pipeline system says that a run ended.

    Attributes:
        state: SUCCEEDED, FAILED or CANCELLED.
        run_name: name that its user gave it.
        run_id: the pipeline system's own identifier, as in the registry's history.
        job: resource name of a Vertex pipeline job; anything else gives no link.
        error_message: may hold anything, notes too; only names of stages and of our errors are taken from it.
    """

    state: str
    run_name: str = ""
    run_id: str = ""
    job: str = ""
    error_message: str = ""


def notification_of(
    end: RunEnd, history: Sequence[HistoryEntry], production: str | None, link: str | None
) -> Notification:
    """Tell a run by how it ended and by what the registry's history says that this very run did.

    Args:
        end: how it ended.
        history: of the registry, oldest first; entries of other runs are left out by their run id.
        production: the version in production now.
        link: template of the page of a run; None: Vertex AI's, if it ran there.
    """
    own = [entry for entry in history if end.run_id and entry.run_id == end.run_id]
    told = _told([_OF_ACTION[entry.action] for entry in own if entry.action in _OF_ACTION], end.state)
    versions = [entry.to_version for entry in own if entry.action != HELD and entry.to_version]
    return replace(
        told,
        run_name=one_line(end.run_name),
        run_id=end.run_id,
        verdict=_verdict(own),
        version=versions[-1] if versions else None,
        production=production,
        failed_stages=tuple(name for name in STAGES if _names(end.error_message, name)),
        error_kind=next((name for name in _error_kinds() if _names(end.error_message, name)), None),
        link=_link(end, link),
    )


def notification_by_hand(end: RunEnd, verdict: str, version: str | None, link: str | None) -> Notification:
    """Tell a run by what the caller knows of it; a verdict of "" is unknown."""
    told = _told([_OF_VERDICT[verdict]] if verdict and end.state == "SUCCEEDED" else [], end.state)
    gate = "promote" if verdict == "unhealthy" else verdict or None
    return replace(told, run_name=one_line(end.run_name), verdict=gate, version=version, link=link)


def notification_of_summary(path: Path, link: str | None) -> Notification:
    """Tell a local run by its `summary.json`.

    Raises:
        InputError: it is not there, or is not what a run wrote.
    """
    summary = artifacts.read_json(path)
    if not (isinstance(summary, dict) and summary.get("status") in _STATE_OF_STATUS):
        raise InputError(f"{path} is no summary of a run; give the summary.json of a run directory")
    state = _STATE_OF_STATUS[summary["status"]]
    versions = summary.get("versions") or {}
    told = _told(_events_of_summary(summary, versions), state)
    return replace(
        told,
        run_name=one_line(str(summary.get("run_name") or "")),
        verdict=summary.get("verdict"),
        version=versions.get("candidate"),
        production=versions.get("production"),
        failed_stages=tuple(str(item["stage"]) for item in summary.get("stages", []) if item["status"] == "failed"),
        blocking_rules=_blocking_rules(path.parent, summary),
        link=link,
    )


def _told(happened: Iterable[Event], state: str) -> Notification:
    found = {_OF_STATE.get(state, "failed"), *happened}
    events = tuple(event for event in _HEADLINES if event in found)
    return Notification(event=events[0], events=events, run_name="", state=state)


def _verdict(own: Sequence[HistoryEntry]) -> str | None:
    actions = {entry.action for entry in own}
    if actions & {REGISTERED, PROMOTED, DEPLOY_FAILED}:
        return "promote"
    if ROLLED_BACK in actions:
        return "rollback"
    return "hold" if HELD in actions else None


def _names(message: str, word: str) -> bool:
    return re.search(_NO_LETTER_AROUND.format(re.escape(word)), message) is not None


def _error_kinds() -> list[str]:
    return [
        name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, errors.LabLensError)
    ]


def _link(end: RunEnd, template: str | None) -> str | None:
    if template is not None:
        return filled_link(template, end)
    match = _VERTEX_JOB.fullmatch(end.job)
    if match is None:
        return None
    project, region, job = match.groups()
    return f"https://console.cloud.google.com/vertex-ai/locations/{region}/pipelines/runs/{job}?project={project}"


def filled_link(template: str, end: RunEnd) -> str:
    """A link with the run's name and id in the places of `{run_name}` and `{run_id}`."""
    filled = template.replace("{run_name}", quote(end.run_name, safe=""))
    return filled.replace("{run_id}", quote(end.run_id, safe=""))


def _events_of_summary(summary: Mapping[str, Any], versions: Mapping[str, Any]) -> list[Event]:
    verdict = summary.get("verdict")
    if verdict not in _OF_VERDICT or summary["status"] != "succeeded":
        return []
    if verdict == "promote" and versions.get("candidate") != versions.get("production"):
        return ["unhealthy"]
    return [_OF_VERDICT[verdict]]


def _blocking_rules(run_dir: Path, summary: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the rules that forbid, from the run's decision; its sentences stay where they are."""
    written = (summary.get("paths") or {}).get("decide_release.decision")
    path = run_dir / str(written) / artifacts.DECISION_JSON
    if not written or not path.is_file():
        return ()
    rules = artifacts.read_json(path)["rules"]
    return tuple(str(rule["rule"]) for rule in rules if rule["blocking"] and rule["status"] in ("fail", "unknown"))
