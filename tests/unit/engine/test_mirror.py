import json
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from lab_lens.engine.checkpoint import load_pretrained
from lab_lens.engine.mirror import mirror_model, read_mirror
from lab_lens.errors import InputError


@pytest.fixture
def pickled(tiny_model_dir: Path, tmp_path: Path) -> Path:
    """The tiny model as PyTorch pickles it, without safetensors."""
    source = tmp_path / "pickled"
    source.mkdir()
    for path in tiny_model_dir.iterdir():
        if path.suffix != ".safetensors":
            (source / path.name).write_bytes(path.read_bytes())
    model, _ = load_pretrained(str(tiny_model_dir), revision=None)
    torch.save(model.state_dict(), source / "pytorch_model.bin")
    return source


def test_pickled_weights_are_converted_and_stay_the_same_numbers(
    pickled: Path, tiny_model_dir: Path, tmp_path: Path
) -> None:
    told, _ = mirror_model(str(pickled), None, tmp_path / "m")
    assert told == read_mirror(tmp_path / "m")
    assert told.converted_from == ("pytorch_model.bin",)
    assert {path.name for path in (tmp_path / "m").iterdir()} == {path.name for path in tiny_model_dir.iterdir()} | {
        "mirror.json"
    }
    original = load_file(tiny_model_dir / "model.safetensors")
    converted = load_file(tmp_path / "m" / "model.safetensors")
    assert converted.keys() == original.keys()
    assert all(torch.equal(converted[name], tensor) for name, tensor in original.items())
    assert mirror_model(str(pickled), None, tmp_path / "m") == (told, False)


def test_weights_in_parts_are_put_together(pickled: Path, tiny_model_dir: Path, tmp_path: Path) -> None:
    weights = torch.load(pickled / "pytorch_model.bin", weights_only=True)
    (pickled / "pytorch_model.bin").unlink()
    names = sorted(weights)
    for number, part in enumerate((names[:9], names[9:]), start=1):
        torch.save({name: weights[name] for name in part}, pickled / f"pytorch_model-0000{number}-of-00002.bin")
    told, _ = mirror_model(str(pickled), None, tmp_path / "m")
    assert len(told.converted_from) == 2
    converted = load_file(tmp_path / "m" / "model.safetensors")
    assert all(torch.equal(converted[name], value) for name, value in weights.items() if name in converted)
    (pickled / "pytorch_model-00001-of-00002.bin").unlink()
    with pytest.raises(InputError, match=r"the weights lack .* of what config\.json asks for: not converted"):
        mirror_model(str(pickled), None, tmp_path / "part")


def test_weights_that_would_run_code_are_refused_and_run_nothing(pickled: Path, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return (open, (str(tmp_path / "pwned"), "w"))

    for content in (pickle.dumps({"model.shared.weight": Evil()}), _saved(tmp_path, {"a": Evil()})):
        (pickled / "pytorch_model.bin").write_bytes(content)
        with pytest.raises(InputError, match=r"pytorch_model\.bin holds more than tensors, so that loading it"):
            mirror_model(str(pickled), None, tmp_path / "m")
    torch.save({"epoch": 3}, pickled / "pytorch_model.bin")
    with pytest.raises(InputError, match="holds more than tensors"):
        mirror_model(str(pickled), None, tmp_path / "m")
    assert not (tmp_path / "pwned").exists()
    assert not (tmp_path / "m").exists()


def _saved(folder: Path, content: Any) -> bytes:
    torch.save(content, folder / "saved.bin")
    return (folder / "saved.bin").read_bytes()


def test_a_directory_can_be_mirrored_and_a_changed_mirror_is_refused(tiny_model_dir: Path, tmp_path: Path) -> None:
    first, changed = mirror_model(str(tiny_model_dir), None, tmp_path / "first")
    assert changed
    assert (first.id, first.revision) == (tiny_model_dir.name, None)
    again, changed = mirror_model(str(tiny_model_dir), None, tmp_path / "first")
    assert (again, changed) == (first, False)
    (tmp_path / "first" / "config.json").write_text("{}")
    with pytest.raises(InputError, match=r"config\.json is not what mirror\.json says; mirror the model again"):
        mirror_model(str(tmp_path / "first"), None, tmp_path / "second")
    repaired, changed = mirror_model(str(tiny_model_dir), None, tmp_path / "first")
    assert (repaired, changed) == (first, True)


def test_what_is_no_encoder_decoder_model_is_refused_by_its_name(tiny_model_dir: Path, tmp_path: Path) -> None:
    source = tmp_path / "decoder"
    source.mkdir()
    for path in tiny_model_dir.iterdir():
        (source / path.name).write_bytes(path.read_bytes())
    (source / "config.json").write_text(json.dumps({"model_type": "gpt2", "vocab_size": 600}))
    with pytest.raises(InputError, match="decoder is a gpt2 model; an encoder-decoder model"):
        mirror_model(str(source), None, tmp_path / "m")
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        (
            {"config.json": "{}"},
            r"has no PyTorch weights \(model\.safetensors or pytorch_model\.bin\); it holds config",
        ),
        ({"config.json": "{}", "pytorch_model.bin": "no pickle"}, "pytorch_model.bin"),
    ],
)
def test_a_directory_without_usable_weights_is_refused(files: dict[str, str], problem: str, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name, text in files.items():
        (source / name).write_text(text)
    with pytest.raises(InputError, match=problem):
        mirror_model(str(source), None, tmp_path / "m")
    assert not (tmp_path / "m").exists()


def test_a_place_that_holds_other_things_is_never_replaced(tiny_model_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.csv").write_text("precious")
    with pytest.raises(InputError, match=r"holds other files and no mirror\.json; give a new or empty directory"):
        mirror_model(str(tiny_model_dir), None, tmp_path)
    with pytest.raises(InputError, match="is a file; give a directory"):
        mirror_model(str(tiny_model_dir), None, tmp_path / "notes.csv")
    with pytest.raises(InputError, match="--revision main is for models of the hub"):
        mirror_model(str(tiny_model_dir), "main", tmp_path / "m")
    assert [path.name for path in tmp_path.iterdir()] == ["notes.csv"]
