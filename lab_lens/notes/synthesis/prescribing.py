"""What a patient takes at home, and how a stay changes it, without allergens, doubled groups or known interactions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from random import Random

from lab_lens.notes.synthesis.drugs import drugs_in, medication
from lab_lens.notes.synthesis.model import (
    Adjust,
    Allergy,
    Change,
    ChangeKind,
    Condition,
    Drug,
    Event,
    Medication,
    Patient,
    Plan,
    Scenario,
    Start,
    Stop,
)

_UNMEDICATED = 0.12


@dataclass
class Chart:
    """The medication list of one patient while it is being written, with what has changed in this stay."""

    conditions: frozenset[str]
    allergen: str
    medications: list[Medication] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)

    def taken(self, group_or_name: str) -> Medication | None:
        """The medication of this group or with this name, if any."""
        matching = (item for item in self.medications if group_or_name in (item.drug.group, item.drug.name))
        return next(matching, None)

    def permits(self, drug: Drug) -> bool:
        """No allergy, and no conflict with a condition or with a drug of another group."""
        others = [item.drug for item in self.medications if item.drug.group != drug.group]
        present = self.conditions | {name for other in others for name in (other.group, other.name)}
        unwanted = {conflict for other in others for conflict in other.conflicts}
        forbidden = present & set(drug.conflicts) or unwanted & {drug.group, drug.name}
        return self.allergen not in drug.allergens and not forbidden

    def first_permitted(self, orders: Iterable[str]) -> str | None:
        """The first order that this patient can take."""
        return next((order for order in orders if self.permits(medication(order).drug)), None)


def chart_of(patient: Patient, medications: Sequence[Medication]) -> Chart:
    """The patient's chart at the door, with what is taken."""
    allergen = patient.allergy.allergen if patient.allergy else ""
    return Chart(frozenset(item.name for item in patient.conditions), allergen, list(medications))


def is_treatable(scenario: Scenario, patient: Patient, medications: Sequence[Medication]) -> bool:
    """Some plan of the scenario can be followed in full with these medications."""
    chart = chart_of(patient, medications)
    return any(_is_complete(plan, chart) for plan in scenario.plans if is_safe(plan.treatment, patient.allergy))


def _is_complete(plan: Plan, chart: Chart) -> bool:
    return all(chart.first_permitted(start.orders) is not None for start in plan.starts)


def is_safe(text: str, allergy: Allergy | None) -> bool:
    """No drug that the text names carries the allergen."""
    return allergy is None or all(allergy.allergen not in drug.allergens for drug in drugs_in(text))


def home_medications(rng: Random, conditions: Sequence[Condition], chart: Chart, scenario: Scenario) -> None:
    """Write the medications before the stay: precipitants of the scenario first, then those of each condition."""
    for order, chance in scenario.precipitants:
        drug = medication(order).drug
        if rng.random() < chance and chart.permits(drug) and chart.taken(drug.group) is None:
            chart.medications.append(medication(order))
    for condition in conditions:
        for alternatives in condition.drugs:
            orders = rng.sample(alternatives, len(alternatives))
            free = [order for order in orders if chart.taken(medication(order).drug.group) is None]
            chosen = chart.first_permitted(free)
            if chosen is not None and (rng.random() > _UNMEDICATED or condition.name in scenario.required):
                chart.medications.append(medication(chosen))


def choose_plan(rng: Random, scenario: Scenario, chart: Chart, allergy: Allergy | None) -> Plan:
    """A plan without the allergen; one whose every medication this patient can take, where there is such a plan."""
    safe = [plan for plan in scenario.plans if is_safe(plan.treatment, allergy)]
    complete = [plan for plan in safe if _is_complete(plan, chart)]
    return rng.choice(complete or safe)


def apply_stay(rng: Random, chart: Chart, scenario: Scenario, plan: Plan, events: Sequence[Event]) -> None:
    """Change the list as the stay does: stop, then start, then adjust what has not been changed yet."""
    for stop in (*scenario.stops, *(stop for event in events for stop in event.stops)):
        _stop(chart, stop)
    # Courses of one plan with the same range end on the same day, as two antibiotics for one infection do.
    lengths = {start.days: rng.randint(*start.days) for start in plan.starts}
    for start in (*plan.starts, *(start for event in events for start in event.starts)):
        if rng.random() < start.chance:
            _start(chart, start, lengths.get(start.days) or rng.randint(*start.days))
    changed = {change.medication.drug.group for change in chart.changes}
    for adjust in scenario.adjusts:
        if adjust.group not in changed:
            _adjust(chart, adjust)


def _stop(chart: Chart, stop: Stop) -> None:
    for item in list(chart.medications):
        if {item.drug.group, item.drug.name} & set(stop.groups):
            chart.medications.remove(item)
            chart.changes.append(Change("stopped", item, reason=stop.reason))


def _adjust(chart: Chart, adjust: Adjust) -> None:
    item = chart.taken(adjust.group)
    if item is None:
        return
    step = item.drug.doses.index(item.dose) + adjust.step
    if 0 <= step < len(item.drug.doses):
        _replace(chart, item, replace(item, dose=item.drug.doses[step]), adjust.reason)


def _start(chart: Chart, start: Start, days: int) -> None:
    order = chart.first_permitted(start.orders)
    if order is None:
        return
    new = medication(order, days)
    old = chart.taken(new.drug.group)
    if any(change.kind == "stopped" and change.medication.drug.group == new.drug.group for change in chart.changes):
        return
    if old is None:
        chart.medications.append(new)
        chart.changes.append(Change("started", new))
    elif old.drug == new.drug:
        if _strength(new) > _strength(old):
            _replace(chart, old, replace(new, days=0), "")
    elif start.replaces:
        _stop(chart, Stop((old.drug.name,), f"in favor of {new.drug.name}"))
        chart.medications.append(new)
        chart.changes.append(Change("started", new))


def _strength(item: Medication) -> tuple[int, bool]:
    return item.drug.doses.index(item.dose), item.frequency != item.drug.frequency


def _replace(chart: Chart, old: Medication, new: Medication, reason: str) -> None:
    chart.medications[chart.medications.index(old)] = new
    kind: ChangeKind = "increased" if _strength(new) > _strength(old) else "decreased"
    before = old.dose if old.frequency == new.frequency else f"{old.dose} {old.frequency}"
    chart.changes.append(Change(kind, new, before, reason))
