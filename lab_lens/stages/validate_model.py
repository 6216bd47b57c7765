"""Measure the candidate's summaries against the references, the champion and answers that need no model."""

import csv
import logging
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from lab_lens import artifacts
from lab_lens.config import Config
from lab_lens.errors import InputError
from lab_lens.metrics.baselines import baseline_summaries
from lab_lens.metrics.predictions import Provenance, load_predictions, read_provenance
from lab_lens.metrics.text import PER_EXAMPLE, TextScores
from lab_lens.metrics.validation import Evaluation, baselines_json, lengths_json, metrics_json, words
from lab_lens.notes.examples import load_examples
from lab_lens.reporting.html import write_page
from lab_lens.reporting.validation_page import summary_text, validation_blocks
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
    scores: TextScores

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
) -> ValidationResult:
    """Score predictions and write the validation report; nothing in it is text of a note or a summary.

    Args:
        test: `test.csv` or its directory.
        predictions: the candidate's `predictions.csv` or its directory.
        config: the run's configuration.
        champion: directory of the champion's predictions on the same rows; None: there is no champion.
        report_dir: receives `validation_report<stamp>.json`, `validation_summary<stamp>.txt` and
            `predictions<stamp>.csv` (scores by example).
        html: receives the page.
        stamp: put into the names of the report's files.
        tracking: the MLflow run to log to.

    Raises:
        InputError: examples or predictions cannot be used, do not belong together, or would be overwritten.
    """
    test_csv = artifacts.file_in(test, artifacts.TEST_CSV)
    table = report_dir / f"{artifacts.SCORED_PREDICTIONS}{stamp}.csv"
    _refuse_overwriting(artifacts.file_in(predictions, artifacts.PREDICTIONS_CSV), table)
    examples = load_examples(test_csv)
    data_hash = artifacts.sha256_file(test_csv)
    candidate = _load(predictions, examples, data_hash)
    rival = _load_champion(champion, examples, data_hash)
    report = _measure(examples, candidate, rival, config, data_hash)
    path = artifacts.write_json(report_dir / f"{artifacts.VALIDATION_REPORT}{stamp}.json", report)
    summary = artifacts.write_text(report_dir / f"{artifacts.VALIDATION_SUMMARY}{stamp}.txt", summary_text(report))
    _write_scores(table, examples, candidate, rival.system)
    _write_page(html, report, candidate, rival, config)
    metrics = _finite_metrics(report)
    _track(tracking, metrics, [path, html])
    _log(report)
    artifacts.require_written([path, summary, table, html])
    return ValidationResult(metrics, path)


def _refuse_overwriting(source: Path, table: Path) -> None:
    if source.resolve() == table.resolve():
        raise InputError(f"the scores would overwrite the predictions at {source}: choose another report directory")


def _load(path: Path, examples: pd.DataFrame, data_hash: str) -> _System:
    # `evaluate` takes seconds to import; nothing that only needs this module's names should wait for it.
    from lab_lens.metrics.evaluate_module import summary_scores

    provenance = read_provenance(path, data_hash)
    frame = load_predictions(path, examples)
    scores = summary_scores(frame["summary"].tolist(), examples["target_summary"].tolist())
    return _System(frame, provenance, scores)


def _load_champion(path: Path | None, examples: pd.DataFrame, data_hash: str) -> _Champion:
    if path is None:
        return _Champion(None, "no champion was given to compare with", None)
    source = artifacts.file_in(path, artifacts.CHAMPION_JSON)
    record = artifacts.read_json(source)
    if not isinstance(record, dict) or "version" not in record:
        raise InputError(f"{source} has no version: make it with lab-lens generate-summaries")
    if record["version"] is None:
        return _Champion(None, str(record.get("reason", "")), None)
    return _Champion(str(record["version"]), "", _load(source.parent, examples, data_hash))


def _measure(
    examples: pd.DataFrame, candidate: _System, champion: _Champion, config: Config, data_hash: str
) -> dict[str, Any]:
    evaluation = Evaluation.of(examples, config)
    truncated = candidate.truncated_fraction
    return {
        "schema_version": artifacts.SCHEMA_VERSION,
        "model_hash": candidate.provenance.model_hash,
        "data_hash": data_hash,
        "decoding_hash": candidate.provenance.decoding_hash,
        "config_hash": config.sha256(),
        "examples": len(examples),
        "patients": examples["subject_id"].nunique(),
        "bootstrap": {
            "over": "patients",
            "resamples": evaluation.resamples,
            "confidence": evaluation.confidence,
            "seed": evaluation.seed,
        },
        "metrics": metrics_json(evaluation.measure(candidate.scores)),
        "bleu_signature": candidate.scores.corpus_bleu.signature,
        "empty_summaries": candidate.empty_summaries,
        "truncated_fraction": truncated,
        "truncated_reason": "the predictions have no column truncated" if truncated is None else "",
        "lengths": lengths_json(examples, candidate.predictions["summary"]),
        "baselines": baselines_json(candidate.scores, _baseline_scores(examples, config.seed), evaluation),
        "champion": _champion_json(candidate, champion, evaluation),
    }


def _baseline_scores(examples: pd.DataFrame, seed: int) -> dict[str, TextScores]:
    from lab_lens.metrics.evaluate_module import summary_scores

    references = examples["target_summary"].tolist()
    answers = baseline_summaries(examples, seed)
    return {name: summary_scores(summaries, references) for name, summaries in answers.items()}


def _champion_json(candidate: _System, champion: _Champion, evaluation: Evaluation) -> dict[str, Any]:
    system = champion.system
    if system is None:
        return {"version": None, "reason": champion.reason}
    compared = {name: evaluation.compare(candidate.scores, system.scores, name).to_json() for name in PER_EXAMPLE}
    return {
        "version": champion.version,
        "reason": champion.reason,
        "model_hash": system.provenance.model_hash,
        "decoding_hash": system.provenance.decoding_hash,
        "metrics": metrics_json(evaluation.measure(system.scores)),
        "empty_summaries": system.empty_summaries,
        "comparison": compared,
    }


def _write_scores(path: Path, examples: pd.DataFrame, candidate: _System, champion: _System | None) -> None:
    known = [name for name in ("input_tokens", "output_tokens", "truncated") if name in candidate.predictions]
    columns: dict[str, Any] = {name: examples[name] for name in ("example_id", "subject_id")}
    columns |= dict(candidate.scores.per_example)
    columns["summary_words"] = words(candidate.predictions["summary"]).astype(int)
    columns["reference_words"] = words(examples["target_summary"]).astype(int)
    columns["note_words"] = words(examples["input_text"]).astype(int)
    columns |= {name: candidate.predictions[name] for name in known}
    if champion is not None:
        columns |= {f"champion_{name}": scores for name, scores in champion.scores.per_example.items()}
    with artifacts.replacing(path) as temporary:
        pd.DataFrame(columns).to_csv(temporary, index=False, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")


def _write_page(html: Path, report: dict[str, Any], candidate: _System, champion: _Champion, config: Config) -> None:
    distributions = {"candidate": candidate.scores.per_example["rougeL"].tolist()}
    if champion.system is not None:
        distributions[f"champion {champion.version}"] = champion.system.scores.per_example["rougeL"].tolist()
    floors = {str(name): floor for name, floor in config.policy.floors.items()}
    write_page(html, "Validation", validation_blocks(report, distributions, floors))


def _finite_metrics(report: dict[str, Any]) -> dict[str, float]:
    """Figures for KFP and MLflow, which have no null: one that could not be computed is left out."""
    found: dict[str, Any] = {
        "examples": report["examples"],
        "patients": report["patients"],
        "empty_summaries": report["empty_summaries"],
        "truncated_fraction": report["truncated_fraction"],
        "compression_ratio": report["lengths"]["compression_ratio"],
    }
    for name, interval in report["metrics"].items():
        found |= {name: interval["estimate"], f"{name}_low": interval["low"], f"{name}_high": interval["high"]}
    for name, comparison in report["champion"].get("comparison", {}).items():
        found[f"{name}_minus_champion"] = comparison["difference"]["estimate"]
    for name, baseline in report["baselines"].items():
        if baseline["metrics"]:
            found[f"rougeL_of_{name}"] = baseline["metrics"]["rougeL"]["estimate"]
    return {name: float(value) for name, value in found.items() if value is not None and math.isfinite(value)}


def _track(tracking: TrackingTarget | None, metrics: dict[str, float], files: list[Path]) -> None:
    with tracked(tracking, "validate_model") as tracker:
        tracker.log_metrics({f"validation/{name}": value for name, value in metrics.items()})
        for path in files:
            tracker.log_artifact(path, "validation")


def _log(report: dict[str, Any]) -> None:
    measured = report["metrics"]["rougeL"]
    _logger.info("%s %.3f on %d notes", measured["label"], measured["estimate"], report["examples"])
