"""Families of metrics, each computed by itself: one that fails leaves its own metrics unmeasured, never at zero."""

import logging
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lab_lens.config_validation import Validation
from lab_lens.errors import InputError, LabLensError
from lab_lens.metrics.catalogue import METRICS, Family
from lab_lens.metrics.rouge import RougeVariant
from lab_lens.metrics.scores import FamilyScores, FloatArray, SystemScores, Texts
from lab_lens.metrics.text import TextScores, score_answers

NO_NOTES = "the data has no notes"
_LIBRARY = Path(__file__).parents[1]
_logger = logging.getLogger(__name__)


def variant_of(settings: Validation) -> RougeVariant:
    """Which ROUGE the settings ask for."""
    return RougeVariant(settings.rouge_stemmer, settings.rouge_sentences)


def score_system(texts: Texts, settings: Validation) -> SystemScores:
    """Compute every family that the settings ask for.

    Raises:
        InputError: texts or settings cannot be used; what fails for any other reason is in `missing`.
    """
    families = [score_family(family, compute, texts, settings) for family, compute in _FAMILIES.items()]
    return SystemScores.of(families, variant_of(settings))


def score_overlaps(
    answers: Mapping[str, Sequence[str]], references: Sequence[str], settings: Validation
) -> dict[str, SystemScores]:
    """ROUGE and BLEU of several answers to the same notes.

    Raises:
        InputError: texts cannot be used.
    """
    variant = variant_of(settings)
    try:
        scores = score_answers(answers, references, variant, processes=settings.processes)
    except LabLensError:
        raise
    except Exception as error:  # noqa: BLE001  as in score_family
        missing = _missing("overlap", _told("overlap", error))
        return {name: SystemScores.of([missing], variant) for name in answers}
    return {name: SystemScores.of([_overlap_scores(found)], variant) for name, found in scores.items()}


Compute = Callable[[Texts, Validation], FamilyScores]


def score_family(family: Family, compute: Compute, texts: Texts, settings: Validation) -> FamilyScores:
    """Compute one family; an unexpected failure becomes the reason why its metrics are missing.

    Raises:
        InputError: texts or settings cannot be used.
    """
    try:
        return compute(texts, settings)
    except LabLensError:
        raise
    except Exception as error:  # noqa: BLE001  whatever a metric's library raises, the other metrics are still true
        return _missing(family, _told(family, error))


def _told(family: Family, error: Exception) -> str:
    reason = f"failed: {_place_of(error)}"
    _logger.warning("the metrics of %s could not be computed: %s", family, reason)
    return reason


def word_counts(texts: Iterable[str]) -> FloatArray:
    """Words (separated by white space) of each text."""
    return np.array([len(text.split()) for text in texts], dtype=np.float64)


def _place_of(error: Exception) -> str:
    """Class and place of an error. Its message is left out, since it may quote a note."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if _LIBRARY in Path(frame.filename).parents]
    place = f" at {Path(own[-1].filename).relative_to(_LIBRARY.parent).as_posix()}:{own[-1].lineno}" if own else ""
    return f"{type(error).__name__}{place}"


def _missing(family: Family, reason: str) -> FamilyScores:
    return FamilyScores({}, missing={name: reason for name, metric in METRICS.items() if metric.family == family})


def _overlap(texts: Texts, settings: Validation) -> FamilyScores:
    # `evaluate` takes seconds to import; nothing that only needs this module's names should wait for it.
    from lab_lens.metrics.evaluate_module import summary_scores

    variant = variant_of(settings)
    return _overlap_scores(summary_scores(texts.summaries, texts.references, variant, processes=settings.processes))


def _overlap_scores(scores: TextScores) -> FamilyScores:
    details = {"bleu_signature": scores.corpus_bleu.signature}
    return FamilyScores(scores.per_example, {"bleu": scores.bleu_counts}, details)


def _copying(texts: Texts, settings: Validation) -> FamilyScores:
    from lab_lens.metrics.evaluate_module import copy_scores

    notes = [""] * len(texts.summaries) if texts.notes is None else texts.notes
    per_example = copy_scores(texts.summaries, notes, processes=settings.processes)
    return _without_notes(FamilyScores(per_example), texts)


def _lengths(texts: Texts, _: Validation) -> FamilyScores:
    summaries = word_counts(texts.summaries)
    notes = word_counts(texts.notes or [""] * len(summaries))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where((summaries > 0) & (notes > 0), notes / summaries, np.nan)
    # A note that is absent says nothing about compression; a summary that is empty does.
    sums = np.column_stack([notes, np.where(notes > 0, summaries, 0.0)])
    per_example = {"compression_ratio": ratios, "summary_words": summaries}
    return _without_notes(FamilyScores(per_example, {"compression_ratio": sums}), texts)


def _without_notes(scores: FamilyScores, texts: Texts) -> FamilyScores:
    """Without notes, the scores that need none."""
    if texts.notes is not None:
        return scores
    missing = {name: NO_NOTES for name in scores.per_example if METRICS[name].needs_note}
    kept = {name: values for name, values in scores.per_example.items() if name not in missing}
    sums = {name: columns for name, columns in scores.sums.items() if name not in missing}
    return FamilyScores(kept, sums, scores.details, {**scores.missing, **missing}, scores.findings)


def _statements(texts: Texts, settings: Validation) -> FamilyScores:
    if not settings.statements:
        return _missing("statements", "turned off: validation.statements is false")
    from lab_lens.metrics.statements import COLUMNS, score_statements

    scores = score_statements(texts.summaries, texts.notes, texts.references, processes=settings.processes)
    names = [name for name, metric in METRICS.items() if metric.family == "statements"]
    sums = {name: scores.columns[:, [COLUMNS.index(count) for count in METRICS[name].counts]] for name in names}
    return _without_notes(FamilyScores({name: scores.per_example[name] for name in names}, sums), texts)


def _facts(texts: Texts, settings: Validation) -> FamilyScores:
    if not settings.facts:
        return _missing("facts", "turned off: validation.facts is false")
    from lab_lens.metrics.facts import COLUMNS, score_facts

    scores = score_facts(texts.summaries, texts.notes, texts.references, processes=settings.processes)
    sums = {
        name: scores.columns[:, [COLUMNS.index(count) for count in METRICS[name].counts]] for name in scores.per_example
    }
    details = {"facts": {"by_kind": _by_kind(scores.columns)}}
    return _without_notes(FamilyScores(scores.per_example, sums, details, {}, tuple(scores.findings)), texts)


def _by_kind(columns: FloatArray) -> dict[str, dict[str, float | int | None]]:
    """Counts over all examples of every kind of fact, and the figures that follow; null where there is no such fact."""
    from lab_lens.metrics.facts import COLUMNS, COUNTS, KINDS, figures_of

    sums = columns.sum(axis=0)
    found: dict[str, dict[str, float | int | None]] = {}
    for kind in KINDS:
        counts = {name: int(sums[COLUMNS.index(f"{kind}.{name}")]) for name in COUNTS}
        figures = {name: value if np.isfinite(value) else None for name, value in figures_of(columns, kind).items()}
        found[kind] = {**counts, **figures}
    return found


def _bertscore(texts: Texts, settings: Validation) -> FamilyScores:
    if settings.bertscore_encoder is None:
        return _missing("bertscore", "no encoder: validation.bertscore_encoder is null")
    load_encoder, score_bert = _bert_functions()
    encoder = load_encoder(settings.bertscore_encoder, settings.bertscore_layer)
    scores = score_bert(encoder, texts.summaries, texts.references)
    left_out = {
        "summary_tokens_left_out": int(scores.summary_tokens_left_out.sum()),
        "reference_tokens_left_out": int(scores.reference_tokens_left_out.sum()),
    }
    return FamilyScores(scores.per_example, details={"bertscore": {"signature": scores.signature, **left_out}})


def _bert_functions() -> tuple[Any, Any]:
    try:
        from lab_lens.metrics.bert_score import load_encoder, score_bert
    except ModuleNotFoundError as error:
        raise InputError(_not_installed("validation.bertscore_encoder", error)) from error
    return load_encoder, score_bert


def _entailment(texts: Texts, settings: Validation) -> FamilyScores:
    if settings.entailment_model is None:
        return _missing("entailment", "no model: validation.entailment_model is null")
    if texts.notes is None:
        return _missing("entailment", NO_NOTES)
    load_entailment, score_entailment = _entailment_functions()
    scores = score_entailment(load_entailment(settings.entailment_model), texts.summaries, texts.notes)
    left_out = int(scores.summary_tokens_left_out.sum())
    details = {"model": settings.entailment_model, "summary_tokens_left_out": left_out}
    return FamilyScores(scores.per_example, details={"entailment": details})


def _entailment_functions() -> tuple[Any, Any]:
    try:
        from lab_lens.metrics.entailment import load_entailment, score_entailment
    except ModuleNotFoundError as error:
        raise InputError(_not_installed("validation.entailment_model", error)) from error
    return load_entailment, score_entailment


def _not_installed(setting: str, error: ModuleNotFoundError) -> str:
    return f"{setting} needs {error.name}, which is not installed: pip install 'lab-lens[train]', or set it to null"


_FAMILIES: dict[Family, Compute] = {
    "overlap": _overlap,
    "bertscore": _bertscore,
    "entailment": _entailment,
    "facts": _facts,
    "statements": _statements,
    "copying": _copying,
    "lengths": _lengths,
}
