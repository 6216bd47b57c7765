import socket
from pathlib import Path

import huggingface_hub
import numpy as np
import pytest
from planted_models import tiny_encoder

from lab_lens.config_validation import Validation
from lab_lens.errors import InputError
from lab_lens.metrics.bert_score import PER_EXAMPLE, Encoder, load_encoder, score_bert
from lab_lens.metrics.bert_score_module import BertScore
from lab_lens.metrics.families import score_system
from lab_lens.metrics.scores import Texts

SUMMARIES = ["The patient has fever, no cough.", "Aspirin given.", "pain pain pain", "fevers", "unheard words only"]
REFERENCES = ["Fever. Cough.", "Aspirin was given.", "no pain", "The patient denies fevers and coughs.", "aspirin"]
LAYER = 2


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="module")
def encoder(directory: Path) -> Encoder:
    return load_encoder(str(directory), LAYER, "cpu")


def test_the_figures_are_those_of_the_package(directory: Path, encoder: Encoder) -> None:
    import bert_score

    theirs = bert_score.score(SUMMARIES, REFERENCES, model_type=str(directory), num_layers=LAYER, device="cpu")
    ours = score_bert(encoder, SUMMARIES, REFERENCES).per_example
    for name, values in zip(PER_EXAMPLE, theirs, strict=True):
        np.testing.assert_allclose(ours[name], values.numpy(), atol=1e-6)


def test_another_layer_gives_other_figures(directory: Path, encoder: Encoder) -> None:
    first, second = (
        score_bert(model, SUMMARIES, REFERENCES) for model in (load_encoder(str(directory), 1, "cpu"), encoder)
    )
    assert np.abs(first.per_example["bertscore_f1"] - second.per_example["bertscore_f1"]).max() > 1e-4
    assert first.signature == f"encoder:{directory}|layer:1|idf:no|rescaled:no|limit:32"


def test_equal_texts_score_one_in_any_company(encoder: Encoder) -> None:
    alone = score_bert(encoder, ["no fever"], ["no fever"]).per_example
    beside = score_bert(encoder, ["no fever", *SUMMARIES], ["no fever", *REFERENCES]).per_example
    for name in PER_EXAMPLE:
        assert alone[name][0] == pytest.approx(1.0, abs=1e-6)
        assert beside[name][0] == pytest.approx(1.0, abs=1e-6)


def test_a_summary_that_says_nothing_scores_zero_and_a_reference_leaves_it_undefined(encoder: Encoder) -> None:
    scores = score_bert(encoder, ["", " ", "fever", "fever"], ["fever", "fever", "", "fever"]).per_example
    for name in PER_EXAMPLE:
        np.testing.assert_allclose(scores[name], [0.0, 0.0, np.nan, 1.0], atol=1e-6)


def test_tokens_beyond_the_limit_are_counted(encoder: Encoder) -> None:
    scores = score_bert(encoder, ["fever " * 40, "fever"], ["cough", "fever " * 31])
    # Two of the 32 positions open and close a text.
    assert scores.summary_tokens_left_out.tolist() == [10, 0]
    assert scores.reference_tokens_left_out.tolist() == [0, 1]


def test_an_encoder_without_a_known_layer_needs_one(directory: Path) -> None:
    with pytest.raises(InputError, match=r"set validation.bertscore_layer to one of its hidden layers"):
        load_encoder(str(directory), None, "cpu")


def test_a_layer_that_the_encoder_lacks_is_refused(directory: Path) -> None:
    with pytest.raises(InputError, match=r"bertscore_layer is 4 but .* has 3 hidden layers"):
        load_encoder(str(directory), 4, "cpu")


def test_an_encoder_whose_weights_would_be_random_is_refused(directory: Path, tmp_path: Path) -> None:
    deeper = tiny_encoder(tmp_path / "deeper", layers=4)
    (deeper / "model.safetensors").write_bytes((directory / "model.safetensors").read_bytes())
    with pytest.raises(InputError, match=r"validation.bertscore_encoder: .* lacks weights that would be random"):
        load_encoder(str(deeper), LAYER, "cpu")


@pytest.mark.parametrize("source", ["nobody/none", "roberta-large"])
def test_a_hub_that_cannot_be_reached_is_one_clear_line(source: str, unreachable_hub: None) -> None:
    with pytest.raises(
        InputError, match=r"validation.bertscore_encoder: .* cannot be loaded: .*; give a dir"
    ) as caught:
        load_encoder(source, 1, "cpu")
    assert "\n" not in str(caught.value)


def test_the_encoder_of_an_encoder_decoder_model_will_do(tiny_model_dir: Path) -> None:
    scores = score_bert(load_encoder(str(tiny_model_dir), 1, "cpu"), ["Fever.", "Pain."], ["Fever.", "Cough."])
    assert scores.per_example["bertscore_f1"][0] == pytest.approx(1.0, abs=1e-6)
    assert scores.per_example["bertscore_f1"][1] < 1.0


def test_the_evaluate_module_gives_the_same(directory: Path, encoder: Encoder, tmp_path: Path) -> None:
    module = BertScore(keep_in_memory=True, cache_dir=str(tmp_path))
    theirs = module.compute(
        predictions=SUMMARIES, references=REFERENCES, encoder=str(directory), layer=LAYER, device="cpu"
    )
    ours = score_bert(encoder, SUMMARIES, REFERENCES)
    for name in PER_EXAMPLE:
        np.testing.assert_array_equal(theirs[name], ours.per_example[name])
    assert theirs["signature"] == ours.signature


def test_validation_measures_it_with_the_encoder_that_is_named(directory: Path) -> None:
    settings = Validation(facts=False, bertscore_encoder=str(directory), bertscore_layer=LAYER)
    measured = score_system(Texts(["fever " * 40], ["fever"], ["fever"]), settings)
    assert measured.per_example["bertscore_recall"][0] > 0.5
    assert measured.details["bertscore"]["summary_tokens_left_out"] == 10
    assert "layer:2" in measured.details["bertscore"]["signature"]


def test_texts_that_do_not_pair_up_are_refused(encoder: Encoder) -> None:
    with pytest.raises(InputError, match="2 predictions for 1 references"):
        score_bert(encoder, ["a", "b"], ["a"])


@pytest.fixture
def unreachable_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", f"http://127.0.0.1:{port}")
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
