import random
from typing import Any

import pytest
import torch

from lab_lens.config import Decoding
from lab_lens.engine.checkpoint import LoadedModel
from lab_lens.engine.generate import Generation, generate
from lab_lens.errors import InputError

NOTES = [
    "Chest pain.",
    "Admitted with fever and cough. Treated with ceftriaxone 1 g daily, then discharged home in stable condition.",
    "Ménière's disease, 38 °C 🙂",
    "Fall at home. No fracture on X-ray of the hip.",
    "Potassium 5.9 mmol/L " * 30,
    "",
]
BEAMS = Decoding(num_beams=3, min_new_tokens=4)
MAX_INPUT_TOKENS = 64
MAX_TARGET_TOKENS = 16


def summarize(loaded: LoadedModel, texts: list[str], decoding: Decoding = BEAMS, **options: Any) -> list[Generation]:
    limits = {"max_input_tokens": MAX_INPUT_TOKENS, "max_target_tokens": MAX_TARGET_TOKENS}
    return generate(loaded, texts, decoding=decoding, **(limits | options))


def plain_huggingface(loaded: LoadedModel, text: str, decoding: Decoding) -> tuple[str, float]:
    """Summary and log-probability of one text, without any code of ours."""
    inputs = loaded.tokenizer(text, return_tensors="pt", truncation=True, max_length=MAX_INPUT_TOKENS)
    sequence = loaded.model.generate(
        **inputs,
        num_beams=decoding.num_beams,
        no_repeat_ngram_size=decoding.no_repeat_ngram_size,
        min_new_tokens=decoding.min_new_tokens,
        max_length=MAX_TARGET_TOKENS,
        do_sample=False,
    )
    labels = sequence[:, 1:]
    with torch.inference_mode():
        mean_loss = loaded.model(**inputs, labels=labels).loss
    summary = loaded.tokenizer.decode(sequence[0], skip_special_tokens=True).strip()
    return summary, -mean_loss.item() * labels.shape[1]


@pytest.mark.parametrize("decoding", [BEAMS, Decoding(num_beams=1)], ids=["beams", "greedy"])
def test_summaries_and_their_probabilities_are_those_of_plain_hugging_face(
    loaded: LoadedModel, decoding: Decoding
) -> None:
    ours = summarize(loaded, NOTES, decoding)
    expected = [plain_huggingface(loaded, note, decoding) for note in NOTES]
    assert [generation.summary for generation in ours] == [summary for summary, _ in expected]
    assert [generation.log_probability for generation in ours] == pytest.approx(
        [log_probability for _, log_probability in expected], abs=1e-3
    )


def test_a_summary_does_not_depend_on_its_neighbours(loaded: LoadedModel) -> None:
    together = summarize(loaded, NOTES)
    order = list(range(len(NOTES)))
    random.Random(1).shuffle(order)
    shuffled = summarize(loaded, [NOTES[index] for index in order])
    alone = [summarize(loaded, [note])[0] for note in NOTES]
    for index, generation in enumerate(together):
        for other in (alone[index], shuffled[order.index(index)]):
            assert other.summary == generation.summary
            assert other.log_probability == pytest.approx(generation.log_probability, abs=1e-3)


def test_a_note_of_exactly_the_limit_is_not_truncated_and_one_token_more_is(loaded: LoadedModel) -> None:
    note = NOTES[1]
    tokens = len(loaded.tokenizer(note)["input_ids"])
    exact, cut = (summarize(loaded, [note], max_input_tokens=limit)[0] for limit in (tokens, tokens - 1))
    assert (exact.input_tokens, exact.truncated) == (tokens, False)
    assert (cut.input_tokens, cut.truncated) == (tokens, True)


def test_what_lies_beyond_the_limit_has_no_influence(loaded: LoadedModel) -> None:
    start = "Potassium 5.9 mmol/L " * 30
    first, second = summarize(loaded, [start + "He died.", start + "He walked home with his daughter."])
    assert first.truncated
    assert second.truncated
    assert first.summary == second.summary


@pytest.mark.parametrize("limit", [2, 5, 16])
def test_no_summary_is_longer_than_the_limit_which_counts_special_tokens(loaded: LoadedModel, limit: int) -> None:
    decoding = Decoding(num_beams=2, min_new_tokens=limit - 1)
    generations = summarize(loaded, NOTES, decoding, max_target_tokens=limit)
    # The opening and the closing token.
    assert {generation.output_tokens for generation in generations} <= set(range(limit - 1))


def test_log_probabilities_are_below_zero_and_longer_summaries_are_less_likely(loaded: LoadedModel) -> None:
    short = summarize(loaded, NOTES, Decoding(num_beams=1, min_new_tokens=3), max_target_tokens=5)
    long = summarize(loaded, NOTES, Decoding(num_beams=1, min_new_tokens=15))
    assert all(one.log_probability < other.log_probability < 0 for one, other in zip(long, short, strict=True))


def test_progress_ends_at_the_total(loaded: LoadedModel) -> None:
    calls: list[tuple[int, int]] = []
    summarize(loaded, NOTES, progress=lambda done, total: calls.append((done, total)))
    assert calls[-1] == (len(NOTES), len(NOTES))
    assert [done for done, _ in calls] == sorted({done for done, _ in calls})


def test_no_notes_give_no_summaries(loaded: LoadedModel) -> None:
    assert summarize(loaded, []) == []


def test_lengths_beyond_the_models_positions_are_refused(loaded: LoadedModel) -> None:
    with pytest.raises(InputError, match=r"model\.max_input_tokens is 129 but the model has 128 positions"):
        summarize(loaded, NOTES, max_input_tokens=129)
