"""Reading of the tables that users bring: CSV, Parquet and JSON Lines; every value a string, a missing one ''.

Problems are told by row number; a row's content is never part of a message, since it may be a patient's.
Rows count from 1, without a header; lines count from 1 in the file, so that an editor finds them.
"""

import csv
import gzip
import json
import math
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO, cast

import pandas as pd

from lab_lens.errors import InputError

# The csv module refuses fields over 131,072 characters; a note may be longer. The largest C long on every platform.
_MAX_FIELD_CHARS = 2**31 - 1
_SHOWN = 5
# No sentence, no name of two words and nothing long.
_CODE = re.compile(r"[\w.:/#|+-]{1,40}")
_MARK = re.compile(r"\W")
_MARKS_IN_A_CODE = 2
_DIGIT = re.compile(r"\d")
# A longer word without any digit may be somebody's name.
_INITIALS = 2
# No sentence, no bare number and nothing long.
_COLUMN_NAME = re.compile(r"(?!\d+$)[\w .,:;/()#|\t-]{1,60}(?<!\.)")


def read_table(path: Path) -> pd.DataFrame:
    """Read a table by its suffix: .csv, .csv.gz, .parquet, .jsonl or .ndjson; text is UTF-8.

    Returns:
        One column of strings a field, in the file's order, indexed 0..n-1; missing values are "". A column without a
        name is called `column_<position>`.

    Raises:
        InputError: no such file, a directory, another suffix, not such a file, damaged, not UTF-8, no rows, columns of
            the same name, or rows that do not fit the header (all such rows of the file in one message).
    """
    if path.is_dir():
        raise InputError(f"{path} is a directory: give the file in it that holds the examples")
    if not path.is_file():
        raise InputError(f"no such file: {path}")
    frame = _reader_of(path)(path)
    if frame.empty:
        raise InputError(f"{path} has columns but no rows")
    return frame


def shown_columns(names: Sequence[str]) -> str:
    """List column names for a message; none when one looks like data: a file without a header starts with a patient."""
    if all(_COLUMN_NAME.fullmatch(name) for name in names):
        return ", ".join(names)
    return f"({len(names):,} that are not shown, since some look like data; is there a header line?)"


def shown_rows(positions: Sequence[int]) -> str:
    """Name rows by their zero-based positions: 'rows 3, 8, 9 (and 4 more)', counted from 1 after the header."""
    more = f" (and {len(positions) - _SHOWN:,} more)" if len(positions) > _SHOWN else ""
    return f"row{'s' if len(positions) > 1 else ''} {', '.join(str(row + 1) for row in positions[:_SHOWN])}{more}"


def looks_like_code(text: str) -> bool:
    """Whether a value may be told: no white space, at most 40 characters, at most two kinds of punctuation."""
    return bool(_CODE.fullmatch(text)) and len(set(_MARK.findall(text))) <= _MARKS_IN_A_CODE


def shown_ids(ids: Sequence[str], positions: Sequence[int]) -> str:
    """Name rows by their ids: 'e1, e2'; by their places when one of the ids looks like text, or like a name.

    Args:
        ids: of the rows in question, without repetition.
        positions: the zero-based places of those rows.
    """
    if not all(looks_like_code(name) and (_DIGIT.search(name) or len(name) <= _INITIALS) for name in ids):
        return shown_rows(positions)
    return ", ".join(ids[:_SHOWN]) + (", ..." if len(ids) > _SHOWN else "")


def _reader_of(path: Path) -> Callable[[Path], pd.DataFrame]:
    readers = {
        ".csv": _read_csv,
        ".csv.gz": _read_csv,
        ".parquet": _read_parquet,
        ".jsonl": _read_jsonl,
        ".ndjson": _read_jsonl,
    }
    for suffix, reader in readers.items():
        if path.name.lower().endswith(suffix):
            return reader
    raise InputError(f"{path} has the suffix {path.suffix or '(none)'}; a table must be one of {', '.join(readers)}")


def _read_csv(path: Path) -> pd.DataFrame:
    csv.field_size_limit(max(csv.field_size_limit(), _MAX_FIELD_CHARS))
    with _opened(path) as handle:
        header, rows = _csv_rows(path, handle)
    return pd.DataFrame(rows, columns=pd.Index(_column_names(path, header)), dtype=str)


def _csv_rows(path: Path, handle: TextIO) -> tuple[list[str], list[list[str]]]:
    """Header and rows without blank lines; every row has as many fields as the header."""
    # Strict: a lenient reader would silently join all rows up to the next stray quote into one.
    reader = csv.reader(handle, strict=True)
    rows: list[list[str]] = []
    ragged: list[str] = []
    try:
        header = next((row for row in reader if row), [])
        for row in filter(None, reader):
            rows.append(row)
            if len(row) != len(header):
                ragged.append(f"row {len(rows):,} (ends at line {reader.line_num:,}) has {len(row):,}")
    except csv.Error as error:
        place = f"row {len(rows) + 1:,}, read up to line {reader.line_num:,}"
        raise InputError(f"{path} is not a valid CSV: {place}: {error}; check the quotes in that row") from None
    if not any(name.strip() for name in header):
        raise InputError(f"{path} is empty: it needs a header line and rows")
    if ragged:
        shown = "; ".join(ragged[:_SHOWN]) + ("; ..." if len(ragged) > _SHOWN else "")
        raise InputError(
            f"{path}: {len(ragged):,} of {len(rows):,} rows do not have {len(header)} fields like the header: {shown}; "
            "quote fields that hold commas, quotes or line breaks"
        )
    return header, rows


def _column_names(path: Path, header: Sequence[str]) -> list[str]:
    names = [name.strip() or f"column_{position}" for position, name in enumerate(header, start=1)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"{path} has several columns of the same name: {shown_columns(twice)}; rename them")
    return names


def _read_jsonl(path: Path) -> pd.DataFrame:
    records: list[dict[str, str]] = []
    problems: list[str] = []
    with _opened(path) as handle:
        for line_number, line in enumerate(handle, start=1):
            if not line.strip():
                continue
            record = _parsed_record(line)
            if isinstance(record, str):
                problems.append(f"line {line_number:,} {record}")
            else:
                records.append(record)
    if problems:
        more = [f"and {len(problems) - _SHOWN:,} more lines"] if len(problems) > _SHOWN else []
        raise InputError([f"{path}: {problem}" for problem in problems[:_SHOWN]] + more)
    if not records:
        raise InputError(f"{path} is empty: it needs one JSON object a line")
    keys = list(dict.fromkeys(key for record in records for key in record))
    names = zip(_column_names(path, keys), keys, strict=True)
    return pd.DataFrame({name: [record.get(key, "") for record in records] for name, key in names}, dtype=str)


def _parsed_record(line: str) -> dict[str, str] | str:
    """The record of a line, or what is wrong with the line."""
    try:
        value = json.loads(line)
    except json.JSONDecodeError as error:
        return f"is not JSON: {error.msg} at character {error.colno}"
    except RecursionError:
        return "is nested too deeply"
    if not isinstance(value, dict):
        return f"holds {type(value).__name__}, not an object"
    nested = [name for name, item in value.items() if isinstance(item, dict | list)]
    if nested:
        return f"has nested values in {shown_columns(nested)}; values must be text or numbers"
    record = {name: _text_of(item) for name, item in value.items()}
    # A lone surrogate escape is valid JSON that no UTF-8 file can hold.
    broken = [name for name, text in record.items() if not _is_encodable(name + text)]
    return f"has text with a broken character escape in {shown_columns(broken)}" if broken else record


def _text_of(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _read_parquet(path: Path) -> pd.DataFrame:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            table = file.read()
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path} is not a readable Parquet file ({type(error).__name__})") from None
    names = _column_names(path, table.column_names)
    columns: dict[str, list[str]] = {}
    nested: list[str] = []
    for name, column in zip(names, table.columns, strict=True):
        try:
            columns[name] = _arrow_texts(column)
        except pa.ArrowException:
            nested.append(f"{shown_columns([name])} ({column.type})")
    if nested:
        raise InputError(f"{path} has columns that are not text, numbers or dates: {', '.join(nested)}")
    return pd.DataFrame(columns, dtype=str)


def _arrow_texts(column: Any) -> list[str]:
    """Texts of an Arrow column; whole numbers stay whole ('142345', never '142345.0') even where some are missing."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    # Large strings: the 32-bit offsets of plain ones end at 2 GiB of notes.
    texts = pc.fill_null(column.cast(pa.large_string()), "")
    return cast("list[str]", texts.to_pylist())


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    """Open plain or gzipped UTF-8 text with its line breaks as they are; what cannot be read is an InputError."""
    try:
        opener: Any = gzip.open if path.suffix.lower() == ".gz" else open
        with opener(path, "rt", encoding="utf-8-sig", newline="") as handle:
            yield handle
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8 text; save it as UTF-8 (a spreadsheet's 'CSV UTF-8')") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{path} is not a whole gzip file ({type(error).__name__}); copy it again") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or type(error).__name__}") from None
