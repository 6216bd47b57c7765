"""Synthetic notes: deterministic, shaped like MIMIC-III, clinically consistent, of no use without reading them."""

import hashlib
import os
import random
import re
import subprocess
import sys
from functools import cache

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from lab_lens.errors import InputError
from lab_lens.notes.demographics import AGE_GROUPS, ETHNICITY_GROUPS
from lab_lens.notes.examples import EXAMPLE_COLUMNS
from lab_lens.notes.sections import split_sections
from lab_lens.notes.synthesis.conditions import ALLERGIES
from lab_lens.notes.synthesis.drugs import LEXICON, drugs_in
from lab_lens.notes.synthetic import Detail, synthetic_examples, synthetic_note

DETAILS: tuple[Detail, ...] = ("brief", "full")
MARK = re.compile(r"\[\*\*.*?\*\*\]", re.DOTALL)
NUMBER = re.compile(r"\d+(?:\.\d+)?")
NAMES = "|".join(re.escape(name.lower()) for name in sorted(LEXICON, key=len, reverse=True))
ORDER = re.compile(rf"(?<![\w-])(?:{NAMES}) \d[\d.-]* (?:mg|mcg|g|units|ml)\b")
NEGATION = re.compile(r"\b(?:denie[sd]|no|not|without|negative for|none)\b", re.IGNORECASE)
CORE = {
    "chief_complaint",
    "history_of_present_illness",
    "pertinent_results",
    "brief_hospital_course",
    "medications_on_admission",
    "discharge_medications",
    "discharge_disposition",
    "discharge_diagnosis",
    "discharge_condition",
    "followup",
}


@cache
def examples(detail: Detail) -> pd.DataFrame:
    return synthetic_examples({"brief": 400, "full": 160}[detail], 7, detail)


def flat(text: str) -> str:
    return " ".join(text.lower().split())


def words(column: pd.Series) -> pd.Series:
    return column.str.split().str.len()


def sections_of(note: str) -> dict[str, str]:
    return {section.name: section.text for section in split_sections(note)}


def unsupported_numbers(summary: str, note: str) -> list[str]:
    present = set(NUMBER.findall(note))
    return [number for number in NUMBER.findall(summary) if number not in present]


def drugs_with_doses(text: str) -> set[str]:
    return set(ORDER.findall(text))


@pytest.mark.parametrize("detail", DETAILS)
def test_the_same_seed_gives_the_same_frame_and_another_seed_another(detail: Detail) -> None:
    pd.testing.assert_frame_equal(synthetic_examples(20, 3, detail), synthetic_examples(20, 3, detail))
    assert (
        not synthetic_examples(20, 4, detail)["input_text"].isin(synthetic_examples(20, 3, detail)["input_text"]).any()
    )


@pytest.mark.parametrize("detail", DETAILS)
def test_a_patient_is_the_same_whatever_the_number_of_patients(detail: Detail) -> None:
    few, many = synthetic_examples(50, 1, detail), synthetic_examples(200, 1, detail)
    pd.testing.assert_frame_equal(few, many.head(len(few)))


def test_the_text_does_not_depend_on_the_hash_seed_of_the_process() -> None:
    script = (
        "import hashlib; from lab_lens.notes.synthetic import synthetic_examples as s;"
        "print(hashlib.sha256(s(12, 5).to_csv(index=False).encode()).hexdigest())"
    )
    environment = os.environ | {"PYTHONHASHSEED": "12345"}
    told = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == hashlib.sha256(synthetic_examples(12, 5).to_csv(index=False).encode()).hexdigest()


@pytest.mark.parametrize("detail", DETAILS)
def test_the_columns_are_those_of_the_contract_and_all_text(detail: Detail) -> None:
    frame = examples(detail)
    assert tuple(frame.columns) == (*EXAMPLE_COLUMNS, "hadm_id", "admission_type", "insurance", "age")
    assert all(isinstance(value, str) and value for value in frame.to_numpy().ravel())
    assert frame["example_id"].is_unique
    assert frame["hadm_id"].is_unique
    assert set(frame["age_group"]) <= set(AGE_GROUPS)
    assert set(frame["ethnicity"]) <= set(ETHNICITY_GROUPS)
    assert set(frame["gender"]) == {"F", "M"}


@pytest.mark.parametrize("detail", DETAILS)
def test_every_number_and_every_dose_of_a_summary_stands_in_its_note(detail: Detail) -> None:
    doses = 0
    for note, summary in zip(examples(detail)["input_text"], examples(detail)["target_summary"], strict=True):
        assert unsupported_numbers(summary, note) == []
        named = drugs_with_doses(flat(summary))
        assert named <= drugs_with_doses(flat(note))
        doses += len(named)
    assert doses > 0.8 * len(examples(detail))


def test_the_check_of_numbers_and_doses_can_fail() -> None:
    assert unsupported_numbers("WBC 14.2", "WBC 4.2") == ["14.2"]
    assert drugs_with_doses("lisinopril 20 mg daily") - drugs_with_doses("lisinopril 10 mg daily") == {
        "lisinopril 20 mg"
    }


def test_the_diagnosis_and_the_clinic_of_a_brief_summary_occur_in_its_note() -> None:
    for note, summary in zip(examples("brief")["input_text"], examples("brief")["target_summary"], strict=True):
        diagnosis = flat(note.split("Discharge Diagnosis: ")[1].split("\n")[0])
        clinic = re.search(r"(?:in )?([A-Z][\w ]+?) clinic in", note.split("Followup Instructions: ")[1])
        assert diagnosis in flat(summary)
        assert clinic is not None
        assert clinic[1].removeprefix("Follow up in ") in summary


@pytest.mark.parametrize("detail", DETAILS)
def test_every_note_has_the_core_sections(detail: Detail) -> None:
    for note in examples(detail)["input_text"]:
        assert set(sections_of(note)) >= CORE


def test_about_one_full_note_in_five_has_the_older_capital_headers() -> None:
    notes = examples("full")["input_text"]
    old = notes.str.contains("HOSPITAL COURSE:")
    assert 0.12 < old.mean() < 0.3
    assert notes[~old].str.contains("Brief Hospital Course:").all()


def test_full_notes_carry_the_marks_of_de_identification_and_no_brackets_left_open() -> None:
    for note in examples("full")["input_text"]:
        assert len(MARK.findall(note)) > 5
        assert not re.search(r"[\[\]{}|]", MARK.sub("", note))


@pytest.mark.parametrize("detail", DETAILS)
def test_summaries_hold_no_mark_no_slot_and_only_finished_sentences(detail: Detail) -> None:
    for summary in examples(detail)["target_summary"]:
        assert not re.search(r"[\[\]{}|*]|\s[.,;]|\.\.|\s\s", summary)
        assert summary[0].isupper() or summary[0].isdigit()
        assert summary.endswith(".")


@pytest.mark.parametrize("detail", DETAILS)
def test_every_note_negates_something(detail: Detail) -> None:
    assert examples(detail)["input_text"].str.contains(NEGATION).all()


@pytest.mark.parametrize(
    ("detail", "note_words", "summary_words"), [("brief", (115, 210), (30, 62)), ("full", (480, 900), (48, 100))]
)
def test_notes_and_summaries_have_the_promised_lengths(
    detail: Detail, note_words: tuple[int, int], summary_words: tuple[int, int]
) -> None:
    frame = examples(detail)
    assert words(frame["input_text"]).quantile([0.05, 0.95]).between(*note_words).all()
    assert words(frame["target_summary"]).quantile([0.05, 0.95]).between(*summary_words).all()


@pytest.mark.parametrize("detail", DETAILS)
def test_summaries_are_distinct(detail: Detail) -> None:
    assert not examples(detail)["target_summary"].duplicated().any()


@pytest.mark.parametrize("detail", DETAILS)
def test_answers_that_need_no_reading_score_low(detail: Detail) -> None:
    frame = examples(detail)
    references, others = list(frame["target_summary"][:50]), list(frame["target_summary"][50:])
    scorer = RougeScorer(["rougeL"], use_stemmer=True)

    def mean(answers: list[str]) -> float:
        pairs = zip(references, answers, strict=True)
        return sum(scorer.score(truth, answer)["rougeL"].fmeasure for truth, answer in pairs) / len(references)

    chosen = random.Random(0)
    leads = [" ".join(re.split(r"(?<=[.!?])\s+", note)[:3]) for note in frame["input_text"][:50]]
    assert mean(chosen.sample(others, 50)) < 0.28
    assert max(mean([answer] * 50) for answer in chosen.sample(others, 8)) < 0.30
    assert mean(leads) < 0.26
    assert mean(references) == 1.0


def test_a_later_note_names_the_earlier_diagnosis() -> None:
    frame = examples("full")
    later = frame[frame["subject_id"].duplicated()]
    assert len(later) > 20
    assert later["input_text"].map(flat).str.contains(r"hospitalized here for|last admitted on").all()


def test_full_notes_name_no_allergen_in_course_or_medications() -> None:
    by_listing = {item.listed: item.allergen for item in ALLERGIES}
    for note in examples("full")["input_text"]:
        allergies = re.search(r"allergies:\s+(.+)", note, re.IGNORECASE)
        assert allergies is not None
        allergen = next((name for listed, name in by_listing.items() if allergies[1].startswith(listed)), None)
        told = sections_of(note)
        given = " ".join(
            told[name] for name in ("brief_hospital_course", "medications_on_admission", "discharge_medications")
        )
        assert [drug.name for drug in drugs_in(flat(given)) if allergen in drug.allergens] == []


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), detail=st.sampled_from(DETAILS))
def test_any_seed_makes_a_note_that_supports_its_summary(seed: int, detail: Detail) -> None:
    for row in synthetic_examples(2, seed, detail).itertuples():
        assert unsupported_numbers(row.target_summary, row.input_text) == []


def test_one_note_is_the_first_of_the_frame() -> None:
    assert synthetic_note(3, "brief") == synthetic_examples(1, 3, "brief")["input_text"].iloc[0]


def test_wrong_arguments_are_told_at_once() -> None:
    with pytest.raises(InputError) as error:
        synthetic_examples(0, 1, "long")  # type: ignore[arg-type]
    assert len(error.value.problems) == 2
    assert "brief, full" in str(error.value)
