"""Answers that need no model: a model that does not beat them has learned nothing worth releasing."""

import re
from collections.abc import Sequence
from itertools import islice

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lab_lens.metrics.rouge import Tokens, rouge_l_to_each, words_of
from lab_lens.notes.sentences import split_sentences

FloatArray = NDArray[np.float64]

LEAD_3 = "lead_3"
RANDOM_OTHER_PATIENT = "random_other_patient"
BEST_CONSTANT = "best_constant"
BASELINES = (LEAD_3, RANDOM_OTHER_PATIENT, BEST_CONSTANT)
LABELS = {
    LEAD_3: "first three sentences of the note",
    RANDOM_OTHER_PATIENT: "reference of another patient, at random",
    BEST_CONSTANT: "one reference for every note, the best of up to 300",
}
_OTHER_PATIENTS = "needs references of at least two patients"
NEEDS = {LEAD_3: "needs notes", RANDOM_OTHER_PATIENT: _OTHER_PATIENTS, BEST_CONSTANT: _OTHER_PATIENTS}
_LEAD_SENTENCES = 3
_BEGINNING_CHARS = 1500
_PROSE_WORDS = 5
_HEADER = re.compile(r"^[A-Z][\w /,()-]{1,60}:\s*")
# LABELS and docs/validation.md say this number.
_CONSTANTS_TRIED = 300
_FINALISTS = 20


def baseline_summaries(examples: pd.DataFrame, seed: int) -> dict[str, list[str]]:
    """Make the answers, one for each row of `examples`, by name of BASELINES; equal seeds give equal answers.

    - lead_3: the first three sentences of prose in the note, without their headers; "" when it has no prose.
    - random_other_patient: the reference of a row of another patient.
    - best_constant: the reference with the best mean ROUGE-L to those of other patients; its own patient's notes get
      the next best of another patient. Up to 300 references all of them are tried on all; of more, 300 are tried on
      each other, and the best 20 of these on all. It is chosen with sight of the test references, so that a model that
      beats it (in ROUGE-L) beats each of the constant answers that were tried.

    Without notes there is no lead_3, and with one patient only there is nothing else (`NEEDS`).

    Args:
        examples: at least one row of subject_id, input_text ("" everywhere: there are no notes) and target_summary.
    """
    generator = np.random.default_rng(seed)
    notes = examples["input_text"].tolist()
    answers = {LEAD_3: [_lead(note) for note in notes]} if any(note.strip() for note in notes) else {}
    patients, codes = np.unique(examples["subject_id"].to_numpy(dtype=str), return_inverse=True)
    if len(patients) > 1:
        references = examples["target_summary"].tolist()
        answers[RANDOM_OTHER_PATIENT] = [references[row] for row in _rows_of_others(codes, generator)]
        answers[BEST_CONSTANT] = _best_constant(references, codes, generator)
    return answers


def _lead(note: str) -> str:
    """The lead, looked for in the beginning of the note first, since splitting the whole of it takes long."""
    # The last sentence of a beginning may be cut.
    beginning = _prose(note[:_BEGINNING_CHARS], without_last=len(note) > _BEGINNING_CHARS)
    found = beginning if len(beginning) == _LEAD_SENTENCES else _prose(note, without_last=False)
    return " ".join(found)


def _prose(text: str, *, without_last: bool) -> list[str]:
    spans = split_sentences(text)[: -1 if without_last else None]
    sentences = (_HEADER.sub("", text[span.start : span.end]).strip() for span in spans)
    return list(islice(filter(_is_prose, sentences), _LEAD_SENTENCES))


def _is_prose(sentence: str) -> bool:
    """Discharge notes begin with lines of dates and names, which would make this baseline too easy to beat."""
    return sentence.endswith((".", "!", "?")) and len(sentence.split()) >= _PROSE_WORDS


def _rows_of_others(codes: NDArray[np.intp], generator: np.random.Generator) -> NDArray[np.intp]:
    """For each row, a uniformly random row of another patient."""
    order = np.argsort(codes, kind="stable")
    first = np.searchsorted(codes[order], codes, side="left")
    own = np.bincount(codes)[codes]
    # With rows sorted by patient, another patient's row is a step beyond the patient's own block, around the end.
    steps = generator.integers(0, len(codes) - own)
    others: NDArray[np.intp] = order[(first + own + steps) % len(codes)]
    return others


def _best_constant(references: Sequence[str], codes: NDArray[np.intp], generator: np.random.Generator) -> list[str]:
    tried = _sample(len(references), _CONSTANTS_TRIED, generator)
    words = [words_of(references[row], stemmed=True) for row in tried]
    ranked = tried[_order(_among_each_other(words), codes[tried], codes[tried])]
    if len(tried) < len(references):
        finalists = ranked[:_FINALISTS]
        everyone = [words_of(text, stemmed=True) for text in references]
        scores = np.array([rouge_l_to_each(everyone[row], everyone) for row in finalists])
        ranked = np.concatenate([finalists[_order(scores, codes[finalists], codes)], ranked[_FINALISTS:]])
    best = ranked[0]
    others = ranked[codes[ranked] != codes[best]]
    # A sample of one patient's references has no runner-up: any other patient's reference then answers for its rows.
    runner_up = others[0] if len(others) else np.flatnonzero(codes != codes[best])[0]
    return [references[runner_up if code == codes[best] else best] for code in codes]


def _among_each_other(words: Sequence[Tokens]) -> FloatArray:
    """ROUGE-L of each text to each; the measure is symmetric, so half of it is computed."""
    scores = np.zeros((len(words), len(words)))
    for row, text in enumerate(words):
        scores[row, row:] = scores[row:, row] = rouge_l_to_each(text, words[row:])
    return scores


def _order(scores: FloatArray, constants: NDArray[np.intp], codes: NDArray[np.intp]) -> NDArray[np.intp]:
    """Constants by their mean over the rows of other patients, best first; 0 where there is no such row.

    Args:
        scores: of each constant on each row.
        constants, codes: the patients of constants and rows.
    """
    others = constants[:, None] != codes
    means = np.where(others, scores, 0.0).sum(axis=1) / np.maximum(1, others.sum(axis=1))
    order: NDArray[np.intp] = np.argsort(-means, kind="stable")
    return order


def _sample(count: int, at_most: int, generator: np.random.Generator) -> NDArray[np.intp]:
    chosen: NDArray[np.intp] = np.sort(generator.permutation(count)[:at_most])
    return chosen
