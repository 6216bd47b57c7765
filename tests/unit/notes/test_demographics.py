import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab_lens.notes.demographics import (
    AGE_GROUPS,
    ETHNICITY_GROUPS,
    age_group,
    group_ethnicity,
    is_known_ethnicity,
    normalize_age_group,
    normalize_gender,
)


@pytest.mark.parametrize(
    ("text", "group"),
    [
        ("62", "45-64"),
        ("45.0", "45-64"),
        (" 44 ", "18-44"),
        ("17.9", "0-17"),
        ("18", "18-44"),
        ("64.99", "45-64"),
        ("65", "65+"),
        ("0", "0-17"),
        ("22-month", "0-17"),
        ("9-month", "0-17"),
        ("9 months", "0-17"),
        ("3 days old", "0-17"),
        ("2 weeks", "0-17"),
        ("240 months", "18-44"),
        ("57-year-old", "45-64"),
        ("57 y.o.", "45-64"),
        ("57yo", "45-64"),
        ("57 y/o", "45-64"),
        ("90+", "65+"),
        ("[**Age over 90 **]", "65+"),
        ("> 89", "65+"),
        ("91", "65+"),
        ("300", "65+"),
        ("300.0", "65+"),
        ("311", "65+"),
        ("45-64", "45-64"),
        ("65+", "65+"),
    ],
)
def test_an_age_gets_its_group(text, group):
    assert age_group(text) == group


@pytest.mark.parametrize(
    "text", ["", "  ", "NaN", "None", "unknown", "adult", "-3", "45M", "18+", "over 40", "4500", "9 m", "2160-01-01"]
)
def test_what_is_no_age_has_no_group(text):
    assert age_group(text) == ""


@given(st.floats(0, 400, allow_nan=False))
def test_every_age_in_years_has_a_group(age):
    assert age_group(f"{age:.3f}") in AGE_GROUPS


def test_own_age_groups_stay_and_ages_among_them_are_grouped():
    assert [normalize_age_group(text) for text in ["20s", "65+", "33", " ", "nan"]] == ["20s", "65+", "18-44", "", ""]


@pytest.mark.parametrize(
    ("text", "gender"),
    [
        ("female ", "F"),
        ("Female", "F"),
        ("f", "F"),
        ("male", "M"),
        ("M", "M"),
        ("", ""),
        (" ", ""),
        ("nan", ""),
        (" Non-binary ", "Non-binary"),
    ],
)
def test_gender_is_normalized(text, gender):
    assert normalize_gender(text) == gender


# Every value of MIMIC-III's ICUSTAYS cohort table with the grouping that publications use.
MIMIC_III_ETHNICITIES = {
    "American Indian/Alaska Native": "Other",
    "American Indian/Alaska Native federally recognized tribe": "Other",
    "Asian": "Asian",
    "Asian - Asian Indian": "Asian",
    "Asian - Cambodian": "Asian",
    "Asian - Chinese": "Asian",
    "Asian - Filipino": "Asian",
    "Asian - Japanese": "Asian",
    "Asian - Korean": "Asian",
    "Asian - Other": "Asian",
    "Asian - Thai": "Asian",
    "Asian - Vietnamese": "Asian",
    "Black/African": "Black",
    "Black/African American": "Black",
    "Black/Cape Verdean": "Black",
    "Black/Haitian": "Black",
    "Caribbean Island": "Black",
    "Hispanic/Latino - Central American (Other)": "Hispanic/Latino",
    "Hispanic/Latino - Colombian": "Hispanic/Latino",
    "Hispanic/Latino - Cuban": "Hispanic/Latino",
    "Hispanic/Latino - Dominican": "Hispanic/Latino",
    "Hispanic/Latino - Guatemalan": "Hispanic/Latino",
    "Hispanic/Latino - Honduran": "Hispanic/Latino",
    "Hispanic/Latino - Mexican": "Hispanic/Latino",
    "Hispanic/Latino - Puerto Rican": "Hispanic/Latino",
    "Hispanic/Latino - Salvadoran": "Hispanic/Latino",
    "Hispanic or Latino": "Hispanic/Latino",
    "Middle Eastern": "Other",
    "Multi Race Ethnicity": "Other",
    "Native Hawaiian or Other Pacific Islander": "Other",
    "Other": "Other",
    "Patient Declined to Answer": "Unknown",
    "Portuguese": "Hispanic/Latino",
    "South American": "Hispanic/Latino",
    "Unable to Obtain": "Unknown",
    "Unknown/Not Specified": "Unknown",
    "White": "White",
    "White - Brazilian": "White",
    "White - Eastern European": "White",
    "White - Other European": "White",
    "White - Russian": "White",
}
OTHER_TABLES = {
    "CAUCASIAN": "White",
    "White, non-Hispanic": "White",
    "NON-HISPANIC BLACK": "Black",
    "Not Hispanic or Latino": "Unknown",
    "BLACK/CARIBBEAN ISLAND": "Black",
    "ASIAN - SOUTH EAST ASIAN": "Asian",
    "Asian or Pacific Islander": "Asian",
    "MULTIPLE RACE/ETHNICITY": "Other",
    "Middle Eastern or North African": "Other",
    "Latina": "Hispanic/Latino",
    "UNKNOWN": "Unknown",
}


@pytest.mark.parametrize(("text", "group"), [*MIMIC_III_ETHNICITIES.items(), *OTHER_TABLES.items()])
def test_ethnicities_are_grouped_in_any_case(text, group):
    assert group_ethnicity(text) == group_ethnicity(f" {text.upper()} ") == group_ethnicity(text.lower()) == group
    assert is_known_ethnicity(text)


def test_ethnicity_groups_stay_what_they_are():
    assert [group_ethnicity(group) for group in ETHNICITY_GROUPS] == list(ETHNICITY_GROUPS)


def test_a_blank_ethnicity_stays_blank_and_an_unheard_of_one_is_other_but_told_apart():
    assert (group_ethnicity(" "), group_ethnicity("NaN"), group_ethnicity("code 7")) == ("", "", "Other")
    assert is_known_ethnicity("")
    assert not is_known_ethnicity("code 7")
