"""Stage analyze_sensitivity: what the model's summaries rest on, found by running the model again on changed notes."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lab_lens import artifacts
from lab_lens.config import Config
from lab_lens.errors import InputError
from lab_lens.explain.ablation import part_importance
from lab_lens.explain.length import quality_by_length
from lab_lens.explain.lime_text import FloatArray, Likelihood
from lab_lens.explain.note import ExplainedNote, Note, PartKind, explain_note, explained_json, part_kind
from lab_lens.explain.page import length_plot, lime_plot, section_plot, sensitivity_blocks
from lab_lens.explain.units import seen_characters
from lab_lens.metrics.catalogue import LABELS
from lab_lens.metrics.predictions import Provenance, load_predictions, read_provenance
from lab_lens.metrics.text import score_summaries
from lab_lens.notes.examples import load_examples
from lab_lens.progress import report_progress
from lab_lens.reporting.html import write_page
from lab_lens.tracking import TrackingTarget, tracked

if TYPE_CHECKING:
    from lab_lens.engine.checkpoint import LoadedModel

_logger = logging.getLogger(__name__)
_QUALITY = "rougeL"


@dataclass(frozen=True)
class SensitivityResult:
    """Finite floats (names as in `_metrics`), and where the report lies."""

    metrics: dict[str, float]
    report: Path


def run_analyze_sensitivity(
    model: Path,
    test: Path,
    predictions: Path,
    config: Config,
    *,
    device: str,
    report_dir: Path,
    html: Path,
    stamp: str = "",
    tracking: TrackingTarget | None = None,
) -> SensitivityResult:
    """Explain a sample of the model's summaries by LIME and section ablation, and all of them by note length.

    Args:
        model: the model directory that the predictions come from.
        test: `test.csv` or its directory.
        predictions: `predictions.csv` or its directory.
        config: sensitivity, model (lengths), validation (bootstrap) and seed are used.
        device: `auto`, `cpu`, `cuda` or `mps`.
        report_dir: gets `sensitivity_report<stamp>.json` and the pictures `lime_explanation_<row><stamp>.png`,
            `section_importance<stamp>.png`, `length_sensitivity_analysis<stamp>.png`; no text of any note.
        html: path of the page that shows the report.
        stamp: goes into the file names; empty inside a pipeline.
        tracking: where numbers are recorded; None records nothing.

    Raises:
        InputError: files, model or device cannot be used, do not belong together, or lime is not installed.
    """
    _require_lime()
    test_csv = artifacts.file_in(test, artifacts.TEST_CSV)
    provenance = read_provenance(predictions, artifacts.sha256_file(test_csv))
    examples = load_examples(test_csv)
    answers = load_predictions(predictions, examples)
    rows, sample = _sample(examples, answers, config)
    explained, kind = _explain(model, device, examples, answers, rows, config)
    report = {
        **_provenance(model, provenance, config),
        "sample": sample,
        "section_importance": _section_report(explained, kind, config),
        "length": _length_report(examples, answers, config),
        "lime": [explained_json(item) for item in explained],
        "lime_mean_r2": _mean([item.lime.r2 for item in explained if item.lime and item.lime.r2 is not None]),
    }

    pictures = _draw(report, stamp, len(examples))
    written = [_write_png(report_dir / name, png) for name, png in pictures.items()]
    path = artifacts.write_report(report_dir / f"{artifacts.SENSITIVITY_REPORT}{stamp}.json", report)
    write_page(html, "Sensitivity", sensitivity_blocks(report, pictures), subtitle=f"{len(explained)} notes explained")
    metrics = _metrics(report)
    with tracked(tracking, "analyze_sensitivity") as tracker:
        tracker.log_metrics({f"sensitivity/{name}": value for name, value in metrics.items()})
    artifacts.require_written([*written, path, html])
    return SensitivityResult(metrics, path)


def _require_lime() -> None:
    try:
        import lime.lime_base  # noqa: F401
    except ModuleNotFoundError as error:
        raise InputError(
            f"sensitivity analysis needs {error.name}, which is not installed: pip install 'lab-lens[explain]'"
        ) from error


def _sample(examples: pd.DataFrame, answers: pd.DataFrame, config: Config) -> tuple[list[int], dict[str, Any]]:
    """Seeded choice of rows (counted from 0) that have a note and a summary; and what was asked for and skipped."""
    has_summary = (answers["summary"].str.strip() != "").to_numpy()
    has_note = (examples["input_text"].str.strip() != "").to_numpy()
    candidates = np.flatnonzero(has_summary & has_note)
    size = min(config.sensitivity.num_samples, len(candidates))
    chosen = np.random.default_rng(config.seed).choice(candidates, size=size, replace=False)
    return sorted(int(row) for row in chosen), {
        "requested": config.sensitivity.num_samples,
        "examples": len(examples),
        "explained": size,
        "empty_summaries": int((~has_summary).sum()),
        "empty_notes": int((has_summary & ~has_note).sum()),
    }


def _explain(
    model: Path,
    device: str,
    examples: pd.DataFrame,
    answers: pd.DataFrame,
    rows: Sequence[int],
    config: Config,
) -> tuple[list[ExplainedNote], PartKind]:
    from lab_lens.engine.checkpoint import load_model

    loaded = load_model(model, device)
    notes = [_note(loaded, examples, row, config) for row in rows]
    kind = part_kind(notes)
    progress = report_progress("notes explained")
    explained = []
    for done, (note, summary) in enumerate(zip(notes, answers["summary"].iloc[list(rows)], strict=True), start=1):
        likelihood = _likelihood(loaded, summary, config)
        explained.append(
            explain_note(note, likelihood, kind, perturbations=config.sensitivity.perturbations, seed=config.seed)
        )
        progress(done, len(notes))
    return explained, kind


def _note(loaded: "LoadedModel", examples: pd.DataFrame, row: int, config: Config) -> Note:
    text = examples["input_text"].iloc[row]
    seen = seen_characters(loaded.tokenizer, text, config.model.max_input_tokens)
    return Note(row=row + 1, patient=examples["subject_id"].iloc[row], text=text, seen_chars=seen)


def _likelihood(loaded: "LoadedModel", summary: str, config: Config) -> Likelihood:
    """Log-likelihood of one summary given each text, in nats for each of its tokens, special ones included."""
    from lab_lens.engine.score import score

    limit = config.model.max_target_tokens
    tokens = len(loaded.tokenizer(text_target=summary, truncation=True, max_length=limit)["input_ids"])

    def per_token(texts: Sequence[str]) -> FloatArray:
        # Short notes have few subsets of sentences, so perturbed texts repeat.
        unique = list(dict.fromkeys(texts))
        totals = score(
            loaded,
            unique,
            [summary] * len(unique),
            max_input_tokens=config.model.max_input_tokens,
            max_target_tokens=limit,
        )
        by_text = dict(zip(unique, totals, strict=True))
        return np.array([by_text[text] for text in texts]) / tokens

    return per_token


def _provenance(model: Path, provenance: Provenance, config: Config) -> dict[str, Any]:
    from lab_lens.engine.checkpoint import model_hash

    own = model_hash(model)
    known = provenance.model_hash is not None
    if known and provenance.model_hash != own:
        _logger.warning("the predictions are another model's: what is explained is how this model scores them")
    return {
        "schema_version": artifacts.SCHEMA_VERSION,
        "model_hash": own,
        "own_summaries": provenance.model_hash == own if known else None,
        "data_hash": provenance.data_hash,
        "decoding_hash": provenance.decoding_hash,
        "config_hash": config.sha256(),
        "seed": config.seed,
        "perturbations": config.sensitivity.perturbations,
        "confidence": config.validation.confidence,
        "unit": "nats per summary token",
    }


def _bootstrap(config: Config) -> dict[str, Any]:
    settings = config.validation
    return {"resamples": settings.bootstrap_resamples, "confidence": settings.confidence, "seed": config.seed}


def _section_report(explained: Sequence[ExplainedNote], kind: PartKind, config: Config) -> dict[str, Any]:
    ablations = [item.ablation for item in explained]
    without = sum(not note.drops and not note.never_seen for note in ablations)
    remarks = []
    if not explained:
        remarks.append("No note could be explained, so nothing is known of its sections.")
    elif kind == "thirds":
        remarks.append(
            "No section header was recognized in any note: thirds of what the model reads are shown instead."
        )
    elif without:
        remarks.append(
            f"In {without} of {len(explained)} notes no section header was recognized; they are left out here."
        )
    parts = part_importance(ablations, **_bootstrap(config))
    return {"by": kind, "notes_without_parts": without, "remarks": remarks, "parts": [asdict(part) for part in parts]}


def _length_report(examples: pd.DataFrame, answers: pd.DataFrame, config: Config) -> dict[str, Any]:
    missing = [name for name in ("input_tokens", "truncated") if name not in answers]
    if missing:
        return {
            "metric": LABELS[_QUALITY],
            "reason": f"the predictions do not hold {' and '.join(missing)}",
            "bins": [],
        }
    scores = score_summaries(answers["summary"].tolist(), examples["target_summary"].tolist())[_QUALITY]
    bins = quality_by_length(
        answers["input_tokens"].to_numpy(dtype=np.int64),
        answers["truncated"].to_numpy(dtype=np.bool_),
        scores,
        examples["subject_id"].tolist(),
        **_bootstrap(config),
    )
    return {"metric": LABELS[_QUALITY], "reason": "", "bins": [asdict(item) for item in bins]}


def _draw(report: Mapping[str, Any], stamp: str, examples: int) -> dict[str, bytes]:
    """Draw every picture, and name its file in the part of the report that it shows (empty: nothing to draw)."""
    digits = max(2, len(str(examples)))
    parts = [
        (report["section_importance"], "parts", artifacts.SECTION_IMPORTANCE, section_plot),
        (report["length"], "bins", artifacts.LENGTH_SENSITIVITY, length_plot),
        *(
            (item, "units", f"{artifacts.LIME_EXPLANATION}_{item['row']:0{digits}d}", lime_plot)
            for item in report["lime"]
        ),
    ]
    pictures: dict[str, bytes] = {}
    for part, content, stem, draw in parts:
        part["figure"] = f"{stem}{stamp}.png" if part[content] else ""
        if part["figure"]:
            pictures[part["figure"]] = draw(part)
    return pictures


def _write_png(path: Path, png: bytes) -> Path:
    with artifacts.replacing(path) as temporary:
        temporary.write_bytes(png)
    return path


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _metrics(report: Mapping[str, Any]) -> dict[str, float]:
    drops = [part["drop"]["estimate"] for part in report["section_importance"]["parts"] if part["drop"]]
    r2 = report["lime_mean_r2"]
    return {
        "notes_explained": float(report["sample"]["explained"]),
        **({"lime_mean_r2": r2} if r2 is not None else {}),
        **({"largest_part_drop_nats_per_token": max(drops)} if drops else {}),
    }
