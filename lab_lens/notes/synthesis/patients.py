"""Structured patients and admissions, sampled before a word of a note is written."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from lab_lens.notes.synthesis.conditions import ALLERGIES, BY_NAME, CONDITIONS
from lab_lens.notes.synthesis.facts import facts_of
from lab_lens.notes.synthesis.laboratory import TESTS
from lab_lens.notes.synthesis.model import (
    Admission,
    Allergy,
    Condition,
    Event,
    Gender,
    LabFinding,
    LabResult,
    Medication,
    Patient,
    Scenario,
    Start,
)
from lab_lens.notes.synthesis.narratives import NARRATIVES
from lab_lens.notes.synthesis.prescribing import (
    apply_stay,
    chart_of,
    choose_plan,
    home_medications,
    is_safe,
    is_treatable,
)
from lab_lens.notes.synthesis.scenarios import SCENARIOS
from lab_lens.notes.synthesis.wording import one_of, seeded

# A published grouping of MIMIC-III's 41 strings, in per cent of admissions.
_ETHNICITIES = (
    ("White", 70.2),
    ("Unknown", 10.1),
    ("Black", 9.8),
    ("Hispanic/Latino", 3.7),
    ("Asian", 3.3),
    ("Other", 3.0),
)
_AGE_BANDS = (((16, 17), 0.02), ((18, 44), 0.2), ((45, 64), 0.34), ((65, 89), 0.39), ((90, 95), 0.05))
_STAYS = ((1, 0.77), (2, 0.16), (3, 0.07))
_READMISSION_SAME = 0.4
_NOT_ALLERGIC = 0.6
_LIKELY_CONDITION = 0.45
_CKD = "chronic kidney disease stage 3"
_ESRD = "end-stage renal disease"


@dataclass(frozen=True)
class _Identity:
    gender: Gender
    age: int
    ethnicity: str


def admissions_of(patient: int, seed: int, most_conditions: int) -> Iterator[Admission]:
    """The stays of one patient in order of time; the same whatever the number of patients.

    Args:
        patient: index from 0.
        most_conditions: chronic conditions at most, besides those that the reason for admission requires.
    """
    rng = seeded(seed, patient, most_conditions)
    identity = _identity(rng)
    scenarios = _scenarios(rng, identity, one_of(rng, _STAYS))
    conditions = _conditions(rng, identity, scenarios[0], most_conditions)
    scenarios = [scenarios[0], *(item for item in scenarios[1:] if _can_follow(item, conditions))]
    allergy = _allergy(rng, scenarios)
    admitted = date(rng.randint(2101, 2190), rng.randint(1, 12), rng.randint(1, 28))
    person = Patient(
        subject_id=str(10000 + 7 * patient + rng.randrange(7)),
        name=_name(rng, identity.gender),
        gender=identity.gender,
        ethnicity=identity.ethnicity,
        insurance=_insurance(rng, identity.age),
        allergy=allergy,
        reaction=rng.choice(allergy.reactions) if allergy else "",
        birth=_birth(rng, admitted, identity.age),
        conditions=tuple(conditions),
    )
    earlier: list[tuple[str, date]] = []
    home: tuple[Medication, ...] | None = None
    for stay, scenario in enumerate(scenarios):
        if home is not None and not is_treatable(scenario, person, home):
            continue
        admission = _admission(rng, person, scenario, admitted, tuple(earlier), home, stay, patient)
        yield admission
        earlier.append((scenario.label, admission.admitted))
        home = tuple(item for item in admission.discharge if not item.days)
        admitted = admission.discharged + timedelta(days=rng.randint(12, 500))


def _identity(rng: Random) -> _Identity:
    gender: Gender = rng.choice(("F", "M"))
    return _Identity(gender, rng.randint(*one_of(rng, _AGE_BANDS)), one_of(rng, _ETHNICITIES))


def _name(rng: Random, gender: Gender) -> str:
    title = rng.choice(("Ms.", "Mrs.")) if gender == "F" else "Mr."
    return f"{title} [**Known lastname {rng.randint(1, 9900)}**]"


def _insurance(rng: Random, age: int) -> str:
    if age >= 65:
        return one_of(rng, (("Medicare", 0.86), ("Private", 0.14)))
    return one_of(
        rng, (("Private", 0.6), ("Medicaid", 0.24), ("Medicare", 0.08), ("Government", 0.05), ("Self Pay", 0.03))
    )


def _birth(rng: Random, admitted: date, age: int) -> date:
    return admitted - timedelta(days=round(365.25 * age) + rng.randrange(10, 350))


def _scenarios(rng: Random, who: _Identity, stays: int) -> list[Scenario]:
    fitting = [
        (item, item.weight)
        for item in SCENARIOS
        if item.sex in (None, who.gender) and item.ages[0] <= who.age <= item.ages[1]
    ]
    chosen = [one_of(rng, fitting)]
    while len(chosen) < stays:
        last = chosen[-1]
        same = last.recurs and rng.random() < _READMISSION_SAME
        others = [(item, weight) for item, weight in fitting if item not in chosen]
        chosen.append(last if same or not others else one_of(rng, others))
    return chosen


def _conditions(rng: Random, who: _Identity, scenario: Scenario, most: int) -> list[Condition]:
    chosen = [BY_NAME[name] for name in scenario.required]
    band = (who.age >= 45) + (who.age >= 65)
    chances = {item.name: item.prevalence[band] for item in CONDITIONS}
    for item in map(BY_NAME.__getitem__, scenario.likely):
        if item.prevalence[band] or not any(item.prevalence):
            chances[item.name] = _LIKELY_CONDITION
    candidates = [item for item in CONDITIONS if rng.random() < chances[item.name]]
    for item in rng.sample(candidates, len(candidates)):
        excluded = {name for other in chosen for name in other.excludes} | set(scenario.unlikely)
        fits = item.sex in (None, who.gender) and item.name not in excluded and item not in chosen
        if fits and len(chosen) < most and not set(item.excludes) & {other.name for other in chosen}:
            chosen.append(item)
    return chosen


def _can_follow(scenario: Scenario, conditions: Sequence[Condition]) -> bool:
    names = {item.name for item in conditions}
    by_a_home_drug = any(chance >= 1.0 for _, chance in scenario.precipitants)
    return set(scenario.required) <= names and not names & set(scenario.unlikely) and not by_a_home_drug


def _allergy(rng: Random, scenarios: Sequence[Scenario]) -> Allergy | None:
    if rng.random() < _NOT_ALLERGIC:
        return None
    possible = [(item, item.weight) for item in ALLERGIES if all(accommodates(entry, item) for entry in scenarios)]
    return one_of(rng, possible)


def accommodates(scenario: Scenario, allergy: Allergy) -> bool:
    """Some plan of the scenario, what may happen in it and what its prose names do without the allergen."""
    events = [event for event in (scenario.procedure, *scenario.complications) if event]
    narrative = NARRATIVES[scenario.key]
    told = (*narrative.story, *narrative.course, *(text for event in events for text in event.course))
    causes = (order for order, chance in scenario.precipitants if chance >= 1.0)
    plans = (is_safe(plan.treatment, allergy) and _can_start(plan.starts, allergy) for plan in scenario.plans)
    events_fit = all(_can_start(event.starts, allergy) for event in events)
    return events_fit and any(plans) and is_safe(" ".join((*told, *causes)), allergy)


def _can_start(starts: Sequence[Start], allergy: Allergy) -> bool:
    return all(any(is_safe(order, allergy) for order in start.orders) for start in starts)


def _admission(
    rng: Random,
    person: Patient,
    scenario: Scenario,
    admitted: date,
    earlier: tuple[tuple[str, date], ...],
    home: tuple[Medication, ...] | None,
    stay: int,
    patient: int,
) -> Admission:
    events = _events(rng, scenario, person.conditions)
    findings = _findings(rng, scenario, events, {item.name for item in person.conditions})
    chart = chart_of(person, home or ())
    if home is None:
        home_medications(rng, person.conditions, chart, scenario)
    before = tuple(chart.medications)
    plan = choose_plan(rng, scenario, chart, person.allergy)
    apply_stay(rng, chart, scenario, plan, events)
    age = (admitted - person.birth).days * 100 // 36525
    facts = facts_of(rng, person, scenario, plan, age, findings)
    return Admission(
        patient=person,
        hadm_id=str(100000 + 44 * patient + 11 * stay + rng.randrange(11)),
        scenario=scenario,
        age=age,
        admitted=admitted,
        discharged=admitted + timedelta(days=rng.randint(*scenario.stay_days) + 2 * len(events[1:])),
        admission_type="ELECTIVE" if scenario.elective else one_of(rng, (("EMERGENCY", 0.93), ("URGENT", 0.07))),
        facts=facts,
        conditions=person.conditions,
        earlier=earlier,
        findings=findings,
        treatment=facts["treatment"],
        events=events,
        home=before,
        discharge=tuple(chart.medications),
        changes=tuple(chart.changes),
        disposition=_disposition(rng, scenario, chart.medications),
        clinic=rng.choice(scenario.clinics),
        follow_up_weeks=rng.randint(1, 4),
    )


def _disposition(rng: Random, scenario: Scenario, medications: Sequence[Medication]) -> str:
    place = one_of(rng, scenario.dispositions)
    infused = any(item.drug.route == "IV" for item in medications)
    return "Home With Service" if infused and place == "Home" else place


def _events(rng: Random, scenario: Scenario, conditions: Sequence[Condition]) -> tuple[Event, ...]:
    happened = [event for event in scenario.complications if rng.random() < event.chance]
    if _ESRD in {item.name for item in conditions}:
        happened = [event for event in happened if event.name != "acute kidney injury"]
    procedure = scenario.procedure
    if procedure is not None and rng.random() < procedure.chance:
        return (procedure, *happened)
    return tuple(happened)


def _findings(rng: Random, scenario: Scenario, events: Sequence[Event], conditions: set[str]) -> tuple[LabResult, ...]:
    labs = {lab.test: lab for lab in (*scenario.labs, *(lab for event in events for lab in event.labs))}
    return tuple(
        _result(rng, lab, 0.0 if _ESRD in scenario.required else _offset(lab.test, conditions)) for lab in labs.values()
    )


def _offset(test: str, conditions: set[str]) -> float:
    """Diseased kidneys raise creatinine above the scenario's own range."""
    if test != "creatinine":
        return 0.0
    return 5.0 if _ESRD in conditions else 0.6 * (_CKD in conditions)


def _result(rng: Random, lab: LabFinding, offset: float) -> LabResult:
    test = TESTS[lab.test]
    first, last = rng.uniform(*lab.at_admission), rng.uniform(*lab.at_discharge)
    return LabResult(lab.test, test.text(first + offset), test.text(last + offset))
