"""What a training starts from: a model that somebody trained, or one built from nothing."""

from typing import Any

from lab_lens.config import Config
from lab_lens.engine import checkpoint, scratch
from lab_lens.engine.fine_tune import Pairs


def start_model(source: str, train: Pairs, config: Config) -> tuple[Any, Any]:
    """The model that training starts from (float32, CPU) and its tokenizer.

    Args:
        source: hub id, directory or `scratch:tiny|small|base`.
        train: the training split, which alone may shape a scratch model's vocabulary.
        config: the run's configuration.

    Raises:
        InputError: the source cannot be used, or the configured lengths exceed the model's positions.
    """
    settings = config.model
    if scratch.is_scratch(source):
        return scratch.build_scratch(
            source,
            [*train.inputs, *train.targets],
            vocabulary_tokens=settings.scratch_vocabulary_tokens,
            max_positions=max(settings.max_input_tokens, settings.max_target_tokens),
            seed=config.seed,
        )
    model, tokenizer = checkpoint.load_pretrained(source, settings.revision)
    checkpoint.check_lengths(model, settings.max_input_tokens, settings.max_target_tokens)
    return model, tokenizer
