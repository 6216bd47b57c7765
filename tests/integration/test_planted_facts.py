from random import Random

import numpy as np
import pytest

from benchmarks.planted_errors import KINDS, Pair, plant
from benchmarks.planted_facts import alarm_table, detection_table, run, synthetic_pairs, wilson
from lab_lens.metrics.facts import score_facts
from lab_lens.notes.synthetic import synthetic_examples

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def tallies():
    return {detail: run(synthetic_pairs("development", 90, detail), seed=3) for detail in ("full", "brief")}


def test_planted_errors_of_every_kind_are_found(tallies):
    for kind in KINDS:
        planted = sum(tally.planted[kind] for tally in tallies.values())
        detected = sum(tally.detected[kind] for tally in tallies.values())
        assert planted >= 10, kind
        assert detected / planted >= 0.95, kind


def test_faultless_references_hardly_raise_an_alarm(tallies):
    facts = sum(tally.facts for tally in tallies.values())
    assert facts > 1000
    assert sum(tally.false_facts for tally in tallies.values()) / facts <= 0.02


def test_an_error_that_the_extractor_cannot_read_counts_as_missed():
    tally = run([Pair("There was no glorping.", "There was no glorping.", ())], seed=1)
    assert (tally.planted["negation flipped"], tally.detected["negation flipped"]) == (1, 0)
    assert tally.missed[0][1].text == "There was glorping."


def test_nothing_is_planted_where_the_note_says_what_the_error_would_say():
    note = "Aspirin 40.5 mg, then 162 mg, then 243 mg."
    assert plant("dose changed", Pair(note, "Aspirin 81 mg.", ()), Random(1)) is None
    assert plant("dose changed", Pair("Aspirin 81 mg.", "Aspirin 81 mg.", ()), Random(1)) is not None


def test_a_faulty_reference_raises_an_alarm():
    tally = run([Pair("Aspirin 81 mg.", "Aspirin 325 mg.", ())], seed=1)
    assert (tally.false_facts, tally.alarmed) == (1, 1)


def test_the_tables_name_every_kind_and_corpus(tallies):
    table = detection_table(tallies)
    assert all(f"| {kind} |" in table for kind in KINDS)
    assert "full" in alarm_table(tallies)


def test_wilson_intervals_equal_known_ones():
    assert wilson(95, 100) == pytest.approx((0.8882, 0.9785), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)


def test_several_processes_count_as_one_does():
    rows = synthetic_examples(700, 4, "brief")
    texts = [rows[name].tolist() for name in ("target_summary", "input_text", "target_summary")]
    together, alone = score_facts(*texts, processes=2), score_facts(*texts, processes=1)
    assert np.array_equal(together.columns, alone.columns)
    assert together.findings == alone.findings
