import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab_lens.engine.scratch import train_tokenizer
from lab_lens.explain.units import THIRDS, section_units, seen_characters, sentence_units, third_units, without

NOTE = (
    "Admission Date: today\n\n"
    "Chief Complaint:\nShortness of breath.\n\n"
    "Brief Hospital Course:\nHe was treated with furosemide. He improved. He walked on day three.\n\n"
    "Discharge Medications:\n1. Furosemide 40 mg daily\n2. Aspirin 81 mg daily\n"
)


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer([NOTE], vocabulary_tokens=400, max_positions=512)


def covered(unit, text=NOTE):
    return [text[span.start : span.end] for span in unit.spans]


def test_sentences_are_labelled_by_section_number_and_place_without_their_text():
    units = sentence_units(NOTE, len(NOTE), max_units=100)
    (unit,) = [unit for unit in units if covered(unit) == ["He improved."]]
    start = NOTE.index("He improved.")
    # The header line is a section's first sentence.
    assert unit.label == f"Brief hospital course, sentence 3 (chars {start}-{start + 12})"


def test_too_many_sentences_are_grouped_within_their_sections():
    single, grouped = (sentence_units(NOTE, len(NOTE), max_units=count) for count in (100, 4))
    assert len(grouped) < len(single)
    assert [span for unit in grouped for span in unit.spans] == [span for unit in single for span in unit.spans]
    assert any("sentences 1-3" in unit.label for unit in grouped)


def test_sections_hold_their_headers_and_what_lies_beyond_the_truncation_is_never_seen():
    units, never_seen = section_units(NOTE, NOTE.index("He walked"))
    assert [unit.label for unit in units] == ["preamble", "chief_complaint", "brief_hospital_course"]
    assert covered(units[2])[0].startswith("Brief Hospital Course:")
    assert covered(units[2])[0].endswith("He improved. ")
    assert never_seen == ["discharge_medications"]


def test_sections_of_one_name_are_one_unit():
    text = "Chief Complaint: cough\n\nSocial History: none\n\nChief Complaint: fever\n"
    units, _ = section_units(text, len(text))
    assert [len(unit.spans) for unit in units] == [2, 1]
    assert without(text, [units[0]]).strip() == "Social History: none"


def test_a_note_without_headers_has_no_sections_but_thirds():
    text = "He came in. He was treated. He went home."
    assert section_units(text, len(text)) == ([], [])
    units = third_units(text)
    assert [unit.label for unit in units] == list(THIRDS)
    assert "".join(covered(unit, text)[0] for unit in units) == text


def test_a_short_note_is_seen_whole_and_a_long_one_up_to_the_last_token(tokenizer):
    assert seen_characters(tokenizer, NOTE.strip(), 512) == len(NOTE.strip())
    seen = seen_characters(tokenizer, NOTE, 20)
    assert 0 < seen < len(NOTE)
    whole, prefix = tokenizer(NOTE)["input_ids"], tokenizer(NOTE[:seen])["input_ids"]
    assert whole[:19] == prefix[:19]
    assert len(prefix) == 20


@given(st.integers(0, len(NOTE)), st.integers(1, 30))
def test_units_are_disjoint_ordered_and_within_what_the_model_reads(seen, max_units):
    spans = [span for unit in sentence_units(NOTE, seen, max_units) for span in unit.spans]
    edges = [edge for span in spans for edge in (span.start, span.end)]
    assert edges == sorted(edges)
    assert all(0 <= span.start < span.end <= seen for span in spans)


@given(st.data())
def test_removing_units_removes_their_characters_and_nothing_else(data):
    units = sentence_units(NOTE, len(NOTE), 100)
    removed = data.draw(st.lists(st.sampled_from(units), unique=True))
    gone = {index for unit in removed for span in unit.spans for index in range(span.start, span.end)}
    assert without(NOTE, removed) == "".join(char for index, char in enumerate(NOTE) if index not in gone)
