"""Small real things that tests share: examples, settings, prepared files and a model with random weights."""

import gc
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from process_logging import kept_logging

if TYPE_CHECKING:
    import pandas as pd

    from lab_lens.config import Config

pytest.register_assert_rewrite("registry_contract", "registry_moves_contract")

# Tests run in several processes; the servers and trainings that they start would fight for the cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")

TINY_SETTINGS = {
    "seed": 7,
    "data": {"synthetic": {"patients": 40, "detail": "brief"}},
    "model": {
        "base_model": "scratch:tiny",
        "max_input_tokens": 128,
        "max_target_tokens": 32,
        "scratch_vocabulary_tokens": 600,
    },
    "training": {
        "epochs": 1,
        "batch_size": 8,
        "gradient_accumulation_steps": 1,
        "learning_rate": 0.002,
        "warmup_steps": 2,
        "eval_examples": 4,
    },
    # Random weights would often say nothing at all.
    "decoding": {"num_beams": 2, "min_new_tokens": 4},
    "validation": {"bootstrap_resamples": 100},
    "sensitivity": {"num_samples": 2, "perturbations": 10},
}


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """No command that a test calls in this process sets up logging for the next test."""
    with kept_logging():
        yield


@pytest.fixture(scope="session")
def tiny_config() -> "Config":
    """Settings under which every stage takes about a second."""
    from lab_lens.config import parse_config

    return parse_config(json.dumps(TINY_SETTINGS))


@pytest.fixture(scope="session")
def tiny_examples() -> "pd.DataFrame":
    """Examples of 40 made-up patients, as prepare_data makes them."""
    from lab_lens.config import Columns
    from lab_lens.notes.examples import to_examples
    from lab_lens.notes.synthetic import synthetic_examples

    return to_examples(synthetic_examples(40, TINY_SETTINGS["seed"], "brief"), Columns())


@pytest.fixture(scope="session")
def prepared_dir(tiny_config: "Config", tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with train.csv, val.csv and test.csv of the same 40 patients."""
    from lab_lens.stages.prepare_data import run_prepare_data

    out = tmp_path_factory.mktemp("prepared")
    run_prepare_data(
        "synthetic",
        tiny_config,
        train_dir=out,
        val_dir=out,
        test_dir=out,
        report_dir=out / "report",
        html=out / "report" / "page.html",
    )
    return out


@pytest.fixture(scope="session")
def quick_trainings() -> None:
    """Spare trainings, each of which collects garbage, a walk through everything that torch and transformers define."""
    import transformers.trainer_seq2seq  # noqa: F401

    gc.freeze()


@pytest.fixture(scope="session")
def tiny_model_dir(
    tiny_config: "Config", tiny_examples: "pd.DataFrame", tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A model directory whose weights are random; its manifest holds `tiny_config`."""
    from lab_lens.engine.checkpoint import save_model
    from lab_lens.engine.scratch import build_scratch

    path = tmp_path_factory.mktemp("tiny") / "model"
    model, tokenizer = build_scratch(
        tiny_config.model.base_model,
        [*tiny_examples["input_text"], *tiny_examples["target_summary"]],
        vocabulary_tokens=tiny_config.model.scratch_vocabulary_tokens,
        max_positions=tiny_config.model.max_input_tokens,
        seed=tiny_config.seed,
    )
    manifest = {
        "schema_version": 1,
        "base_model": tiny_config.model.base_model,
        "config": tiny_config.model_dump(mode="json"),
        "config_hash": tiny_config.sha256(),
    }
    save_model(model, tokenizer, manifest, path)
    return path
