"""Examples: the contract columns, made from a user's table by a column mapping, and read back by every stage."""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from lab_lens.artifacts import replacing
from lab_lens.config import Columns, Data
from lab_lens.errors import InputError
from lab_lens.notes.demographics import (
    age_group,
    group_ethnicity,
    is_blank,
    is_known_ethnicity,
    normalize_age_group,
    normalize_gender,
)
from lab_lens.notes.tables import read_table, shown_columns, shown_ids, shown_rows

__all__ = [
    "EXAMPLE_COLUMNS",
    "SLICE_ATTRIBUTES",
    "Filtered",
    "filter_examples",
    "load_examples",
    "mapping_facts",
    "read_table",
    "require_slices",
    "to_examples",
    "write_examples",
]

SLICE_ATTRIBUTES = ("age_group", "gender", "ethnicity")
EXAMPLE_COLUMNS = ("example_id", "subject_id", "input_text", "target_summary", *SLICE_ATTRIBUTES)
ORIGINAL_SUFFIX = "_original"

_REQUIRED = ("subject_id", "input_text", "target_summary")
_MAX_SLICE_VALUES = 50
_MAX_SLICE_VALUE_CHARS = 60


def to_examples(frame: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """Bring a table of strings (see `read_table`) to the contract.

    Args:
        frame: n rows of strings.
        columns: which column of `frame` is which; null means that the data has no such column.

    Returns:
        n rows with EXAMPLE_COLUMNS first, demographics normalized (an absent attribute is a column of ""), then every
        column that was not mapped, and `age` where the age groups were made from it. One of those that bears a
        contract name gets ORIGINAL_SUFFIX.

    Raises:
        InputError: mapped columns are missing, note and reference are the same column (all at once); or subject ids
            are blank, example ids blank or not unique (all at once).
    """
    _require_columns(frame, columns)
    made = {
        "example_id": _example_ids(frame, columns),
        "subject_id": frame[columns.subject_id].str.strip(),
        "input_text": frame[columns.input_text],
        "target_summary": frame[columns.target_summary],
        "age_group": _age_groups(frame, columns),
        "gender": _mapped(frame, columns.gender, normalize_gender),
        "ethnicity": _mapped(frame, columns.ethnicity, group_ethnicity),
    }
    names = _kept_names(frame, columns)
    examples = pd.DataFrame(made | {new: frame[old] for old, new in names.items()})
    _require_ids(examples)
    return examples


def mapping_facts(frame: pd.DataFrame, columns: Columns) -> dict[str, int | dict[str, str]]:
    """What `to_examples` could not read or had to rename: counts of rows, and old names with the new ones."""
    ages = _source(frame, columns.age if columns.age_group is None else None)
    ethnicities = _source(frame, columns.ethnicity)
    return {
        "unreadable_ages": _count(ages, lambda text: not is_blank(text) and not age_group(text)),
        "unknown_ethnicity_values": _count(ethnicities, lambda text: not is_known_ethnicity(text)),
        "renamed_columns": {old: new for old, new in _kept_names(frame, columns).items() if new != old},
    }


@dataclass(frozen=True)
class Filtered:
    """Examples that are long enough, and how many rows were removed for which reason (the first that applied)."""

    examples: pd.DataFrame
    removed: dict[str, int]


def filter_examples(examples: pd.DataFrame, data: Data) -> Filtered:
    """Remove rows whose note or reference is too short to learn from or to judge by.

    Raises:
        InputError: nothing is left, with the counts by reason.
    """
    short_input = examples["input_text"].str.strip().str.len() < data.min_input_chars
    short_target = examples["target_summary"].str.strip().str.len() < data.min_target_chars
    removed = {
        f"input_text shorter than {data.min_input_chars} characters": int(short_input.sum()),
        f"target_summary shorter than {data.min_target_chars} characters": int((short_target & ~short_input).sum()),
    }
    kept = examples[~(short_input | short_target)].reset_index(drop=True)
    if kept.empty:
        reasons = ", ".join(f"{count:,} with {reason}" for reason, count in removed.items() if count)
        raise InputError(
            f"all {len(examples):,} rows were filtered: {reasons}; check data.columns.input_text and "
            "data.columns.target_summary, or lower data.min_input_chars and data.min_target_chars"
        )
    return Filtered(kept, removed)


def require_slices(examples: pd.DataFrame, slices: Sequence[str]) -> None:
    """Check that slice columns hold groups: reports list their values, which must never be names or notes.

    Raises:
        InputError: columns of more than 50 different values, or of values over 60 characters (all such columns).
    """
    problems = []
    for name in slices:
        values: list[str] = list(examples[name].unique()) if name in examples.columns else []
        longest = max((len(value) for value in values), default=0)
        if len(values) > _MAX_SLICE_VALUES or longest > _MAX_SLICE_VALUE_CHARS:
            problems.append(
                f"{name} cannot be sliced by: it has {len(values):,} different values of up to {longest:,} characters, "
                f"allowed are {_MAX_SLICE_VALUES} values of {_MAX_SLICE_VALUE_CHARS}; group them, or change "
                "data.columns or fairness.slices"
            )
    if problems:
        raise InputError(problems)


def write_examples(frame: pd.DataFrame, path: Path) -> Path:
    """Write examples as CSV, atomically; `load_examples` reads every character back as it was."""
    with replacing(path) as temporary:
        # Every field is quoted: writers leave a lone carriage return unquoted, and readers then see two rows.
        frame.to_csv(temporary, index=False, quoting=csv.QUOTE_ALL, lineterminator="\n", encoding="utf-8")
    return path


def load_examples(path: Path) -> pd.DataFrame:
    """Read a CSV that `prepare_data` wrote (or one of the same shape); all columns are strings, absent values "".

    Raises:
        InputError: the file cannot be read or has no rows, contract columns are missing, subject ids are blank, or
            example ids are blank or not unique.
    """
    frame = read_table(path)
    missing = [name for name in EXAMPLE_COLUMNS if name not in frame.columns]
    if missing:
        raise InputError(
            f"{path} is no examples file: it lacks {', '.join(missing)}; it has {shown_columns(list(frame.columns))}; "
            "make it with lab-lens prepare-data"
        )
    _require_ids(frame)
    return frame


def _require_columns(frame: pd.DataFrame, columns: Columns) -> None:
    mapping: dict[str, str | None] = columns.model_dump()
    if columns.age_group is not None:
        del mapping["age"]
    found = list(frame.columns)
    problems = [_missing(role, name) for role, name in mapping.items() if name is not None and name not in found]
    if problems:
        problems.append(f"the data has the columns {shown_columns(found)}")
    if len(found) == 1 and any(mark in found[0] for mark in ";\t|"):
        problems.append("there is no comma in its header: a CSV must be separated by commas")
    if columns.input_text == columns.target_summary:
        problems.append(
            f"data.columns.input_text and data.columns.target_summary both name {columns.input_text}: "
            "a model that is given the answer learns nothing"
        )
    if problems:
        raise InputError(problems)


def _missing(role: str, name: str) -> str:
    fix = f"set data.columns.{role} to its name in the data"
    if role not in _REQUIRED:
        fix += ", or to null if the data has none"
    return f"missing column {name} (data.columns.{role}): {fix}"


def _require_ids(examples: pd.DataFrame) -> None:
    problems = [_blank_ids(examples[name]) for name in ("subject_id", "example_id")]
    ids = examples["example_id"]
    rows = [row for row, repeats in enumerate(ids.duplicated() & (ids.str.strip() != "")) if repeats]
    if rows:
        repeated = ids.iloc[rows]
        few = shown_ids(list(repeated.unique()), rows)
        problems.append(
            f"{len(repeated):,} rows repeat the example_id of another row, such as {few}; make the ids unique, "
            "or set data.columns.example_id to null to number the rows"
        )
    if any(problems):
        raise InputError([problem for problem in problems if problem])


def _blank_ids(ids: pd.Series) -> str:
    blank = [position for position, text in enumerate(ids) if not text.strip()]
    return f"{ids.name} is blank in {shown_rows(blank)}; every row needs one" if blank else ""


def _example_ids(frame: pd.DataFrame, columns: Columns) -> Sequence[str] | pd.Series:
    if columns.example_id is None:
        return [f"row-{number:06d}" for number in range(1, len(frame) + 1)]
    return frame[columns.example_id].str.strip()


def _age_groups(frame: pd.DataFrame, columns: Columns) -> pd.Series:
    if columns.age_group is None:
        return _mapped(frame, columns.age, age_group)
    return _mapped(frame, columns.age_group, normalize_age_group)


def _mapped(frame: pd.DataFrame, name: str | None, normalize: Callable[[str], str]) -> pd.Series:
    return _source(frame, name).map(normalize).astype(str)


def _source(frame: pd.DataFrame, name: str | None) -> pd.Series:
    return pd.Series("", index=frame.index, dtype=str) if name is None else frame[name]


def _count(texts: pd.Series, condition: Callable[[str], bool]) -> int:
    return sum(count for text, count in texts.value_counts().items() if condition(str(text)))


def _kept_names(frame: pd.DataFrame, columns: Columns) -> dict[str, str]:
    """New name of every column that is kept beside the contract's; what was mapped is in there already, but ages."""
    mapped = set(columns.model_dump(exclude={"age"}).values())
    names: dict[str, str] = {}
    for old in frame.columns:
        if old not in mapped:
            taken = {*EXAMPLE_COLUMNS, *names.values(), *frame.columns.drop(old)}
            names[old] = _free_name(old, taken)
    return names


def _free_name(name: str, taken: set[str]) -> str:
    while name in taken:
        name += ORIGINAL_SUFFIX
    return name
