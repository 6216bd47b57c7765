"""The exit handler: tell how a pipeline run ended, whatever happened in it."""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from lab_lens import artifacts
from lab_lens.tracking import TrackingTarget, finish_run

_logger = logging.getLogger(__name__)
NOTIFICATION_JSON = "notification.json"


@dataclass(frozen=True)
class Notification:
    """How a run ended; `state` is the pipeline system's word (SUCCEEDED, FAILED, CANCELLED)."""

    run_name: str
    state: str
    path: Path


def run_notify(
    state: str, *, run_name: str, notification_dir: Path, tracking: TrackingTarget | None = None
) -> Notification:
    """Write `notification.json`, log one line, and close the MLflow run. Carries no note text and no reasons."""
    path = notification_dir / NOTIFICATION_JSON
    now = datetime.now(UTC).isoformat(timespec="seconds")
    artifacts.write_json(path, {"schema_version": 1, "run_name": run_name, "state": state, "time": now})
    if tracking is not None:
        finish_run(tracking, "finished" if state == "SUCCEEDED" else "failed")
    _logger.info("pipeline run %s ended: %s", run_name or "(unnamed)", state)
    artifacts.require_written([path])
    return Notification(run_name, state, path)
