"""Summaries and the examples that they answer, from whatever files a user has: one or two, with other column names.

What the files lack is not made up. Without a patient every example counts as a patient of its own; without notes
whatever needs a note stays unmeasured; both are said in `Pairs.remarks`.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from lab_lens.artifacts import PREDICTIONS_CSV, TEST_CSV, file_in, sha256_file, sha256_text
from lab_lens.errors import InputError
from lab_lens.metrics.predictions import align_predictions
from lab_lens.notes.tables import looks_like_code, read_table, shown_columns, shown_rows

EXAMPLE_ROLES = ("example_id", "subject_id", "input_text", "target_summary")
PREDICTION_ROLES = ("summary", "log_probability", "input_tokens", "output_tokens", "truncated")
ROLES = (*EXAMPLE_ROLES, *PREDICTION_ROLES)
NO_PATIENTS = "The data has no column subject_id: every example counts as a patient of its own."
NO_NOTES = "The data has no notes (column input_text): what needs them is left out."
_VALUES_SHOWN = 12
_TIMES_SHOWN = 2
_VALUE_CHARS = 40


@dataclass(frozen=True)
class Selection:
    """How files that were not written by lab-lens are read.

    Args:
        columns: a column's name in the files, by its name of ROLES.
        where: values by column; other rows of every file that has the column are left out.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    where: Mapping[str, str] = field(default_factory=dict)


AS_WRITTEN = Selection()


@dataclass(frozen=True)
class Pairs:
    """Examples, and one system's predictions in their order.

    Args:
        examples: example_id, subject_id, input_text ("" where there are no notes), target_summary; indexed from 0.
        predictions: as `load_predictions`.
        data_hash: sha256 of the data file; of its hash and `where` where rows were left out.
        file_hash: sha256 of the data file.
        has_notes: whether any example has a note.
        remarks: what the files lack, as sentences.
    """

    examples: pd.DataFrame
    predictions: pd.DataFrame
    data_hash: str
    file_hash: str
    has_notes: bool
    remarks: tuple[str, ...]


def read_pairs(data: Path, predictions: Path, selection: Selection) -> Pairs:
    """Read examples and predictions; both may be the same file.

    Args:
        data: a table of examples, or the directory of `test.csv`.
        predictions: a table of summaries, or the directory of `predictions.csv`.

    Raises:
        InputError: listing every problem of files and columns, then of rows: files cannot be read, columns are
            missing, nothing is left of the rows, ids are blank, repeated, unknown or missing.
    """
    data_csv, predictions_csv = file_in(data, TEST_CSV), file_in(predictions, PREDICTIONS_CSV)
    whole = _read_all(dict.fromkeys([data_csv, predictions_csv]))
    kept = {path: _kept(frame, selection.where) for path, frame in _numbered(whole, selection).items()}
    tables = {path: _renamed(frame, selection.columns) for path, frame in kept.items()}
    problems = [
        *_selection_problems(whole, kept, selection),
        *_missing_columns(tables[data_csv], data_csv, ("example_id", "target_summary")),
        *_missing_columns(tables[predictions_csv], predictions_csv, ("example_id", "summary")),
    ]
    if problems:
        raise InputError(problems)
    examples = _examples(tables[data_csv], data_csv)
    has_notes = bool((examples["input_text"].str.strip() != "").any())
    remarks = [NO_PATIENTS] if "subject_id" not in tables[data_csv] else []
    file_hash = sha256_file(data_csv)
    return Pairs(
        examples,
        _answers(tables[predictions_csv], examples, predictions_csv, has_patients=not remarks),
        _data_hash(file_hash, selection.where, len(whole[data_csv]) - len(examples)),
        file_hash,
        has_notes,
        tuple(remarks if has_notes else [*remarks, NO_NOTES]),
    )


def read_answers(predictions: Path, pairs: Pairs, selection: Selection) -> pd.DataFrame:
    """Read another system's predictions of the same examples, under the same selection where its file has the columns.

    Args:
        predictions: a table of summaries, or the directory of `predictions.csv`.

    Returns:
        As `load_predictions`.

    Raises:
        InputError: as `load_predictions`, or nothing is left of the rows.
    """
    path = file_in(predictions, PREDICTIONS_CSV)
    whole = read_table(path)
    kept = _kept(whole, selection.where)
    if kept.empty:
        raise InputError(_nothing_left(path, whole, selection))
    return _answers(
        _renamed(kept, selection.columns), pairs.examples, path, has_patients=NO_PATIENTS not in pairs.remarks
    )


def _answers(frame: pd.DataFrame, examples: pd.DataFrame, path: Path, *, has_patients: bool) -> pd.DataFrame:
    # Without patients in the data there is nothing that the predictions' patients could be held against.
    return align_predictions(
        frame if has_patients else frame.drop(columns="subject_id", errors="ignore"), examples, path
    )


def _read_all(paths: Iterable[Path]) -> dict[Path, pd.DataFrame]:
    tables: dict[Path, pd.DataFrame] = {}
    problems: list[str] = []
    for path in paths:
        try:
            tables[path] = read_table(path)
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    return tables


def _numbered(tables: Mapping[Path, pd.DataFrame], selection: Selection) -> dict[Path, pd.DataFrame]:
    """The same tables; where one file is both and has no ids, with those of the places of its rows."""
    if len(tables) > 1 or "example_id" in selection.columns:
        return dict(tables)
    ((path, frame),) = tables.items()
    if "example_id" in frame.columns:
        return {path: frame}
    return {path: frame.assign(example_id=[f"row-{number:06d}" for number in range(1, len(frame) + 1)])}


def _kept(frame: pd.DataFrame, where: Mapping[str, str]) -> pd.DataFrame:
    for name, value in where.items():
        if name in frame.columns:
            frame = frame[frame[name] == value]
    return frame.reset_index(drop=True)


def _renamed(frame: pd.DataFrame, columns: Mapping[str, str]) -> pd.DataFrame:
    """The contract's columns under their names; a column that only bears such a name gives way to the mapped one."""
    roles = {role: name for role, name in columns.items() if name in frame.columns}
    found = {role: frame[roles.get(role, role)] for role in ROLES if roles.get(role, role) in frame.columns}
    return pd.DataFrame(found)


def _selection_problems(
    whole: Mapping[Path, pd.DataFrame], kept: Mapping[Path, pd.DataFrame], selection: Selection
) -> list[str]:
    """Columns that no file has, and files of which no row is left."""
    have = {name for frame in whole.values() for name in frame.columns}
    asked = [(f"--column {role}={name}", name) for role, name in selection.columns.items()]
    asked += [(f"--where {name}={value:.{_VALUE_CHARS}}", name) for name, value in selection.where.items()]
    listed = "; ".join(f"{path} has {shown_columns(list(frame.columns))}" for path, frame in whole.items())
    problems = [f"{option}: there is no column {name}; {listed}" for option, name in asked if name not in have]
    return problems + [_nothing_left(path, whole[path], selection) for path, frame in kept.items() if frame.empty]


def _nothing_left(path: Path, frame: pd.DataFrame, selection: Selection) -> str:
    values = [_values_of(frame, name) for name in selection.where if name in frame.columns]
    return f"{path} has no row that --where asks for; {'; '.join(values)}"


def _values_of(frame: pd.DataFrame, name: str) -> str:
    """The values of a column, where they are few codes that occur several times; others may be patients or notes."""
    counts = frame[name].value_counts()
    values = sorted(counts.index)
    if len(values) > _VALUES_SHOWN or counts.min() < _TIMES_SHOWN or not all(map(looks_like_code, values)):
        return f"{name} has {len(values):,} different values in {len(frame):,} rows"
    return f"{name} is one of {', '.join(values)}"


def _missing_columns(frame: pd.DataFrame, path: Path, names: Sequence[str]) -> list[str]:
    return [
        f"{path} lacks the column {name}; name the one that holds it with --column {name}=NAME"
        for name in names
        if name not in frame.columns
    ]


def _examples(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    ids = frame["example_id"].str.strip()
    patients = frame["subject_id"].str.strip() if "subject_id" in frame.columns else ids
    repeated = int(ids.duplicated().sum())
    blank = [(name, np.flatnonzero(column == "")) for name, column in (("example_id", ids), ("subject_id", patients))]
    problems = [
        f"{path}: {name} is blank in {shown_rows(rows.tolist())}; every row needs one"
        for name, rows in blank
        if len(rows)
    ]
    if repeated:
        problems.append(
            f"{path}: {repeated:,} rows repeat the example_id of another row; where the file holds several systems or "
            "test sets, choose one with --where COLUMN=VALUE"
        )
    if problems:
        raise InputError(problems)
    notes = frame["input_text"] if "input_text" in frame.columns else pd.Series("", index=frame.index)
    columns = {"example_id": ids, "subject_id": patients, "input_text": notes}
    return pd.DataFrame({**columns, "target_summary": frame["target_summary"]})


def _data_hash(digest: str, where: Mapping[str, str], left_out: int) -> str:
    return sha256_text(json.dumps([digest, sorted(where.items())])) if left_out else digest
