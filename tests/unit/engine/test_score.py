import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from lab_lens.engine.checkpoint import LoadedModel
from lab_lens.engine.score import score
from lab_lens.errors import InputError

NOTES = ["Chest pain.", "Admitted with fever and cough. " * 12, "", "Fall at home. No fracture on X-ray of the hip."]
SUMMARIES = ["He had chest pain and went home.", "Fever.", "Nothing is known about his stay in hospital.", ""]
LIMITS = {"max_input_tokens": 48, "max_target_tokens": 10}


def score_all(loaded: LoadedModel, notes: list[str], summaries: list[str]) -> NDArray[np.float64]:
    return score(loaded, notes, summaries, **LIMITS)


def plain_huggingface(loaded: LoadedModel, note: str, summary: str) -> float:
    """The log-likelihood of one pair from the loss of the model's own training path."""
    inputs = loaded.tokenizer(note, return_tensors="pt", truncation=True, max_length=48)
    labels = loaded.tokenizer(text_target=summary, return_tensors="pt", truncation=True, max_length=10)["input_ids"]
    with torch.inference_mode():
        return -loaded.model(**inputs, labels=labels).loss.item() * labels.shape[1]


def test_a_score_is_the_models_own_loss_summed_over_tokens(loaded: LoadedModel) -> None:
    expected = [plain_huggingface(loaded, note, summary) for note, summary in zip(NOTES, SUMMARIES, strict=True)]
    scores = score_all(loaded, NOTES, SUMMARIES)
    assert scores.dtype == np.float64
    assert scores == pytest.approx(expected, abs=1e-3)
    assert len({round(value, 3) for value in scores}) == len(NOTES)


def test_a_score_does_not_depend_on_its_neighbours(loaded: LoadedModel) -> None:
    together = score_all(loaded, NOTES, SUMMARIES)
    backwards = score_all(loaded, NOTES[::-1], SUMMARIES[::-1])
    alone = [score_all(loaded, [note], [summary])[0] for note, summary in zip(NOTES, SUMMARIES, strict=True)]
    assert backwards[::-1] == pytest.approx(together, abs=1e-3)
    assert alone == pytest.approx(together, abs=1e-3)


def test_only_what_the_model_sees_of_a_note_counts(loaded: LoadedModel) -> None:
    start = "Admitted with fever and cough. " * 12
    first, second, other = score_all(loaded, [start + "He died.", start + "He left.", "He left."], ["Fever."] * 3)
    assert first == pytest.approx(second, abs=1e-4)
    assert abs(first - other) > 1e-3


def test_progress_ends_at_the_total(loaded: LoadedModel) -> None:
    calls: list[tuple[int, int]] = []
    score(loaded, NOTES, SUMMARIES, **LIMITS, progress=lambda done, total: calls.append((done, total)))
    assert calls[-1] == (4, 4)


def test_nothing_to_score_gives_no_scores(loaded: LoadedModel) -> None:
    assert score_all(loaded, [], []).shape == (0,)


def test_inputs_and_targets_must_pair_up(loaded: LoadedModel) -> None:
    with pytest.raises(InputError, match="4 inputs but 1 targets"):
        score_all(loaded, NOTES, ["Fever."])


def test_lengths_beyond_the_models_positions_are_refused(loaded: LoadedModel) -> None:
    with pytest.raises(InputError, match=r"model\.max_target_tokens is 500 but the model has 128 positions"):
        score(loaded, NOTES, SUMMARIES, max_input_tokens=48, max_target_tokens=500)
