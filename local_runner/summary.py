"""What a local run leaves: `summary.json` and `report.html`."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import lab_lens
from lab_lens import artifacts
from lab_lens.config import Config
from lab_lens.errors import LabLensError
from lab_lens.registry.open import open_registry
from lab_lens.reporting.run_report import write_run_report
from local_runner.execution import Runner
from local_runner.preflight import SUMMARY_JSON
from local_runner.request import RunRequest
from local_runner.tasks import TaskRecord

REPORT_HTML = "report.html"
CONFIG_JSON = "config.json"
# In the graph only where the configuration asks for them.
_TUNING = ("tune-hyperparameters", "select-hyperparameters")
STAGES = (
    "prepare-data",
    *_TUNING,
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
_METRIC_PREFIXES = {
    "validate-model": "",
    "tune-hyperparameters": "tuning/",
    "select-hyperparameters": "tuning/",
    "train-model": "training/",
    "detect-bias": "bias/",
    "analyze-sensitivity": "sensitivity/",
}


def now() -> str:
    """The time in UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def write_started(request: RunRequest, started: str) -> None:
    """Mark the run directory as that of a run which has not ended."""
    started_summary = {"schema_version": 1, "status": "running", "run_name": request.run_name, "started": started}
    artifacts.write_json(request.out / SUMMARY_JSON, started_summary)


def interrupted_run_name(out: Path, config: Config) -> str | None:
    """The name of the run that `out` holds, when it did not end well and had this configuration; else None.

    The same command again continues that run, in MLflow too.
    """
    summary, settings = out / SUMMARY_JSON, out / CONFIG_JSON
    if not (summary.is_file() and settings.is_file()):
        return None
    former = artifacts.read_json(summary)
    if former.get("status") == "succeeded" or settings.read_text(encoding="utf-8") != config.to_json():
        return None
    return str(former["run_name"])


def write_summary(
    request: RunRequest, runner: Runner, started: str, error: LabLensError | None, status: str
) -> dict[str, Any]:
    """Write `summary.json` and `report.html` of a run that ended, well or not, and return the summary."""
    by_stage = {stage: record for record in runner.records for stage in STAGES if record.name.startswith(stage)}
    decision = _json_of(by_stage.get("decide-release"), "decision", artifacts.DECISION_JSON)
    summary = {
        "schema_version": 1,
        "status": status,
        "run_name": request.run_name,
        "runner": runner.describe(),
        "verdict": decision.get("verdict"),
        "reasons": [*decision.get("reasons", []), *_deployment_reasons(by_stage.get("deploy-model"))],
        "metrics": _metrics(by_stage),
        "stages": [_stage(stage, by_stage.get(stage)) for stage in STAGES if stage in by_stage or stage not in _TUNING],
        "versions": _versions(request, by_stage),
        "paths": _paths(request.out, by_stage),
        "started": started,
        "finished": now(),
        "error": str(error) if error else None,
    }
    artifacts.write_json(request.out / SUMMARY_JSON, summary)
    write_run_report(summary, request.out, request.out / REPORT_HTML)
    return summary


def _json_of(record: TaskRecord | None, artifact: str, name: str) -> dict[str, Any]:
    if record is None or not record.succeeded:
        return {}
    content: dict[str, Any] = artifacts.read_json(record.artifacts[artifact] / name)
    return content


def _deployment_reasons(record: TaskRecord | None) -> list[str]:
    reasons: list[str] = _json_of(record, "deployment", "deployment.json").get("reasons", [])
    return reasons


def _metrics(by_stage: Mapping[str, TaskRecord]) -> dict[str, float]:
    metrics: dict[str, float] = {}
    for stage, prefix in _METRIC_PREFIXES.items():
        record = by_stage.get(stage)
        if record is not None and record.succeeded:
            reported = record.executor_output()["artifacts"]["metrics"]["artifacts"][0]["metadata"]
            metrics |= {f"{prefix}{name}": value for name, value in reported.items()}
    return metrics


def _stage(stage: str, record: TaskRecord | None) -> dict[str, Any]:
    if record is None:
        return {"stage": stage, "status": "skipped", "seconds": None}
    status = "reused" if record.reused else "succeeded" if record.succeeded else "failed"
    return {"stage": stage, "status": status, "seconds": round(record.seconds, 3)}


def _versions(request: RunRequest, by_stage: Mapping[str, TaskRecord]) -> dict[str, str | None]:
    pointers = open_registry(request.registry).pointers()
    registered = by_stage.get("register-model")
    return {
        "candidate": registered.returned() if registered is not None and registered.succeeded else None,
        "production": pointers.production,
        "previous": pointers.previous,
        "lab_lens": lab_lens.__version__,
    }


def _paths(out: Path, by_stage: Mapping[str, TaskRecord]) -> dict[str, str]:
    """Relative paths of what the run left; `<stage>.<artifact>` for everything that a stage wrote."""
    paths = {"report": REPORT_HTML, "config": CONFIG_JSON, "pipeline": "pipeline.yaml", "logs": "logs"}
    for stage, record in by_stage.items():
        for name, path in record.artifacts.items():
            if path.exists():
                paths[f"{stage.replace('-', '_')}.{name}"] = path.relative_to(out.absolute()).as_posix()
    return paths
