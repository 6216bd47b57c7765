"""BART models built from nothing, for sites without a hub, for tests and for the demo."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, pre_tokenizers, processors
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer
from torch import nn
from transformers import BartConfig, BartForConditionalGeneration, PreTrainedTokenizerFast, set_seed

from lab_lens.errors import InputError

SCRATCH_PREFIX = "scratch:"
# Queries and keys start this much larger than unit vectors, so that attention starts sharper than uniform.
_MATCH_SCALE = 1.5
# Values through cross-attention start as this fraction of the identity, squared.
_COPY_SCALE = 0.7
_SPECIAL_TOKENS = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]


@dataclass(frozen=True)
class _Shape:
    width: int
    layers: int
    heads: int
    dropout: float


# `base` has the shape of BioBART-base; `tiny` learns from a few thousand short notes in minutes on a CPU.
_SHAPES = {
    "tiny": _Shape(width=128, layers=2, heads=4, dropout=0.0),
    "small": _Shape(width=256, layers=3, heads=8, dropout=0.1),
    "base": _Shape(width=768, layers=6, heads=12, dropout=0.1),
}


def is_scratch(base_model: str) -> bool:
    """Whether a base model's name asks for a model built from nothing."""
    return base_model.startswith(SCRATCH_PREFIX)


def build_scratch(
    base_model: str, texts: Iterable[str], *, vocabulary_tokens: int, max_positions: int, seed: int
) -> tuple[Any, Any]:
    """Build BART of a size with random weights, and train its tokenizer on texts.

    Args:
        base_model: `scratch:tiny`, `scratch:small` or `scratch:base`.
        texts: the training split's notes and references; nothing else may shape the vocabulary.
        vocabulary_tokens: tokens at most.
        max_positions: longest sequence in tokens.
        seed: of the weights.

    Returns:
        The model (float32, CPU) and its tokenizer.

    Raises:
        InputError: the size is unknown.
    """
    check_scratch(base_model)
    tokenizer = train_tokenizer(texts, vocabulary_tokens, max_positions)
    model = build_model(base_model.removeprefix(SCRATCH_PREFIX), tokenizer, max_positions, seed)
    initialize_to_copy(model, seed)
    return model, tokenizer


def build_model(size: str, tokenizer: Any, max_positions: int, seed: int) -> Any:
    """Build BART of a size (`tiny`, `small`, `base`) for a tokenizer, with the library's own random weights."""
    set_seed(seed)
    return BartForConditionalGeneration(_bart_config(_SHAPES[size], tokenizer, max_positions))


def check_scratch(base_model: str) -> None:
    """Check that a scratch model's size exists.

    Raises:
        InputError: it does not.
    """
    if base_model.removeprefix(SCRATCH_PREFIX) not in _SHAPES:
        raise InputError(f"base model {base_model!r} is unknown; scratch models: {_names()}")


def _names() -> str:
    return ", ".join(f"{SCRATCH_PREFIX}{size}" for size in _SHAPES)


def train_tokenizer(texts: Iterable[str], vocabulary_tokens: int, max_positions: int) -> Any:
    """Train a byte-level BPE tokenizer with BART's special tokens and frame (`<s> text </s>`)."""
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = BpeTrainer(
        vocab_size=vocabulary_tokens,
        special_tokens=_SPECIAL_TOKENS,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",  # noqa: S106
        eos_token="</s>",  # noqa: S106
        pad_token="<pad>",  # noqa: S106
        unk_token="<unk>",  # noqa: S106
        mask_token="<mask>",  # noqa: S106
        model_max_length=max_positions,
    )


def _bart_config(shape: _Shape, tokenizer: Any, max_positions: int) -> BartConfig:
    return BartConfig(
        vocab_size=len(tokenizer),
        max_position_embeddings=max_positions,
        d_model=shape.width,
        encoder_layers=shape.layers,
        decoder_layers=shape.layers,
        encoder_attention_heads=shape.heads,
        decoder_attention_heads=shape.heads,
        encoder_ffn_dim=4 * shape.width,
        decoder_ffn_dim=4 * shape.width,
        dropout=shape.dropout,
        attention_dropout=0.0,
        activation_dropout=0.0,
        bos_token_id=0,
        pad_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=2,
        forced_eos_token_id=2,
    )


@torch.no_grad()
def initialize_to_copy(model: Any, seed: int) -> None:
    """Start a BART so that attention matches like with like and cross-attention hands on what it found.

    From BART's own random start a small model first learns to ignore the note, and needs far more examples than a
    small site has before it reads it (figures: docs/decisions/0003-scratch-models-start-able-to-copy.md). So queries
    and keys of every head share one projection, values and outputs of cross-attention compose to a fraction of the
    identity (mimetic initialization, Trockman and Kolter, 2023, arXiv:2305.09828), positions are sinusoids
    (Vaswani et al., 2017) of the tokens' own strength, and the other projections follow Glorot and Bengio (2010).
    """
    generator = torch.Generator().manual_seed(seed)
    for layer in (
        module for module in model.modules() if isinstance(module, nn.Linear) and module is not model.lm_head
    ):
        nn.init.xavier_uniform_(layer.weight, generator=generator)
    for name, module in model.named_modules():
        if hasattr(module, "q_proj"):
            _match_like_with_like(module, generator)
            if name.endswith("encoder_attn"):
                _hand_on(module, generator)
    for side in (model.model.encoder, model.model.decoder):
        _use_sinusoids(side.embed_positions.weight, model.config.init_std)


def _match_like_with_like(attention: Any, generator: torch.Generator) -> None:
    width = attention.embed_dim
    shared = torch.randn(width, width, generator=generator) * (_MATCH_SCALE / math.sqrt(width))
    attention.q_proj.weight.copy_(shared)
    attention.k_proj.weight.copy_(shared)


def _hand_on(attention: Any, generator: torch.Generator) -> None:
    width = attention.embed_dim
    rotation = torch.linalg.qr(torch.randn(width, width, generator=generator)).Q
    attention.v_proj.weight.copy_(_COPY_SCALE * rotation)
    attention.out_proj.weight.copy_(_COPY_SCALE * rotation.T)


def _use_sinusoids(positions: torch.Tensor, token_std: float) -> None:
    count, width = positions.shape
    rates = torch.exp(torch.arange(0, width, 2) * (-math.log(10_000.0) / width))
    angles = torch.arange(count).unsqueeze(1) * rates
    amplitude = token_std * math.sqrt(2.0)
    positions[:, 0::2] = amplitude * torch.sin(angles)
    positions[:, 1::2] = amplitude * torch.cos(angles)
