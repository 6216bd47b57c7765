"""Weights in PyTorch's pickle format: turned into safetensors without running anything that they hold."""

import pickle
import shutil
import tempfile
import warnings
from collections.abc import Iterable
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import AutoModelForSeq2SeqLM

from lab_lens.engine.checkpoint import quiet_transformers
from lab_lens.errors import InputError


def convert_to_safetensors(directory: Path, names: Iterable[str], target: Path) -> None:
    """Read pickled weights as tensors alone, and write the same model as safetensors.

    Args:
        directory: holds `config.json` and the weights.
        names: the weights' files, all parts of one model.
        target: receives `model.safetensors` and the configuration as transformers writes it.

    Raises:
        InputError: a file holds anything but tensors, cannot be read, or its weights do not fit the configuration.
    """
    weights: dict[str, torch.Tensor] = {}
    for name in names:
        weights |= _read(directory / name)
    with tempfile.TemporaryDirectory(prefix=".converting-", dir=target.parent) as folder:
        raw = Path(folder)
        shutil.copyfile(directory / "config.json", raw / "config.json")
        # Tied weights share memory, which safetensors refuses; transformers ties and stores them once again below.
        apart = {name: tensor.clone().contiguous() for name, tensor in weights.items()}
        save_file(apart, raw / "model.safetensors", metadata={"format": "pt"})
        missing = _save_as_transformers_does(raw, target)
    if missing:
        raise InputError(f"the weights lack {', '.join(missing[:3])} of what config.json asks for: not converted")


def _save_as_transformers_does(raw: Path, target: Path) -> list[str]:
    """Load the raw weights and save them; gives names of weights that are missing."""
    options = {"use_safetensors": True, "trust_remote_code": False, "dtype": "auto", "output_loading_info": True}
    try:
        with quiet_transformers():
            model, loading = AutoModelForSeq2SeqLM.from_pretrained(raw, **options)
            model.save_pretrained(target)
    except (OSError, ValueError, RuntimeError) as error:
        raise InputError(f"the weights do not fit config.json ({error.__class__.__name__}): not converted") from error
    return sorted(loading["missing_keys"])


def _read(path: Path) -> dict[str, torch.Tensor]:
    refused = (
        f"{path.name} holds more than tensors, so that loading it could run code: it was not loaded; "
        "ask its makers for safetensors, or convert it where that is safe and mirror the directory"
    )
    try:
        with warnings.catch_warnings():
            # It warns of pickle protocols whose instructions it may not know; then it refuses, and that is told.
            warnings.simplefilter("ignore")
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise InputError(refused) from error
    except (OSError, EOFError, RuntimeError, ValueError, KeyError) as error:
        raise InputError(f"{path.name} is damaged ({error.__class__.__name__}): mirror the model again") from error
    if not (isinstance(content, dict) and all(isinstance(value, torch.Tensor) for value in content.values())):
        raise InputError(refused)
    return content
