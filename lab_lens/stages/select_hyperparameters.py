"""Choose the best trial of searches that ran side by side."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lab_lens import artifacts
from lab_lens.config import Config
from lab_lens.errors import InputError
from lab_lens.tracking import TrackingTarget, tracked
from lab_lens.tuning.outcome import TuningResult, track_outcome, write_outcome
from lab_lens.tuning.report import failure_of_all, tuning_report
from lab_lens.tuning.trials import TrialRecord


def run_select_hyperparameters(
    tuned: Sequence[Path],
    config: Config,
    *,
    out_dir: Path,
    html: Path,
    tracking: TrackingTarget | None = None,
) -> TuningResult:
    """Merge the reports of several workers into one, as if one search had made all trials.

    Args:
        tuned: `tuning_report.json`, or its directory, of each worker.
        config: the run's configuration, as the workers had it.
        out_dir: receives `tuned_config.json`, `tuning_report.json` and figures.
        html: receives the page.
        tracking: the MLflow run to log to.

    Raises:
        InputError: a report is missing or repeated, the reports belong to different searches, or no trial finished.
    """
    reports = [artifacts.read_json(artifacts.file_in(path, artifacts.TUNING_REPORT_JSON)) for path in tuned]
    _check_together(reports, config)
    trials = [TrialRecord.from_json(trial) for report in reports for trial in report["trials"]]
    trials.sort(key=lambda trial: (trial.number, trial.worker))
    identity = {name: reports[0][name] for name in ("study", "base_model", "data_hashes", "examples")}
    with tracked(tracking, "select_hyperparameters") as tracker:
        report = tuning_report(trials, config, identity, _workers(reports), reports[0]["skipped"])
        result = write_outcome(report, config, out_dir, html)
        if trials and report["best"] is None:
            raise InputError(failure_of_all(trials))
        track_outcome(tracker, result, report["best"], html)
    return result


def _workers(reports: Sequence[Any]) -> list[int]:
    return sorted(worker for report in reports for worker in report["budget"]["workers"])


def _check_together(reports: Sequence[Any], config: Config) -> None:
    found, expected = _workers(reports), list(range(config.tuning.workers))
    if found != expected:
        raise InputError(f"tuning reports are those of workers {found}; needed: one of each of {expected}")
    if len({report["study"] for report in reports}) > 1:
        raise InputError("the tuning reports belong to searches with different data, base models or settings")
