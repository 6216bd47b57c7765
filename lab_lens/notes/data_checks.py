"""What one should know about examples before training on them: pure functions on frames, with JSON-able results."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from lab_lens.artifacts import SCHEMA_VERSION, sha256_text
from lab_lens.notes.demographics import is_blank
from lab_lens.notes.splits import SPLIT_NAMES

# Unlike a column that users have: theirs are kept beside it.
SPLIT_COLUMN = "lab_lens_split"
FEW_TEST_EXAMPLES = 30
FEW_PATIENTS = 30
HIGH_FILTERED_FRACTION = 0.10
# A chosen bound: references that copy nearly all their phrases measure copying, not summarizing.
HIGH_OVERLAP_FRACTION = 0.80

_QUANTILES = {"min": 0.0, "p05": 0.05, "p25": 0.25, "median": 0.5, "p75": 0.75, "p95": 0.95, "max": 1.0}
_WORD = re.compile(r"\w+")
_TEXTS = ("input_text", "target_summary")


def check_examples(
    examples: pd.DataFrame,
    removed: Mapping[str, int],
    mapping: Mapping[str, Any],
    slices: Sequence[str],
    min_examples_per_slice: int,
) -> dict[str, Any]:
    """Describe split examples and warn of what makes results from them weak.

    Args:
        examples: n rows of the contract, with their split in SPLIT_COLUMN.
        removed: rows that were filtered before, by reason.
        mapping: see `examples.mapping_facts`.
        slices: columns by which results will be sliced.
        min_examples_per_slice: held-out examples that a slice needs to be compared.

    Returns:
        JSON-able: counts, filtered rows, lengths in words, examples a slice and split, overlap of references with their
        notes, duplicates, absent attributes, and `warnings`: sentences, empty if there is nothing to say.
    """
    report: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "counts": counts(examples, removed),
        "filtered_rows": dict(removed),
        "mapping": dict(mapping),
        "length_words": {name: length_quantiles(examples, name) for name in _TEXTS},
        "absent_attributes": absent_attributes(examples, slices),
        "slices": {name: slice_counts(examples, name) for name in slices if name in examples.columns},
        "target_in_input": target_overlap(examples),
        "duplicate_inputs": duplicate_inputs(examples),
    }
    report["warnings"] = _warnings(report, min_examples_per_slice)
    return report


def counts(examples: pd.DataFrame, removed: Mapping[str, int]) -> dict[str, Any]:
    """Rows read, filtered and used; examples and patients a split."""
    by_split = {name: examples[examples[SPLIT_COLUMN] == name] for name in SPLIT_NAMES}
    return {
        "rows_read": len(examples) + sum(removed.values()),
        "rows_filtered": sum(removed.values()),
        "examples": len(examples),
        "patients": int(examples["subject_id"].nunique()),
        "splits": {
            name: {"examples": len(rows), "patients": int(rows["subject_id"].nunique())}
            for name, rows in by_split.items()
        },
    }


def word_counts(texts: pd.Series) -> list[int]:
    """Words of each text, split at white space."""
    return [len(text.split()) for text in texts]


def length_quantiles(examples: pd.DataFrame, column: str) -> dict[str, dict[str, float]]:
    """Quantiles and mean of the lengths of `column` in words, for each split and for all examples."""
    lengths = pd.Series(word_counts(examples[column]), index=examples.index)
    groups = {"all": lengths} | {name: lengths[examples[SPLIT_COLUMN] == name] for name in SPLIT_NAMES}
    return {name: _quantiles(values) for name, values in groups.items() if len(values)}


def _quantiles(values: pd.Series) -> dict[str, float]:
    points = np.quantile(values.to_numpy(dtype=float), list(_QUANTILES.values()))
    named = {name: round(float(point), 1) for name, point in zip(_QUANTILES, points, strict=True)}
    return named | {"mean": round(float(values.mean()), 1)}


def absent_attributes(examples: pd.DataFrame, slices: Sequence[str]) -> list[str]:
    """Slice columns that do not exist or hold nothing but blanks."""
    return [name for name in slices if name not in examples.columns or all(map(is_blank, examples[name].unique()))]


def slice_counts(examples: pd.DataFrame, column: str) -> dict[str, dict[str, int]]:
    """Examples of each value of `column` (blank: "") in each split, values in alphabetical order."""
    table = pd.crosstab(examples[column], examples[SPLIT_COLUMN])
    return {
        str(value): {name: int(row.get(name, 0)) for name in SPLIT_NAMES}
        for value, row in table.sort_index().iterrows()
    }


def target_overlap(examples: pd.DataFrame) -> dict[str, float | int | str | None]:
    """How much of the references stands in their notes: a sign of leakage where it is nearly everything.

    Returns:
        `mean_trigram_fraction` and `p95_trigram_fraction` (0 to 1): share of a reference's distinct word trigrams that
        occur in its note, over references of three words or more (None with a `reason` where there are none);
        `verbatim_examples`: references that stand in their note as a whole, but for case and white space.
    """
    pairs = list(zip(examples["input_text"], examples["target_summary"], strict=True))
    verbatim = sum(_folded(target) in _folded(note) for note, target in pairs)
    fractions = [value for value in (trigram_fraction(note, target) for note, target in pairs) if value is not None]
    if not fractions:
        reason = "no target_summary has three words"
        return {
            "mean_trigram_fraction": None,
            "p95_trigram_fraction": None,
            "verbatim_examples": verbatim,
            "reason": reason,
        }
    return {
        "mean_trigram_fraction": round(float(np.mean(fractions)), 4),
        "p95_trigram_fraction": round(float(np.quantile(fractions, 0.95)), 4),
        "verbatim_examples": verbatim,
    }


def trigram_fraction(note: str, target: str) -> float | None:
    """Share (0 to 1) of the target's distinct word trigrams that occur in the note; None below three words."""
    wanted = _trigrams(target)
    return len(wanted & _trigrams(note)) / len(wanted) if wanted else None


def _trigrams(text: str) -> set[tuple[str, ...]]:
    words = _WORD.findall(text.lower())
    return set(zip(words, words[1:], words[2:], strict=False))


def _folded(text: str) -> str:
    return " ".join(text.lower().split())


def duplicate_inputs(examples: pd.DataFrame) -> dict[str, int]:
    """Notes that are equal but for case and white space: examples beyond the first, and texts in several splits."""
    keys = examples["input_text"].map(lambda text: sha256_text(_folded(text)))
    splits_of_text = examples[SPLIT_COLUMN].groupby(keys.to_numpy()).nunique()
    return {
        "repeated_examples": int(keys.duplicated().sum()),
        "texts_in_several_splits": int((splits_of_text > 1).sum()),
    }


def _warnings(report: dict[str, Any], min_examples_per_slice: int) -> list[str]:
    return [
        *_size_warnings(report["counts"]),
        *_mapping_warnings(report["mapping"]),
        *_leakage_warnings(report["target_in_input"], report["duplicate_inputs"]),
        *(f"{name} is absent: results cannot be compared by it" for name in report["absent_attributes"]),
        *_slice_warnings(report, min_examples_per_slice),
    ]


def _size_warnings(counted: dict[str, Any]) -> list[str]:
    warnings = []
    filtered, read = counted["rows_filtered"], counted["rows_read"]
    if filtered > HIGH_FILTERED_FRACTION * read:
        warnings.append(f"{filtered:,} of {read:,} rows were filtered")
    if counted["patients"] < FEW_PATIENTS:
        warnings.append(
            f"only {counted['patients']} patients: the splits' sizes can be far from their fractions, and a split that "
            "would be empty got the nearest patient"
        )
    test = counted["splits"]["test"]["examples"]
    if test < FEW_TEST_EXAMPLES:
        warnings.append(f"only {test} held-out examples: intervals will be wide and most comparisons undecided")
    return warnings


def _mapping_warnings(mapping: dict[str, Any]) -> list[str]:
    warnings = []
    if mapping.get("unreadable_ages"):
        warnings.append(
            f"{mapping['unreadable_ages']:,} rows have an age that cannot be read; their age group is blank"
        )
    if mapping.get("unknown_ethnicity_values"):
        warnings.append(
            f"{mapping['unknown_ethnicity_values']:,} rows have an ethnicity that no rule knows; they count as Other"
        )
    renamed = mapping.get("renamed_columns", {})
    warnings += [f"the data's own column {old} is kept as {new}" for old, new in renamed.items()]
    return warnings


def _leakage_warnings(overlap: dict[str, Any], duplicates: dict[str, int]) -> list[str]:
    warnings = []
    mean = overlap["mean_trigram_fraction"]
    if mean is not None and mean > HIGH_OVERLAP_FRACTION:
        warnings.append(
            f"{mean:.0%} of the references' word trigrams already stand in their notes: scores will measure copying; "
            "cut the reference out of the note"
        )
    if overlap["verbatim_examples"]:
        warnings.append(f"{overlap['verbatim_examples']:,} references stand in their note word for word")
    if duplicates["texts_in_several_splits"]:
        warnings.append(
            f"{duplicates['texts_in_several_splits']:,} notes are in more than one split, under different patients: "
            "held-out results will look better than they are"
        )
    return warnings


def _slice_warnings(report: dict[str, Any], min_examples: int) -> list[str]:
    warnings = []
    for name, values in report["slices"].items():
        if name in report["absent_attributes"]:
            continue
        blank = sum(values.get("", {}).values())
        if blank:
            warnings.append(f"{name} is blank in {blank:,} of {report['counts']['examples']:,} examples")
        small = [f"{value} ({held['test']})" for value, held in values.items() if value and held["test"] < min_examples]
        if small:
            warnings.append(
                f"{name}: fewer than {min_examples} held-out examples in {', '.join(small)}; too few to compare"
            )
    return warnings
