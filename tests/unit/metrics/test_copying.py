import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab_lens.metrics.copying import fragment_lengths, repetition_rate, score_copying

WORDS = st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=14)


def fragments_as_in_the_paper(summary, note):
    """Figure 3 of Grusky et al. (2018), step by step."""
    found, i, j = [], 0, 0
    while i < len(summary):
        longest = []
        while j < len(note):
            if summary[i] == note[j]:
                i_end, j_end = i, j
                while i_end < len(summary) and j_end < len(note) and summary[i_end] == note[j_end]:
                    i_end, j_end = i_end + 1, j_end + 1
                if len(longest) < i_end - i:
                    longest = summary[i:i_end]
                j = j_end
            else:
                j += 1
        i, j = i + max(len(longest), 1), 0
        if longest:
            found.append(longest)
    return found


@settings(max_examples=300, deadline=None)
@given(WORDS, WORDS)
def test_fragments_are_those_of_the_paper(summary, note):
    assert fragment_lengths(summary, note) == [len(run) for run in fragments_as_in_the_paper(summary, note)]


def test_coverage_and_density_of_a_known_summary():
    coverage, density, repetition = score_copying(
        ["Aspirin 81 mg was given for chest pain."], ["He had chest pain. Aspirin, 81 MG daily."]
    )[0]
    # "aspirin 81 mg" and "chest pain" of eight words.
    assert (coverage, density) == (pytest.approx(5 / 8), pytest.approx((9 + 4) / 8))
    assert repetition == 0.0


def test_a_copy_is_copied_whole_and_an_unrelated_summary_not_at_all():
    copied, invented = score_copying(["one two three four", "five six seven"], ["zero one two three four"] * 2)
    assert copied[:2].tolist() == [1.0, 4.0]
    assert invented[:2].tolist() == [0.0, 0.0]


def test_what_cannot_be_measured_is_nan():
    rows = score_copying(["", "no fever", "no fever today"], ["a note", "", "fever today"])
    assert np.isnan(rows[:2, :2]).all()
    assert np.isnan(rows[:2, 2]).all()
    assert not np.isnan(rows[2]).any()


def test_repetition_counts_trigrams_that_came_before():
    assert repetition_rate(["no", "fever", "no", "cough"]) == 0.0
    assert repetition_rate(("no fever today " * 3).split()) == pytest.approx(4 / 7)
    assert np.isnan(repetition_rate(["no", "fever"]))
