"""Measure the candidate's summaries against the references, the champion and answers that need no model."""

import logging
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lab_lens import artifacts
from lab_lens.config import Config
from lab_lens.config_policy import Floor, Lead
from lab_lens.errors import InputError
from lab_lens.metrics.baselines import baseline_summaries
from lab_lens.metrics.families import score_overlaps, score_system
from lab_lens.metrics.pairs import AS_WRITTEN, Pairs, Selection, read_answers, read_pairs
from lab_lens.metrics.predictions import Provenance, read_provenance
from lab_lens.metrics.processes import shared_processes
from lab_lens.metrics.scores import SystemScores, Texts
from lab_lens.metrics.validation import (
    DECIDING_METRIC,
    Evaluation,
    baselines_json,
    comparisons_json,
    detectable_json,
    lengths_json,
    metrics_json,
)
from lab_lens.release.settings import validation_settings
from lab_lens.reporting.html import write_page
from lab_lens.reporting.validation_examples import ExampleTexts
from lab_lens.reporting.validation_page import summary_text, validation_blocks
from lab_lens.reporting.validation_table import scores_by_example, write_scores
from lab_lens.tracking import TrackingTarget, tracked

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ValidationResult:
    """The finite figures of the report, by name, and the report's path."""

    metrics: dict[str, float]
    report: Path


@dataclass(frozen=True)
class _System:
    """One model's summaries of the test set, in the order of the examples, and their scores."""

    predictions: pd.DataFrame
    provenance: Provenance
    texts: Texts
    scores: SystemScores

    @property
    def empty_summaries(self) -> int:
        return int((self.predictions["summary"].str.strip() == "").sum())

    @property
    def truncated_fraction(self) -> float | None:
        """Share of notes that the model saw only in part; None where the predictions do not tell."""
        return float(self.predictions["truncated"].mean()) if "truncated" in self.predictions else None


@dataclass(frozen=True)
class _Champion:
    version: str | None
    reason: str
    system: _System | None


def run_validate_model(
    test: Path,
    predictions: Path,
    config: Config,
    *,
    champion: Path | None,
    report_dir: Path,
    html: Path,
    stamp: str = "",
    tracking: TrackingTarget | None = None,
    selection: Selection = AS_WRITTEN,
) -> ValidationResult:
    """Score predictions and write the validation report.

    Nothing in it is text of a note or a summary, but for the page where `validation.show_text` asks for that.

    Args:
        test: a table of examples, or the directory of `test.csv`.
        predictions: the candidate's predictions, or the directory of `predictions.csv`; may be the same file.
        config: the run's configuration.
        champion: directory of the champion's predictions on the same rows; None: there is no champion.
        report_dir: receives `validation_report<stamp>.json`, `validation_summary<stamp>.txt` and
            `predictions<stamp>.csv` (scores by example).
        html: receives the page.
        stamp: put into the names of the report's files.
        tracking: the MLflow run to log to.
        selection: names of columns and choice of rows, for files that were not written by lab-lens; the champion's
            too, where they have such columns.

    Raises:
        InputError: examples or predictions cannot be used, do not belong together, or would be overwritten.
    """
    table = report_dir / f"{artifacts.SCORED_PREDICTIONS}{stamp}.csv"
    _refuse_overwriting(artifacts.file_in(predictions, artifacts.PREDICTIONS_CSV), table)
    pairs = read_pairs(test, predictions, selection)
    provenance = read_provenance(predictions, pairs.file_hash)
    with shared_processes(config.validation.processes):
        candidate = _scored(pairs.predictions, provenance, pairs, config)
        rival = _load_champion(champion, pairs, config, selection)
        report = _measure(pairs, candidate, rival, config) | {"selection": asdict(selection)}
    path = artifacts.write_report(report_dir / f"{artifacts.VALIDATION_REPORT}{stamp}.json", report)
    summary = artifacts.write_text(report_dir / f"{artifacts.VALIDATION_SUMMARY}{stamp}.txt", summary_text(report))
    scores = scores_by_example(
        candidate.predictions, candidate.texts, candidate.scores, rival.system.scores if rival.system else None
    )
    write_scores(table, scores)
    _write_page(html, report, scores, candidate, rival, config)
    metrics = _finite_metrics(report)
    # A page with text of patients stays where it was asked for: a tracking server may be read by others.
    _track(tracking, metrics, [path] if config.validation.show_text else [path, html])
    _log(report)
    artifacts.require_written([path, summary, table, html])
    return ValidationResult(metrics, path)


def _refuse_overwriting(source: Path, table: Path) -> None:
    if source.resolve() == table.resolve():
        raise InputError(f"the scores would overwrite the predictions at {source}: choose another report directory")


def _scored(predictions: pd.DataFrame, provenance: Provenance, pairs: Pairs, config: Config) -> _System:
    examples = pairs.examples
    notes = examples["input_text"].tolist() if pairs.has_notes else None
    texts = Texts(predictions["summary"].tolist(), examples["target_summary"].tolist(), notes)
    return _System(predictions, provenance, texts, score_system(texts, config.validation))


def _load_champion(path: Path | None, pairs: Pairs, config: Config, selection: Selection) -> _Champion:
    if path is None:
        return _Champion(None, "no champion was given to compare with", None)
    source = artifacts.file_in(path, artifacts.CHAMPION_JSON)
    record = artifacts.read_json(source)
    if not isinstance(record, dict) or "version" not in record:
        raise InputError(f"{source} has no version: make it with lab-lens generate-summaries")
    if record["version"] is None:
        return _Champion(None, str(record.get("reason", "")), None)
    provenance = read_provenance(source.parent, pairs.file_hash)
    frame = read_answers(source.parent, pairs, selection)
    return _Champion(str(record["version"]), "", _scored(frame, provenance, pairs, config))


def _measure(pairs: Pairs, candidate: _System, champion: _Champion, config: Config) -> dict[str, Any]:
    evaluation = Evaluation.of(pairs.examples, config)
    scores, rival, truncated = candidate.scores, champion.system, candidate.truncated_fraction
    return {
        "schema_version": artifacts.SCHEMA_VERSION,
        "model_hash": candidate.provenance.model_hash,
        "data_hash": pairs.data_hash,
        "decoding_hash": candidate.provenance.decoding_hash,
        "predictions_hash": candidate.provenance.predictions_hash,
        "config_hash": config.sha256(),
        "settings": validation_settings(config),
        "examples": len(pairs.examples),
        "patients": pairs.examples["subject_id"].nunique(),
        "remarks": list(pairs.remarks),
        "bootstrap": {"over": "patients", **asdict(evaluation.bootstrap)},
        "rouge": asdict(scores.variant),
        "metrics": metrics_json(scores, evaluation.measure(scores)),
        "minimum_detectable_difference": detectable_json(scores, rival.scores if rival else None, evaluation),
        "bleu_signature": scores.details.get("bleu_signature"),
        "bertscore": scores.details.get("bertscore"),
        "entailment": scores.details.get("entailment"),
        "facts": scores.details.get("facts"),
        "empty_summaries": candidate.empty_summaries,
        "truncated_fraction": truncated,
        "truncated_reason": "the predictions have no column truncated" if truncated is None else "",
        "lengths": lengths_json(candidate.texts),
        "baselines": baselines_json(scores, _baseline_scores(pairs, config), evaluation, _leads(config)),
        "champion": _champion_json(candidate, champion, evaluation),
    }


def _baseline_scores(pairs: Pairs, config: Config) -> dict[str, SystemScores]:
    answers = baseline_summaries(pairs.examples, config.seed)
    return score_overlaps(answers, pairs.examples["target_summary"].tolist(), config.validation) if answers else {}


def _leads(config: Config) -> list[str]:
    """Metrics in which a lead over the baselines is shown or asked for."""
    return list(dict.fromkeys([DECIDING_METRIC, *(rule.metric for rule in config.policy.of_kind(Lead))]))


def _champion_json(candidate: _System, champion: _Champion, evaluation: Evaluation) -> dict[str, Any]:
    system = champion.system
    if system is None:
        return {"version": None, "reason": champion.reason}
    return {
        "version": champion.version,
        "reason": champion.reason,
        "model_hash": system.provenance.model_hash,
        "decoding_hash": system.provenance.decoding_hash,
        "metrics": metrics_json(system.scores, evaluation.measure(system.scores)),
        "facts": system.scores.details.get("facts"),
        "empty_summaries": system.empty_summaries,
        "comparison": comparisons_json(candidate.scores, system.scores, evaluation),
    }


def _write_page(
    html: Path,
    report: Mapping[str, Any],
    scores: pd.DataFrame,
    candidate: _System,
    champion: _Champion,
    config: Config,
) -> None:
    systems = {"candidate": candidate.scores}
    if champion.system is not None:
        systems[f"champion {champion.version}"] = champion.system.scores
    distributions = {name: _distributions(systems, name) for name in (DECIDING_METRIC, "fact_precision", "fact_recall")}
    floors = {str(rule.metric): rule.at_least for rule in config.policy.of_kind(Floor) if rule.slices is None}
    shown = ExampleTexts(candidate.texts, candidate.scores) if config.validation.show_text else None
    drawn = {name: groups for name, groups in distributions.items() if groups}
    write_page(html, "Validation", validation_blocks(report, drawn, floors, scores, shown))


def _distributions(systems: Mapping[str, SystemScores], metric: str) -> dict[str, list[float]]:
    """Scores by example of the systems that have any."""
    arrays = {name: scores.per_example[metric] for name, scores in systems.items() if metric in scores.per_example}
    finite = {name: values[~np.isnan(values)].tolist() for name, values in arrays.items()}
    return {name: values for name, values in finite.items() if values}


def _finite_metrics(report: Mapping[str, Any]) -> dict[str, float]:
    """Figures for KFP and MLflow, which have no null: one that could not be computed is left out."""
    found: dict[str, Any] = {
        "examples": report["examples"],
        "patients": report["patients"],
        "empty_summaries": report["empty_summaries"],
        "truncated_fraction": report["truncated_fraction"],
    }
    for name, interval in report["metrics"].items():
        found |= {name: interval["estimate"], f"{name}_low": interval["low"], f"{name}_high": interval["high"]}
    for name, comparison in report["champion"].get("comparison", {}).items():
        found[f"{name}_minus_champion"] = comparison["difference"]["estimate"]
    for name, baseline in report["baselines"].items():
        if baseline["metrics"]:
            found[f"{DECIDING_METRIC}_of_{name}"] = baseline["metrics"][DECIDING_METRIC]["estimate"]
    return {name: float(value) for name, value in found.items() if value is not None and math.isfinite(value)}


def _track(tracking: TrackingTarget | None, metrics: dict[str, float], files: list[Path]) -> None:
    with tracked(tracking, "validate_model") as tracker:
        tracker.log_metrics({f"validation/{name}": value for name, value in metrics.items()})
        for path in files:
            tracker.log_artifact(path, "validation")


def _log(report: Mapping[str, Any]) -> None:
    measured = report["metrics"][DECIDING_METRIC]
    for remark in report["remarks"]:
        _logger.warning("%s", remark)
    if measured["estimate"] is not None:
        _logger.info("%s %.3f on %d notes", measured["label"], measured["estimate"], report["examples"])
