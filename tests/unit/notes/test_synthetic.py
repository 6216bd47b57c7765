"""Synthetic notes: deterministic, shaped like MIMIC-III, clinically consistent, and useless to guess without reading."""

import hashlib
import os
import random
import re
import subprocess
import sys
from functools import cache
from itertools import pairwise

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from lab_lens.errors import InputError
from lab_lens.notes.demographics import AGE_GROUPS, ETHNICITY_GROUPS
from lab_lens.notes.examples import EXAMPLE_COLUMNS
from lab_lens.notes.sections import split_sections
from lab_lens.notes.synthesis.conditions import ALLERGIES, BY_NAME, CONDITIONS
from lab_lens.notes.synthesis.drugs import LEXICON, drugs_in, medication
from lab_lens.notes.synthesis.laboratory import TESTS
from lab_lens.notes.synthesis.model import Admission, Medication
from lab_lens.notes.synthesis.narratives import NARRATIVES
from lab_lens.notes.synthesis.patients import admissions_of
from lab_lens.notes.synthesis.scenarios import SCENARIOS
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


@cache
def admissions() -> tuple[Admission, ...]:
    return tuple(stay for patient in range(700) for stay in admissions_of(patient, 7, 8))


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


def allergens_given(admission: Admission, extra: str = "") -> list[str]:
    allergen = admission.patient.allergy.allergen if admission.patient.allergy else None
    named = " ".join([admission.treatment, extra, *(item.drug.name for item in admission.discharge)])
    return [drug.name for drug in drugs_in(named) if allergen in drug.allergens]


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
    ("detail", "note_words", "summary_words"), [("brief", (105, 240), (26, 70)), ("full", (430, 1200), (40, 112))]
)
def test_notes_and_summaries_have_the_promised_lengths(
    detail: Detail, note_words: tuple[int, int], summary_words: tuple[int, int]
) -> None:
    frame = examples(detail)
    assert words(frame["input_text"]).between(*note_words).all()
    assert words(frame["target_summary"]).between(*summary_words).all()


@pytest.mark.parametrize("detail", DETAILS)
def test_summaries_are_distinct(detail: Detail) -> None:
    assert not examples(detail)["target_summary"].duplicated().any()


@pytest.mark.parametrize("detail", DETAILS)
def test_answers_that_need_no_reading_score_low(detail: Detail) -> None:
    frame = examples(detail)
    references, others = list(frame["target_summary"][:70]), list(frame["target_summary"][70:])
    scorer = RougeScorer(["rougeL"], use_stemmer=True)

    def mean(answers: list[str]) -> float:
        pairs = zip(references, answers, strict=True)
        return sum(scorer.score(truth, answer)["rougeL"].fmeasure for truth, answer in pairs) / len(references)

    chosen = random.Random(0)
    leads = [" ".join(re.split(r"(?<=[.!?])\s+", note)[:3]) for note in frame["input_text"][:70]]
    assert mean(chosen.sample(others, 70)) < 0.28
    assert max(mean([answer] * 70) for answer in chosen.sample(others, 8)) < 0.30
    assert mean(leads) < 0.26
    assert mean(references) == 1.0


def test_a_quarter_of_the_patients_come_back_later_and_the_note_remembers_why() -> None:
    by_patient: dict[str, list[Admission]] = {}
    for stay in admissions():
        by_patient.setdefault(stay.patient.subject_id, []).append(stay)
    returning = [stays for stays in by_patient.values() if len(stays) > 1]
    assert 0.15 < len(returning) / len(by_patient) < 0.3
    for stays in returning:
        for before, after in pairwise(stays):
            assert after.admitted > before.discharged
            assert after.earlier[-1] == (before.scenario.label, before.admitted)
            assert {item.drug.name for item in after.home} == {
                item.drug.name for item in before.discharge if not item.days
            }


def test_a_later_note_names_the_earlier_diagnosis() -> None:
    frame = examples("full")
    later = frame[frame["subject_id"].duplicated()]
    assert len(later) > 20
    assert later["input_text"].map(flat).str.contains(r"hospitalized here for|last admitted on").all()


def test_nobody_is_given_what_the_chart_lists_as_an_allergy() -> None:
    assert sum(stay.patient.allergy is not None for stay in admissions()) > 150
    assert [allergens_given(stay) for stay in admissions() if allergens_given(stay)] == []


def test_the_check_of_allergies_can_fail() -> None:
    allergic = next(s for s in admissions() if s.patient.allergy and s.patient.allergy.allergen == "penicillin")
    assert allergens_given(allergic, extra="amoxicillin 1000 mg") == ["amoxicillin"]


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


def conflicts(medications: tuple[Medication, ...], conditions: set[str]) -> list[str]:
    found = []
    for item in medications:
        others = {other.drug.group for other in medications if other is not item}
        found += [f"{item.drug.name} twice" for _ in others & {item.drug.group}]
        found += [f"{item.drug.name} with {name}" for name in set(item.drug.conflicts) & (others | conditions)]
    return found


def test_no_list_doubles_a_group_or_holds_a_known_interaction() -> None:
    for stay in admissions():
        conditions = {item.name for item in stay.conditions}
        assert conflicts(stay.home, conditions) == []
        assert conflicts(stay.discharge, conditions) == []


def test_the_check_of_interactions_can_fail() -> None:
    warfarin, ibuprofen = medication("warfarin 5 mg"), medication("ibuprofen 600 mg")
    assert "warfarin with NSAID" in conflicts((warfarin, ibuprofen), set())
    assert "warfarin twice" in conflicts((warfarin, medication("apixaban 5 mg")), set())


def test_the_changes_turn_the_admission_list_into_the_discharge_list() -> None:
    for stay in admissions():
        current = {item.drug.name: item for item in stay.home}
        for change in stay.changes:
            name = change.medication.drug.name
            if change.kind == "stopped":
                assert current.pop(name) == change.medication
            else:
                assert (name in current) == bool(change.old)
                current[name] = change.medication
        assert current == {item.drug.name: item for item in stay.discharge}
    assert sum(bool(stay.changes) for stay in admissions()) > 0.97 * len(admissions())


def test_conditions_fit_sex_age_and_reason() -> None:
    for stay in admissions():
        names = {item.name for item in stay.conditions}
        assert all(item.sex in (None, stay.patient.gender) for item in stay.conditions)
        assert stay.scenario.sex in (None, stay.patient.gender)
        assert set(stay.scenario.required) <= names
        assert not names & set(stay.scenario.unlikely)
        assert not any(set(item.excludes) & names for item in stay.conditions)


def test_the_mix_of_services_does_not_depend_on_ethnicity() -> None:
    medicine = {True: [], False: []}
    for stay in admissions():
        medicine[stay.patient.ethnicity == "White"].append(stay.scenario.service == "MEDICINE")
    white, other = (sum(values) / len(values) for values in (medicine[True], medicine[False]))
    assert abs(white - other) < 0.08


def test_every_reason_for_admission_occurs_and_has_prose() -> None:
    assert {stay.scenario.key for stay in admissions()} == {scenario.key for scenario in SCENARIOS} == set(NARRATIVES)
    assert len(SCENARIOS) >= 45


def test_every_order_names_a_drug_and_a_dose_of_the_lexicon() -> None:
    starts = [start for scenario in SCENARIOS for plan in scenario.plans for start in plan.starts]
    orders = [order for start in starts for order in start.orders]
    orders += [order for item in CONDITIONS for alternatives in item.drugs for order in alternatives]
    orders += [order for scenario in SCENARIOS for order, _ in scenario.precipitants]
    for order in orders:
        item = medication(order)
        assert item.dose in item.drug.doses, order


def test_scenarios_and_drugs_name_only_known_conditions_groups_and_tests() -> None:
    groups = {drug.group for drug in LEXICON.values()} | set(LEXICON)
    for scenario in SCENARIOS:
        assert set(scenario.required + scenario.likely + scenario.unlikely) <= set(BY_NAME), scenario.key
        assert {lab.test for lab in scenario.labs} <= set(TESTS)
        assert {name for stop in scenario.stops for name in stop.groups} <= groups, scenario.key
        assert {adjust.group for adjust in scenario.adjusts} <= groups
    for drug in LEXICON.values():
        assert set(drug.conflicts) <= groups | set(BY_NAME), drug.name
        assert set(drug.allergens) <= {item.allergen for item in ALLERGIES}, drug.name


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
