from pathlib import Path

import numpy as np
import pytest
from planted_models import planted_classifier

from lab_lens.config_validation import Validation
from lab_lens.errors import InputError
from lab_lens.metrics.catalogue import METRICS
from lab_lens.metrics.entailment import PER_EXAMPLE, EntailmentModel, load_entailment, score_entailment
from lab_lens.metrics.families import score_system
from lab_lens.metrics.scores import Texts

FILLER = "The patient has pain and was given aspirin, no cough. "


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> EntailmentModel:
    return load_entailment(str(planted_classifier(tmp_path_factory.mktemp("classifier"))), "cpu")


@pytest.mark.parametrize("place", [0, 5, 20])
def test_the_window_that_entails_most_counts_wherever_it_stands(model: EntailmentModel, place: int) -> None:
    note = FILLER * place + "Agrees fever. " + FILLER * (20 - place)
    scores = score_entailment(model, ["Fever."], [note])
    assert scores.per_example["entailment_score"][0] > 0.99
    assert scores.per_example["entailed_rate"][0] == 1.0
    assert scores.per_example["entailment_contradiction_rate"][0] == 0.0


def test_a_note_that_only_refutes_contradicts(model: EntailmentModel) -> None:
    scores = score_entailment(model, ["Fever. Cough agrees."], [FILLER * 4 + "Refutes fever."])
    first, second = scores.sentences[0]
    assert (first.start, first.end, first.contradicted, first.entailed) == (0, 6, True, False)
    # The window without "refutes" entails the second sentence, whatever another window says.
    assert (second.start, second.end, second.contradicted, second.entailed) == (7, 20, False, True)
    assert scores.per_example["entailed_rate"][0] == 0.5
    assert scores.per_example["entailment_contradiction_rate"][0] == 0.5


def test_a_note_on_other_matters_neither_entails_nor_contradicts(model: EntailmentModel) -> None:
    scores = score_entailment(model, ["Fever."], [FILLER * 30])
    assert scores.per_example["entailed_rate"][0] == scores.per_example["entailment_contradiction_rate"][0] == 0.0
    assert scores.per_example["entailment_score"][0] < 0.05


def test_a_sentence_without_end_is_read_in_pieces(model: EntailmentModel) -> None:
    note = "aspirin " * 100 + "agrees " + "aspirin " * 100
    assert score_entailment(model, ["Fever."], [note]).per_example["entailed_rate"][0] == 1.0


def test_what_cannot_be_judged_is_undefined(model: EntailmentModel) -> None:
    scores = score_entailment(model, ["", "Fever.", "Fever."], ["", "", "Agrees."])
    for values in scores.per_example.values():
        assert np.isnan(values[:2]).all()
        assert np.isfinite(values[2])


def test_saying_nothing_about_a_note_is_entailed_by_nothing(model: EntailmentModel) -> None:
    scores = score_entailment(model, ["", " \n"], ["Agrees.", "Agrees."]).per_example
    assert scores["entailment_score"].tolist() == scores["entailed_rate"].tolist() == [0.0, 0.0]
    assert np.isnan(scores["entailment_contradiction_rate"]).all()


def test_a_summary_sentence_that_is_too_long_is_counted(model: EntailmentModel) -> None:
    scores = score_entailment(model, ["fever " * 20, "fever"], ["Agrees.", "Agrees."])
    assert scores.summary_tokens_left_out.tolist() == [6, 0]


def test_the_order_of_the_labels_does_not_matter(tmp_path: Path) -> None:
    upper = planted_classifier(tmp_path / "upper", labels=("ENTAILMENT", "CONTRADICTION", "NEUTRAL"))
    # The planted weights of "agrees" lead to the second label, which this model calls contradiction.
    scores = score_entailment(load_entailment(str(upper), "cpu"), ["Fever."], ["Agrees."])
    assert scores.per_example["entailment_contradiction_rate"][0] == 1.0


def test_a_classifier_of_something_else_is_refused(tmp_path: Path) -> None:
    other = planted_classifier(tmp_path / "other", labels=("negative", "positive", "neutral"))
    with pytest.raises(InputError, match=r"labels of .* are negative, positive, neutral; they must be entailment, con"):
        load_entailment(str(other), "cpu")


def test_a_directory_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"validation.entailment_model: .* cannot be loaded"):
        load_entailment(str(tmp_path), "cpu")


def test_validation_measures_it_where_a_model_is_named_and_says_why_where_not(tmp_path: Path) -> None:
    directory = str(planted_classifier(tmp_path / "classifier"))
    texts = Texts(["Fever."], ["Fever."], ["Agrees."])
    measured = score_system(texts, Validation(facts=False, entailment_model=directory))
    assert {name: measured.per_example[name][0] for name in ("entailed_rate", "entailment_contradiction_rate")} == {
        "entailed_rate": 1.0,
        "entailment_contradiction_rate": 0.0,
    }
    assert measured.details["entailment"] == {"model": directory, "summary_tokens_left_out": 0}
    unasked = score_system(texts, Validation(facts=False))
    without_notes = score_system(Texts(["Fever."], ["Fever."], None), Validation(facts=False, entailment_model="x"))
    assert unasked.missing["entailed_rate"] == "no model: validation.entailment_model is null"
    assert without_notes.missing["entailed_rate"] == "the data has no notes"


def test_its_figures_are_in_the_catalogue() -> None:
    assert [name for name, metric in METRICS.items() if metric.family == "entailment"] == list(PER_EXAMPLE)
