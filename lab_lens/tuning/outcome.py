"""What a search leaves: the tuned configuration, the report, its figures and its page."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab_lens import artifacts
from lab_lens.config import Config, with_overrides
from lab_lens.reporting.html import write_page
from lab_lens.tracking import Tracker
from lab_lens.tuning.page import history_png, importance_png, tuning_blocks


@dataclass(frozen=True)
class TuningResult:
    """The configuration that training should use, where the report lies, and finite figures for a metrics table."""

    config: Config
    report: Path
    metrics: dict[str, float]


def write_outcome(report: Mapping[str, Any], config: Config, out_dir: Path, html: Path) -> TuningResult:
    """Write everything that a search leaves.

    Args:
        report: content of `tuning_report.json`.
        config: the configuration as it was given.
        out_dir: receives `tuned_config.json`, `tuning_report.json` and figures.
        html: path of the page.
    """
    tuned = _tuned(report, config)
    artifacts.write_text(out_dir / artifacts.TUNED_CONFIG_JSON, tuned.to_json() + "\n")
    path = artifacts.write_json(out_dir / artifacts.TUNING_REPORT_JSON, report)
    if any(trial["state"] in {"finished", "pruned"} for trial in report["trials"]):
        (out_dir / artifacts.TUNING_HISTORY_PNG).write_bytes(history_png(report["trials"]))
    if report["importance"]["values"]:
        (out_dir / artifacts.PARAMETER_IMPORTANCE_PNG).write_bytes(importance_png(report["importance"]["values"]))
    write_page(html, "Tuning", tuning_blocks(report), subtitle=report["base_model"])
    artifacts.require_written([out_dir / artifacts.TUNED_CONFIG_JSON, path, html])
    return TuningResult(tuned, path, _metrics(report))


def track_outcome(tracker: Tracker, result: TuningResult, best: Mapping[str, Any] | None, html: Path) -> None:
    """Record the figures, the best parameters and the reports in MLflow."""
    chosen = {} if best is None else best["parameters"]
    tracker.log_metrics({f"tuning/{name}": value for name, value in result.metrics.items()})
    tracker.log_metrics({f"tuning/best/{path}": value for path, value in chosen.items()})
    for path in (html, result.report):
        tracker.log_artifact(path, "tuning")


def _tuned(report: Mapping[str, Any], config: Config) -> Config:
    """The configuration with the best values in place; it asks for no tuning any more."""
    best = report["best"]
    if best is None:
        return config
    return with_overrides(config, {**best["parameters"], "tuning.trials": 0}, "tuned configuration")


def _metrics(report: Mapping[str, Any]) -> dict[str, float]:
    figures = {f"trials_{state}": float(count) for state, count in report["counts"].items()}
    figures["seconds"] = float(report["budget"]["seconds_used"])
    best = report["best"]
    known = {"best_rougeL": best and best["value"], "improvement_rougeL": report["improvement"]}
    return figures | {name: float(value) for name, value in known.items() if value is not None}
