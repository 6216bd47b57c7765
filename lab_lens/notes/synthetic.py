"""Synthetic discharge notes in the shape of MIMIC-III, with a reference summary each.

Every patient is sampled first as structured facts; a note and its summary are then written from the same facts, so no
statement of a summary is missing from its note. Nothing comes from a real patient. Clinical content does not depend on
ethnicity.
"""

from typing import Literal

import pandas as pd

from lab_lens.errors import InputError
from lab_lens.notes.demographics import age_group
from lab_lens.notes.synthesis.brief import brief_note
from lab_lens.notes.synthesis.brief_summary import brief_summary
from lab_lens.notes.synthesis.full_note import full_note
from lab_lens.notes.synthesis.full_summary import full_summary
from lab_lens.notes.synthesis.model import Admission
from lab_lens.notes.synthesis.patients import admissions_of
from lab_lens.notes.synthesis.wording import seeded

Detail = Literal["brief", "full"]
_WRITERS = {"brief": (brief_note, brief_summary), "full": (full_note, full_summary)}
_MOST_CONDITIONS = {"brief": 2, "full": 8}
# MIMIC-IV writes 91 for everyone over 89, as the rules of de-identification demand.
_AGE_OVER_89 = 91


def synthetic_examples(patients: int, seed: int, detail: Detail = "full") -> pd.DataFrame:
    """Notes and reference summaries of made-up patients; about one in four has two or three admissions.

    Args:
        patients: number of patients, at least 1. Patient i is the same whatever the number of patients.
        seed: the same seed and detail give the same text on every platform.
        detail: "full" notes have about 500 to 800 words and summaries of 50 to 90; "brief" ones about 120 to 200, with
            the core sections alone, and summaries of 30 to 60.

    Returns:
        One row an admission, every column text: the contract's columns, then hadm_id, admission_type, insurance, age
        (years; 91 for everyone over 89).

    Raises:
        InputError: fewer than one patient, or an unknown detail.
    """
    problems = [] if patients >= 1 else [f"patients is {patients}; at least 1 patient is needed"]
    if detail not in _MOST_CONDITIONS:
        problems.append(f"detail is {detail!r}; allowed are {', '.join(_MOST_CONDITIONS)}")
    if problems:
        raise InputError(problems)
    rows = [
        _row(admission, seed, detail)
        for patient in range(patients)
        for admission in admissions_of(patient, seed, _MOST_CONDITIONS[detail])
    ]
    return pd.DataFrame(rows)


def synthetic_note(seed: int = 0, detail: Detail = "full") -> str:
    """The text of one made-up note, for smoke tests and examples."""
    return str(synthetic_examples(1, seed, detail)["input_text"].iloc[0])


def _row(admission: Admission, seed: int, detail: Detail) -> dict[str, str]:
    patient = admission.patient
    rng = seeded(seed, patient.subject_id, admission.hadm_id, detail)
    write_note, write_summary = _WRITERS[detail]
    age = str(admission.age if admission.age <= 89 else _AGE_OVER_89)
    return {
        "example_id": f"{patient.subject_id}-{admission.hadm_id}",
        "subject_id": patient.subject_id,
        "input_text": write_note(admission, rng),
        "target_summary": write_summary(admission, rng),
        "age_group": age_group(age),
        "gender": patient.gender,
        "ethnicity": patient.ethnicity,
        "hadm_id": admission.hadm_id,
        "admission_type": admission.admission_type,
        "insurance": patient.insurance,
        "age": age,
    }
