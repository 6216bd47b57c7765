"""The model behind the server: loaded once, decoded as it was validated, one request at a time."""

import threading
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lab_lens.engine.checkpoint import load_model, model_hash
from lab_lens.engine.generate import generate
from lab_lens.serving.settings import DecodingSettings


class ServedModel:
    """A loaded model.

    Args:
        path: the model directory.
        settings: how it decodes.
        device: `auto`, `cpu`, `cuda` or `mps`.

    Attributes:
        model_hash: content hash of the model's directory.
        decoding_hash: hash of the decoding settings.

    Raises:
        InputError: the directory is not a complete model, or the device is unusable.
    """

    def __init__(self, path: Path, settings: DecodingSettings, device: str) -> None:
        self.model_hash = model_hash(path)
        self.decoding_hash = settings.decoding_hash
        self._settings = settings
        self._loaded = load_model(path, device)
        # Tokenizer and generation keep state while they run; the server answers requests from several threads.
        self._one_at_a_time = threading.Lock()

    def summarize(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        """Summarize notes.

        Returns:
            One mapping a note, in their order: the fields of `engine.generate.Generation`.
        """
        with self._one_at_a_time:
            generations = generate(
                self._loaded,
                texts,
                decoding=self._settings.decoding,
                max_input_tokens=self._settings.max_input_tokens,
                max_target_tokens=self._settings.max_target_tokens,
            )
        return [asdict(generation) for generation in generations]
