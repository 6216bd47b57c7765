import json
import os
import shutil
import socket
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
import torch
from transformers import BertConfig, GPT2Config

from lab_lens.engine.checkpoint import (
    LoadedModel,
    check_lengths,
    load_model,
    load_pretrained,
    model_hash,
    read_manifest,
    save_model,
)
from lab_lens.engine.generate import generate
from lab_lens.errors import InputError

MANIFEST = {"schema_version": 1, "base_model": "scratch:tiny"}


@pytest.fixture
def model_dir(tiny_model_dir: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return shutil.copytree(tiny_model_dir, tmp_path / "model")


def settings_changed(file: Path, **changes: Any) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def test_a_saved_model_comes_back_in_float32_ready_to_evaluate(loaded: LoadedModel, tmp_path: Path) -> None:
    half = load_model(loaded.path, "cpu").model.to(torch.bfloat16)  # type: ignore[arg-type]
    save_model(half, loaded.tokenizer, MANIFEST, tmp_path / "half")
    again = load_model(tmp_path / "half", "cpu")
    assert {weight.dtype for weight in again.model.parameters()} == {torch.float32}
    assert not again.model.training
    assert again.device == torch.device("cpu")
    assert read_manifest(tmp_path / "half") == MANIFEST


def test_saving_and_loading_changes_no_weight(loaded: LoadedModel, tmp_path: Path) -> None:
    save_model(loaded.model, loaded.tokenizer, MANIFEST, tmp_path)
    again = load_model(tmp_path, "cpu")
    expected = loaded.model.state_dict()
    assert all(torch.equal(weight, expected[name]) for name, weight in again.model.state_dict().items())


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_other_users_may_read_the_files_as_the_umask_says(loaded: LoadedModel, tmp_path: Path) -> None:
    save_model(loaded.model, loaded.tokenizer, MANIFEST, tmp_path / "model")
    plain = tmp_path / "plain"
    plain.touch()
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "model").iterdir()}
    assert modes == {stat.S_IMODE(plain.stat().st_mode)}


def test_the_hash_knows_bytes_and_names_but_not_times(loaded: LoadedModel, model_dir: Path) -> None:
    before = model_hash(model_dir)
    os.utime(model_dir / "config.json", (0, 0))
    assert model_hash(model_dir) == before == model_hash(loaded.path)  # type: ignore[arg-type]

    weights = model_dir / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    changed = model_hash(model_dir)
    (model_dir / "tokenizer_config.json").rename(model_dir / "renamed.json")
    assert len({before, changed, model_hash(model_dir)}) == 3


def test_every_missing_file_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="model directory not found"):
        load_model(tmp_path / "none", "cpu")
    with pytest.raises(InputError, match=r"it has no config\.json, tokenizer_config\.json, \*\.safetensors$"):
        load_model(tmp_path, "cpu")


@pytest.mark.parametrize("other", [GPT2Config(), BertConfig()], ids=["decoder only", "encoder only"])
def test_a_model_that_is_no_encoder_decoder_is_refused_by_its_kind(other: Any, model_dir: Path) -> None:
    other.save_pretrained(model_dir)
    with pytest.raises(InputError, match=f"is a {other.model_type} model; an encoder-decoder model"):
        load_model(model_dir, "cpu")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda path: settings_changed(path / "config.json", encoder_layers=3), r"lacks weights, .*layers\.2\."),
        (lambda path: settings_changed(path / "config.json", vocab_size=900), r"of another size, .*shared\.weight"),
        (lambda path: settings_changed(path / "config.json", model_type="wonder"), "model type `wonder`"),
        (lambda path: (path / "config.json").write_text("{"), "is not a valid JSON file"),
        (lambda path: (path / "model.safetensors").write_bytes(b""), "header too small"),
        (lambda path: (path / "tokenizer.json").write_text("{"), "Expecting property name"),
        (lambda path: (path / "tokenizer.json").unlink(), "Couldn't instantiate the backend tokenizer"),
        (lambda path: settings_changed(path / "tokenizer_config.json", pad_token=None), "no padding token"),
    ],
    ids=["layers", "vocabulary", "kind", "config", "weights", "tokenizer", "no tokenizer", "padding"],
)
def test_a_damaged_model_is_refused_with_its_directory_and_what_is_wrong(
    spoil: Callable[[Path], Any], message: str, model_dir: Path
) -> None:
    spoil(model_dir)
    with pytest.raises(InputError, match=message) as refused:
        load_model(model_dir, "cpu")
    assert str(model_dir) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_tokenizer_with_more_tokens_than_the_model_does_not_belong_to_it(
    loaded: LoadedModel, model_dir: Path
) -> None:
    tokenizer = load_model(model_dir, "cpu").tokenizer
    tokenizer.add_tokens(["furosemide"])
    tokenizer.save_pretrained(model_dir)
    with pytest.raises(InputError, match="the tokenizer has 601 tokens but the model 600"):
        load_model(model_dir, "cpu")


def test_weights_that_the_architecture_does_not_use_are_told(model_dir: Path, caplog: pytest.LogCaptureFixture) -> None:
    settings_changed(model_dir / "config.json", decoder_layers=1)
    load_model(model_dir, "cpu")
    assert caplog.messages == [
        f"{model_dir} holds weights that its config.json has no use for: "
        "model.decoder.layers.1.encoder_attn.k_proj.bias, model.decoder.layers.1.encoder_attn.k_proj.weight, "
        "model.decoder.layers.1.encoder_attn.out_proj.bias, ..."
    ]


def test_pickled_weights_are_never_read(model_dir: Path) -> None:
    weights = model_dir / "model.safetensors"
    weights.rename(model_dir / "pytorch_model.bin")
    with pytest.raises(InputError, match=r"has no \*\.safetensors"):
        load_model(model_dir, "cpu")
    with pytest.raises(InputError, match="only safetensors weights are read"):
        load_pretrained(str(model_dir), None)


@pytest.mark.parametrize("kind", ["bart", "wonder"])
def test_code_that_comes_with_a_model_is_never_run(kind: str, model_dir: Path, tmp_path: Path) -> None:
    trace = tmp_path / "was here"
    (model_dir / "evil.py").write_text(f"open({str(trace)!r}, 'w')\nclass Evil: pass\n")
    names = ("AutoConfig", "AutoModelForSeq2SeqLM", "AutoTokenizer")
    settings_changed(model_dir / "config.json", model_type=kind, auto_map=dict.fromkeys(names, "evil.Evil"))
    if kind == "bart":
        load_model(model_dir, "cpu")
    else:
        with pytest.raises(InputError, match="custom code"):
            load_model(model_dir, "cpu")
    assert not trace.exists()


def test_the_models_own_decoding_defaults_do_not_leak_into_ours(loaded: LoadedModel, model_dir: Path) -> None:
    from lab_lens.config import Decoding

    settings_changed(
        model_dir / "generation_config.json",
        **{"num_beams": 5, "do_sample": True, "repetition_penalty": 9.0, "length_penalty": 4.0, "max_length": 9},
        **{"early_stopping": True, "no_repeat_ngram_size": 1, "min_length": 20},
    )
    limits = {"decoding": Decoding(num_beams=2), "max_input_tokens": 64, "max_target_tokens": 24}
    note = ["Admitted with chest pain and fever."]
    assert generate(load_model(model_dir, "cpu"), note, **limits) == generate(loaded, note, **limits)


def test_a_hub_that_cannot_be_reached_is_told_quickly(monkeypatch: pytest.MonkeyPatch, unreachable_hub: None) -> None:
    started = time.monotonic()
    with pytest.raises(InputError, match=r"model 'nobody/none' cannot be loaded: .*; give a directory, a hub id"):
        load_pretrained("nobody/none", None)
    assert time.monotonic() - started < 5


def test_without_the_hub_an_earlier_download_is_used(
    tiny_model_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unreachable_hub: None
) -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"
    repository = tmp_path / "models--nobody--tiny"
    shutil.copytree(tiny_model_dir, repository / "snapshots" / commit)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    model, tokenizer = load_pretrained("nobody/tiny", None)
    assert len(tokenizer) == model.config.vocab_size == 600


@pytest.fixture
def unreachable_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", f"http://127.0.0.1:{port}")
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def test_both_lengths_beyond_the_models_positions_are_told_at_once(loaded: LoadedModel) -> None:
    check_lengths(loaded.model, 128, 128)
    with pytest.raises(InputError) as refused:
        check_lengths(loaded.model, 129, 1024)
    assert refused.value.problems == (
        "model.max_input_tokens is 129 but the model has 128 positions; set it to at most 128",
        "model.max_target_tokens is 1024 but the model has 128 positions; set it to at most 128",
    )


def test_a_manifest_must_be_an_object(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_manifest(tmp_path)
    (tmp_path / "training_manifest.json").write_text("[1]")
    with pytest.raises(InputError, match=r"must hold an object, not \[1\]"):
        read_manifest(tmp_path)
