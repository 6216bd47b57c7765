import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab_lens.errors import InputError
from lab_lens.explain.ablation import NoteAblation, ablate, part_importance
from lab_lens.explain.length import quality_by_length
from lab_lens.explain.lime_text import explain_units, neighbourhood
from lab_lens.explain.note import Note, explain_note, part_kind
from lab_lens.explain.units import section_units, sentence_units

SENTENCES = [f"Sentence number {number} says something of its own." for number in range(12)]
PLAIN = " ".join(SENTENCES)
NOTE = (
    "Chief Complaint: cough and fever\n\n"
    "Brief Hospital Course: He was treated with furosemide. He improved.\n\n"
    "Discharge Medications: furosemide 40 mg daily\n"
)
BOOTSTRAP = {"resamples": 200, "confidence": 0.95, "seed": 1}


def rests_on(needle, drop=0.5):
    """A model whose summary depends on one passage only, with a little noise that is the same for the same text."""

    def likelihood(texts):
        noise = [np.random.default_rng(len(text)).normal(0, 0.005) for text in texts]
        return np.array([-2.0 - drop * (needle not in text) for text in texts]) + noise

    return likelihood


@pytest.mark.parametrize("planted", [0, 5, 11])
def test_lime_ranks_the_sentence_first_that_the_summary_rests_on(planted):
    units = sentence_units(PLAIN, len(PLAIN), 50)
    assert len(units) == 12
    found = explain_units(PLAIN, units, rests_on(SENTENCES[planted]), perturbations=60, seed=3)
    assert found.strongest(1)[0][0] == units[planted].label
    assert found.strongest(1)[0][1] == pytest.approx(0.5, abs=0.15)
    assert found.r2 > 0.8


def test_lime_weights_carry_the_sign_of_a_sentence_that_hinders():
    units = sentence_units(PLAIN, len(PLAIN), 50)
    found = explain_units(PLAIN, units, rests_on(SENTENCES[4], drop=-0.5), perturbations=60, seed=3)
    assert found.strongest(1)[0][1] < -0.3


def test_lime_of_a_model_that_reads_nothing_has_no_fit():
    units = sentence_units(PLAIN, len(PLAIN), 50)
    found = explain_units(PLAIN, units, lambda texts: np.full(len(texts), -2.0), perturbations=30, seed=3)
    assert found.r2 is None
    assert np.allclose(found.weights, 0.0)


def test_lime_is_repeatable_and_refuses_a_single_sentence():
    units = sentence_units(PLAIN, len(PLAIN), 50)
    runs = [explain_units(PLAIN, units, rests_on(SENTENCES[1]), perturbations=40, seed=3) for _ in range(2)]
    assert runs[0] == runs[1]
    with pytest.raises(InputError, match="nothing is there to rank"):
        explain_units(PLAIN, units[:1], rests_on(SENTENCES[1]), perturbations=40, seed=3)


@settings(max_examples=50)
@given(st.integers(2, 40), st.integers(10, 60), st.integers(0, 1000))
def test_a_neighbourhood_starts_with_the_whole_note_and_every_other_row_lacks_some_but_not_all(units, rows, seed):
    masks = neighbourhood(units, rows, seed)
    assert masks.shape == (rows, units)
    assert masks[0].all()
    kept = masks[1:].sum(axis=1)
    assert ((kept >= 1) & (kept < units)).all()


def test_ablation_finds_the_section_and_the_size_of_its_effect():
    units, _ = section_units(NOTE, len(NOTE))
    drops = ablate(NOTE, units, rests_on("He improved."))
    assert max(drops, key=drops.get) == "brief_hospital_course"
    assert drops["brief_hospital_course"] == pytest.approx(0.5, abs=0.03)
    assert drops["chief_complaint"] == pytest.approx(0.0, abs=0.03)


def test_importance_is_averaged_over_the_notes_that_have_a_part_with_intervals_over_patients():
    notes = [NoteAblation(f"p{index}", {"course": 0.4 + 0.01 * index, "plan": 0.1}) for index in range(10)]
    notes.append(NoteAblation("p10", {"plan": 0.1}, ["course", "labs"]))
    parts = part_importance(notes, **BOOTSTRAP)
    assert [(part.name, part.never_seen) for part in parts] == [("course", 1), ("plan", 0), ("labs", 1)]
    assert (parts[0].drop.estimate, parts[0].drop.n_examples) == (pytest.approx(0.445), 10)
    assert 0.40 < parts[0].drop.low < 0.445 < parts[0].drop.high < 0.49
    assert parts[2].drop is None


def test_four_patients_give_an_estimate_without_an_interval():
    (part,) = part_importance([NoteAblation(f"p{index}", {"plan": 0.1}) for index in range(4)], **BOOTSTRAP)
    assert (part.drop.low, part.drop.high) == (None, None)
    assert "needs 5 patients" in part.drop.reason


def test_what_lies_beyond_the_truncation_is_neither_removed_nor_scored():
    seen_texts = []

    def likelihood(texts):
        seen_texts.extend(texts)
        return rests_on("He improved.")(texts)

    note = Note(1, "p1", NOTE, NOTE.index("Discharge"))
    found = explain_note(note, likelihood, "sections", perturbations=30, seed=1)
    assert not [text for text in seen_texts if "Discharge" in text or "40 mg" in text]
    assert set(found.ablation.drops) == {"chief_complaint", "brief_hospital_course"}
    assert found.ablation.never_seen == ["discharge_medications"]
    assert all(span.end <= note.seen_chars for unit in found.lime.units for span in unit.spans)


def test_a_note_of_one_sentence_is_not_ranked_and_the_reason_is_given():
    found = explain_note(Note(1, "p1", "He improved.", 12), rests_on("He"), "thirds", perturbations=30, seed=1)
    assert found.lime is None
    assert "one sentence" in found.reason


def test_thirds_are_taken_only_where_no_note_has_a_header():
    plain, headed = Note(1, "p1", PLAIN, len(PLAIN)), Note(2, "p2", NOTE, len(NOTE))
    assert (part_kind([plain]), part_kind([plain, headed])) == ("thirds", "sections")
    found = explain_note(plain, rests_on(SENTENCES[1]), "thirds", perturbations=30, seed=1)
    assert max(found.ablation.drops, key=found.ablation.drops.get) == "first third"


def length_bins(tokens, scores=None):
    tokens = np.asarray(tokens)
    scores = np.linspace(0.5, 0.1, len(tokens)) if scores is None else scores
    patients = [f"p{index}" for index in range(len(tokens))]
    return quality_by_length(tokens, tokens > 80, np.asarray(scores), patients, **BOOTSTRAP)


def test_length_bins_are_quartiles_with_quality_and_truncation():
    bins = length_bins(np.arange(1, 101))
    assert [(item.shortest_tokens, item.longest_tokens) for item in bins] == [(1, 25), (26, 50), (51, 75), (76, 100)]
    assert [item.truncated_fraction for item in bins] == [0.0, 0.0, 0.0, 0.8]
    estimates = [item.quality.estimate for item in bins]
    assert estimates == sorted(estimates, reverse=True)
    assert bins[3].quality.high < bins[0].quality.low


def test_few_notes_or_equal_lengths_give_fewer_bins():
    assert len(length_bins([10, 20, 30])) == 1
    assert len(length_bins(np.arange(12))) == 2
    assert len(length_bins([50] * 40)) == 1


@given(st.lists(st.integers(1, 3000), min_size=1, max_size=60))
def test_every_note_is_in_exactly_one_bin(tokens):
    bins = length_bins(tokens)
    assert sum(item.quality.n_examples for item in bins) == len(tokens)
    edges = [edge for item in bins for edge in (item.shortest_tokens, item.longest_tokens)]
    assert edges == sorted(edges)
