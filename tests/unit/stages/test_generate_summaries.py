import json
import logging
import shutil
from pathlib import Path
from typing import Any

import pytest

from lab_lens.artifacts import sha256_file
from lab_lens.config import Config, with_overrides
from lab_lens.engine.checkpoint import load_model, model_hash
from lab_lens.engine.generate import generate
from lab_lens.errors import InputError
from lab_lens.notes.examples import load_examples
from lab_lens.notes.tables import read_table
from lab_lens.registry.base import Evidence
from lab_lens.registry.local import LocalRegistry
from lab_lens.stages.generate_summaries import GeneratedSummaries, run_generate_summaries


@pytest.fixture(scope="module")
def registry(tiny_model_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> LocalRegistry:
    """Its production version has the weights of the tiny model, but is another model by its manifest."""
    root = tmp_path_factory.mktemp("champion")
    champion = shutil.copytree(tiny_model_dir, root / "model")
    (champion / "training_manifest.json").write_text("{}")
    registry = LocalRegistry(root / "registry")
    registry.register(champion, Evidence({}, {}), actor="ana")
    registry.promote("v1", actor="ana", reason="first", decision_hash="")
    return registry


def summarize(
    model: Path, test: Path, out: Path, config: Config, registry: Path | None = None, **options: Any
) -> GeneratedSummaries:
    places = {"predictions_dir": out / "predictions", "champion_dir": out / "champion"}
    return run_generate_summaries(model, test, config, registry=registry, **({"device": "cpu"} | places | options))


@pytest.fixture(scope="module")
def both(
    tiny_model_dir: Path,
    prepared_dir: Path,
    tiny_config: Config,
    registry: LocalRegistry,
    tmp_path_factory: pytest.TempPathFactory,
) -> GeneratedSummaries:
    return summarize(tiny_model_dir, prepared_dir, tmp_path_factory.mktemp("both"), tiny_config, registry.path)


def record_of(directory: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((directory / "generation.json").read_text())
    return record


def test_predictions_are_the_models_one_a_held_out_note_in_their_order(
    both: GeneratedSummaries, tiny_model_dir: Path, prepared_dir: Path, tiny_config: Config
) -> None:
    examples, predictions = (
        load_examples(prepared_dir / "test.csv"),
        read_table(both.predictions_dir / "predictions.csv"),
    )
    for name in ("example_id", "subject_id"):
        assert predictions[name].tolist() == examples[name].tolist()
    expected = generate(
        load_model(tiny_model_dir, "cpu"),
        examples["input_text"].tolist(),
        decoding=tiny_config.decoding,
        max_input_tokens=tiny_config.model.max_input_tokens,
        max_target_tokens=tiny_config.model.max_target_tokens,
    )
    assert predictions["summary"].tolist() == [generation.summary for generation in expected]
    assert predictions["truncated"].tolist() == [str(generation.truncated) for generation in expected]
    assert predictions["log_probability"].astype(float).tolist() == pytest.approx(
        [generation.log_probability for generation in expected], abs=1e-3
    )


def test_the_record_ties_the_predictions_to_model_data_and_decoding(
    both: GeneratedSummaries, tiny_model_dir: Path, prepared_dir: Path, tiny_config: Config
) -> None:
    record = record_of(both.predictions_dir)
    decoding = tiny_config.decoding.record(128, 32)
    assert record["model_hash"] == model_hash(tiny_model_dir)
    assert record["data_hash"] == sha256_file(prepared_dir / "test.csv")
    for directory in (both.predictions_dir, both.champion_dir):
        assert record_of(directory)["predictions_sha256"] == sha256_file(directory / "predictions.csv")
    assert record["decoding"] == decoding["decoding"]
    assert record["decoding_hash"] == decoding["decoding_hash"]
    assert (record["backend"], record["precision"], record["device"]) == ("torch", "float32", "cpu")
    assert record["examples"] == len(load_examples(prepared_dir / "test.csv"))
    assert record["truncated_fraction"] == 1.0
    assert record["seconds"] > 0


def test_the_record_of_an_earlier_run_does_not_outlive_its_predictions(
    tiny_model_dir: Path, prepared_dir: Path, tiny_config: Config, tmp_path: Path
) -> None:
    out = tmp_path / "predictions"
    # Predictions cannot be put here: as after a kill between the two files.
    (out / "predictions.csv").mkdir(parents=True)
    (out / "generation.json").write_text('{"model_hash": "old"}')
    with pytest.raises(IsADirectoryError):
        summarize(tiny_model_dir, prepared_dir, tmp_path, tiny_config)
    assert not (out / "generation.json").exists()


def test_the_champion_summarizes_the_same_rows_under_the_same_decoding(
    both: GeneratedSummaries, registry: LocalRegistry
) -> None:
    assert both.champion_version == "v1"
    assert json.loads((both.champion_dir / "champion.json").read_text()) == {
        "version": "v1",
        "reason": "production version of the registry",
    }
    candidate, champion = record_of(both.predictions_dir), record_of(both.champion_dir)
    assert champion["model_hash"] == model_hash(registry.model_dir("v1")) != candidate["model_hash"]
    for name in ("data_hash", "decoding_hash", "examples"):
        assert champion[name] == candidate[name]
    assert (both.champion_dir / "predictions.csv").read_bytes() == (
        both.predictions_dir / "predictions.csv"
    ).read_bytes()


@pytest.mark.parametrize("registry_exists", [True, False])
def test_without_a_production_version_the_champion_directory_says_so(
    registry_exists: bool, tiny_model_dir: Path, prepared_dir: Path, tiny_config: Config, tmp_path: Path
) -> None:
    empty = LocalRegistry(tmp_path / "registry")
    if registry_exists:
        empty.register(tiny_model_dir, Evidence({}, {}), actor="ana")
    result = summarize(tiny_model_dir, prepared_dir / "test.csv", tmp_path, tiny_config, empty.path)
    assert result.champion_version is None
    assert [path.name for path in result.champion_dir.iterdir()] == ["champion.json"]
    assert json.loads((result.champion_dir / "champion.json").read_text()) == {
        "version": None,
        "reason": "the registry has no production version",
    }
    assert empty.path.exists() == registry_exists


def test_no_registry_is_told_apart_from_an_empty_one(
    tiny_model_dir: Path, prepared_dir: Path, tiny_config: Config, tmp_path: Path
) -> None:
    result = summarize(tiny_model_dir, prepared_dir, tmp_path, tiny_config, None)
    assert json.loads((result.champion_dir / "champion.json").read_text()) == {
        "version": None,
        "reason": "no registry was given",
    }


def test_a_model_that_says_nothing_still_gives_a_row_a_note(
    tiny_model_dir: Path, prepared_dir: Path, tiny_config: Config, tmp_path: Path
) -> None:
    silent = with_overrides(tiny_config, {"model.max_target_tokens": 2, "decoding.min_new_tokens": 0})
    result = summarize(tiny_model_dir, prepared_dir, tmp_path, silent)
    predictions = read_table(result.predictions_dir / "predictions.csv")
    assert set(predictions["summary"]) == {""}
    assert set(predictions["output_tokens"]) == {"0"}
    assert len(predictions) == record_of(result.predictions_dir)["examples"]


def test_the_log_counts_summaries_and_shows_none(
    tiny_model_dir: Path, prepared_dir: Path, tiny_config: Config, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        result = summarize(tiny_model_dir, prepared_dir, tmp_path, tiny_config)
    count = record_of(result.predictions_dir)["examples"]
    assert f"candidate: {count} summaries in " in caplog.text
    predictions = read_table(result.predictions_dir / "predictions.csv")
    texts = (*predictions["summary"], *load_examples(prepared_dir / "test.csv")["input_text"])
    assert not any(text[:20] in caplog.text for text in texts)


def test_a_limit_beyond_a_models_positions_names_which_of_the_two_models(
    tiny_model_dir: Path, prepared_dir: Path, tiny_config: Config, registry: LocalRegistry, tmp_path: Path
) -> None:
    from lab_lens.engine.checkpoint import save_model
    from lab_lens.engine.scratch import build_scratch

    model, tokenizer = build_scratch("scratch:tiny", ["fever"], vocabulary_tokens=300, max_positions=200, seed=1)
    save_model(model, tokenizer, {}, tmp_path / "long")
    config = with_overrides(tiny_config, {"model.max_input_tokens": 200})
    with pytest.raises(InputError, match=r"^champion: model\.max_input_tokens is 200 but the model has 128 positions"):
        summarize(tmp_path / "long", prepared_dir, tmp_path, config, registry.path)
    with pytest.raises(InputError, match=r"^candidate: model\.max_input_tokens is 200"):
        summarize(tiny_model_dir, prepared_dir, tmp_path, config)


def test_wrong_input_is_refused_and_leaves_nothing(
    tiny_model_dir: Path, prepared_dir: Path, tiny_config: Config, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="model directory not found"):
        summarize(tmp_path / "none", prepared_dir, tmp_path, tiny_config)
    with pytest.raises(InputError, match="none"):
        summarize(tiny_model_dir, tmp_path / "none", tmp_path, tiny_config)
    with pytest.raises(InputError, match="device 'abacus' is unknown"):
        summarize(tiny_model_dir, prepared_dir, tmp_path, tiny_config, device="abacus")
    with pytest.raises(InputError, match="file"):
        summarize(tiny_model_dir, prepared_dir, tmp_path, tiny_config, tmp_path / "file")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_champions_summaries_are_taken_over_by_the_next_candidate(
    tiny_model_dir: Path,
    prepared_dir: Path,
    tiny_config: Config,
    registry: LocalRegistry,
    both: GeneratedSummaries,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    cache = tmp_path / "cache"
    with caplog.at_level(logging.INFO):
        results = [
            summarize(tiny_model_dir, prepared_dir, tmp_path / name, tiny_config, registry.path, champion_cache=cache)
            for name in ("first", "second")
        ]
    assert caplog.text.count("champion: summaries taken over") == 1
    assert record_of(results[0].champion_dir) == record_of(results[1].champion_dir)
    for result in results:
        assert (result.champion_dir / "predictions.csv").read_bytes() == (
            both.champion_dir / "predictions.csv"
        ).read_bytes()
    assert len(list(cache.iterdir())) == 1


def test_a_cache_that_cannot_be_written_is_refused_before_anything_is_generated(
    tiny_model_dir: Path, prepared_dir: Path, tiny_config: Config, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="--champion-cache"):
        summarize(tiny_model_dir, prepared_dir, tmp_path, tiny_config, champion_cache=tmp_path / "file" / "cache")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
