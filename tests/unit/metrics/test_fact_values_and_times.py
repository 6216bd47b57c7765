import pytest

from lab_lens.metrics.facts import extract_facts


def of_kind(text, *kinds):
    return [fact for fact in extract_facts(text) if fact.kind in kinds]


@pytest.mark.parametrize(
    ("text", "concept", "value"),
    [
        ("K 3.3", "potassium", 3.3),
        ("K-3.3", "potassium", 3.3),
        ("potassium of 3.3 mEq/L", "potassium", 3.3),
        ("Hgb 10.2", "hemoglobin", 10.2),
        ("hemoglobin was 10.2 g/dL", "hemoglobin", 10.2),
        ("WBC-14.7*", "white blood cells", 14.7),
        ("white blood cell count elevated at 14.7", "white blood cells", 14.7),
        ("Plt Ct-286", "platelets", 286),
        ("platelets 13K", "platelets", 13),
        ("troponin T 0.03", "troponin", 0.03),
        ("HbA1c 7.4%", "hemoglobin a1c", 7.4),
        ("your hemoglobin a1c is seven point four", "hemoglobin a1c", 7.4),
        ("LVEF 35%", "ejection fraction", 35),
        ("heart rate of 144", "heart rate", 144),
        ("HR: 87", "heart rate", 87),
        ("T 98.3", "temperature", 98.3),
        ("temperature is 101.2 degrees F", "temperature", 101.2),
        ("O2 sat 96% RA", "oxygen saturation", 96),
        ("glucose 1,024", "glucose", 1024),
        ("lactate (2.6)", "lactate", 2.6),
    ],
)
def test_a_test_is_read_under_its_names(text, concept, value):
    fact = of_kind(text, "lab", "vital")[0]
    assert (fact.concept, fact.attributes["value"]) == (concept, value)


@pytest.mark.parametrize("text", ["BP 120/80", "blood pressure: 120/80 mmHg", "blood pressure was 120 over 80"])
def test_a_blood_pressure_has_two_values(text):
    fact = of_kind(text, "vital")[0]
    assert (fact.attributes["value"], fact.attributes["diastolic"]) == (120, 80)


def test_values_of_a_trend_are_several_facts_of_one_test():
    facts = of_kind("Creatinine rose from 1.1 to 3.0, and potassium fell to 3.1.", "lab")
    assert [(f.concept, f.attributes["value"]) for f in facts] == [
        ("creatinine", 1.1),
        ("creatinine", 3.0),
        ("potassium", 3.1),
    ]
    assert [facts[0].attributes["trend"], facts[2].attributes["trend"]] == ["rising", "falling"]


@pytest.mark.parametrize("text", ["T2 weighted images", "25 MG tablet", "strength 5/5", "sodium 2 g diet for 3 days"])
def test_what_only_looks_like_a_value_is_none(text):
    assert [
        fact for fact in of_kind(text, "lab", "vital") if "value" in fact.attributes and fact.concept != "sodium"
    ] == []


def test_a_quantity_of_no_test_is_a_measurement():
    facts = of_kind("a 4.1 cm mass and 60% stenosis", "measurement")
    assert [(f.concept, f.attributes["value"]) for f in facts] == [("cm", 4.1), ("%", 60.0)]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("[**2151-7-16**]", {"year": 2151, "month": 7, "day": 16}),
        ("[**7-16**]", {"month": 7, "day": 16}),
        ("on 7/16/2021", {"year": 2021, "month": 7, "day": 16}),
        ("7/16/93", {"year": 1993, "month": 7, "day": 16}),
        ("07/2021", {"year": 2021, "month": 7}),
        ("2021-07-16", {"year": 2021, "month": 7, "day": 16}),
        ("July 16, 2021", {"year": 2021, "month": 7, "day": 16}),
        ("16 July", {"month": 7, "day": 16}),
        ("since 7/16", {"month": 7, "day": 16}),
        ("in 1988", {"year": 1988}),
    ],
)
def test_a_date_is_read_however_it_is_written(text, parts):
    attributes = of_kind(text, "date")[0].attributes
    assert {name: attributes.get(name) for name in ("year", "month", "day") if name in attributes} == parts


@pytest.mark.parametrize(
    ("text", "day"), [("POD 3", 3), ("POD#3", 3), ("postoperative day three", 3), ("hospital day 2", 2)]
)
def test_days_of_a_stay_are_dates(text, day):
    assert of_kind(text, "date")[0].attributes["value"] == day


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("for 3 weeks", 21),
        ("x 2 days", 2),
        ("three weeks ago", 21),
        ("a week ago", 7),
        ("10-day course", 10),
        ("twenty-five days", 25),
        ("a couple of days", 2),
        ("30 hours", 1.25),
        ("in 2 weeks", 14),
    ],
)
def test_a_duration_is_read_in_days(text, days):
    assert of_kind(text, "duration")[0].attributes["low"] == days


def test_a_range_of_durations_keeps_both_ends():
    attributes = of_kind("for three to four weeks", "duration")[0].attributes
    assert (attributes["low"], attributes["high"]) == (21, 28)


@pytest.mark.parametrize("text", ["every 6 hours", "q 8 hours", "twice a day", "5/5 strength", "may need"])
def test_frequencies_and_scores_are_neither_dates_nor_durations(text):
    assert of_kind(text, "date", "duration") == []


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("75-year-old woman", 75),
        ("a 75 year old", 75),
        ("64 y/o male", 64),
        ("64yo", 64),
        ("a man aged 86", 86),
        ("Age: 54", 54),
        ("She is 71, has gout", 71),
        ("[**Age over 90 **] year old", 90),
        ("a man over 90", 90),
        ("91 year old", 90),
        ("in his 70s", 70),
        ("twenty six years old", 26),
    ],
)
def test_an_age_is_read_and_everyone_over_89_is_one_age(text, years):
    assert [fact.attributes["value"] for fact in of_kind(text, "age")] == [years]


def test_a_child_is_aged_in_parts_of_years():
    assert of_kind("a 6-month-old boy", "age")[0].attributes["value"] == pytest.approx(0.5)
