"""Summarize the held-out notes once; every later stage reads these predictions."""

import logging
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from lab_lens import artifacts
from lab_lens.config import Config
from lab_lens.engine.checkpoint import LoadedModel, load_model, model_hash
from lab_lens.engine.device import resolve_device
from lab_lens.engine.generate import Generation, generate
from lab_lens.engine.prediction_cache import PredictionCache, deciding
from lab_lens.errors import InputError
from lab_lens.notes.examples import load_examples, write_examples
from lab_lens.notes.synthetic import synthetic_note
from lab_lens.progress import report_progress
from lab_lens.registry.open import open_registry

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class GeneratedSummaries:
    """Where the predictions lie; `champion_version` is None when the registry has no production model."""

    predictions_dir: Path
    champion_dir: Path
    champion_version: str | None


def run_generate_summaries(
    model: Path,
    test: Path,
    config: Config,
    *,
    device: str,
    registry: str | Path | None,
    predictions_dir: Path,
    champion_dir: Path,
    champion_cache: Path | None = None,
) -> GeneratedSummaries:
    """Generate the candidate's summaries, and the champion's on the same rows with the same decoding.

    Args:
        model: the candidate's model directory.
        test: `test.csv` or its directory.
        config: the run's configuration.
        device: `auto`, `cpu`, `cuda` or `mps`.
        registry: location of the model registry; None or a directory that does not exist has no champion.
        predictions_dir: receives `predictions.csv`, `generation.json`, and `golden.json`: a synthetic note with the
            candidate's answer, which a deployment of it must repeat.
        champion_dir: receives the champion's, and `champion.json`.
        champion_cache: directory where the champion's summaries of these notes are kept for the next candidate; it
            holds text. None: they are made again every time.

    Raises:
        InputError: the model, the examples, the registry, the device or the cache cannot be used.
    """
    if champion_cache is not None:
        artifacts.require_writable(champion_cache, "--champion-cache")
    test_csv = artifacts.file_in(test, artifacts.TEST_CSV)
    version, champion, reason = _champion_of(registry)
    candidate = load_model(model, device)
    _summarize("candidate", candidate, model, test_csv, config, predictions_dir)
    _answer_golden_note(candidate, model, config, predictions_dir)
    if champion is not None:
        _summarize_champion(champion, test_csv, config, device, champion_cache, champion_dir)
    artifacts.write_json(champion_dir / artifacts.CHAMPION_JSON, {"version": version, "reason": reason})
    written = (artifacts.PREDICTIONS_CSV, artifacts.GENERATION_JSON, artifacts.GOLDEN_JSON)
    artifacts.require_written([*(predictions_dir / name for name in written), champion_dir / artifacts.CHAMPION_JSON])
    return GeneratedSummaries(predictions_dir, champion_dir, version)


def _champion_of(registry: str | Path | None) -> tuple[str | None, Path | None, str]:
    """The champion's version and model directory, None where there is none, and why."""
    if registry is None:
        return None, None, "no registry was given"
    known = open_registry(registry)
    version = known.production()
    if version is None:
        return None, None, "the registry has no production version"
    return version, known.model_dir(version), "production version of the registry"


def _generate(role: str, loaded: LoadedModel, texts: list[str], config: Config) -> list[Generation]:
    try:
        return generate(
            loaded,
            texts,
            decoding=config.decoding,
            max_input_tokens=config.model.max_input_tokens,
            max_target_tokens=config.model.max_target_tokens,
            progress=report_progress(f"{role}'s summaries"),
        )
    except InputError as error:
        # The champion may be another size than the model which the configuration was written for.
        raise InputError([f"{role}: {problem}" for problem in error.problems]) from error


def _answer_golden_note(loaded: LoadedModel, model: Path, config: Config, out: Path) -> None:
    """Keep a note that is nobody's with the candidate's answer: a deployment that answers otherwise is not the same."""
    text = synthetic_note()
    answer = _generate("golden note", loaded, [text], config)[0]
    record = {
        "schema_version": artifacts.SCHEMA_VERSION,
        "text": text,
        "summary": answer.summary,
        "output_tokens": answer.output_tokens,
        "model_hash": model_hash(model),
        "decoding_hash": config.decoding.record(config.model.max_input_tokens, config.model.max_target_tokens)[
            "decoding_hash"
        ],
    }
    artifacts.write_json(out / artifacts.GOLDEN_JSON, record)


def _summarize_champion(
    champion: Path, test_csv: Path, config: Config, device: str, cache: Path | None, out: Path
) -> None:
    """Take the champion's summaries over from an earlier run that would have made the same, or make them."""
    if cache is None:
        _summarize("champion", load_model(champion, device), champion, test_csv, config, out)
        return
    decoding = config.decoding.record(config.model.max_input_tokens, config.model.max_target_tokens)
    made_by = deciding(
        model_hash=model_hash(champion),
        data_hash=artifacts.sha256_file(test_csv),
        decoding_hash=decoding["decoding_hash"],
        device=str(resolve_device(device)),
    )
    kept = PredictionCache(cache)
    if kept.restore(made_by, out):
        _logger.info("champion: summaries taken over from %s (same model, notes, decoding and code)", cache)
        return
    _summarize("champion", load_model(champion, device), champion, test_csv, config, out)
    kept.keep(made_by, out)


def _summarize(role: str, loaded: LoadedModel, model: Path, test_csv: Path, config: Config, out: Path) -> None:
    examples = load_examples(test_csv)
    started = time.monotonic()
    generations = _generate(role, loaded, examples["input_text"].tolist(), config)
    seconds = time.monotonic() - started
    frame = pd.concat(
        [examples[["example_id", "subject_id"]], pd.DataFrame([asdict(generation) for generation in generations])],
        axis=1,
    )
    # A record that is there tells of the predictions beside it: the old one goes first, the new one comes last.
    (out / artifacts.GENERATION_JSON).unlink(missing_ok=True)
    predictions = write_examples(frame, out / artifacts.PREDICTIONS_CSV)
    truncated_fraction = float(frame["truncated"].mean())
    record = {
        "schema_version": artifacts.SCHEMA_VERSION,
        "model_hash": model_hash(model),
        "data_hash": artifacts.sha256_file(test_csv),
        "predictions_sha256": artifacts.sha256_file(predictions),
        **config.decoding.record(config.model.max_input_tokens, config.model.max_target_tokens),
        "backend": "torch",
        "precision": "float32",
        "device": str(loaded.device),
        "examples": len(frame),
        "truncated_fraction": truncated_fraction,
        "seconds": seconds,
    }
    artifacts.write_json(out / artifacts.GENERATION_JSON, record)
    _logger.info(
        "%s: %d summaries in %.1f s, %.0f %% of the notes truncated",
        role,
        len(frame),
        seconds,
        100 * truncated_fraction,
    )
