"""How a model directory says its model is to be decoded."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from lab_lens import artifacts
from lab_lens.config import Decoding, PositiveInt
from lab_lens.errors import InputError

_LENGTH = TypeAdapter(PositiveInt)


@dataclass(frozen=True)
class DecodingSettings:
    """Decoding of a validated model: the settings and limits that its training manifest holds."""

    decoding: Decoding
    max_input_tokens: int
    max_target_tokens: int

    @property
    def decoding_hash(self) -> str:
        """Hash of all of them, the same that `generation.json` holds."""
        return str(self.decoding.record(self.max_input_tokens, self.max_target_tokens)["decoding_hash"])


def read_settings(model: Path) -> DecodingSettings:
    """Read the settings from a model directory's training manifest, whose other parts may be of any age.

    Raises:
        InputError: there is no such directory, or its manifest is missing or does not hold them.
    """
    if not model.is_dir():
        raise InputError(f"model directory not found: {model}; give a directory written by train-model")
    manifest: Any = artifacts.read_json(model / artifacts.TRAINING_MANIFEST)
    try:
        config = manifest["config"]
        return DecodingSettings(
            decoding=Decoding.model_validate(config["decoding"]),
            max_input_tokens=_LENGTH.validate_python(config["model"]["max_input_tokens"]),
            max_target_tokens=_LENGTH.validate_python(config["model"]["max_target_tokens"]),
        )
    except (KeyError, TypeError, ValidationError) as error:
        raise InputError(
            f"{model / artifacts.TRAINING_MANIFEST} does not say how to decode: it needs config.decoding, "
            "config.model.max_input_tokens and config.model.max_target_tokens, as train-model writes them"
        ) from error
