import pytest

from lab_lens.metrics.facts import extract_facts


def medications(text):
    return [
        (
            fact.concept,
            {name: fact.attributes[name] for name in ("dose", "route", "frequency") if name in fact.attributes},
        )
        for fact in extract_facts(text)
        if fact.kind == "medication"
    ]


@pytest.mark.parametrize(
    ("text", "concept", "said"),
    [
        ("metoprolol tartrate 25 mg PO BID", "metoprolol", {"dose": "25 mg", "route": "oral", "frequency": "2 a day"}),
        (
            "Lopressor 25mg by mouth twice a day",
            "metoprolol",
            {"dose": "25 mg", "route": "oral", "frequency": "2 a day"},
        ),
        ("metoprolol 25 milligrams two times a day", "metoprolol", {"dose": "25 mg", "frequency": "2 a day"}),
        ("metoprolol 0.025 g every 12 hours", "metoprolol", {"dose": "25 mg", "frequency": "2 a day"}),
        ("cephalexin 0.5 g q6h", "cephalexin", {"dose": "500 mg", "frequency": "4 a day"}),
        ("cephalexin 500 mg four times daily", "cephalexin", {"dose": "500 mg", "frequency": "4 a day"}),
        ("levothyroxine 50 mcg daily", "levothyroxine", {"dose": "0.05 mg", "frequency": "1 a day"}),
        ("Synthroid 0.05 mg every morning", "levothyroxine", {"dose": "0.05 mg", "frequency": "1 a day"}),
        ("40 mg IV furosemide", "furosemide", {"dose": "40 mg", "route": "intravenous"}),
        ("25 mg of hydrochlorothiazide", "hydrochlorothiazide", {"dose": "25 mg"}),
        ("HCTZ 25 mg qd", "hydrochlorothiazide", {"dose": "25 mg", "frequency": "1 a day"}),
        ("insulin glargine 22 units at bedtime", "insulin glargine", {"dose": "22 unit", "frequency": "1 a day"}),
        ("Lantus 22 units qhs", "insulin glargine", {"dose": "22 unit", "frequency": "1 a day"}),
        ("fluticasone-salmeterol 250-50 mcg INH BID", "fluticasone/salmeterol", {"dose": "0.25-0.05 mg"}),
        ("Advair 250/50 mcg", "fluticasone/salmeterol", {"dose": "0.25-0.05 mg"}),
        ("Bactrim DS", "sulfamethoxazole/trimethoprim", {}),
        ("trimethoprim-sulfamethoxazole", "sulfamethoxazole/trimethoprim", {}),
        (
            "Lisinopril 10 mg Tablet Sig: One (1) Tablet PO DAILY (Daily).",
            "lisinopril",
            {"dose": "10 mg", "route": "oral"},
        ),
        ("potassium chloride 20 mEq daily", "potassium chloride", {"dose": "20 meq"}),
        ("lisinopril\n40 mg\ndaily", "lisinopril", {"dose": "40 mg", "frequency": "1 a day"}),
        ("warfarin five milligrams once a day", "warfarin", {"dose": "5 mg", "frequency": "1 a day"}),
        ("metformin one thousand milligrams twice per day", "metformin", {"dose": "1000 mg", "frequency": "2 a day"}),
        ("prednisone 40 mg every other day", "prednisone", {"dose": "40 mg", "frequency": "0.5 a day"}),
        ("methotrexate 15 mg weekly", "methotrexate", {"dose": "15 mg", "frequency": "1 a week"}),
    ],
)
def test_a_medication_is_read_with_dose_route_and_frequency(text, concept, said):
    found, attributes = medications(text)[0]
    assert found == concept
    assert said.items() <= attributes.items()


def test_a_dose_belongs_to_the_drug_beside_it():
    text = "Continued aspirin, metoprolol 25 mg BID and lisinopril 10 mg daily; stopped furosemide."
    assert medications(text) == [
        ("aspirin", {}),
        ("metoprolol", {"dose": "25 mg", "frequency": "2 a day"}),
        ("lisinopril", {"dose": "10 mg", "frequency": "1 a day"}),
        ("furosemide", {}),
    ]


def test_a_changed_dose_is_two_facts():
    doses = [said["dose"] for _, said in medications("amlodipine was increased from 5 mg to 10 mg")]
    assert doses == ["5 mg", "10 mg"]


def test_a_drug_that_is_needed_for_pain_is_not_in_doubt():
    facts = extract_facts("acetaminophen 650 mg every 6 hours as needed for pain and docusate 100 mg twice daily")
    said = {fact.concept: fact for fact in facts if fact.kind == "medication"}
    assert said["acetaminophen"].attributes["as_needed"] == "yes"
    assert [fact.polarity for fact in said.values()] == ["affirmed", "affirmed"]


@pytest.mark.parametrize("text", ["today we chose water", "The equal share was a success", "alcohol and oxygen"])
def test_common_words_that_are_also_brands_are_no_drugs(text):
    assert medications(text) == []


def test_electrolytes_are_tests_unless_they_are_dosed():
    kinds = {text: extract_facts(text)[0].kind for text in ("potassium 3.3", "potassium 20 mEq", "magnesium 1.6 mg/dL")}
    assert kinds == {"potassium 3.3": "lab", "potassium 20 mEq": "medication", "magnesium 1.6 mg/dL": "lab"}
