import pytest

from lab_lens.metrics.facts import review_summary

NOTE = """Admission Date: [**2151-7-16**]  Discharge Date: [**2151-7-21**]

History of Present Illness:
Mr. [**Known lastname 12**] is a 72 year old man with CHF, type 2 diabetes and CAD who presented with
dyspnea for 3 days. He denied chest pain. Mother with breast cancer. Temp 101.3, BP 120/80.

Pertinent Results:
[**2151-7-16**] BLOOD WBC-14.7* Hgb-10.2 Creat-3.0* K-2.8
[**2151-7-21**] BLOOD WBC-8.1 Hgb-10.6 Creat-1.2 K-4.1
CT CHEST: Left lower lobe consolidation without effusion.

Brief Hospital Course:
Treated with ceftriaxone 1 g IV daily for 5 days for likely pneumonia. Possible gout. Furosemide was increased from
20 mg to 40 mg. Left knee pain and right shoulder pain were managed with Tylenol.

Discharge Medications:
1. Metoprolol tartrate 25 mg Tablet Sig: Two (2) Tablet PO BID.
2. Aspirin 81 mg PO DAILY
Call if you have fainting. Follow up in 2 weeks.
"""


def against_note(summary):
    return [(found.problem, found.kind, found.differs) for found in review_summary(summary, NOTE).findings]


@pytest.mark.parametrize(
    "summary",
    [
        "A 72-year-old man with heart failure.",
        "A man in his 70s with diabetes and coronary artery disease.",
        "He takes metoprolol.",
        "Metoprolol 25 mg twice daily.",
        "Lopressor 50 mg two times a day by mouth.",
        "Ceftriaxone 1000 mg every 24 hours for five days.",
        "Rocephin was given.",
        "Furosemide 40 mg, earlier 20 mg.",
        "Furosemide increased from 20 mg to 40 mg.",
        "Acetaminophen was given.",
        "Creatinine fell from 3.0 to 1.2.",
        "Creatinine was 3.",
        "Hgb 10 and white blood cell count 14.7 K/uL.",
        "No chest pain.",
        "He denies chest pain.",
        "Pneumonia of the left lower lobe.",
        "LLL pneumonia.",
        "Left lower lobe consolidation without effusion.",
        "Left knee pain.",
        "Shortness of breath x 3 days.",
        "Admitted on 7/16/2151.",
        "Discharged [**7-21**].",
        "Follow-up in 14 days.",
        "Possible gout.",
        "Hypokalemia and acute kidney injury.",
        "Fever.",
        "Temperature 38.5 C.",
        "Blood pressure 120/80 mmHg.",
        "Mother had breast cancer.",
        "Return if you have bleeding.",
    ],
)
def test_what_the_note_entails_raises_no_alarm(summary):
    assert against_note(summary) == []


@pytest.mark.parametrize(
    ("summary", "finding"),
    [
        ("Metoprolol 100 mg BID.", ("contradicted", "medication", "dose")),
        ("Metoprolol 25 mg daily.", ("contradicted", "medication", "frequency")),
        ("Ceftriaxone 1 g PO daily.", ("contradicted", "medication", "route")),
        ("Lisinopril was given.", ("unsupported", "medication", "")),
        ("Tylenol 650 mg.", ("unsupported", "medication", "dose")),
        ("Creatinine 2.0.", ("contradicted", "lab", "value")),
        ("Hgb 10.25.", ("contradicted", "lab", "value")),
        ("Lactate 2.6.", ("unsupported", "lab", "")),
        ("Chest pain.", ("contradicted", "finding", "polarity")),
        ("No dyspnea.", ("contradicted", "finding", "polarity")),
        ("Gout.", ("contradicted", "diagnosis", "polarity")),
        ("The patient fainted.", ("contradicted", "finding", "polarity")),
        ("Breast cancer.", ("contradicted", "diagnosis", "polarity")),
        ("Stroke.", ("unsupported", "diagnosis", "")),
        ("No stroke.", ("unsupported", "diagnosis", "")),
        ("Right lower lobe pneumonia.", ("contradicted", "diagnosis", "side")),
        ("Right knee pain.", ("contradicted", "finding", "side")),
        ("Left shoulder pain.", ("contradicted", "finding", "side")),
        ("A 27-year-old man.", ("contradicted", "age", "value")),
        ("Admitted on 7/18/2151.", ("contradicted", "date", "date")),
        ("Ceftriaxone for 9 days.", ("contradicted", "duration", "duration")),
        ("Follow up in 5 weeks.", ("contradicted", "duration", "duration")),
        ("Cholecystectomy was done.", ("unsupported", "procedure", "")),
        ("A 4.1 cm mass.", ("unsupported", "measurement", "")),
        ("BP 210/80.", ("contradicted", "vital", "value")),
        ("Pain in the left ear.", ("unsupported", "finding", "side")),
    ],
)
def test_a_planted_defect_is_found_and_named(summary, finding):
    assert finding in against_note(summary)


def test_a_finding_points_into_both_texts():
    summary = "He was discharged on aspirin 325 mg daily."
    found = review_summary(summary, NOTE).findings[0]
    assert summary[slice(*found.summary_span)] == "aspirin 325 mg daily"
    assert NOTE[slice(*found.source_span)] == "Aspirin 81 mg PO DAILY"


def test_what_the_summary_leaves_out_of_the_reference_is_omitted():
    reference = "CHF. Metoprolol 25 mg BID. No chest pain. Creatinine 3.0."
    summary = "Heart failure, on metoprolol."
    found = [f for f in review_summary(summary, NOTE, reference).findings if f.problem == "omitted"]
    assert [(f.kind, f.differs, reference[slice(*f.source_span)]) for f in found] == [
        ("medication", "dose", "Metoprolol 25 mg BID"),
        ("finding", "", "chest pain"),
        ("lab", "", "Creatinine 3.0"),
    ]
    assert [f.source for f in found] == ["reference"] * 3
    assert summary[slice(*found[0].summary_span)] == "metoprolol"


def test_the_note_alone_decides_what_is_a_hallucination():
    counts = review_summary("Stroke.", NOTE, "Stroke.").counts["diagnosis"]
    assert (counts["unsupported"], counts["recalled"], counts["omitted"]) == (1, 1, 0)


@pytest.mark.parametrize(
    "note",
    [
        "On exam I don't appreciate any plaque glints.",
        "[doctor] have you seen any plaque glints ? [patient] no .",
        "There is no radiopaque density or plaque glints.",
        "No evidence of plaque glints.",
    ],
)
def test_an_unknown_finding_is_checked_however_the_note_denies_it(note):
    assert [found.differs for found in review_summary("Plaque glints.", note).findings] == ["polarity"]
    assert review_summary("No plaque glints.", note).findings == ()


def test_a_word_before_a_known_finding_is_no_finding_of_its_own():
    assert review_summary("Left calf wound dressed.", "No calf fever. Left calf wound dressed.").findings == ()


@pytest.mark.parametrize("answer", ["yes .", "i do n't know ."])
def test_an_unknown_finding_that_a_note_does_not_deny_is_not_checked(answer):
    note = f"[doctor] have you seen any plaque glints ? [patient] {answer}"
    assert review_summary("Plaque glints.", note).counts == {}


def test_a_finding_that_no_lexicon_knows_is_checked_where_the_note_denies_it():
    note = "There is no nipple retraction. Without radiopaque densities."
    findings = [found.differs for found in review_summary("Nipple retraction. Radiopaque densities.", note).findings]
    assert findings == ["polarity", "polarity"]
    assert review_summary("No nipple retraction.", note).counts["finding"]["supported"] == 1
    assert review_summary("Nothing changed.", "There was no change.").findings == ()


def test_without_a_reference_nothing_is_omitted_and_without_a_note_nothing_is_unsupported():
    assert {name for own in review_summary("Stroke.", NOTE).counts.values() for name in own} == {"unsupported"}
    assert {name for own in review_summary("Gout.", None, "Stroke.").counts.values() for name in own} == {
        "in_reference",
        "omitted",
    }


def test_a_fact_told_twice_counts_once():
    assert review_summary("Stroke. Then a CVA.", NOTE).counts["diagnosis"]["unsupported"] == 1


def test_an_empty_summary_has_nothing_to_be_right_or_wrong_about():
    review = review_summary("", NOTE, "Stroke.")
    assert dict(review.counts["diagnosis"]) == {"in_reference": 1, "omitted": 1}
