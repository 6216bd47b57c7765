"""Medication lists, diagnoses, condition, instructions and follow-up of a full note."""

from random import Random

from lab_lens.notes.synthesis.layout import Style, doctor
from lab_lens.notes.synthesis.model import Admission, Medication
from lab_lens.notes.synthesis.narratives import NARRATIVES
from lab_lens.notes.synthesis.wording import capitalized, fill, listed, weeks

_FREQUENCIES = {
    "daily": ("DAILY (Daily)", "daily"),
    "twice daily": ("BID (2 times a day)", "BID"),
    "three times daily": ("TID (3 times a day)", "TID"),
    "four times daily": ("QID (4 times a day)", "QID"),
    "at bedtime": ("HS (at bedtime)", "QHS"),
    "every 24 hours": ("Q24H (every 24 hours)", "Q24H"),
    "every 12 hours": ("Q12H (every 12 hours)", "Q12H"),
    "every 8 hours": ("Q8H (every 8 hours)", "Q8H"),
    "every 6 hours as needed": ("Q6H (every 6 hours) as needed for pain", "Q6H prn"),
    "every 4 hours as needed": ("Q4H (every 4 hours) as needed", "Q4H prn"),
    "every 8 hours as needed": ("Q8H (every 8 hours) as needed", "Q8H prn"),
    "every week": ("QWEEK (every week)", "weekly"),
}
_ROUTES = {
    "PO": "PO",
    "INH": "Inhalation",
    "SC": "Subcutaneous",
    "IV": "Intravenous",
    "SL": "Sublingual",
    "TD": "Transdermal",
    "NAS": "Nasal",
}
_CLEAR = (
    "Mental Status: Clear and coherent.",
    "Level of Consciousness: Alert and interactive.",
    "Activity Status: Ambulatory - Independent.",
)
_WITH_AID = "Activity Status: Ambulatory - requires assistance or aid (walker or cane)."
_CLOSINGS = (
    "It was a pleasure taking care of you.",
    "Please take all medications as prescribed.",
    "Thank you for letting us take part in your care.",
)


def admission_medications(admission: Admission, rng: Random) -> str:
    """The list that the patient brought, short as such lists are."""
    if not admission.home:
        return rng.choice(("None", "No medications at home."))
    if rng.random() < 0.4:
        return listed([_short(item) for item in admission.home])
    return "\n".join(capitalized(_short(item)) for item in admission.home)


def discharge_medications(admission: Admission, style: Style) -> str:
    """A numbered list, written out as prescriptions in the Sig style."""
    if not admission.discharge:
        return "None"
    written = _prescription if style.sig else _plain
    return "\n".join(
        style.paragraph(f"{number}. {capitalized(written(item))}{'.' if style.sig or style.old else ''}")
        for number, item in enumerate(admission.discharge, 1)
    )


def _short(item: Medication) -> str:
    return f"{item.name_and_dose} {item.drug.route} {_FREQUENCIES.get(item.frequency, ('', item.frequency))[1]}"


def _plain(item: Medication) -> str:
    return f"{item.name_and_dose} {item.drug.route} {item.frequency}{item.course}"


def _prescription(item: Medication) -> str:
    frequency = _FREQUENCIES.get(item.frequency, (item.frequency,))[0]
    form, route = item.drug.form, _ROUTES[item.drug.route]
    if form in {"Solution", "Syrup", "Powder"}:
        return f"{item.name_and_dose} {form} Sig: {item.dose} {route} {frequency}{item.course}"
    return f"{item.name_and_dose} {form} Sig: One (1) {form} {route} {frequency}{item.course}"


def diagnoses(admission: Admission) -> str:
    """The main diagnosis, what happened in hospital, and a few chronic conditions."""
    happened = [
        event.name.format_map(admission.facts)
        for event in admission.events
        if event is not admission.scenario.procedure
    ]
    others = [*happened, *(item.name for item in admission.conditions[:4])]
    lines = ["Primary:", admission.facts["diagnosis_title"]]
    return "\n".join([*lines, "Secondary:", *map(capitalized, others)] if others else lines)


def condition_lines(admission: Admission, rng: Random) -> str:
    """Condition at discharge, worse where the patient does not go home."""
    home = admission.disposition.startswith("Home")
    if rng.random() < 0.4:
        return rng.choice(("Stable.", "Good.", "Improved.") if home else ("Fair.", "Stable.", "Improved."))
    return "\n".join(_CLEAR if home else (*_CLEAR[:2], _WITH_AID))


def instructions(admission: Admission, rng: Random) -> str:
    """What the patient is told, with the medication changes in plain words."""
    narrative = NARRATIVES[admission.scenario.key]
    texts = [narrative.advice, *_told_changes(admission, rng)]
    texts.append(
        fill(f"[Please call or return|Call your doctor or return to the ED] if you have {narrative.warning}.", {}, rng)
    )
    return " ".join([*texts, *rng.sample(_CLOSINGS, rng.randint(0, 2))])


def _told_changes(admission: Admission, rng: Random) -> list[str]:
    if not admission.changes or rng.random() < 0.3:
        return []
    words = {
        "started": "START {drug} {dose}",
        "stopped": "STOP {drug}",
        "increased": "INCREASE {drug} to {dose}",
        "decreased": "DECREASE {drug} to {dose}",
    }
    told = [
        words[item.kind].format(drug=item.medication.drug.name, dose=item.medication.dose) for item in admission.changes
    ]
    return [f"We made these changes to your medications: {listed(told)}."]


def follow_up(admission: Admission, rng: Random) -> str:
    """The clinic of the summary, and often the primary care physician as well."""
    later = weeks(admission.follow_up_weeks)
    texts = [
        rng.choice(
            (
                f"Please follow up in {admission.clinic} clinic with {doctor(rng)} in {later}.",
                f"{admission.clinic} clinic in {later}. Phone:[**Telephone/Fax (1) {rng.randint(100, 9900)}**].",
                f"You have an appointment in {admission.clinic} clinic in {later} at [**Hospital1 18**].",
            )
        )
    ]
    if admission.clinic != "Primary Care" and rng.random() < 0.5:
        texts.append(f"Please also see your PCP, {doctor(rng)}, as needed.")
    return " ".join(texts)
