from hypothesis import given, settings
from hypothesis import strategies as st

from lab_lens.metrics.facts import KINDS, extract_facts, review_summary
from lab_lens.notes.synthetic import synthetic_note

# Pieces that rules look for, in any order and with anything between them.
WORDS = [
    "no",
    "denies",
    "without",
    "left",
    "right",
    "bilateral",
    "K",
    "BP",
    "T",
    "98.6",
    "120/80",
    "[**2151-7-16**]",
    "[**Age",
    "[**",
    "___",
    "7/16",
    "7/16/93",
    "2021-07-16",
    "July",
    "POD",
    "#",
    "3",
    "weeks",
    "ago",
    "mg",
    "25",
    "mg/dL",
    "metoprolol",
    "aspirin",
    "BID",
    "q6h",
    "q",
    "(",
    ")",
    "one",
    "(1)",
    "hundred",
    "and",
    "point",
    "four",
    ",",
    ".",
    ":",
    ";",
    "?",
    "-",
    "/",
    "chest",
    "pain",
    "heart",
    "failure",
    "pneumonia",
    "in",
    "his",
    "70s",
    "year",
    "old",
    "y/o",
    "aged",
    "over",
    "90",
    "is",
    "She",
    "from",
    "to",
    "rose",
    "%",
    "degrees",
    "F",
]
ODD = ["\u2013", "\u00bd", "\u00b2", "\u0661", "\u0130", "\U0001f489", "\n", "\n\n", " ", "'s", "\u2019s"]
PIECES = st.sampled_from([*WORDS, *ODD, "if you have", "[patient] no", "as needed for"])
TEXTS = st.one_of(
    st.text(max_size=200), st.lists(PIECES, max_size=40).map(" ".join), st.lists(PIECES, max_size=40).map("".join)
)


@settings(max_examples=150, deadline=None)
@given(TEXTS)
def test_extraction_never_raises_and_offsets_lie_in_the_text(text):
    facts = extract_facts(text)
    for fact in facts:
        assert 0 <= fact.start < fact.end <= len(text)
        assert text[fact.start : fact.end] == text[fact.start : fact.end].strip()
        assert fact.kind in KINDS
        assert fact.polarity in {"affirmed", "negated", "uncertain"}
    assert [fact.start for fact in facts] == sorted(fact.start for fact in facts)
    assert extract_facts(text) == facts


@settings(max_examples=80, deadline=None)
@given(TEXTS, TEXTS, TEXTS)
def test_a_review_never_raises_and_its_counts_add_up(summary, note, reference):
    review = review_summary(summary, note, reference)
    for own in review.counts.values():
        assert own.get("in_reference", 0) == own.get("recalled", 0) + own.get("omitted", 0)
    problems = [found.problem for found in review.findings]
    for problem in ("unsupported", "contradicted", "omitted"):
        assert problems.count(problem) == sum(own.get(problem, 0) for own in review.counts.values())


@settings(max_examples=80, deadline=None)
@given(TEXTS)
def test_a_text_omits_nothing_of_itself(text):
    assert [found for found in review_summary(text, None, text).findings if found.problem == "omitted"] == []


def test_a_note_supports_itself():
    note = synthetic_note(5)
    assert review_summary(note, note).findings == ()


def test_offsets_hold_where_lower_case_has_other_length():
    text = "\u0130\u0130\u0130 no fever, potassium 3.3"
    spans = [text[fact.start : fact.end] for fact in extract_facts(text)]
    assert spans == ["fever", "potassium 3.3"]
