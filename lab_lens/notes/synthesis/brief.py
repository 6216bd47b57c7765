"""The brief form of a note, for models that learn within minutes: core sections, short wording, one line each."""

from random import Random

from lab_lens.notes.synthesis.model import Admission, Change, Medication
from lab_lens.notes.synthesis.wording import capitalized, day_text, fill, listed, sentence, since, weeks

_OPENINGS = (
    "{age} year old {man} with {pmh} who presented with {presenting}{for_onset}.",
    "Patient is a {age} year old {man} with {pmh} who presented with {presenting}{for_onset}.",
    "{man_title} aged {age} with a history of {pmh}, here with {presenting}{for_onset}.",
)


def brief_note(admission: Admission, rng: Random) -> str:
    """A note of about 120 to 200 words; its sections stand in MIMIC's order."""
    person = admission.patient
    lines = (
        f"Admission Date: [**{day_text(admission.admitted)}**] Discharge Date: [**{day_text(admission.discharged)}**]",
        f"Sex: {person.gender} Service: {admission.scenario.service}",
        f"Allergies: {person.allergy.listed if person.allergy else 'No Known Allergies / Adverse Drug Reactions'}",
        f"Chief Complaint: {admission.facts['complaint']}",
        f"History of Present Illness: {_history(admission, rng)}",
        f"Pertinent Results: {_results(admission)}",
        f"Brief Hospital Course: {_course(admission, rng)}",
        f"Medications on Admission: {_medications(admission.home)}",
        f"Discharge Medications: {_medications(admission.discharge)}",
        f"Discharge Disposition: {admission.disposition}",
        f"Discharge Diagnosis: {admission.facts['diagnosis_title']}",
        "Discharge Condition: Stable.",
        f"Followup Instructions: {_follow_up(admission, rng)}",
    )
    return "\n".join(lines)


def _history(admission: Admission, rng: Random) -> str:
    facts = admission.facts | {
        "pmh": listed([item.name for item in admission.conditions]) or "no past medical history",
        "for_onset": since(admission.facts["onset"], "for"),
    }
    texts = [fill(rng.choice(_OPENINGS), facts, rng)]
    if admission.earlier:
        label, day = admission.earlier[-1]
        texts.append(f"Previously admitted for {label} on [**{day_text(day)}**].")
    denied = rng.sample(admission.scenario.denies, 2)
    return " ".join([*texts, f"Denied {listed(denied, 'or')}."])


def _results(admission: Admission) -> str:
    labs = listed([f"{result.test} {result.first}" for result in admission.findings[:3]])
    imaging = f"{admission.facts['study']} showed {admission.facts['finding']}"
    return f"{sentence(labs)} {sentence(imaging)}"


def _course(admission: Admission, rng: Random) -> str:
    texts = [f"Treated with {admission.treatment}."]
    texts += [fill(rng.choice(event.course), admission.facts, rng) for event in admission.events]
    texts += [_change(change) for change in admission.changes]
    return " ".join(texts)


def _change(change: Change) -> str:
    new, reason = change.medication, f" {change.reason}" if change.reason else ""
    if change.kind == "started":
        return f"Started {new.order}."
    if change.kind == "stopped":
        return f"{capitalized(new.drug.name)} was stopped{reason}."
    return f"{capitalized(new.drug.name)} was {change.kind} from {change.old} to {change.new}{reason}."


def _medications(items: tuple[Medication, ...]) -> str:
    return ", ".join(item.order for item in items) or "None"


def _follow_up(admission: Admission, rng: Random) -> str:
    clinic, later = admission.clinic, weeks(admission.follow_up_weeks)
    return rng.choice((f"{clinic} clinic in {later}.", f"Follow up in {clinic} clinic in {later}."))
