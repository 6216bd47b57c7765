"""Answers that need no model: a model that does not beat them has learned nothing worth releasing."""

import re
from collections.abc import Sequence
from itertools import islice

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lab_lens.metrics.rouge import rouge_l, tokenize
from lab_lens.notes.sentences import split_sentences

FloatArray = NDArray[np.float64]

LEAD_3 = "lead_3"
RANDOM_OTHER_PATIENT = "random_other_patient"
BEST_CONSTANT = "best_constant"
BASELINES = (LEAD_3, RANDOM_OTHER_PATIENT, BEST_CONSTANT)
LABELS = {
    LEAD_3: "first three sentences of the note",
    RANDOM_OTHER_PATIENT: "reference of another patient, at random",
    BEST_CONSTANT: "the one reference that answers every note best",
}
_OTHER_PATIENTS = "needs references of at least two patients"
NEEDS = {LEAD_3: "needs notes", RANDOM_OTHER_PATIENT: _OTHER_PATIENTS, BEST_CONSTANT: _OTHER_PATIENTS}
_LEAD_SENTENCES = 3
_BEGINNING_CHARS = 1500
_PROSE_WORDS = 5
_HEADER = re.compile(r"^[A-Z][\w /,()-]{1,60}:\s*")
_CONSTANTS_TRIED = 25
_ROWS_TRIED_ON = 60


def baseline_summaries(examples: pd.DataFrame, seed: int) -> dict[str, list[str]]:
    """Make the answers, one for each row of `examples`, by name of BASELINES; equal seeds give equal answers.

    - lead_3: the first three sentences of prose in the note, without their headers; "" when it has no prose.
    - random_other_patient: the reference of a row of another patient.
    - best_constant: one reference for every note, chosen from a sample by its ROUGE-L on notes of other patients; its
      own patient's notes get the next best of another patient. It is chosen with sight of the test references, so a
      model that beats it beats every constant answer.

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
    constants = _sample(len(references), _CONSTANTS_TRIED, generator)
    rows = _sample(len(references), _ROWS_TRIED_ON, generator)
    ranked = constants[np.argsort(-_mean_rouge_l(references, codes, constants, rows), kind="stable")]
    best = ranked[0]
    others = ranked[codes[ranked] != codes[best]]
    # A sample of one patient's references has no runner-up: any other patient's reference then answers for its rows.
    runner_up = others[0] if len(others) else np.flatnonzero(codes != codes[best])[0]
    return [references[runner_up if code == codes[best] else best] for code in codes]


def _mean_rouge_l(
    references: Sequence[str], codes: NDArray[np.intp], constants: NDArray[np.intp], rows: NDArray[np.intp]
) -> FloatArray:
    """Mean ROUGE-L of each constant on the rows of other patients; 0 where the sample has no such row."""
    texts = {int(row): tokenize(references[row]) for row in {*constants.tolist(), *rows.tolist()}}
    means = np.zeros(len(constants))
    for index, constant in enumerate(constants):
        others = rows[codes[rows] != codes[constant]]
        scores = [rouge_l(texts[int(row)], texts[int(constant)]) for row in others]
        means[index] = np.mean(scores) if scores else 0.0
    return means


def _sample(count: int, at_most: int, generator: np.random.Generator) -> NDArray[np.intp]:
    chosen: NDArray[np.intp] = np.sort(generator.permutation(count)[:at_most])
    return chosen
