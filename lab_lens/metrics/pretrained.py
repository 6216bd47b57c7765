"""Load models that measure, encoders and classifiers, from a directory or, where a hub id is given, from the hub."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoTokenizer

from lab_lens.engine.checkpoint import hub_answers, quiet_transformers
from lab_lens.engine.device import resolve_device
from lab_lens.errors import InputError

# A pooler is made at random where a checkpoint has none, and nothing here reads it.
_UNUSED_PART = "pooler"
# These models count positions from the padding token's id on.
_POSITIONS_AFTER_PADDING = frozenset({"roberta", "xlm-roberta", "camembert", "mpnet", "longformer", "xmod"})
_SHOWN_WEIGHTS = 3


@dataclass(frozen=True)
class Pretrained:
    """A model in evaluation mode on its device, and its tokenizer.

    Args:
        name: as the user gave it.
        limit_tokens: the longest input it takes, special tokens included; None: no limit is known.
    """

    name: str
    model: Any
    tokenizer: Any
    device: torch.device
    limit_tokens: int | None


def load_pretrained_part(source: str, auto_class: Any, setting: str, device: str) -> Pretrained:
    """Load a model that measures, in float32, from safetensors alone; a directory never asks the hub.

    Args:
        source: a directory or a hub id.
        auto_class: class of transformers that loads it, such as `AutoModel`.
        setting: where the source was named, as errors call it, such as "validation.bertscore_encoder".
        device: as in `resolve_device`.

    Raises:
        InputError: it cannot be read or reached, has parts that would be random, or the device is unusable.
    """
    target = resolve_device(device)
    local = Path(source).is_dir()
    options = {"trust_remote_code": False, "local_files_only": local or not hub_answers()}
    try:
        with quiet_transformers():
            tokenizer = AutoTokenizer.from_pretrained(source, **options)
            model, loading = auto_class.from_pretrained(
                source, dtype=torch.float32, use_safetensors=True, output_loading_info=True, **options
            )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise InputError(_cannot_load(source, setting, error)) from error
    random = sorted(name for name in loading["missing_keys"] if _UNUSED_PART not in name)
    if random:
        shown = ", ".join(random[:_SHOWN_WEIGHTS])
        raise InputError(f"{setting}: {source} lacks weights that would be random ({shown}, ...); give another model")
    return Pretrained(source, model.to(target).eval(), tokenizer, target, _limit(model.config, tokenizer))


def token_counts(part: Pretrained, texts: Sequence[str]) -> list[int]:
    """Count the tokens of each text, special tokens included, beyond any limit."""
    with quiet_transformers():
        return [len(ids) for ids in part.tokenizer(list(texts), truncation=False)["input_ids"]] if texts else []


def _limit(config: Any, tokenizer: Any) -> int | None:
    positions = getattr(config, "max_position_embeddings", None)
    if positions and config.model_type in _POSITIONS_AFTER_PADDING:
        positions -= config.pad_token_id + 1
    # Tokenizers that know no limit say 1e30.
    known = [limit for limit in (positions, tokenizer.model_max_length) if limit and limit < 1 << 24]
    return min(known, default=None)


def _cannot_load(source: str, setting: str, error: Exception) -> str:
    first_line = str(error).strip().splitlines()[0] if str(error).strip() else error.__class__.__name__
    return (
        f"{setting}: {source!r} cannot be loaded: {first_line.rstrip('.')}; give a directory with config.json, "
        "tokenizer and safetensors weights, or a hub id that this machine can reach"
    )
