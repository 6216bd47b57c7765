"""BERTScore (Zhang et al. 2020, "BERTScore: Evaluating Text Generation with BERT", ICLR) with any encoder.

The figures are those of the `bert_score` package without idf weights and without rescaling, for encoders whose hidden
states need no last normalization (BERT, RoBERTa, MiniLM, DistilBERT) and whose tokenizer names its cls and sep tokens:
where it does not, the package gives weight to what opens and closes a text, and this does not. Unlike the package it
counts what lies beyond the encoder's limit, takes empty texts, and keeps no embedding longer than its batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoModel

from lab_lens.engine.batching import MAX_BATCH_TOKENS, batch_by_length
from lab_lens.errors import InputError
from lab_lens.metrics.pretrained import Pretrained, load_pretrained_part, token_counts
from lab_lens.metrics.text import check_pairs
from lab_lens.progress import Progress

FloatArray = NDArray[np.float64]

PER_EXAMPLE = ("bertscore_precision", "bertscore_recall", "bertscore_f1")
_SETTING = "validation.bertscore_encoder"
# The layer that agrees best with people on WMT16, as published with the package (version 0.3.13).
BEST_LAYERS = {
    "bert-base-uncased": 9,
    "google-bert/bert-base-uncased": 9,
    "bert-large-uncased": 18,
    "google-bert/bert-large-uncased": 18,
    "roberta-base": 10,
    "FacebookAI/roberta-base": 10,
    "roberta-large": 17,
    "FacebookAI/roberta-large": 17,
    "distilbert-base-uncased": 5,
    "distilbert/distilbert-base-uncased": 5,
    "allenai/scibert_scivocab_uncased": 8,
}


@dataclass(frozen=True)
class BertScores:
    """Scores of n summaries.

    Args:
        per_example: an array of shape (n,) for each name of PER_EXAMPLE, -1 to 1: 0 for a summary without tokens,
            NaN for a reference without tokens.
        summary_tokens_left_out, reference_tokens_left_out: shape (n,); tokens beyond the encoder's limit, not scored.
        signature: what the figures are, for example "encoder:roberta-large|layer:17|idf:no|rescaled:no|limit:512".
    """

    per_example: dict[str, FloatArray]
    summary_tokens_left_out: NDArray[np.int64]
    reference_tokens_left_out: NDArray[np.int64]
    signature: str


@dataclass(frozen=True)
class Encoder:
    """A loaded encoder and the hidden layer to compare, counted from 1."""

    part: Pretrained
    layer: int

    @property
    def signature(self) -> str:
        """What its figures are."""
        limit = self.part.limit_tokens or "none"
        return f"encoder:{self.part.name}|layer:{self.layer}|idf:no|rescaled:no|limit:{limit}"


def load_encoder(source: str, layer: int | None, device: str = "auto") -> Encoder:
    """Load an encoder; of an encoder-decoder model its encoder.

    Args:
        source: a directory or a hub id; the hub is asked only for an id.
        layer: hidden layer, counted from 1; None: the published one of a known hub model.
        device: as in `resolve_device`.

    Raises:
        InputError: it cannot be loaded, no layer is known for it, or it has no such layer.
    """
    layer = layer or BEST_LAYERS.get(source)
    if layer is None:
        raise InputError(
            f"no best layer is known for {source!r}: set validation.bertscore_layer to one of its hidden layers, "
            f"counted from 1; known are {', '.join(name for name in BEST_LAYERS if '/' not in name)}"
        )
    part = load_pretrained_part(source, AutoModel, _SETTING, device)
    layers = part.model.config.num_hidden_layers
    if layer > layers:
        raise InputError(f"validation.bertscore_layer is {layer} but {source!r} has {layers} hidden layers")
    return Encoder(part, layer)


def score_bert(
    encoder: Encoder, summaries: Sequence[str], references: Sequence[str], *, progress: Progress | None = None
) -> BertScores:
    """Score every summary against its reference.

    Raises:
        InputError: no rows, or not as many summaries as references.
    """
    check_pairs(summaries, references)
    given, expected = [text.strip() for text in summaries], [text.strip() for text in references]
    lengths = np.array([token_counts(encoder.part, texts) for texts in (given, expected)])
    limit = encoder.part.limit_tokens
    left_out = np.maximum(lengths - limit, 0) if limit else np.zeros_like(lengths)
    scores = np.empty((len(given), 3))
    done = 0
    # A batch holds its summaries and its references.
    read = (lengths - left_out).sum(axis=0).tolist()
    for batch in batch_by_length(read, MAX_BATCH_TOKENS[encoder.part.device.type]):
        scores[batch] = _score_batch(encoder, [given[row] for row in batch], [expected[row] for row in batch])
        done += len(batch)
        if progress:
            progress(done, len(given))
    return BertScores(dict(zip(PER_EXAMPLE, scores.T, strict=True)), left_out[0], left_out[1], encoder.signature)


@torch.inference_mode()
def _score_batch(encoder: Encoder, summaries: list[str], references: list[str]) -> FloatArray:
    """Precision, recall and F1 of pairs: shape (b, 3)."""
    given, given_weights = _embed(encoder, summaries)
    expected, expected_weights = _embed(encoder, references)
    # Padding is no match for anything: it has cosine 0, as in the package.
    cosines = given @ expected.transpose(1, 2)
    precision = (cosines.amax(dim=2) * given_weights).sum(dim=1)
    recall = (cosines.amax(dim=1) * expected_weights).sum(dim=1)
    f1 = torch.where(precision + recall == 0.0, 0.0, 2 * precision * recall / (precision + recall))
    scores: FloatArray = torch.stack([precision, recall, f1], dim=1).double().cpu().numpy()
    scores[_empty(given_weights)] = 0.0
    scores[_empty(expected_weights)] = np.nan
    return scores


def _embed(encoder: Encoder, texts: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
    """Unit vectors of the tokens, (b, t, d), zero at padding; and weights (b, t) that sum to 1.

    The tokens that open and close a text may be matched, but weigh nothing, as in the package.
    """
    part = encoder.part
    batch = part.tokenizer(
        texts,
        truncation=part.limit_tokens is not None,
        max_length=part.limit_tokens,
        padding=True,
        return_special_tokens_mask=True,
        return_tensors="pt",
    ).to(part.device)
    special = batch.pop("special_tokens_mask").bool()
    model: Any = part.model.get_encoder() if part.model.config.is_encoder_decoder else part.model
    states = model(**batch, output_hidden_states=True).hidden_states[encoder.layer].float()
    mask = batch["attention_mask"].unsqueeze(-1).float()
    vectors = mask * states / states.norm(dim=-1, keepdim=True)
    counted = (batch["attention_mask"].bool() & ~special).float()
    return vectors, counted / counted.sum(dim=1, keepdim=True).clamp_min(1.0)


def _empty(weights: torch.Tensor) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = (weights.sum(dim=1) == 0.0).cpu().numpy()
    return found
