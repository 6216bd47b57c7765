"""The hospital course of a full note: the main problem, what else happened, medications, and chronic conditions."""

from random import Random

from lab_lens.notes.synthesis.drugs import medication
from lab_lens.notes.synthesis.layout import Style
from lab_lens.notes.synthesis.model import Admission, Change, Condition, Medication
from lab_lens.notes.synthesis.narratives import NARRATIVES
from lab_lens.notes.synthesis.selection import procedure_and_complications
from lab_lens.notes.synthesis.wording import capitalized, fill, sentence

_STARTED = (
    "{He} was [started on|discharged on|begun on] {order}.",
    "{order_title} was [started|added|prescribed].",
    "[We started|The team started] {order}.",
)
_STOPPED = (
    "{drug_title} was [stopped|discontinued] {reason}.",
    "{His} home {drug} was [stopped|discontinued] {reason}.",
)
_CHANGED = (
    "{drug_title} was {kind} from {old} to {new} {reason}.",
    "{His} dose of {drug} was {kind} from {old} to {new} {reason}.",
)
_PROPHYLAXIS = (
    "subcutaneous heparin for DVT prophylaxis; regular diet",
    "pneumoboots, bowel regimen; diet advanced as tolerated",
    "electrolytes repleted as needed; ambulated with assistance",
)
_TRANSITIONAL = (
    "Health care proxy form is on file",
    "Incidental 4 mm pulmonary nodule on imaging, no follow-up needed if low risk",
    "Pending at discharge: none",
    "Please reconcile medications at the first visit",
)


def hospital_course(admission: Admission, style: Style, rng: Random) -> str:
    """Paragraphs by problem, or one narrative in the older style."""
    main = " ".join(filter(None, _main_problem(admission, rng)))
    chronic = [_chronic(item, admission, rng) for item in admission.conditions]
    told = [text for text in chronic if text]
    if style.old or rng.random() < 0.25:
        texts = [_opening(admission, rng), main, *(sentence(f"{name}: {text}") for name, text in told)]
        return "\n\n".join(style.paragraph(text) for text in (" ".join(texts[:2]), " ".join(texts[2:])) if text)
    bullet = rng.choice(("# ", "", "ACTIVE ISSUES - ", "# "))
    paragraphs = [_opening(admission, rng), f"{bullet}{admission.facts['diagnosis_title']}: {main}"]
    paragraphs += [f"# {capitalized(name)}: {text}" for name, text in told]
    if rng.random() < 0.7:
        declines_intubation = admission.age >= 75 and not admission.events and rng.random() < 0.4
        code = "DNR/DNI" if declines_intubation else "full"
        paragraphs.append(f"# FEN/PPX: {rng.choice(_PROPHYLAXIS)}. Code status: {code}.")
    told_next = [_transitional_issues(admission, rng)] if rng.random() < 0.4 else []
    return "\n\n".join([*(style.paragraph(text) for text in paragraphs), *told_next])


def _opening(admission: Admission, rng: Random) -> str:
    facts = admission.facts | {
        "name": admission.patient.name,
        "service": admission.scenario.service.lower(),
    }
    texts = (
        "{name} is a {age} year old {man} admitted with {presenting} and found to have {diagnosis}.",
        "{name} was admitted to the {service} service for [management of|treatment of] {diagnosis}.",
        "In summary, {age} year old {man} with {presenting}[, who was found to have|, diagnosed with] {diagnosis}.",
    )
    return fill(rng.choice(texts), facts, rng)


def _main_problem(admission: Admission, rng: Random) -> list[str]:
    """The story of the stay: elective operations come first, other procedures after the first treatment."""
    facts = admission.facts
    procedure, complications = procedure_and_complications(admission)
    texts = [fill(text, facts, rng) for text in NARRATIVES[admission.scenario.key].course]
    if procedure:
        texts.insert(0 if admission.scenario.elective else 1, fill(rng.choice(procedure.course), facts, rng))
    texts += [fill(rng.choice(event.course), facts, rng) for event in complications]
    return texts + [_change_sentence(change, admission, rng) for change in admission.changes]


def _transitional_issues(admission: Admission, rng: Random) -> str:
    """What the next physician should do; stopped drugs are named again, nothing new is begun."""
    stopped = [item.medication.drug.name for item in admission.changes if item.kind == "stopped"]
    items = [f"Recheck {admission.findings[0].test} at the {admission.clinic} visit"]
    items += [f"Revisit the need for {name}, which was stopped" for name in stopped[:2]]
    items += rng.sample(_TRANSITIONAL, rng.randint(0, 2))
    return "Transitional issues:\n" + "\n".join(f"- {item}." for item in items)


def _change_sentence(change: Change, admission: Admission, rng: Random) -> str:
    wordings = {"started": _STARTED, "stopped": _STOPPED}.get(change.kind, _CHANGED)
    facts = admission.facts | {
        "order": change.medication.order,
        "order_title": capitalized(change.medication.order),
        "drug": change.medication.drug.name,
        "drug_title": capitalized(change.medication.drug.name),
        "old": change.old,
        "new": change.new,
        "kind": change.kind,
        "reason": change.reason,
    }
    return fill(rng.choice(wordings), facts, rng).replace(" .", ".")


def _chronic(condition: Condition, admission: Admission, rng: Random) -> tuple[str, str] | None:
    """What was done about a chronic condition: its unchanged medications, or that nothing was needed."""
    if condition.name in admission.scenario.required and rng.random() < 0.6:
        return None
    names = {medication(order).drug.name for alternatives in condition.drugs for order in alternatives}
    touched = {change.medication.drug.name for change in admission.changes}
    kept = [item for item in admission.discharge if item.drug.name in names - touched]
    if kept:
        return condition.name, _continued(kept[0], rng)
    quiet = rng.choice(("Stable.", "No active issues.", "Not active during this admission.", "At baseline."))
    return (condition.name, quiet) if rng.random() < 0.5 and not names & touched else None


def _continued(item: Medication, rng: Random) -> str:
    texts = ("Continued home {0}.", "{0} was continued.", "Home {0} was continued without change.")
    return capitalized(rng.choice(texts).format(item.name_and_dose))
