"""Synthetic patients make clinical sense: medications, allergies, interactions, returning patients, no planted bias."""

from functools import cache
from itertools import pairwise

from lab_lens.notes.synthesis.conditions import ALLERGIES, BY_NAME, CONDITIONS
from lab_lens.notes.synthesis.drugs import LEXICON, drugs_in, medication
from lab_lens.notes.synthesis.laboratory import TESTS
from lab_lens.notes.synthesis.model import Admission, Medication
from lab_lens.notes.synthesis.narratives import NARRATIVES
from lab_lens.notes.synthesis.patients import admissions_of
from lab_lens.notes.synthesis.scenarios import SCENARIOS


@cache
def admissions() -> tuple[Admission, ...]:
    return tuple(stay for patient in range(700) for stay in admissions_of(patient, 7, 8))


def allergens_given(admission: Admission, extra: str = "") -> list[str]:
    allergen = admission.patient.allergy.allergen if admission.patient.allergy else None
    named = " ".join([admission.treatment, extra, *(item.drug.name for item in admission.discharge)])
    return [drug.name for drug in drugs_in(named) if allergen in drug.allergens]


def test_a_quarter_of_the_patients_come_back_later_and_the_note_remembers_why() -> None:
    by_patient: dict[str, list[Admission]] = {}
    for stay in admissions():
        by_patient.setdefault(stay.patient.subject_id, []).append(stay)
    returning = [stays for stays in by_patient.values() if len(stays) > 1]
    assert 0.15 < len(returning) / len(by_patient) < 0.3
    for stays in returning:
        for before, after in pairwise(stays):
            assert after.admitted > before.discharged
            assert after.earlier[-1] == (before.scenario.label, before.admitted)
            assert {item.drug.name for item in after.home} == {
                item.drug.name for item in before.discharge if not item.days
            }


def test_nobody_is_given_what_the_chart_lists_as_an_allergy() -> None:
    assert sum(stay.patient.allergy is not None for stay in admissions()) > 150
    assert [allergens_given(stay) for stay in admissions() if allergens_given(stay)] == []


def test_the_check_of_allergies_can_fail() -> None:
    allergic = next(s for s in admissions() if s.patient.allergy and s.patient.allergy.allergen == "penicillin")
    assert allergens_given(allergic, extra="amoxicillin 1000 mg") == ["amoxicillin"]


def conflicts(medications: tuple[Medication, ...], conditions: set[str]) -> list[str]:
    found = []
    for item in medications:
        others = {name for other in medications if other is not item for name in (other.drug.group, other.drug.name)}
        found += [f"{item.drug.name} twice" for _ in others & {item.drug.group}]
        found += [f"{item.drug.name} with {name}" for name in set(item.drug.conflicts) & (others | conditions)]
    return found


def test_no_list_doubles_a_group_or_holds_a_known_interaction() -> None:
    for stay in admissions():
        conditions = {item.name for item in stay.conditions}
        assert conflicts(stay.home, conditions) == []
        assert conflicts(stay.discharge, conditions) == []


def test_the_check_of_interactions_can_fail() -> None:
    warfarin, ibuprofen = medication("warfarin 5 mg"), medication("ibuprofen 600 mg")
    assert "warfarin with NSAID" in conflicts((warfarin, ibuprofen), set())
    assert "warfarin twice" in conflicts((warfarin, medication("apixaban 5 mg")), set())


def test_the_changes_turn_the_admission_list_into_the_discharge_list() -> None:
    for stay in admissions():
        current = {item.drug.name: item for item in stay.home}
        for change in stay.changes:
            name = change.medication.drug.name
            if change.kind == "stopped":
                assert current.pop(name) == change.medication
            else:
                assert (name in current) == bool(change.old)
                current[name] = change.medication
        assert current == {item.drug.name: item for item in stay.discharge}
    assert sum(bool(stay.changes) for stay in admissions()) > 0.97 * len(admissions())


def test_conditions_fit_sex_age_and_reason() -> None:
    for stay in admissions():
        names = {item.name for item in stay.conditions}
        assert all(item.sex in (None, stay.patient.gender) for item in stay.conditions)
        assert stay.scenario.sex in (None, stay.patient.gender)
        assert set(stay.scenario.required) <= names
        assert not names & set(stay.scenario.unlikely)
        assert not any(set(item.excludes) & names for item in stay.conditions)


def test_the_mix_of_services_does_not_depend_on_ethnicity() -> None:
    medicine = {True: [], False: []}
    for stay in admissions():
        medicine[stay.patient.ethnicity == "White"].append(stay.scenario.service == "MEDICINE")
    white, other = (sum(values) / len(values) for values in (medicine[True], medicine[False]))
    assert abs(white - other) < 0.08


def test_every_reason_for_admission_occurs_and_has_prose() -> None:
    assert {stay.scenario.key for stay in admissions()} == {scenario.key for scenario in SCENARIOS} == set(NARRATIVES)
    assert len(SCENARIOS) >= 45


def test_every_order_names_a_drug_and_a_dose_of_the_lexicon() -> None:
    starts = [start for scenario in SCENARIOS for plan in scenario.plans for start in plan.starts]
    orders = [order for start in starts for order in start.orders]
    orders += [order for item in CONDITIONS for alternatives in item.drugs for order in alternatives]
    orders += [order for scenario in SCENARIOS for order, _ in scenario.precipitants]
    for order in orders:
        item = medication(order)
        assert item.dose in item.drug.doses, order


def test_scenarios_and_drugs_name_only_known_conditions_groups_and_tests() -> None:
    groups = {drug.group for drug in LEXICON.values()} | set(LEXICON)
    for scenario in SCENARIOS:
        assert set(scenario.required + scenario.likely + scenario.unlikely) <= set(BY_NAME), scenario.key
        assert {lab.test for lab in scenario.labs} <= set(TESTS)
        assert {name for stop in scenario.stops for name in stop.groups} <= groups, scenario.key
        assert {adjust.group for adjust in scenario.adjusts} <= groups
    for drug in LEXICON.values():
        assert set(drug.conflicts) <= groups | set(BY_NAME), drug.name
        assert set(drug.allergens) <= {item.allergen for item in ALLERGIES}, drug.name
