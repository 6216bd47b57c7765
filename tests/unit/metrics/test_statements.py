import math

import numpy as np
import pytest

from lab_lens.errors import InputError
from lab_lens.metrics.statements import COLUMNS, PER_EXAMPLE, score_statements, scores_of
from lab_lens.metrics.statements.reading import read_statements
from lab_lens.notes.synthetic import synthetic_examples

NOTE = """Chief complaint: shortness of breath.
She is a 74-year-old woman with HTN and diabetes. She denies chest pain, fever or chills, but has leg swelling.
Left knee replacement in 2012. Metoprolol 25 mg twice daily. Smokes. Allergies: none."""


def one(summary: str, reference: str = "HTN.", note: str | None = NOTE) -> dict[str, float]:
    scores = score_statements([summary], None if note is None else [note], [reference])
    return {name: float(values[0]) for name, values in scores.per_example.items()}


def said(text: str) -> list[tuple[str, bool]]:
    return [tuple(term) for statement in read_statements(text).statements for term in statement.terms]


@pytest.mark.parametrize(
    ("summary", "reference"),
    [
        ("High blood pressure, short of breath.", "Hypertension and dyspnea."),
        ("Nonsmoker.", "The patient does not smoke cigarettes."),
        ("He had a UTI for three months.", "U T I, 3 months."),
        ("Fifty two, moved here in nineteen eighty four.", "52-year-old who moved in 1984."),
        ("Cataract surgery on both eyes.", "Bilateral cataract operation, eye."),
        ("Non-healing wound, left thigh.", "Nonhealing left thigh wound."),
        ("Noncontributory.", "None."),
        ("Chest: normal.", "The chest examination is unremarkable."),
        ("Lives with her husband.", "The patient is married."),
        ("1. Eczema. 2. Serous otitis.", "Atopic dermatitis\nSerous otitis"),
        ("Seen by the dermatologist.", "Dermatology."),
        ("Died at 85.", "Died in his 80s."),
    ],
)
def test_the_same_said_in_other_words_is_recalled(summary, reference):
    assert one(summary, reference)["statement_recall"] == 1.0


@pytest.mark.parametrize(
    ("summary", "reference"),
    [
        ("No hypertension.", "Hypertension."),
        ("Denies chest pain.", "Chest pain."),
        ("Hypotension.", "Hypertension."),
        ("75", "In his 80s."),
        ("In his 80s.", "85"),
        ("Prednisone.", "Prednisolone."),
        ("Hearing.", "Heart."),
        ("Metoprolol 50.", "25"),
        ("Right.", "Left."),
        ("Hepatitis B.", "C"),
    ],
)
def test_something_else_is_not_recalled(summary, reference):
    assert one(summary, reference)["statement_recall"] == 0.0


def test_what_the_note_or_the_reference_says_is_supported():
    assert one("A 74-year-old woman with dyspnea and hypertension. No chest pain.")["statement_precision"] == 1.0
    assert one("Gout.", reference="Gout.")["statement_precision"] == 1.0
    assert one("Gout.", reference="HTN.")["statement_precision"] == 0.0


@pytest.mark.parametrize("wrong", ["Chest pain.", "Fever.", "No leg swelling.", "Denies smoking.", "He has HTN."])
def test_what_the_note_denies_is_a_contradiction(wrong):
    scores = one(wrong)
    assert scores["statement_contradiction"] > 0.0
    assert scores["statement_hallucination"] == 0.0


@pytest.mark.parametrize("made_up", ["Gout.", "Metoprolol 50 mg.", "An 81-year-old.", "Right hip replacement in 2013."])
def test_what_nobody_says_is_a_hallucination(made_up):
    scores = one(made_up)
    assert scores["statement_hallucination"] > 0.0
    assert scores["statement_contradiction"] == 0.0


def test_support_contradiction_and_hallucination_share_the_summary():
    scores = one("She has HTN, chest pain and gout.")
    assert scores["statement_precision"] == pytest.approx(2 / 4)
    assert scores["statement_contradiction"] == pytest.approx(1 / 4)
    assert scores["statement_hallucination"] == pytest.approx(1 / 4)


def test_the_sex_of_relatives_is_no_contradiction():
    note = "She lives with her father. He has diabetes."
    assert one("He has diabetes.", reference="Diabetes.", note=note)["statement_contradiction"] == 0.0


def test_a_summary_that_says_nothing_has_no_precision_and_fails_the_rest():
    for nothing in ("", "  ", "The patient is a", "..."):
        scores = one(nothing)
        assert math.isnan(scores["statement_precision"])
        assert math.isnan(scores["statement_hallucination"])
        assert scores["statement_recall"] == scores["statement_f1"] == 0.0
        assert scores["statement_omission"] == 1.0


def test_a_reference_that_says_nothing_leaves_recall_undefined():
    scores = one("Hypertension.", reference="The patient is a")
    assert math.isnan(scores["statement_recall"])
    assert math.isnan(scores["statement_f1"])
    assert scores["statement_precision"] == 1.0


def test_nothing_found_is_supported_by_whatever_is_denied():
    assert one("Noncontributory.", "Unknown.", note="Any family history? No cancer.")["statement_precision"] == 1.0
    assert one("Noncontributory.", "Unknown.", note="Mother had cancer.")["statement_precision"] == 0.0


def test_a_question_in_a_dialogue_supports_either_answer():
    note = "Doctor: Any fever? Patient: No."
    assert one("Fever.", "Unknown.", note)["statement_precision"] == 1.0
    assert one("No fever.", "Unknown.", note)["statement_precision"] == 1.0


def test_without_notes_only_recall_is_measured():
    scores = one("HTN.", note=None)
    assert scores["statement_recall"] == 1.0
    assert {name for name, value in scores.items() if math.isnan(value)} == set(PER_EXAMPLE) - {
        "statement_recall",
        "statement_omission",
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("No fever or chills.", [("fever", True), ("chills", True)]),
        ("No fever, but cough.", [("fever", True), ("cough", False)]),
        ("Denies fever and has cough.", [("fever", True), ("cough", False)]),
        (
            "No marriage and that he had a college education.",
            [("married", True), ("education", False), ("education", False)],
        ),
        ("Chest pain: negative.", [("chest pain", True), ("none", False)]),
        ("Knee surgery, otherwise negative.", [("knee", False), ("surgery", False), ("none", False)]),
        ("He isn't vomiting.", [("vomiting", True)]),
        ("Nonsmoker with cough.", [("tobacco", True), ("cough", False)]),
        ("No fever. Cough.", [("fever", True), ("cough", False)]),
        ("No fever\nCough", [("fever", True), ("cough", False)]),
        ("Does not resolve for 15 minutes.", [("resolv", True), ("15", False), ("minut", True)]),
    ],
)
def test_a_denial_reaches_to_the_end_of_its_clause(text, expected):
    assert said(text) == expected


@pytest.mark.parametrize(
    ("text", "number"),
    [
        *(("1,200", "1200"), ("3.50", "3.5"), ("120/80", "120/80"), ("12th", "12"), ("1st", "1"), ("10mg", "10")),
        *(("fifty-two", "52"), ("twelfth", "12"), ("nineteen eighty four", "1984"), ("in his 80s", "80s")),
        *(("mid eighties", "80s"), ("two hundred fifty", "250"), ("three thousand", "3000"), ("4.0", "4")),
    ],
)
def test_numbers_are_read_in_digits_and_in_words(text, number):
    assert (number, False) in said(text)


def test_numbers_beside_each_other_stay_apart():
    assert said("two, three") == [("2", False), ("3", False)]
    assert said("five six") == [("5", False), ("6", False)]


def test_sums_of_counts_give_the_figures_of_a_corpus():
    scores = score_statements(["HTN.", "Gout, cough."], [NOTE, NOTE], ["HTN.", "Gout."])
    total = dict(zip(COLUMNS, scores.columns.sum(axis=0), strict=True))
    assert total == {"in_summary": 3, "supported": 2, "contradicted": 0, "in_reference": 2, "recalled": 2}
    corpus = scores_of(scores.columns.sum(axis=0))
    assert corpus["statement_precision"] == pytest.approx(2 / 3)
    assert corpus["statement_f1"] == pytest.approx(0.8)


def test_references_of_other_patients_score_lower_than_the_patients_own():
    examples = synthetic_examples(40, 3, "brief")
    notes, references = examples["input_text"].tolist(), examples["target_summary"].tolist()
    own = score_statements(references, notes, references).per_example
    others = score_statements(references[1:] + references[:1], notes, references).per_example
    assert own["statement_recall"].min() == 1.0
    for name in ("statement_precision", "statement_recall", "statement_f1"):
        assert np.nanmean(others[name]) < 0.8 < np.nanmean(own[name])


@pytest.mark.parametrize("filler", ["\n", " ", ".", "A ", "1. ", "no ", "(", "non", "x", "a-"])
def test_long_odd_texts_are_read_in_reasonable_time(filler):
    # With an expression that looks back over what it has read, time would grow with the square of the length.
    assert said(filler * 50_000 + "\nCough.")[-1] == ("cough", False)


def test_texts_that_do_not_pair_up_are_refused_without_being_quoted():
    for summaries, notes, references in ((["syphilis"], ["n"], []), (["syphilis"], [], ["r"]), ([], [], [])):
        with pytest.raises(InputError) as caught:
            score_statements(summaries, notes, references)
        assert "syphilis" not in str(caught.value)
