import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab_lens.notes.sentences import split_sentences


def sentences(text):
    return [text[span.start : span.end] for span in split_sentences(text)]


@pytest.mark.parametrize(
    "one",
    [
        "Seen by Dr. Smith and Mrs. Jones today.",
        "Take 25 mg. p.o. q.d. for pain.",
        "Metoprolol 12.5 mg p.o. b.i.d. was started.",
        "Temp 98.6, WBC 11.2, Cr 1.4.",
        "Seen at 8 a.m. on the ward.",
        "Pt. Jones was stable.",
        "Creatinine, e.g. on admission, was 2.",
        "J. Smith was seen.",
        "Known bacteria, i.e. Staph aureus, grew.",
        "She was transferred to the intensive care unit overnight, where\nshe received fluids and antibiotics.",
        "She was transferred to the hospital in the middle of the night to\n[**Hospital1 18**] for further care.",
        "1. Aspirin 81 mg daily",
        "Afebrile vs. febrile is unclear.",
    ],
)
def test_stays_one_sentence(one):
    assert sentences(one) == [one.strip()]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("He was seen. She was not.", ["He was seen.", "She was not."]),
        ("Stable! Home? Yes.", ["Stable!", "Home?", "Yes."]),
        ("Creatinine was 2. He improved.", ["Creatinine was 2.", "He improved."]),
        ("Give 5 mg. Lisinopril was held.", ["Give 5 mg.", "Lisinopril was held."]),
        ("Known hepatitis C. She drinks.", ["Known hepatitis C.", "She drinks."]),
        ("pt was seen today. denied pain.", ["pt was seen today.", "denied pain."]),
        ("hi , martha . how are you ? good", ["hi , martha .", "how are you ?", "good"]),
        ('He said "no." Then left.', ['He said "no."', "Then left."]),
        ("Plan:\n- rest\n- fluids", ["Plan:", "- rest", "- fluids"]),
        ("1. Aspirin. Daily.\n2. Heparin", ["1. Aspirin.", "Daily.", "2. Heparin"]),
        ("[doctor] hello\n[patient] hi", ["[doctor] hello", "[patient] hi"]),
        ("First paragraph\n\nsecond paragraph", ["First paragraph", "second paragraph"]),
        ("ALLERGIES\nlatex", ["ALLERGIES", "latex"]),
        (
            f"Meds: {'aspirin, ' * 9}\nDischarge Disposition: Home",
            [f"Meds: {'aspirin, ' * 9}"[:-1], "Discharge Disposition: Home"],
        ),
        ("She went home. \r\nShe is well.", ["She went home.", "She is well."]),
        ("Smoker: no. Alcohol: no.", ["Smoker: no.", "Alcohol: no."]),
        ("Bed No. 5 was free. OK.", ["Bed No. 5 was free.", "OK."]),
        ("", []),
        (" \n\t ", []),
    ],
)
def test_splits_where_a_reader_would(text, parts):
    assert sentences(text) == parts


PIECES = st.sampled_from(
    ["Dr. ", "mg. ", "He went. ", "\n", "\n- ", "1. ", "2.5 ", "p.o. ", "X", "! ", " . ", "[**a**]", "\r\n", "\x85"]
)


@given(st.lists(PIECES | st.text(max_size=15)).map("".join))
def test_sentences_are_ordered_disjoint_and_cover_all_but_white_space(text):
    spans = split_sentences(text)
    bounds = [offset for span in spans for offset in (span.start, span.end)]
    assert bounds == sorted(bounds)
    assert all(span.start < span.end for span in spans)
    covered = {position for span in spans for position in range(span.start, span.end)}
    assert all(text[position].isspace() for position in range(len(text)) if position not in covered)
    assert all(text[span.start : span.end].strip() == text[span.start : span.end] for span in spans)
