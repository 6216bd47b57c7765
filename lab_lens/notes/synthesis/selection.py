"""What the reference summaries of both details select from an admission, and how they name it."""

import re

from lab_lens.notes.synthesis.laboratory import TESTS
from lab_lens.notes.synthesis.model import Admission, Event
from lab_lens.notes.synthesis.wording import capitalized, listed, weeks

PLACES = {
    "Home": "home",
    "Home With Service": "home with services",
    "Extended Care": "to extended care",
    "Rehabilitation": "to rehabilitation",
    "Detox Facility": "to a detox facility",
    "Psychiatric Hospital": "to a psychiatric hospital",
}
_OVER_90 = re.compile(r"over 90[ -]year[ -]old (man|woman)")


def common_facts(admission: Admission, conditions: int) -> dict[str, str]:
    """The admission's facts with those that every summary tells; `conditions` chronic ones at most."""
    shown = evidence(admission)
    return admission.facts | {
        "age": "over 90" if admission.age > 89 else str(admission.age),
        "pmh": listed([item.name for item in admission.conditions[:conditions]]) or "no past medical history",
        "evidence": shown,
        "evidence_title": capitalized(shown),
        "place": PLACES[admission.disposition],
        "clinic": admission.clinic,
        "weeks": weeks(admission.follow_up_weeks),
    }


def evidence(admission: Admission) -> str:
    """The first abnormal laboratory value of the scenario, or else the finding of its main study."""
    abnormal = [item for item in admission.findings if TESTS[item.test].flag(float(item.first))]
    if abnormal:
        return f"{abnormal[0].test} {abnormal[0].first}"
    return f"{lowered(admission.facts['study'])} with {admission.facts['finding']}"


def lowered(study: str) -> str:
    """'chest x-ray', but 'CT head' and 'EGD'."""
    return study if study[:2].isupper() else study[:1].lower() + study[1:]


def procedure_and_complications(admission: Admission) -> tuple[Event | None, list[Event]]:
    """The planned procedure, if it was done, apart from what else happened."""
    done = [event for event in admission.events if event is admission.scenario.procedure]
    return (done[0] if done else None), [event for event in admission.events if event not in done]


def reworded(text: str) -> str:
    """With 'woman over 90' for 'over 90-year-old woman', and a capital first letter."""
    return capitalized(_OVER_90.sub(r"\1 over 90", text))
