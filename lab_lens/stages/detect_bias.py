"""Stage detect_bias: does the model serve some patients worse than others, and would these notes show it?"""

import logging
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from lab_lens import artifacts
from lab_lens.config import Config
from lab_lens.fairness.advice import advise
from lab_lens.fairness.audit import SIGNIFICANCE_LEVEL, AttributeFinding, audit, check_attributes, finding_json
from lab_lens.fairness.disparity import PERMUTATIONS
from lab_lens.fairness.page import bias_blocks, bias_headline, bias_text
from lab_lens.fairness.slices import MIN_PATIENTS_PER_SLICE, SUMMARY_WORDS
from lab_lens.metrics.catalogue import LABELS
from lab_lens.metrics.predictions import Provenance, load_predictions, read_provenance
from lab_lens.metrics.text import SENTENCE_BLEU_LABEL, score_summaries
from lab_lens.notes.examples import load_examples, require_slices, write_examples
from lab_lens.release.settings import bias_settings
from lab_lens.reporting.html import write_page
from lab_lens.tracking import TrackingTarget, tracked

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class BiasResult:
    """Counts of slices and attributes as finite floats (names as in `_metrics`), and where the report lies."""

    metrics: dict[str, float]
    report: Path


def run_detect_bias(
    test: Path,
    predictions: Path,
    config: Config,
    *,
    report_dir: Path,
    html: Path,
    stamp: str = "",
    tracking: TrackingTarget | None = None,
) -> BiasResult:
    """Compare the quality of the summaries between slices of patients.

    Args:
        test: `test.csv` or its directory.
        predictions: `predictions.csv` or its directory, with `generation.json` beside it where there is one.
        config: fairness, policy.max_disparity, validation (bootstrap) and seed are used.
        report_dir: gets `bias_report<stamp>.json`, `bias_summary<stamp>.txt` and `predictions_with_slices<stamp>.csv`
            (ids, slices and scores; no text).
        html: path of the page that shows the report.
        stamp: goes into the file names; empty inside a pipeline.
        tracking: where counts are recorded; None records nothing.

    Raises:
        InputError: the files cannot be read or do not belong together, or a slice column does not hold groups.
    """
    check_attributes(config.fairness.slices)
    test_csv = artifacts.file_in(test, artifacts.TEST_CSV)
    provenance = read_provenance(predictions, artifacts.sha256_file(test_csv))
    examples = load_examples(test_csv)
    require_slices(examples, config.fairness.slices)
    scored = _score(examples, predictions, config)
    findings = audit(scored, config)
    report = _report(scored, findings, provenance, config)

    written = [
        artifacts.write_report(report_dir / f"{artifacts.BIAS_REPORT}{stamp}.json", report),
        artifacts.write_text(report_dir / f"{artifacts.BIAS_SUMMARY}{stamp}.txt", bias_text(report)),
        write_examples(scored, report_dir / f"{artifacts.PREDICTIONS_WITH_SLICES}{stamp}.csv"),
        write_page(html, "Bias", bias_blocks(report), subtitle=f"{len(scored):,} held-out notes"),
    ]
    _logger.info("%s", bias_headline(report).headline)
    metrics = _metrics(findings)
    with tracked(tracking, "detect_bias") as tracker:
        tracker.log_metrics({f"bias/{name}": value for name, value in metrics.items()})
    artifacts.require_written(written)
    return BiasResult(metrics, written[0])


def _score(examples: pd.DataFrame, predictions: Path, config: Config) -> pd.DataFrame:
    """One row an example: ids, the slice columns that the data has, scores, lengths, and truncation where known."""
    answers = load_predictions(predictions, examples)
    attributes = [name for name in dict.fromkeys(config.fairness.slices) if name in examples]
    scores = score_summaries(answers["summary"].tolist(), examples["target_summary"].tolist())
    known = [name for name in ("input_tokens", "output_tokens", "truncated") if name in answers]
    return (
        examples[["example_id", "subject_id", *attributes]]
        .reset_index(drop=True)
        .assign(
            **scores,
            **{SUMMARY_WORDS: [len(text.split()) for text in answers["summary"]]},
            note_words=[len(text.split()) for text in examples["input_text"]],
            **{name: answers[name] for name in known},
        )
    )


def _report(
    scored: pd.DataFrame, findings: Sequence[AttributeFinding], provenance: Provenance, config: Config
) -> dict[str, Any]:
    return {
        "schema_version": artifacts.SCHEMA_VERSION,
        "metric": config.fairness.metric,
        "metric_label": SENTENCE_BLEU_LABEL if config.fairness.metric == "bleu" else LABELS[config.fairness.metric],
        "overall": math.fsum(scored[config.fairness.metric]) / len(scored),
        "n_examples": len(scored),
        "n_patients": int(scored["subject_id"].nunique()),
        **vars(provenance),
        "config_hash": config.sha256(),
        "settings": bias_settings(config),
        "seed": config.seed,
        "confidence": config.validation.confidence,
        "bootstrap_resamples": config.validation.bootstrap_resamples,
        "permutations": PERMUTATIONS,
        "significance_level": SIGNIFICANCE_LEVEL,
        "max_disparity": config.policy.max_disparity,
        "min_examples_per_slice": config.fairness.min_examples_per_slice,
        "min_patients_per_slice": MIN_PATIENTS_PER_SLICE,
        "attributes": {finding.attribute: finding_json(finding) for finding in findings},
        "flagged": [
            {"attribute": finding.attribute, "slice": item.slice} for finding in findings for item in finding.flagged
        ],
        "advice": advise(scored, findings, config),
    }


def _metrics(findings: Sequence[AttributeFinding]) -> dict[str, float]:
    statuses = Counter(finding.status for finding in findings)
    gaps = [finding.largest_gap.difference for finding in findings if finding.largest_gap]
    return {
        "flagged_slices": float(sum(len(finding.flagged) for finding in findings)),
        "attributes_compared": float(statuses["compared"]),
        "attributes_insufficient_evidence": float(statuses["insufficient_evidence"]),
        "attributes_absent": float(statuses["absent"]),
        **({"largest_gap": min(gaps)} if gaps else {}),
    }
