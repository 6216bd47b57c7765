"""Teacher-forced log-likelihood of given summaries for given inputs."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lab_lens.engine.batching import MAX_BATCH_TOKENS, batch_by_length
from lab_lens.engine.checkpoint import LoadedModel, check_lengths
from lab_lens.errors import InputError
from lab_lens.progress import Progress

IGNORED_LABEL = -100


def score(
    loaded: LoadedModel,
    inputs: Sequence[str],
    targets: Sequence[str],
    *,
    max_input_tokens: int,
    max_target_tokens: int,
    progress: Progress | None = None,
) -> NDArray[np.float64]:
    """Sum of log p(target tokens | input) of each pair, in nats, end token included.

    Args:
        loaded: model, tokenizer and device.
        inputs: n notes, cut at `max_input_tokens`.
        targets: n summaries, cut at `max_target_tokens`.
        max_input_tokens: limit of the encoder's input, special tokens included.
        max_target_tokens: limit of a target, special tokens included.
        progress: called with (done, total) after each batch.

    Returns:
        Array of shape (n,), in the order of the inputs.

    Raises:
        InputError: inputs and targets differ in number, or a limit exceeds the model's positions.
    """
    if len(inputs) != len(targets):
        raise InputError(f"{len(inputs)} inputs but {len(targets)} targets: they must pair up")
    check_lengths(loaded.model, max_input_tokens, max_target_tokens)
    sources = [loaded.tokenizer(text, truncation=True, max_length=max_input_tokens)["input_ids"] for text in inputs]
    labels = [
        loaded.tokenizer(text_target=text, truncation=True, max_length=max_target_tokens)["input_ids"]
        for text in targets
    ]
    scores = np.empty(len(inputs), dtype=np.float64)
    done = 0
    lengths = [len(source) + len(label) for source, label in zip(sources, labels, strict=True)]
    for batch in batch_by_length(lengths, MAX_BATCH_TOKENS[loaded.device.type]):
        scores[batch] = _score_batch(loaded, [sources[i] for i in batch], [labels[i] for i in batch])
        done += len(batch)
        if progress:
            progress(done, len(inputs))
    return scores


@torch.inference_mode()
def _score_batch(loaded: LoadedModel, sources: list[list[int]], labels: list[list[int]]) -> NDArray[np.float64]:
    batch = loaded.tokenizer.pad({"input_ids": sources}, return_tensors="pt").to(loaded.device)
    width = max(len(ids) for ids in labels)
    padded = torch.tensor([ids + [IGNORED_LABEL] * (width - len(ids)) for ids in labels], device=loaded.device)
    counted = padded != IGNORED_LABEL
    decoder_inputs = loaded.model.prepare_decoder_input_ids_from_labels(padded)
    encoder_outputs = loaded.model.get_encoder()(**batch)
    total = sequence_log_probability(
        loaded.model,
        encoder_outputs,
        batch["attention_mask"],
        decoder_inputs=decoder_inputs,
        targets=padded.clamp_min(0),
        counted=counted,
    )
    return total.double().cpu().numpy()


def sequence_log_probability(
    model: Any,
    encoder_outputs: Any,
    attention_mask: torch.Tensor,
    *,
    decoder_inputs: torch.Tensor,
    targets: torch.Tensor,
    counted: torch.Tensor,
) -> torch.Tensor:
    """Sum of log p(target | decoder inputs, encoder outputs) over counted positions.

    Shapes: b sequences of t tokens; `attention_mask` (b, s); `decoder_inputs`, `targets`, `counted` (b, t). Gives (b,).
    """
    logits = model(
        encoder_outputs=encoder_outputs, attention_mask=attention_mask, decoder_input_ids=decoder_inputs
    ).logits.float()
    chosen = logits.gather(-1, targets.unsqueeze(-1)).squeeze(-1) - logits.logsumexp(dim=-1)
    total: torch.Tensor = (chosen * counted).sum(dim=-1)
    return total
