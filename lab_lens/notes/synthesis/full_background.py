"""History, habits, family and physical examination of a full note."""

from random import Random

from lab_lens.notes.synthesis.layout import Style, day_mark
from lab_lens.notes.synthesis.model import Admission
from lab_lens.notes.synthesis.narrative import Vitals
from lab_lens.notes.synthesis.narratives import NARRATIVES
from lab_lens.notes.synthesis.wording import capitalized, fill, listed, sentence, since

_OPENINGS = (
    "{name} is a {age} year old {described} with [a history of|a past medical history significant for] {pmh} who "
    "[presented|presents] with {presenting}{for_onset}.",
    "{age} [y/o|yo|year old] {described} with {pmh} [presenting|admitted] with {presenting}{for_onset}.",
    "This is a {age}-year-old {described} with {pmh} who [came to the ED|presented to {hospital}] with "
    "{presenting}{for_onset}.",
)
_MENTIONED = {"White": "Caucasian", "Black": "African-American", "Hispanic/Latino": "Hispanic", "Asian": "Asian"}
_SHARE_MENTIONING_ETHNICITY = 0.1
_DENIALS = (
    "[{He} denies|{He} denied|Pt denies] {denied}.",
    "Review of systems [is|was] negative for {denied}.",
    "[No history of|There was no] {denied}.",
)
_WITH_WHOM = (
    "lives [alone|with {his} [spouse|daughter|son|sister]|in a first floor apartment|with a roommate]",
    "[married|divorced|widowed|single], lives [in {town}|with family|alone]",
)
_TEEN_HOME = ("lives with {his} parents and attends high school",)
_WORK = (
    "Retired [teacher|machinist|bus driver|accountant|nurse].",
    "Works as [a cook|an electrician|an office manager|a cashier|a driver].",
)
_TOBACCO = ("Never smoked.", "Quit smoking {years} years ago.", "Smokes half a pack per day.", "Denies tobacco.")
_SMOKED = ("Quit smoking {years} years ago.", "Smokes half a pack per day.", "Smokes one pack per day.")
_SMOKING_TOLD = {"copd", "pneumothorax"}
_ALCOHOL = ("Denies alcohol.", "Drinks socially.", "A glass of wine with dinner.", "Rare alcohol.")
_FAMILY = (
    (
        "Father [died of an MI at 62|had hypertension|with diabetes]. Mother [had breast cancer|is alive and well|had "
        "a stroke at 80]."
    ),
    "[Non-contributory|Noncontributory].",
    "No family history of [sudden death|clotting disorders|premature coronary disease].",
    "Brother with [diabetes|coronary artery disease|asthma]; otherwise negative.",
)
_NORMAL_EXAM = {
    "General": ("NAD, alert and oriented x3", "pleasant, in no acute distress", "well appearing, comfortable"),
    "HEENT": ("NCAT, PERRL, EOMI, MMM", "sclerae anicteric, oropharynx clear"),
    "Neck": ("supple, no JVD, no LAD", "supple, no carotid bruits"),
    "Cardiac": ("RRR, nl S1/S2, no m/r/g", "regular rate and rhythm without murmur"),
    "Lungs": ("CTAB, no wheezes or crackles", "clear to auscultation bilaterally"),
    "Abdomen": ("soft, NT/ND, +BS", "soft, nontender, no organomegaly"),
    "Extremities": ("warm, no edema, 2+ pulses", "no c/c/e"),
    "Neuro": ("CN II-XII intact, strength 5/5 throughout", "nonfocal, gait not tested"),
}


def history_of_present_illness(admission: Admission, style: Style, rng: Random) -> str:
    """Who came with what, the story, earlier stays, and what the patient denied."""
    names = [item.short if style.abbreviates else item.name for item in admission.conditions]
    facts = admission.facts | {
        "name": admission.patient.name,
        "described": _described(admission, rng),
        "pmh": listed(names[:5]) or "no significant past medical history",
        "for_onset": since(admission.facts["onset"], rng.choice(("for", "over the past", "x"))),
        "denied": listed(admission.scenario.denies, "or"),
        "hospital": "[**Hospital1 18**]",
    }
    openings = _OPENINGS[:2] if admission.scenario.elective else _OPENINGS
    texts = [rng.choice(openings), *_earlier(admission, rng), *NARRATIVES[admission.scenario.key].story]
    texts.insert(rng.randint(2, len(texts)), rng.choice(_DENIALS))
    if admission.admission_type != "ELECTIVE" and rng.random() < 0.5:
        signs = vital_signs(NARRATIVES[admission.scenario.key].vitals, rng).partition(": ")[2]
        texts.append(f"[Initial vitals in the ED|ED vitals] were {signs}.")
    return " ".join(filter(None, (fill(text, facts, rng) for text in texts)))


def _described(admission: Admission, rng: Random) -> str:
    """The older habit of naming ethnicity, at the same rate for every group that it named."""
    named = _MENTIONED.get(admission.patient.ethnicity) if rng.random() < _SHARE_MENTIONING_ETHNICITY else None
    noun = (
        admission.facts["man"]
        if named or rng.random() < 0.7
        else {"man": "male", "woman": "female"}[admission.facts["man"]]
    )
    return f"{named} {noun}" if named else noun


def _earlier(admission: Admission, rng: Random) -> list[str]:
    if not admission.earlier:
        return []
    label, day = admission.earlier[-1]
    when = day_mark(day)
    recent = f"Of note, {{he}} was hospitalized here for {label} on {when}."
    return [rng.choice((recent, f"{{He}} was last admitted on {when} with {label}."))]


def past_medical_history(admission: Admission, style: Style, rng: Random) -> str:
    """The chronic conditions and the earlier stays, as a list."""
    items = [item.short if style.abbreviates and rng.random() < 0.6 else item.name for item in admission.conditions]
    items += [f"{label}, admitted {day_mark(day)}" for label, day in admission.earlier]
    items += rng.sample(_OLD_OPERATIONS, rng.randint(0, 1)) if admission.age > 30 else []
    lines = [capitalized(item) for item in items] or ["None"]
    if style.old:
        return "\n".join(f"{number}.  {line}." for number, line in enumerate(lines, 1))
    bullet = rng.choice(("- ", "", "# "))
    return "\n".join(f"{bullet}{line}" for line in lines)


_OLD_OPERATIONS = (
    "status post tonsillectomy",
    "status post cataract surgery",
    "remote wrist fracture",
    "status post inguinal hernia repair",
)


def social_history(admission: Admission, rng: Random) -> str:
    """Home, work and habits; none of it depends on ethnicity."""
    facts = admission.facts | {"years": str(rng.randint(2, 9)), "town": f"[**Location (un) {rng.randint(10, 2000)}**]"}
    home = rng.choice(_TEEN_HOME if admission.age < 18 else _WITH_WHOM)
    texts = [sentence(fill(home, facts, rng))]
    if admission.age >= 18:
        texts.append(fill(_WORK[0] if admission.age >= 66 else rng.choice(_WORK[1:]), facts, rng))
    texts.append(fill(_tobacco(admission, rng), facts, rng))
    if "alcohol use disorder" not in {item.name for item in admission.conditions}:
        texts.append(rng.choice(_ALCOHOL) if admission.age >= 21 else "Denies alcohol.")
    return " ".join(texts)


def _tobacco(admission: Admission, rng: Random) -> str:
    if admission.scenario.key in _SMOKING_TOLD:
        return "Tobacco as per HPI."
    if "chronic obstructive pulmonary disease" in {item.name for item in admission.conditions}:
        return rng.choice(_SMOKED)
    return rng.choice(_TOBACCO) if admission.age >= 26 else "Never smoked."


def family_history(rng: Random) -> str:
    """A line or two that rarely matter."""
    return fill(rng.choice(_FAMILY), {}, rng)


def physical_exam(admission: Admission, style: Style, rng: Random) -> str:
    """Vital signs and the examination at presentation and, in most notes, at discharge."""
    narrative = NARRATIVES[admission.scenario.key]
    at_admission = {name: fill(text, admission.facts, rng) for name, text in narrative.exam.items()}
    parts = [
        "On admission:" if not style.old else "",
        vital_signs(narrative.vitals, rng),
        *_systems(at_admission, style, rng),
    ]
    if rng.random() < 0.6:
        parts += ["", "On discharge:", vital_signs(Vitals(), rng), *_systems({}, style, rng)[: rng.randint(4, 8)]]
    return "\n".join(style.paragraph(part) for part in parts).strip()


def vital_signs(vitals: Vitals, rng: Random) -> str:
    """One line of vital signs within the ranges."""
    systolic, saturation = round(rng.uniform(*vitals.systolic)), round(rng.uniform(*vitals.saturation))
    values = (
        f"T {rng.uniform(*vitals.temperature):.1f}",
        f"BP {systolic}/{round(systolic * rng.uniform(0.52, 0.64))}",
        f"HR {round(rng.uniform(*vitals.heart_rate))}",
        f"RR {round(rng.uniform(*vitals.respirations))}",
        f"O2 sat {saturation}% {vitals.air}",
    )
    return rng.choice((f"VS: {' '.join(values)}", f"Vitals: {', '.join(values)}"))


def _systems(findings: dict[str, str], style: Style, rng: Random) -> list[str]:
    names = {"General": "GEN", "Cardiac": "CV", "Abdomen": "ABD", "Extremities": "EXT", "Lungs": "PULM"}
    shown = {name: rng.choice(texts) for name, texts in _NORMAL_EXAM.items()} | findings
    return [f"{names.get(name, name) if style.abbreviates else name}: {text}" for name, text in shown.items()]
