"""Predictions joined with the examples that they answer, and what is known of how they were made."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lab_lens.artifacts import GENERATION_JSON, PREDICTIONS_CSV, file_in, read_json, sha256_file
from lab_lens.errors import InputError
from lab_lens.notes.tables import read_table, shown_columns, shown_ids, shown_rows

_REQUIRED = ("example_id", "summary")
_IDS = ("example_id", "subject_id")
_BOOLEANS = {"True": True, "False": False, "true": True, "false": False}


@dataclass(frozen=True)
class Provenance:
    """Hashes of what made the predictions, None where nothing tells, and of the test file that they answer.

    Args:
        predictions_hash: sha256 of the file of predictions itself; None: there is no such file.
    """

    model_hash: str | None
    data_hash: str
    decoding_hash: str | None
    predictions_hash: str | None


def load_predictions(path: Path, examples: pd.DataFrame) -> pd.DataFrame:
    """Read `predictions.csv` (or a directory with it) and bring it into the order of `examples`.

    Args:
        examples: the contract's columns, unique example ids.

    Returns:
        One row an example, in its order, indexed from 0: example_id, subject_id, summary, and of the columns
        log_probability (float), input_tokens, output_tokens (int) and truncated (bool) those that the file has.

    Raises:
        InputError: columns are missing; or (all at once) ids are repeated, unknown or missing, patients differ from
            the examples', values cannot be read.
    """
    source = file_in(path, PREDICTIONS_CSV)
    return align_predictions(read_table(source), examples, source)


def align_predictions(frame: pd.DataFrame, examples: pd.DataFrame, source: Path) -> pd.DataFrame:
    """Bring a table of predictions, all strings, into the order of `examples`; as `load_predictions`.

    White space around ids and patients is no part of them.

    Args:
        source: what the table was read from, as errors call it.
    """
    missing = [name for name in _REQUIRED if name not in frame.columns]
    if missing:
        raise InputError(
            f"{source} lacks the columns {', '.join(missing)}; it has {shown_columns(list(frame.columns))}; "
            "make it with lab-lens generate-summaries"
        )
    frame = frame.assign(**{name: frame[name].str.strip() for name in _IDS if name in frame.columns})
    columns, value_problems = _typed(frame)
    problems = _id_problems(frame["example_id"], examples["example_id"].str.strip())
    problems = problems or _patient_problems(frame, examples)
    if problems or value_problems:
        raise InputError([f"{source}: {problem}" for problem in (*problems, *value_problems)])
    joined = pd.DataFrame({"example_id": frame["example_id"], "summary": frame["summary"], **columns})
    aligned = joined.set_index("example_id").loc[examples["example_id"].str.strip().tolist()].reset_index()
    aligned["example_id"] = examples["example_id"].to_numpy()
    aligned.insert(1, "subject_id", examples["subject_id"].to_numpy())
    return aligned


def read_provenance(predictions: Path, data_hash: str) -> Provenance:
    """Read `generation.json` beside the predictions, and check that it is about them and this data.

    Args:
        predictions: `predictions.csv` or its directory.
        data_hash: sha256 of the test file that they are joined with.

    Raises:
        InputError: the predictions were made from other data, or are not those that were generated: edited, or half of
            a directory was replaced.
    """
    source = file_in(predictions, PREDICTIONS_CSV)
    path = source.parent / GENERATION_JSON
    record = read_json(path) if path.is_file() else {}
    predictions_hash = sha256_file(source) if source.is_file() else None
    problems = []
    made_from, generated = _hash(record, "data_hash"), _hash(record, "predictions_sha256")
    if made_from not in (None, data_hash):
        problems.append(
            f"{predictions} was made from other data: {GENERATION_JSON} says data_hash {made_from}, the test file has "
            f"{data_hash}; generate the summaries again from this test file"
        )
    if generated is not None and predictions_hash not in (None, generated):
        problems.append(
            f"{source} is not what {GENERATION_JSON} beside it is about: predictions_sha256 is {generated}, the file "
            f"has {predictions_hash}; generate the summaries again, or keep your own in a directory without that record"
        )
    if problems:
        raise InputError(problems)
    return Provenance(_hash(record, "model_hash"), data_hash, _hash(record, "decoding_hash"), predictions_hash)


def _hash(record: Any, name: str) -> str | None:
    value = record.get(name) if isinstance(record, dict) else None
    return value if isinstance(value, str) and value else None


def _id_problems(given: pd.Series, expected: pd.Series) -> list[str]:
    kinds = [
        (given, given.duplicated(), "example ids occur more than once", "keep one prediction of each"),
        (
            given,
            ~given.isin(set(expected)),
            "example ids are not in the examples",
            "are these predictions of other data?",
        ),
        (
            expected,
            ~expected.isin(set(given)),
            "examples have no prediction",
            "predict every example, with an empty summary if need be",
        ),
    ]
    return [
        f"{ids[wrong].nunique():,} {what} ({_named(ids, wrong)}): {fix}"
        for ids, wrong, what, fix in kinds
        if wrong.any()
    ]


def _patient_problems(frame: pd.DataFrame, examples: pd.DataFrame) -> list[str]:
    """Rows whose patient is another than the example's; asked only once the ids agree."""
    if "subject_id" not in frame.columns:
        return []
    patients = dict(zip(examples["example_id"].str.strip(), examples["subject_id"].str.strip(), strict=True))
    differing = frame["subject_id"] != frame["example_id"].map(patients)
    if not differing.any():
        return []
    named = _named(frame["example_id"], differing)
    return [f"{int(differing.sum()):,} rows have another subject_id than the examples ({named})"]


def _named(ids: pd.Series, wrong: pd.Series) -> str:
    return shown_ids(list(ids[wrong].unique()), np.flatnonzero(wrong).tolist())


def _typed(frame: pd.DataFrame) -> tuple[dict[str, list[Any]], list[str]]:
    """The optional columns as numbers and booleans, and what could not be read."""
    columns: dict[str, list[Any]] = {}
    problems: list[str] = []
    for name, (parse, expected) in _PARSERS.items():
        if name in frame.columns:
            columns[name] = [parse(text) for text in frame[name]]
            bad = [row for row, value in enumerate(columns[name]) if value is None]
            if bad:
                problems.append(f"{name} must be {expected}; it is not in {shown_rows(bad)}")
    return columns, problems


def _finite_number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _count(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() else None


_PARSERS: dict[str, tuple[Callable[[str], Any], str]] = {
    "log_probability": (_finite_number, "a finite number"),
    "input_tokens": (_count, "a whole number"),
    "output_tokens": (_count, "a whole number"),
    "truncated": (_BOOLEANS.get, "True or False"),
}
