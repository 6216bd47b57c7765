import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab_lens.notes.sections import split_sections

DISCHARGE_NOTE = """\
Admission Date:  [**2151-7-16**]       Discharge Date:  [**2151-8-4**]

Service: MEDICINE

Allergies:
Penicillins

Attending:[**First Name3 (LF) 1828**]

Chief Complaint:
Shortness of breath

Major Surgical or Invasive Procedure:
None

History of Present Illness:
Ms. [**Known lastname 1**] is an 81 yo. The plan: none yet.

PMHx: COPD, HTN

Social History:
Lives alone.

Family History:
NC

Physical Exam:
Vitals: 98.6 120/80
GENERAL: well

Pertinent Results:
ADMISSION LABS:
WBC-5.6
CHEST X-RAY
IMPRESSION: No pneumonia.

Brief Hospital Course:
# COPD: flare.
Plan: steroids.

Medications on Admission:
1. Aspirin 81 mg

Discharge Medications:
1. Prednisone

Discharge Disposition:
Home

Discharge Diagnosis:
COPD

Discharge Condition:
Stable

Discharge Instructions:
Stop smoking.

Followup Instructions:
Dr. X
"""
DISCHARGE_SECTIONS = [
    "preamble", "service", "allergies", "attending", "chief_complaint", "procedure", "history_of_present_illness",
    "past_medical_history", "social_history", "family_history", "physical_exam", "pertinent_results",
    "brief_hospital_course", "medications_on_admission", "discharge_medications", "discharge_disposition",
    "discharge_diagnosis", "discharge_condition", "discharge_instructions", "followup",
]  # fmt: skip
CLINIC_NOTE = """\
CHIEF COMPLAINT

Annual exam.

HISTORY OF PRESENT ILLNESS

Well since. Results were fine.

REVIEW OF SYSTEMS

• Cardiovascular: Denies chest pain.

VITALS

BP 120/80

PHYSICAL EXAM

Neck supple.

RESULTS

ECG normal.

IMPRESSION

Healthy.

ASSESSMENT AND PLAN

Return in a year.
"""


def names(text):
    return [section.name for section in split_sections(text)]


def test_a_title_case_discharge_note_is_split_at_its_headers():
    assert names(DISCHARGE_NOTE) == DISCHARGE_SECTIONS


def test_a_note_in_capitals_has_the_same_sections():
    assert names(DISCHARGE_NOTE.upper()) == DISCHARGE_SECTIONS


def test_windows_line_ends_change_nothing():
    assert names(DISCHARGE_NOTE.replace("\n", "\r\n")) == DISCHARGE_SECTIONS
    assert names(CLINIC_NOTE.replace("\n", "\r\n")) == names(CLINIC_NOTE)


def test_a_clinic_note_is_split_at_headers_without_colons():
    assert names(CLINIC_NOTE) == [
        "chief_complaint",
        "history_of_present_illness",
        "review_of_systems",
        "vital_signs",
        "physical_exam",
        "pertinent_results",
        "assessment",
        "assessment_and_plan",
    ]


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("HOSPITAL COURSE:", "brief_hospital_course"),
        ("CONCISE SUMMARY OF HOSPITAL COURSE BY ISSUE/SYSTEM:", "brief_hospital_course"),
        ("cc: cough", "chief_complaint"),
        ("HPI:", "history_of_present_illness"),
        ("PHYSICAL EXAM...", "physical_exam"),
        ("Assessment & Plan:", "assessment_and_plan"),
        ("A/P:", "assessment_and_plan"),
        ("2. Past  Medical History:", "past_medical_history"),
        ("## Allergies", "allergies"),
        ("**Discharge Diagnosis:**", "discharge_diagnosis"),
        ("Discharge Diagnosis (Primary):", "discharge_diagnosis"),
        ("CONDITION ON DISCHARGE:", "discharge_condition"),
        ("Follow-up Instructions:", "followup"),
        ("Review of Systems", "review_of_systems"),
    ],
)
def test_spellings_of_headers(line, name):
    assert names(f"Something first.\n\n{line}\nSomething after.") == ["preamble", name]


@pytest.mark.parametrize(
    "prose",
    [
        "He was sent home on\nmedications: aspirin",
        "We waited for the\nResults",
        "The allergies: none were known.",
        "GENERAL: well\nHEENT: clear",
        "Plan B was discussed.",
    ],
)
def test_prose_and_unknown_labels_are_no_headers(prose):
    assert names(prose) == ["preamble"]


def test_offsets_point_into_the_text():
    text = "Seen today.\nAllergies: latex\nPlan:\nrest"
    sections = split_sections(text)
    assert [(section.name, section.text) for section in sections] == [
        ("preamble", "Seen today.\n"),
        ("allergies", "Allergies: latex\n"),
        ("plan", "Plan:\nrest"),
    ]
    assert all(text[section.start : section.end] == section.text for section in sections)


def test_a_text_that_starts_with_a_header_has_no_preamble_and_an_empty_one_has_no_section():
    assert names("Plan: rest") == ["plan"]
    assert names("") == []


LINES = st.sampled_from(
    ["Plan:", "ALLERGIES", "Allergies: latex", "", "  ", "well\r", "Brief Hospital Course:", "no end", "#", "1."]
)


@given(st.lists(LINES | st.text(max_size=20)).map("\n".join))
def test_sections_partition_any_text(text):
    sections = split_sections(text)
    assert "".join(section.text for section in sections) == text
    assert all(section.text for section in sections)
    assert [section.start for section in sections[1:]] == [section.end for section in sections[:-1]]
