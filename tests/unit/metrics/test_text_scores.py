import math
import subprocess
import sys

import numpy as np
import pytest
import sacrebleu
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from lab_lens.errors import InputError
from lab_lens.metrics.bleu import corpus_bleu_of
from lab_lens.metrics.text import PER_EXAMPLE, corpus_bleu, mean_rouge_l, score_summaries, score_texts
from lab_lens.notes.sentences import split_sentences

REFERENCES = [
    "72-year-old man admitted with chest pain. Troponin 0.8 ng/mL, ECG without ST elevation.\n"
    "He was started on aspirin 81 mg daily and metoprolol. No bleeding; discharged home.",
    "The patient is a 34 year old woman with asthma. She received prednisone 40 mg for 5 days.\n\n- albuterol inhaler\n"
    "- follow-up with Dr. Smith",
    "Patient stable.",
    "Pneumonia treated with ceftriaxone; oxygen weaned to room air. Repeat chest x-ray showed resolving infiltrates.",
]
PREDICTIONS = [
    "Man with chest pains, troponin 0.8. Started aspirin 81 mg and metoprolol 25 mg daily. He was discharged home "
    "without bleeding.",
    "She was given prednisone for asthma.\nFollow up with Dr. Smith. albuterol inhaler as needed for 5 days",
    "",
    "Pneumonia treated with ceftriaxone; oxygen weaned to room air. Repeat chest x-ray showed resolving infiltrates.",
]
# Few words and many repeats make many longest common subsequences of equal length.
TEXTS = st.lists(st.sampled_from(["fever", "fevers", "no", "mg", "5", "Cough.", "cough", "\n", ". "]), max_size=25).map(
    " ".join
)
ANSWERABLE = TEXTS.map(lambda text: f"{text} fever")


def by_rouge_score(prediction, reference):
    def lines(text):
        return "\n".join(" ".join(text[span.start : span.end].split()) for span in split_sentences(text))

    whole = RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=True).score(reference, prediction)
    summary = RougeScorer(["rougeLsum"], use_stemmer=True).score(lines(reference), lines(prediction))
    return {name: score.fmeasure for name, score in {**whole, **summary}.items()}


def assert_equal_to_rouge_score(predictions, references):
    scores = score_summaries(predictions, references)
    for row, (prediction, reference) in enumerate(zip(predictions, references, strict=True)):
        expected = by_rouge_score(prediction, reference)
        assert {name: scores[name][row] for name in expected} == pytest.approx(expected, abs=1e-12)


def test_rouge_equals_the_rouge_score_package_on_clinical_text():
    assert_equal_to_rouge_score(PREDICTIONS, REFERENCES)


@settings(max_examples=150, deadline=None)
@given(TEXTS, ANSWERABLE)
def test_rouge_equals_the_rouge_score_package_on_repetitive_text(prediction, reference):
    assert_equal_to_rouge_score([prediction], [reference])


def test_sentence_bleu_equals_sacrebleu():
    expected = [
        sacrebleu.sentence_bleu(prediction, [reference]).score / 100
        for prediction, reference in zip(PREDICTIONS, REFERENCES, strict=True)
    ]
    assert score_summaries(PREDICTIONS, REFERENCES)["bleu"] == pytest.approx(expected)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(TEXTS, ANSWERABLE), min_size=1, max_size=4))
def test_corpus_bleu_from_counts_equals_sacrebleu(pairs):
    predictions, references = map(list, zip(*pairs, strict=True))
    expected = sacrebleu.corpus_bleu(predictions, [references]).score / 100
    assert score_texts(predictions, references).corpus_bleu.score == pytest.approx(expected, abs=1e-12)


def test_corpus_bleu_of_several_corpora_at_once_equals_each_alone():
    counts = score_texts(PREDICTIONS, REFERENCES).bleu_counts
    together = corpus_bleu_of(np.stack([counts[[0, 1]].sum(axis=0), counts[[3]].sum(axis=0), counts[[2]].sum(axis=0)]))
    alone = [corpus_bleu([PREDICTIONS[i] for i in rows], [REFERENCES[i] for i in rows]).score for rows in ([0, 1], [3])]
    assert together == pytest.approx([*alone, 0.0])


def test_corpus_bleu_names_how_it_was_computed():
    signature = corpus_bleu(PREDICTIONS, REFERENCES).signature
    assert signature == f"nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:{sacrebleu.__version__}"


@given(ANSWERABLE)
@settings(max_examples=25, deadline=None)
def test_a_reference_scores_one_against_itself(text):
    scores = score_summaries([text], [text])
    assert {name: scores[name][0] for name in ("rouge1", "rougeL", "bleu")} == pytest.approx(
        {"rouge1": 1.0, "rougeL": 1.0, "bleu": 1.0}
    )


def test_an_empty_summary_scores_zero_in_every_metric():
    scores = score_summaries(["", " \n"], REFERENCES[:2])
    assert all((scores[name] == 0.0).all() for name in PER_EXAMPLE)


def test_a_reference_that_nothing_can_match_is_refused_without_being_quoted():
    with pytest.raises(InputError, match=r"2 references hold no letter a-z and no digit \(rows 1, 3") as caught:
        score_summaries(["a"] * 4, ["fine", "«диагноз»", "fine", ""])
    assert "диагноз" not in str(caught.value)


@pytest.mark.parametrize(
    ("predictions", "references", "message"),
    [([], [], "nothing to score"), (["a"], ["a", "b"], "1 predictions for 2 references")],
)
def test_nothing_to_score_and_unequal_lengths_are_refused(predictions, references, message):
    with pytest.raises(InputError, match=message):
        score_texts(predictions, references)


def test_mean_rouge_l_of_training_is_the_mean_of_the_stage():
    expected = score_summaries(PREDICTIONS, REFERENCES)["rougeL"].mean()
    assert math.isclose(mean_rouge_l(PREDICTIONS, REFERENCES), expected)


def test_importing_the_scores_imports_nothing_slow():
    slow = {"evaluate", "datasets", "torch", "nltk", "rouge_score", "matplotlib", "transformers"}
    code = f"import lab_lens.metrics.text, sys; print({slow} & set(sys.modules))"
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (finished.stdout, finished.stderr) == ("set()\n", "")
