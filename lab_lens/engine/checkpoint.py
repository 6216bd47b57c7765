"""Load and save model directories: `save_pretrained` layout, safetensors only, never code from a model."""

import json
import logging
import socket
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

import torch
from huggingface_hub import constants
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForSeq2SeqLM, AutoTokenizer, GenerationConfig
from transformers.utils import logging as transformers_logging

from lab_lens import artifacts
from lab_lens.engine.device import resolve_device
from lab_lens.errors import InputError

# What a model itself says about generation; everything else is ours to say.
SPECIAL_TOKENS = (
    "bos_token_id",
    "eos_token_id",
    "pad_token_id",
    "decoder_start_token_id",
    "forced_bos_token_id",
    "forced_eos_token_id",
)
_HUB_TIMEOUT_SECONDS = 5.0
_PORTS = {"https": 443, "http": 80}
_SHOWN_WEIGHTS = 3
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class LoadedModel:
    """A model in evaluation mode on its device, with its tokenizer. `path` is None for one that was never saved."""

    model: Any
    tokenizer: Any
    device: torch.device
    path: Path | None = None


def load_model(path: Path, device: str) -> LoadedModel:
    """Load a model directory onto a device, in float32.

    Raises:
        InputError: the directory is not a complete encoder-decoder model in safetensors, or the device is unusable.
    """
    target = resolve_device(device)
    check_model_directory(path)
    model, tokenizer = load_pretrained(str(path), revision=None)
    return LoadedModel(model.to(target).eval(), tokenizer, target, path)


def check_model_directory(path: Path) -> None:
    """Check that a directory holds what a model needs.

    Raises:
        InputError: naming every file that is missing.
    """
    if not path.is_dir():
        raise InputError(f"model directory not found: {path}; give a directory written by save_pretrained")
    missing = [name for name in ("config.json", "tokenizer_config.json") if not (path / name).is_file()]
    if not list(path.glob("*.safetensors")):
        missing.append("*.safetensors")
    if missing:
        raise InputError(f"{path} is not a model directory: it has no {', '.join(missing)}")


def load_pretrained(source: str, revision: str | None) -> tuple[Any, Any]:
    """Load a model and its tokenizer from a hub id or a directory; without the hub, from what was downloaded before.

    Raises:
        InputError: the source cannot be reached or read, is not an encoder-decoder model, or its parts do not belong
            together.
    """
    options = {"revision": revision, "trust_remote_code": False}
    if not Path(source).is_dir() and not hub_answers():
        _logger.info("the model hub cannot be reached: looking for %s among earlier downloads", source)
        options["local_files_only"] = True
    try:
        with quiet_transformers():
            config = AutoConfig.from_pretrained(source, **options)
            if not config.is_encoder_decoder:
                raise InputError(
                    f"{source} is a {config.model_type} model; an encoder-decoder model (BART, T5) is needed"
                )
            tokenizer = AutoTokenizer.from_pretrained(source, **options)
            model, loading = AutoModelForSeq2SeqLM.from_pretrained(
                source,
                dtype=torch.float32,
                use_safetensors=True,
                ignore_mismatched_sizes=True,
                output_loading_info=True,
                **options,
            )
    except (OSError, ValueError, SafetensorError) as error:
        raise InputError(_cannot_load(source, error)) from error
    _check_weights(source, loading)
    _check_tokenizer(source, tokenizer, model.config.vocab_size)
    # `generate` fills what our settings leave open from the model's own, so of those it keeps its tokens alone.
    tokens = {name: getattr(model.generation_config, name) for name in SPECIAL_TOKENS}
    model.generation_config = GenerationConfig(**tokens)
    return model, tokenizer


def hub_answers() -> bool:
    """Whether the model hub can be reached from here, as far as can be told in seconds."""
    # On its own the download code tries again for half a minute, and for minutes behind a firewall that says nothing.
    hub = urlsplit(constants.ENDPOINT)
    if getproxies():
        return True
    try:
        socket.create_connection((hub.hostname, hub.port or _PORTS[hub.scheme]), timeout=_HUB_TIMEOUT_SECONDS).close()
    except OSError:
        return False
    return True


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Keep bars and notices of transformers, such as tables of weights, out of our lines; we say what matters."""
    verbosity, shows_bars = transformers_logging.get_verbosity(), transformers_logging.is_progress_bar_enabled()
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(verbosity)
        if shows_bars:
            transformers_logging.enable_progress_bar()


def _check_weights(source: str, loading: dict[str, Any]) -> None:
    wrong_size = [name for name, *_ in loading["mismatched_keys"]]
    found = {"lacks weights": list(loading["missing_keys"]), "has weights of another size": wrong_size}
    problems = [
        f"{source} {what}, which would be random: {_some(names)}; its config.json belongs to another model"
        for what, names in found.items()
        if names
    ]
    if problems:
        raise InputError(problems)
    if unused := loading["unexpected_keys"]:
        _logger.warning("%s holds weights that its config.json has no use for: %s", source, _some(unused))


def _some(names: Iterable[str]) -> str:
    ordered = sorted(names)
    return ", ".join(ordered[:_SHOWN_WEIGHTS]) + (", ..." if len(ordered) > _SHOWN_WEIGHTS else "")


def _check_tokenizer(source: str, tokenizer: Any, vocabulary_tokens: int) -> None:
    if len(tokenizer) > vocabulary_tokens:
        raise InputError(
            f"{source}: the tokenizer has {len(tokenizer)} tokens but the model {vocabulary_tokens}; "
            "they do not belong together"
        )
    if tokenizer.pad_token_id is None:
        raise InputError(f"{source}: the tokenizer has no padding token, which batches need")


def _cannot_load(source: str, error: Exception) -> str:
    first_line = str(error).strip().splitlines()[0] if str(error).strip() else error.__class__.__name__
    return (
        f"model {source!r} cannot be loaded: {first_line.rstrip('.')}; give a directory, a hub id that this machine "
        "can reach (only safetensors weights are read), or scratch:tiny|small|base"
    )


def max_positions(model: Any) -> int | None:
    """The longest input in tokens that the model has positions for; None when it has no such limit."""
    limit = getattr(model.config, "max_position_embeddings", None)
    return int(limit) if limit else None


def check_lengths(model: Any, max_input_tokens: int, max_target_tokens: int) -> None:
    """Check that the model has positions for the configured lengths.

    Raises:
        InputError: a configured length exceeds the model's positions.
    """
    limit = max_positions(model)
    lengths = {"model.max_input_tokens": max_input_tokens, "model.max_target_tokens": max_target_tokens}
    problems = [
        f"{name} is {value} but the model has {limit} positions; set it to at most {limit}"
        for name, value in lengths.items()
        if limit is not None and value > limit
    ]
    if problems:
        raise InputError(problems)


def save_model(model: Any, tokenizer: Any, manifest: dict[str, Any], path: Path) -> None:
    """Write a model directory with its training manifest, beside its place first; a former model there is replaced.

    Raises:
        InputError: the directory holds something else than a former model of ours.
    """
    check_model_target(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
        staging = Path(folder) / "model"
        with quiet_transformers():
            model.save_pretrained(staging)
            tokenizer.save_pretrained(staging)
        for weights in staging.glob("*.safetensors"):
            artifacts.give_default_mode(weights)
        artifacts.write_json(staging / artifacts.TRAINING_MANIFEST, manifest)
        for file in staging.iterdir():
            artifacts.fsync_file(file)
        if path.exists():
            artifacts.move_directory(path, Path(folder) / "former", artifacts.TRAINING_MANIFEST)
        artifacts.move_directory(staging, path, artifacts.TRAINING_MANIFEST)


def check_model_target(path: Path) -> None:
    """Check that a model may be written to a directory: it is new, empty, or holds a former model of ours.

    Raises:
        InputError: it holds other files, which would become part of the model, or is a file.
    """
    if path.is_file():
        raise InputError(f"the model directory {path} is a file; give a directory")
    if path.is_dir() and any(path.iterdir()) and not (path / artifacts.TRAINING_MANIFEST).is_file():
        raise InputError(f"the model directory {path} holds other files; give a new or empty one")


def read_manifest(path: Path) -> dict[str, Any]:
    """Read a model directory's training manifest.

    Raises:
        InputError: it is missing or not JSON.
    """
    manifest = artifacts.read_json(path / artifacts.TRAINING_MANIFEST)
    if not isinstance(manifest, dict):
        raise InputError(f"{path / artifacts.TRAINING_MANIFEST} must hold an object, not {json.dumps(manifest)[:40]}")
    return manifest


def model_hash(path: Path) -> str:
    """Content hash of every file of a model directory (names and bytes; times do not count)."""
    return artifacts.content_hash(artifacts.sha256_files(path))
