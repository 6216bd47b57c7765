"""Generate summaries: length-sorted batches, results in input order, log-probability of each summary."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import GenerationConfig
from transformers.modeling_outputs import BaseModelOutput

from lab_lens.config import Decoding
from lab_lens.engine.batching import MAX_BATCH_TOKENS, batch_by_length
from lab_lens.engine.checkpoint import SPECIAL_TOKENS, LoadedModel, check_lengths
from lab_lens.engine.score import sequence_log_probability
from lab_lens.progress import Progress


@dataclass(frozen=True)
class Generation:
    """One generated summary.

    Attributes:
        log_probability: natural log of the summary's probability under the model, end token included.
        input_tokens: tokens of the whole note, before truncation.
        output_tokens: tokens of the summary, special tokens not counted.
        truncated: whether the model saw only the start of the note.
    """

    summary: str
    log_probability: float
    input_tokens: int
    output_tokens: int
    truncated: bool


def generate(
    loaded: LoadedModel,
    texts: Sequence[str],
    *,
    decoding: Decoding,
    max_input_tokens: int,
    max_target_tokens: int,
    progress: Progress | None = None,
) -> list[Generation]:
    """Summarize texts by beam search, deterministically.

    Args:
        loaded: model, tokenizer and device.
        texts: notes; longer ones than `max_input_tokens` are cut at their end, and marked.
        decoding: beams, n-gram blocking, length penalty.
        max_input_tokens: limit of the encoder's input, special tokens included.
        max_target_tokens: limit of a summary, special tokens included.
        progress: called with (done, total) after each batch.

    Returns:
        One generation a text, in the order of `texts`.

    Raises:
        InputError: a limit exceeds the model's positions.
    """
    check_lengths(loaded.model, max_input_tokens, max_target_tokens)
    encoded = [loaded.tokenizer(text, verbose=False)["input_ids"] for text in texts]
    seen = [_truncate(ids, max_input_tokens) for ids in encoded]
    budget = max(1, MAX_BATCH_TOKENS[loaded.device.type] // decoding.num_beams)
    settings = generation_config(loaded.model, decoding, max_target_tokens)
    results: dict[int, Generation] = {}
    for batch in batch_by_length([len(ids) for ids in seen], budget):
        outputs = _generate_batch(loaded, [seen[index] for index in batch], settings)
        for index, (summary, log_probability, output_tokens) in zip(batch, outputs, strict=True):
            length = len(encoded[index])
            results[index] = Generation(summary, log_probability, length, output_tokens, length > max_input_tokens)
        if progress:
            progress(len(results), len(texts))
    return [results[index] for index in range(len(texts))]


def _truncate(ids: list[int], max_input_tokens: int) -> list[int]:
    # The last token is the end mark; a truncated input keeps it, as the tokenizer's own truncation does.
    return ids if len(ids) <= max_input_tokens else [*ids[: max_input_tokens - 1], ids[-1]]


def generation_config(model: Any, decoding: Decoding, max_target_tokens: int) -> GenerationConfig:
    """Our decoding settings with the model's own special tokens."""
    return GenerationConfig(
        **{name: getattr(model.generation_config, name) for name in SPECIAL_TOKENS},
        max_length=max_target_tokens,
        min_new_tokens=decoding.min_new_tokens or None,
        num_beams=decoding.num_beams,
        no_repeat_ngram_size=decoding.no_repeat_ngram_size,
        length_penalty=decoding.length_penalty if decoding.num_beams > 1 else None,
        do_sample=False,
    )


@torch.inference_mode()
def _generate_batch(
    loaded: LoadedModel, inputs: list[list[int]], settings: GenerationConfig
) -> list[tuple[str, float, int]]:
    batch = loaded.tokenizer.pad({"input_ids": inputs}, return_tensors="pt").to(loaded.device)
    encoder_outputs = loaded.model.get_encoder()(**batch)
    sequences = loaded.model.generate(
        # A copy: beam search repeats the states of the object that it is given.
        encoder_outputs=BaseModelOutput(last_hidden_state=encoder_outputs.last_hidden_state),
        attention_mask=batch["attention_mask"],
        generation_config=settings,
    )
    ends = _mask_after_end(sequences, settings)
    log_probabilities = sequence_log_probability(
        loaded.model,
        encoder_outputs,
        batch["attention_mask"],
        decoder_inputs=sequences[:, :-1],
        targets=sequences[:, 1:],
        counted=ends,
    )
    special = torch.tensor(loaded.tokenizer.all_special_ids, device=sequences.device)
    counts = (~torch.isin(sequences, special)).sum(dim=1)
    summaries = loaded.tokenizer.batch_decode(sequences, skip_special_tokens=True)
    return [
        (summary.strip(), float(log_probability), int(count))
        for summary, log_probability, count in zip(summaries, log_probabilities, counts, strict=True)
    ]


def _mask_after_end(sequences: torch.Tensor, settings: GenerationConfig) -> Any:
    # Position 0 is the decoder's start token, which may be the end token itself (BART), so counting starts after it.
    ends = torch.as_tensor(settings.eos_token_id, device=sequences.device)
    is_end = torch.isin(sequences[:, 1:], ends).int()
    return (is_end.cumsum(dim=1) - is_end) == 0
