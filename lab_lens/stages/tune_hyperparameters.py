"""Search training and decoding settings on the training and validation examples; the test set is never seen."""

import logging
from collections.abc import Mapping
from pathlib import Path

from lab_lens import artifacts
from lab_lens.config import Config
from lab_lens.engine.device import resolve_device
from lab_lens.engine.fine_tune import Pairs
from lab_lens.errors import InputError
from lab_lens.notes.examples import load_examples
from lab_lens.tracking import TrackingTarget, record_child, tracked
from lab_lens.tuning.outcome import TuningResult, track_outcome, write_outcome
from lab_lens.tuning.report import failure_of_all, study_identity, tuning_report
from lab_lens.tuning.search import Search
from lab_lens.tuning.study import open_study
from lab_lens.tuning.training import training_objective
from lab_lens.tuning.trials import TrialRecord

_logger = logging.getLogger(__name__)
_STAGE = "tune_hyperparameters"
_MLFLOW_STATUS = {"finished": "FINISHED", "pruned": "FINISHED", "failed": "FAILED", "killed": "KILLED"}


def run_tune_hyperparameters(
    train: Path,
    val: Path,
    config: Config,
    *,
    device: str,
    base_model: str,
    study: Path,
    out_dir: Path,
    html: Path,
    worker: int = 0,
    trained_model: Path | None = None,
    tracking: TrackingTarget | None = None,
) -> TuningResult:
    """Try settings until the budget of `config.tuning` is used up; an interrupted search continues from its study.

    Args:
        train: `train.csv` or its directory.
        val: `val.csv` or its directory.
        config: the run's configuration.
        device: `auto`, `cpu`, `cuda` or `mps`.
        base_model: hub id, directory or `scratch:tiny|small|base`; empty: the configuration's.
        study: SQLite file that outlives the process; each combination of data, base model and settings (the budget
            apart) is a study of its own in it.
        out_dir: receives `tuned_config.json`, `tuning_report.json` and figures.
        html: receives the page.
        worker: which of `tuning.workers` this is, from 0; it gets its share of the trials and seeds of its own.
        trained_model: directory of a trained model, which training would adopt: nothing is tuned then.
        tracking: the MLflow run to log to; each trial becomes a child run.

    Raises:
        InputError: something given cannot be used, no tuning is asked for, or no trial finished.
    """
    _check(config, worker)
    source = base_model or config.model.base_model
    files = {"train": artifacts.file_in(train, artifacts.TRAIN_CSV), "val": artifacts.file_in(val, artifacts.VAL_CSV)}
    with tracked(tracking, _STAGE) as tracker:
        if trained_model is None:
            hashes, pairs = _hashes(files), {role: _pairs(path) for role, path in files.items()}
            identity = study_identity(config, source, hashes, len(pairs["val"].inputs))
            trials, skipped = _search(config, source, pairs, device, study, identity["study"], worker, tracking), ""
        else:
            identity = study_identity(config, str(trained_model), {}, 0)
            trials, skipped = [], "a trained model was given, which is used as it is"
            _logger.info("tuning skipped: %s", skipped)
        report = tuning_report(trials, config, identity, [worker], skipped)
        result = write_outcome(report, config, out_dir, html)
        if trials and report["best"] is None and config.tuning.workers == 1:
            raise InputError(failure_of_all(trials))
        if config.tuning.workers == 1:
            track_outcome(tracker, result, report["best"], html)
    return result


def _check(config: Config, worker: int) -> None:
    tuning = config.tuning
    if not tuning.trials:
        raise InputError("tuning.trials is 0, so there is nothing to try: give --trials N, or set it in the config")
    if not 0 <= worker < tuning.workers:
        raise InputError(f"worker {worker} does not exist; tuning.workers is {tuning.workers}, counted from 0")


def _search(
    config: Config,
    source: str,
    pairs: Mapping[str, Pairs],
    device: str,
    study: Path,
    name: str,
    worker: int,
    tracking: TrackingTarget | None,
) -> list[TrialRecord]:
    target = resolve_device(device)
    with open_study(study, f"{name}-worker-{worker}") as opened:
        objective = training_objective(source, pairs["train"], pairs["val"], config, target)
        return Search(config, objective, opened, worker, lambda trial: _record_trial(tracking, trial)).run()


def _hashes(files: Mapping[str, Path]) -> dict[str, str]:
    missing = [f"no such file: {path}" for path in files.values() if not path.is_file()]
    if missing:
        raise InputError(missing)
    hashes = {role: artifacts.sha256_file(path) for role, path in files.items()}
    if hashes["train"] == hashes["val"]:
        raise InputError(
            f"{files['train']} and {files['val']} hold the same examples: settings cannot be judged on what was learned"
        )
    return hashes


def _pairs(path: Path) -> Pairs:
    examples = load_examples(path)
    return Pairs(examples["input_text"].tolist(), examples["target_summary"].tolist())


def _record_trial(tracking: TrackingTarget | None, trial: TrialRecord) -> None:
    curve = [(step, {"rougeL": value}) for step, value in trial.intermediate.items()]
    ended = {"objective": trial.value, "seconds": trial.seconds}
    record_child(
        tracking,
        _STAGE,
        trial.name,
        params=trial.parameters,
        metrics=[*curve, (0, ended)],
        status=_MLFLOW_STATUS[trial.state],
        tags={"lab_lens.trial_state": trial.state},
    )
