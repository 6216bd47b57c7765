import json

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab_lens.notes.data_checks import SPLIT_COLUMN, check_examples, target_overlap, trigram_fraction

SPLITS = ["train"] * 60 + ["val"] * 20 + ["test"] * 40
SLICES = ("age_group", "gender", "ethnicity")


def healthy(**changes):
    count = len(SPLITS)
    columns = {
        "subject_id": [f"p{number}" for number in range(count)],
        "input_text": [f"a long note about patient {number} with many words" for number in range(count)],
        "target_summary": [f"number {number} is quite well" for number in range(count)],
        "age_group": ["65+"] * count,
        "gender": ["F"] * count,
        "ethnicity": ["White"] * count,
        SPLIT_COLUMN: SPLITS,
    }
    return pd.DataFrame(columns | changes, dtype=str)


def check(examples, removed=None, mapping=None, slices=SLICES):
    return check_examples(examples, removed or {}, mapping or {}, slices, 30)


def changed(column, value, rows):
    examples = healthy()
    examples.loc[rows, column] = value
    return examples


def test_healthy_data_has_counts_and_no_warning():
    report = check(healthy(), {"too short": 3})
    assert report["warnings"] == []
    assert report["counts"] == {
        "rows_read": 123,
        "rows_filtered": 3,
        "examples": 120,
        "patients": 120,
        "splits": {
            "train": {"examples": 60, "patients": 60},
            "val": {"examples": 20, "patients": 20},
            "test": {"examples": 40, "patients": 40},
        },
    }
    assert report["slices"]["gender"] == {"F": {"train": 60, "val": 20, "test": 40}}
    assert json.loads(json.dumps(report, allow_nan=False)) == report


def test_lengths_are_words_with_quantiles_by_split():
    examples = healthy(input_text=["x " * (number + 1) for number in range(120)])
    lengths = check(examples)["length_words"]["input_text"]
    assert (lengths["all"]["min"], lengths["all"]["median"], lengths["all"]["max"]) == (1.0, 60.5, 120.0)
    assert lengths["test"]["min"] == 81.0
    assert lengths["train"]["mean"] == 30.5


@pytest.mark.parametrize(
    ("examples", "told"),
    [
        (healthy(ethnicity=[""] * 120), "ethnicity is absent: results cannot be compared by it"),
        (healthy().drop(columns="gender"), "gender is absent: results cannot be compared by it"),
        (changed("gender", "", [0, 1]), "gender is blank in 2 of 120 examples"),
        (changed("gender", "M", range(95, 120)), "gender: fewer than 30 held-out examples in F (15), M (25);"),
        (changed("input_text", "Same  note", [0, 119]), "1 notes are in more than one split"),
        (changed("input_text", "So, Number 7 is\nquite well! Yes", [7]), "1 references stand in their note"),
        (healthy(input_text=healthy()["target_summary"] + " x"), "100% of the references' word trigrams already stand"),
        (healthy(subject_id=["p"] * 120), "only 1 patients"),
        (changed(SPLIT_COLUMN, "train", range(100, 120)), "only 20 held-out examples"),
    ],
)
def test_each_planted_defect_is_told(examples, told):
    warnings = check(examples)["warnings"]
    assert any(warning.startswith(told) for warning in warnings), warnings


def test_mapping_and_filtering_are_carried_into_the_warnings():
    mapping = {"unreadable_ages": 4, "unknown_ethnicity_values": 2, "renamed_columns": {"gender": "gender_original"}}
    assert check(healthy(), {"too short": 20}, mapping)["warnings"] == [
        "20 of 140 rows were filtered",
        "4 rows have an age that cannot be read; their age group is blank",
        "2 rows have an ethnicity that no rule knows; they count as Other",
        "the data's own column gender is kept as gender_original",
    ]


def test_duplicates_within_a_split_are_counted_but_do_not_alarm():
    report = check(changed("input_text", "same note", [0, 1, 2]))
    assert report["duplicate_inputs"] == {"repeated_examples": 2, "texts_in_several_splits": 0}
    assert report["warnings"] == []


def test_a_users_own_slice_is_counted_too():
    report = check(healthy(ward=["A", "B"] * 60), slices=(*SLICES, "ward"))
    assert report["slices"]["ward"]["B"] == {"train": 30, "val": 10, "test": 20}


def test_overlap_that_cannot_be_computed_is_null_with_a_reason():
    overlap = target_overlap(healthy(target_summary=["too short"] * 120))
    assert overlap["mean_trigram_fraction"] is None
    assert overlap["reason"] == "no target_summary has three words"
    assert not any("trigram" in warning for warning in check(healthy(target_summary=["two words"] * 120))["warnings"])


def test_trigram_fraction_counts_distinct_trigrams_whatever_case_and_punctuation():
    assert trigram_fraction("The patient, was seen. Twice", "patient was SEEN today") == pytest.approx(1 / 2)
    assert trigram_fraction("anything", "two words") is None


@given(st.text(max_size=40), st.text(max_size=40))
def test_a_target_inside_its_note_overlaps_fully(before, target):
    assert trigram_fraction(f"{before} {target}", target) in (1.0, None)
