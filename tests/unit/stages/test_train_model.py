import json
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lab_lens.artifacts import sha256_file
from lab_lens.config import Config, with_overrides
from lab_lens.engine.checkpoint import load_model, model_hash
from lab_lens.engine.generate import generate
from lab_lens.errors import InputError
from lab_lens.stages.train_model import TrainedModel, run_train_model


@pytest.fixture(scope="module")
def config(quick_trainings: None, tiny_config: Config) -> Config:
    """Four steps, evaluated at steps 2 and 4."""
    settings = {"model.max_input_tokens": 64, "model.max_target_tokens": 24, "training.eval_examples": 2}
    return with_overrides(tiny_config, settings | {"training.evaluations_per_epoch": 2})


def train(data: Path, out: Path, config: Config, **options: Any) -> TrainedModel:
    places = {"checkpoint_dir": out / "checkpoints", "model_dir": out / "model", "html": out / "training.html"}
    choices = {"device": "cpu", "base_model": "", "trained_model": None}
    return run_train_model(data, data, config, **(choices | places | options))


@pytest.fixture(scope="module")
def trained(prepared_dir: Path, config: Config, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, TrainedModel]:
    out = tmp_path_factory.mktemp("trained")
    return out, train(prepared_dir, out, config)


def manifest_of(out: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((out / "model" / "training_manifest.json").read_text())
    return manifest


def test_the_manifest_says_what_the_model_was_made_from(
    trained: tuple[Path, TrainedModel], prepared_dir: Path, config: Config
) -> None:
    out, result = trained
    manifest = manifest_of(out)
    assert manifest["base_model"] == "scratch:tiny"
    assert manifest["seed"] == config.seed
    assert manifest["config"] == json.loads(config.to_json())
    assert manifest["config_hash"] == config.sha256()
    assert manifest["data_hashes"] == {name: sha256_file(prepared_dir / f"{name}.csv") for name in ("train", "val")}
    assert {"python", "torch", "transformers"} <= set(manifest["versions"])
    assert manifest["training"] == {
        "steps": 4,
        "epochs": 1.0,
        "best_step": result.metrics["best_step"],
        "best_rougeL": result.metrics["best_rougeL_greedy"],
    }


def test_the_model_directory_holds_a_model_that_summarizes(trained: tuple[Path, TrainedModel], config: Config) -> None:
    loaded = load_model(trained[1].model_dir, "cpu")
    limits = {"max_input_tokens": 64, "max_target_tokens": 24}
    assert generate(loaded, ["Admitted with fever."], decoding=config.decoding, **limits)[0].summary
    assert {path.suffix for path in trained[1].model_dir.iterdir()} == {".json", ".safetensors"}


def test_a_finished_training_leaves_its_metrics_and_curves_but_no_checkpoint(
    trained: tuple[Path, TrainedModel],
) -> None:
    out, result = trained
    assert list((out / "checkpoints").iterdir()) == []
    assert result.metrics["steps"] == 4.0
    assert result.metrics["resumed_from_step"] == 0.0
    assert 0 <= result.metrics["best_rougeL_greedy"] <= 1
    assert {"train_loss", "eval_loss", "eval_rougeL", "seconds"} <= set(result.metrics)
    assert result.metrics["best_step"] in {2.0, 4.0}
    page = (out / "training.html").read_text(encoding="utf-8")
    assert page.count("data:image/png") == 2
    assert "started afresh" in page


@contextmanager
def interrupted_at(evaluation: int) -> Iterator[None]:
    """Ctrl-C while an evaluation is being reported."""

    class Interrupt(logging.Handler):
        evaluations = 0

        def emit(self, record: logging.LogRecord) -> None:
            self.evaluations += record.getMessage().startswith("step ")
            if self.evaluations == evaluation:
                raise KeyboardInterrupt

    logger, handler = logging.getLogger("lab_lens.engine.fine_tune"), Interrupt()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        with pytest.raises(KeyboardInterrupt):
            yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


def test_an_interrupted_training_continues_and_gives_the_same_model(
    trained: tuple[Path, TrainedModel], prepared_dir: Path, config: Config, tmp_path: Path
) -> None:
    with interrupted_at(evaluation=2):
        train(prepared_dir, tmp_path, config)
    assert not (tmp_path / "model").exists()
    continued = train(prepared_dir, tmp_path, config)
    assert continued.metrics["resumed_from_step"] == 2.0
    assert list((tmp_path / "checkpoints").iterdir()) == []
    assert "started afresh" not in (tmp_path / "training.html").read_text(encoding="utf-8")
    # The registry stores a model once, by its content: the same training must give the same bytes.
    assert manifest_of(tmp_path) == manifest_of(trained[0])
    assert model_hash(continued.model_dir) == model_hash(trained[1].model_dir)


@pytest.mark.parametrize("changed", ["settings", "data"])
def test_another_training_never_continues_from_this_ones_checkpoint(
    changed: str, prepared_dir: Path, config: Config, tmp_path: Path
) -> None:
    with interrupted_at(evaluation=2):
        train(prepared_dir, tmp_path, config)
    data = shutil.copytree(prepared_dir, tmp_path / "data")
    if changed == "data":
        rows = pd.read_csv(data / "train.csv", dtype=str, keep_default_na=False)
        rows.iloc[:-1].to_csv(data / "train.csv", index=False)
    learning_rate = 0.001 if changed == "settings" else None
    other = train(data, tmp_path, with_overrides(config, {"training.learning_rate": learning_rate}))
    assert other.metrics["resumed_from_step"] == 0.0
    (kept,) = (tmp_path / "checkpoints").iterdir()
    assert (kept / "checkpoint-2").is_dir()


def test_the_named_base_model_wins_over_the_configurations(
    tiny_model_dir: Path, prepared_dir: Path, config: Config, tmp_path: Path
) -> None:
    short = with_overrides(config, {"training.max_steps": 1})
    train(prepared_dir, tmp_path, short, base_model=str(tiny_model_dir))
    assert manifest_of(tmp_path)["base_model"] == str(tiny_model_dir)
    vocabulary = (tmp_path / "model" / "tokenizer.json").read_text(encoding="utf-8")
    assert json.loads(vocabulary)["model"] == json.loads((tiny_model_dir / "tokenizer.json").read_text())["model"]


def test_a_trained_model_is_adopted_as_it_is(
    trained: tuple[Path, TrainedModel], tiny_config: Config, tmp_path: Path
) -> None:
    given = trained[1].model_dir
    other = with_overrides(tiny_config, {"model.max_input_tokens": 60, "model.max_target_tokens": 20})
    result = train(tmp_path / "no data is needed", tmp_path, other, trained_model=given)
    assert result.metrics == {"training_skipped": 1.0}
    assert sha256_file(result.model_dir / "model.safetensors") == sha256_file(given / "model.safetensors")
    before, manifest = manifest_of(trained[0]), manifest_of(tmp_path)
    # It is judged and served with this run's settings, and remembers what it was.
    assert manifest["config"]["model"]["max_input_tokens"] == 60
    assert manifest["config_hash"] == other.sha256()
    assert manifest["adopted"] == {"model_hash": model_hash(given), "config_hash": before["config_hash"]}
    unchanged = ("base_model", "data_hash", "seed", "training", "versions")
    assert {name: manifest[name] for name in unchanged} == {name: before[name] for name in unchanged}
    assert "nothing was trained" in (tmp_path / "training.html").read_text(encoding="utf-8")


def test_a_model_from_elsewhere_can_be_adopted_without_a_manifest(
    tiny_model_dir: Path, config: Config, tmp_path: Path
) -> None:
    foreign = shutil.copytree(tiny_model_dir, tmp_path / "foreign")
    (foreign / "training_manifest.json").unlink()
    train(tmp_path, tmp_path, config, trained_model=foreign)
    assert manifest_of(tmp_path)["base_model"] == "unknown"


@pytest.mark.parametrize("adopt", [True, False], ids=["adopted", "fine-tuned"])
def test_lengths_that_the_model_has_no_positions_for_are_refused_before_any_work(
    adopt: bool, tiny_model_dir: Path, prepared_dir: Path, tiny_config: Config, tmp_path: Path
) -> None:
    long = with_overrides(tiny_config, {"model.max_input_tokens": 1024})
    source = {"trained_model": tiny_model_dir} if adopt else {"base_model": str(tiny_model_dir)}
    with pytest.raises(InputError, match=r"model\.max_input_tokens is 1024 but the model has 128 positions"):
        train(prepared_dir, tmp_path, long, **source)
    assert list(tmp_path.iterdir()) == []


def test_wrong_input_is_refused_and_leaves_nothing(prepared_dir: Path, config: Config, tmp_path: Path) -> None:
    for options, message in (
        ({"device": "abacus"}, "device 'abacus' is unknown"),
        ({"base_model": "scratch:huge"}, "'scratch:huge' is unknown"),
        ({"trained_model": tmp_path / "none"}, "model directory not found"),
    ):
        with pytest.raises(InputError, match=message):
            train(prepared_dir, tmp_path, config, **options)
    with pytest.raises(InputError, match="none"):
        train(tmp_path / "none", tmp_path, config)
    with pytest.raises(InputError, match="hold the same examples"):
        train(prepared_dir / "train.csv", tmp_path, config)
    assert list(tmp_path.iterdir()) == []
