"""The full form of a note: every section of a MIMIC-III discharge summary, in its author's style."""

from random import Random

from lab_lens.notes.synthesis.full_background import (
    family_history,
    history_of_present_illness,
    past_medical_history,
    physical_exam,
    social_history,
)
from lab_lens.notes.synthesis.full_course import hospital_course
from lab_lens.notes.synthesis.full_discharge import (
    admission_medications,
    condition_lines,
    diagnoses,
    discharge_medications,
    follow_up,
    instructions,
)
from lab_lens.notes.synthesis.full_results import pertinent_results
from lab_lens.notes.synthesis.layout import Style, day_mark, sample_style
from lab_lens.notes.synthesis.model import Admission

_SHARE_OMITTED = {"Family History": 0.2, "Social History": 0.1, "Attending": 0.1}


def full_note(admission: Admission, rng: Random) -> str:
    """A note of about 500 to 800 words."""
    style = sample_style(rng)
    sections = [
        ("Allergies", _allergies(admission, rng)),
        ("Attending", f"[**First Name{rng.randint(1, 9)} (LF) {rng.randint(100, 3900)}**]"),
        ("Chief Complaint", admission.facts["complaint"]),
        ("Major Surgical or Invasive Procedure", _procedures(admission)),
        ("History of Present Illness", style.paragraph(history_of_present_illness(admission, style, rng))),
        ("Past Medical History", past_medical_history(admission, style, rng)),
        ("Social History", style.paragraph(social_history(admission, rng))),
        ("Family History", style.paragraph(family_history(rng))),
        ("Physical Exam", physical_exam(admission, style, rng)),
        ("Pertinent Results", pertinent_results(admission, style, rng)),
        ("Brief Hospital Course", hospital_course(admission, style, rng)),
        ("Medications on Admission", admission_medications(admission, rng)),
        ("Discharge Medications", discharge_medications(admission, style)),
        ("Discharge Disposition", admission.disposition + _facility(admission, rng)),
        ("Discharge Diagnosis", diagnoses(admission)),
        ("Discharge Condition", condition_lines(admission, rng)),
        ("Discharge Instructions", style.paragraph(instructions(admission, rng))),
        ("Followup Instructions", style.paragraph(follow_up(admission, rng))),
    ]
    kept = [(name, body) for name, body in sections if rng.random() >= _SHARE_OMITTED.get(name, 0.0)]
    parts = [_heading(admission, style), *(style.section(name, body) for name, body in _ordered(kept, style, rng))]
    return "\n\n".join([*parts, _signature(admission, style, rng)])


def _heading(admission: Admission, style: Style) -> str:
    person = admission.patient
    lines = (
        f"{style.header('Admission Date')}  {day_mark(admission.admitted)}"
        f"              {style.header('Discharge Date')}   {day_mark(admission.discharged)}",
        f"{style.header('Date of Birth')}  {day_mark(person.birth)}             "
        f"{style.header('Sex')}   {person.gender}",
        f"{style.header('Service')} {admission.scenario.service}",
    )
    return "\n\n".join(lines)


def _ordered(sections: list[tuple[str, str]], style: Style, rng: Random) -> list[tuple[str, str]]:
    """The older style often told medications before the examination; today's order hardly varies."""
    if not style.old or rng.random() < 0.5:
        return sections
    early = [item for item in sections if item[0] == "Medications on Admission"]
    others = [item for item in sections if item not in early]
    names = [name for name, _ in others]
    place = names.index("Physical Exam")
    return others[:place] + early + others[place:]


def _allergies(admission: Admission, rng: Random) -> str:
    allergy = admission.patient.allergy
    if allergy is None:
        return rng.choice(
            (
                "Patient recorded as having No Known Allergies to Drugs",
                "No Known Allergies / Adverse Drug Reactions",
                "NKDA",
            )
        )
    return rng.choice((f"{allergy.listed}", f"{allergy.listed} ({admission.patient.reaction})"))


def _procedures(admission: Admission) -> str:
    done = [event.procedure.format_map(admission.facts) for event in admission.events if event.procedure]
    return "\n".join(done) or "None"


def _facility(admission: Admission, rng: Random) -> str:
    if admission.disposition == "Home":
        return ""
    number = rng.randint(1, 2000)
    return f"\n\nFacility:\n[**Hospital{rng.randint(1, 6)} {number}**] - [**Location (un) {rng.randint(10, 2000)}**]"


def _signature(admission: Admission, style: Style, rng: Random) -> str:
    md = f"[**MD Number({rng.randint(1, 3)}) {rng.randint(100, 3900)}**]"
    if not style.old:
        return f"Completed by:{day_mark(admission.discharged)}"
    return (
        f"[**First Name8 (NamePattern2) **] [**Last Name (NamePattern1) {rng.randint(100, 3900)}**], M.D.  {md}\n\n"
        f"Dictated By:[**Last Name (NamePattern4) {rng.randint(100, 3900)}**]\nMEDQUIST36"
    )
