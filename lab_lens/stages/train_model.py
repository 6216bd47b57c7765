"""Train a candidate, or adopt a model that was trained before."""

import logging
import platform
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from lab_lens import artifacts
from lab_lens.config import Config
from lab_lens.engine import checkpoint
from lab_lens.engine import device as devices
from lab_lens.engine.distributed import Group, joined, leader_first
from lab_lens.engine.fine_tune import FineTuned, Pairs, fine_tune
from lab_lens.engine.start import start_model
from lab_lens.errors import InputError
from lab_lens.metrics.text import mean_rouge_l
from lab_lens.notes.examples import load_examples
from lab_lens.reporting.html import Block, Facts, Figure, Paragraph, write_page
from lab_lens.reporting.plots import line_curves
from lab_lens.tracking import TrackingTarget, tracked

_logger = logging.getLogger(__name__)
# What several processes start from, beside the checkpoints of their training.
_START = "start"
_VERSIONED = ("torch", "transformers", "tokenizers", "lab-lens")


@dataclass(frozen=True)
class TrainedModel:
    """A model directory and what is known of its training.

    Attributes:
        metrics: finite floats, names as in the report.
        curves: loss (nats a token) and ROUGE-L (0 to 1) as (optimizer step, value); empty when nothing was trained.
    """

    model_dir: Path
    metrics: dict[str, float]
    curves: Mapping[str, Sequence[tuple[float, float]]] = field(default_factory=dict)


def run_train_model(
    train: Path,
    val: Path,
    config: Config,
    *,
    device: str,
    base_model: str,
    trained_model: Path | None,
    checkpoint_dir: Path,
    model_dir: Path,
    html: Path,
    tracking: TrackingTarget | None = None,
) -> TrainedModel:
    """Fine-tune on the training examples, or adopt a trained model as it is.

    Of several processes that train together (`engine.distributed`), which share `checkpoint_dir`, one writes.

    Args:
        train: `train.csv` or its directory.
        val: `val.csv` or its directory.
        config: the run's configuration.
        device: `auto`, `cpu`, `cuda` or `mps`.
        base_model: hub id, directory or `scratch:tiny|small|base`; empty: the configuration's.
        trained_model: directory of a trained model; training is skipped when it is given.
        checkpoint_dir: where an interrupted training leaves its checkpoints and finds them again. Each combination of
            data, base model and settings has its own folder there, removed when the training is done.
        model_dir: receives the model directory.
        html: receives the page with the training curves.
        tracking: the MLflow run to log to.

    Raises:
        InputError: the examples, the base model, the device or the lengths cannot be used, or training and validation
            examples are the same.
    """
    target = devices.resolve_device(device)
    checkpoint.check_model_target(model_dir)
    with joined(target) as group:
        if trained_model is None:
            files = (artifacts.file_in(train, artifacts.TRAIN_CSV), artifacts.file_in(val, artifacts.VAL_CSV))
            pairs = (_pairs(load_examples(files[0])), _pairs(load_examples(files[1])))
            provenance = _provenance(config, base_model or config.model.base_model, files)
            folder = checkpoint_dir / _training_key(provenance)
            trained = _train(provenance["base_model"], *pairs, config, target, folder, group)
            result = TrainedModel(model_dir, _metrics(trained), _curves(trained))
            if group.leads:
                _save(trained, provenance, model_dir, html)
                shutil.rmtree(folder)
        else:
            result = TrainedModel(model_dir, {"training_skipped": 1.0})
            if group.leads:
                _adopt(trained_model, config, model_dir, html)
        if group.leads:
            _track(tracking, config, result, html)
            artifacts.require_written([model_dir / "config.json", model_dir / artifacts.TRAINING_MANIFEST, html])
        group.wait()
    return result


def _train(
    source: str, train: Pairs, val: Pairs, config: Config, device: torch.device, folder: Path, group: Group
) -> FineTuned:
    """Train; when it returns, no process of the group needs the folder any more."""
    model, tokenizer = _start(source, train, config, folder, group)
    _logger.info("training %s on %d examples, device %s", source, len(train.inputs), device)
    trained = fine_tune(
        model, tokenizer, train, val, config, device=device, checkpoint_dir=folder, rouge_l=mean_rouge_l
    )
    group.wait()
    return trained


def _start(source: str, train: Pairs, config: Config, folder: Path, group: Group) -> tuple[Any, Any]:
    """The model to start from; of several processes one downloads or builds it, and all read that one."""
    if group.size == 1:
        return start_model(source, train, config)
    shared = folder / _START
    with leader_first():
        if group.leads:
            model, tokenizer = start_model(source, train, config)
            model.save_pretrained(shared)
            tokenizer.save_pretrained(shared)
        return checkpoint.load_pretrained(str(shared), None)


def _pairs(examples: pd.DataFrame) -> Pairs:
    return Pairs(examples["input_text"].tolist(), examples["target_summary"].tolist())


def _provenance(config: Config, source: str, files: tuple[Path, Path]) -> dict[str, Any]:
    hashes = {role: artifacts.sha256_file(path) for role, path in zip(("train", "val"), files, strict=True)}
    if hashes["train"] == hashes["val"]:
        raise InputError(
            f"{files[0]} and {files[1]} hold the same examples: a model cannot be judged on what it learned"
        )
    return {
        "schema_version": artifacts.SCHEMA_VERSION,
        "base_model": source,
        "revision": config.model.revision,
        "data_hash": artifacts.content_hash(hashes),
        "data_hashes": hashes,
        "config_hash": config.sha256(),
        "config": config.model_dump(mode="json"),
        "seed": config.seed,
        "versions": {"python": platform.python_version(), **{name: version(name) for name in _VERSIONED}},
    }


def _training_key(provenance: dict[str, Any]) -> str:
    deciding = {name: provenance["config"][name] for name in ("model", "training")} | {
        name: provenance[name] for name in ("base_model", "data_hash", "seed")
    }
    return artifacts.sha256_text(str(sorted(deciding.items())))[:16]


def _save(trained: FineTuned, provenance: dict[str, Any], model_dir: Path, html: Path) -> None:
    # No durations here: the same training must give the same bytes, hence the same version in the registry.
    manifest = {
        **provenance,
        "training": {
            "steps": trained.steps,
            "epochs": trained.epochs,
            "best_step": trained.best_step,
            "best_rougeL": trained.best_rouge_l,
        },
    }
    checkpoint.save_model(trained.model, trained.tokenizer, manifest, model_dir)
    write_page(html, "Training", _page(trained, provenance), subtitle=provenance["base_model"])
    _logger.info("best model: step %d, ROUGE-L %.3f (greedy)", trained.best_step, trained.best_rouge_l)


def _metrics(trained: FineTuned) -> dict[str, float]:
    return {
        "best_rougeL_greedy": float(trained.best_rouge_l),
        "best_step": float(trained.best_step),
        "steps": float(trained.steps),
        "epochs": float(trained.epochs),
        "seconds": trained.seconds,
        "resumed_from_step": float(trained.resumed_from_step),
        **{name: points[-1][1] for name, points in _curves(trained).items()},
    }


def _curves(trained: FineTuned) -> dict[str, list[tuple[float, float]]]:
    keys = {"train_loss": "loss", "eval_loss": "eval_loss", "eval_rougeL": "eval_rougeL"}
    curves = {
        name: [(record["step"], float(record[key])) for record in trained.history if key in record]
        for name, key in keys.items()
    }
    return {name: points for name, points in curves.items() if points}


def _page(trained: FineTuned, provenance: dict[str, Any]) -> list[Block]:
    curves = _curves(trained)
    losses: dict[str, Sequence[tuple[float, float]]] = {
        name: curves[name] for name in ("train_loss", "eval_loss") if name in curves
    }
    facts = [
        ("Base model", provenance["base_model"]),
        ("Steps", f"{trained.steps} ({trained.epochs:.2f} epochs)"),
        ("Best step", f"{trained.best_step}: ROUGE-L {trained.best_rouge_l:.3f} on validation notes, greedy decoding"),
        ("Duration", f"{trained.seconds:.0f} seconds"),
        ("Continued from step", str(trained.resumed_from_step) if trained.resumed_from_step else "started afresh"),
    ]
    blocks: list[Block] = [Facts(facts)]
    if losses:
        png = line_curves("Loss", losses, "optimizer step", "loss (nats a token)")
        blocks.append(Figure("Loss", png, "training and validation loss by optimizer step"))
    if "eval_rougeL" in curves:
        png = line_curves("ROUGE-L", {"validation ROUGE-L": curves["eval_rougeL"]}, "optimizer step", "ROUGE-L (F1)")
        blocks.append(Figure("ROUGE-L of generated summaries", png, "ROUGE-L by optimizer step"))
    return blocks


def _adopt(trained_model: Path, config: Config, model_dir: Path, html: Path) -> None:
    loaded = checkpoint.load_model(trained_model, "cpu")
    checkpoint.check_lengths(loaded.model, config.model.max_input_tokens, config.model.max_target_tokens)
    has_manifest = (trained_model / artifacts.TRAINING_MANIFEST).is_file()
    known = checkpoint.read_manifest(trained_model) if has_manifest else {"base_model": "unknown"}
    manifest = {
        **known,
        "schema_version": artifacts.SCHEMA_VERSION,
        "config": config.model_dump(mode="json"),
        "config_hash": config.sha256(),
        "adopted": {"model_hash": checkpoint.model_hash(trained_model), "config_hash": known.get("config_hash")},
    }
    checkpoint.save_model(loaded.model, loaded.tokenizer, manifest, model_dir)
    text = "A trained model was given, so nothing was trained in this run. Its weights are used as they are."
    write_page(html, "Training", [Paragraph(text), Facts([("Base model", str(manifest["base_model"]))])])
    _logger.info("training skipped: the given model is used as it is")


def _track(tracking: TrackingTarget | None, config: Config, result: TrainedModel, html: Path) -> None:
    manifest = checkpoint.read_manifest(result.model_dir)
    with tracked(tracking, "train_model") as tracker:
        tracker.log_params(
            {
                "base_model": manifest["base_model"],
                "config_hash": config.sha256(),
                "seed": config.seed,
                **{f"training.{name}": value for name, value in config.training.model_dump().items()},
                **{f"decoding.{name}": value for name, value in config.decoding.model_dump().items()},
            }
        )
        tracker.log_metrics({f"training/{name}": value for name, value in result.metrics.items()})
        for name, points in result.curves.items():
            for step, value in points:
                tracker.log_metrics({f"training/curves/{name}": value}, step=int(step))
        tracker.log_artifact(html, "training")
