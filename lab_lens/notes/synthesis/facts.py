"""The facts of one admission that templates name: drawn slots, laboratory values, pronouns, treatment."""

from collections.abc import Mapping, Sequence
from random import Random

from lab_lens.notes.synthesis.laboratory import anion_gap
from lab_lens.notes.synthesis.model import Alternatives, LabResult, Patient, Plan, Scenario, Span
from lab_lens.notes.synthesis.wording import capitalized, fill

_COMMON_SLOTS: Mapping[str, Alternatives | Span] = {
    "vent_days": Span(2, 6),
    "pressor_days": Span(2, 4),
    "pod": Span(2, 4),
    "units": Span(2, 3),
    "low_potassium": Span(2.6, 3.1, 1),
    "low_calcium": Span(6.6, 7.6, 1),
    "low_glucose": Span(42, 58),
    "high_glucose": Span(280, 410),
    "high_sodium": Span(148, 154),
    "fluid_liters": Span(2, 4),
    "tpa_minutes": Span(38, 74),
}


def facts_of(
    rng: Random, person: Patient, scenario: Scenario, plan: Plan, age: int, findings: Sequence[LabResult]
) -> dict[str, str]:
    """Every slot that a template of this admission may name, without slots of its own."""
    female = person.gender == "F"
    facts = {
        "age": "[**Age over 90 **]" if age > 89 else str(age),
        "he": "she" if female else "he",
        "He": "She" if female else "He",
        "his": "her" if female else "his",
        "His": "Her" if female else "His",
        "him": "her" if female else "him",
        "man": "woman" if female else "man",
    }
    for slots in (_COMMON_SLOTS, scenario.slots):
        facts |= _drawn(rng, slots)
    facts |= {result.test.replace(" ", "_"): result.first for result in findings}
    facts |= {f"{result.test.replace(' ', '_')}_last": result.last for result in findings}
    facts["peak_creatinine"] = f"{float(facts.get('creatinine', '1.0')) + rng.uniform(0.6, 1.4):.1f}"
    facts["gap"] = f"{anion_gap(float(facts.get('bicarbonate', '25'))):.0f}"
    unit, low, high = scenario.onset
    number = rng.randint(low, high)
    # Without the first "s", one hour is "1 hour".
    facts["onset"] = f"{number} {unit}".replace("s", "", 1 if number == 1 else 0) if unit else ""
    facts |= {
        "diagnosis": scenario.diagnosis,
        "treatment": plan.treatment,
        "presenting": rng.choice(scenario.presenting),
        "complaint": rng.choice(scenario.complaint),
        "study": scenario.imaging[0][0],
        "finding": scenario.imaging[0][1],
    }
    return _resolved(facts, rng)


def _resolved(facts: Mapping[str, str], rng: Random) -> dict[str, str]:
    """Facts without slots, each also with a capital first letter as `<name>_title`."""
    plain = {name: fill(text, facts, rng) for name, text in facts.items()}
    return plain | {f"{name}_title": capitalized(text) for name, text in plain.items()}


def _drawn(rng: Random, slots: Mapping[str, Alternatives | Span]) -> dict[str, str]:
    facts: dict[str, str] = {}
    for names, values in slots.items():
        if isinstance(values, Span):
            facts[names] = f"{rng.uniform(values.low, values.high):.{values.decimals}f}"
        else:
            facts |= dict(zip(names.split("/"), rng.choice(values).split("/"), strict=True))
    return facts
