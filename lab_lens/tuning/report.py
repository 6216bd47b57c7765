"""What a search found, as JSON."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from lab_lens import artifacts
from lab_lens.config import Config
from lab_lens.tuning.importance import parameter_importance
from lab_lens.tuning.search import given_values, searches_decoding
from lab_lens.tuning.trials import State, TrialRecord, best_of


def study_identity(
    config: Config, base_model: str, data_hashes: Mapping[str, str], val_examples: int
) -> dict[str, Any]:
    """What decides the trials of a search, besides its budget; `study` names the combination."""
    settings = config.model_dump(mode="json", include={"seed", "model", "training", "decoding", "tuning"})
    for budget in ("trials", "minutes", "workers"):
        del settings["tuning"][budget]
    deciding = {"settings": settings, "base_model": base_model, "data_hashes": dict(data_hashes)}
    return {
        "study": artifacts.sha256_text(str(sorted(deciding.items())))[:16],
        "base_model": base_model,
        "data_hashes": dict(data_hashes),
        # What each trial is measured on.
        "examples": min(config.training.eval_examples, val_examples),
    }


def tuning_report(
    trials: Sequence[TrialRecord],
    config: Config,
    identity: Mapping[str, Any],
    workers: Sequence[int],
    skipped: str = "",
) -> dict[str, Any]:
    """The content of `tuning_report.json`.

    Args:
        trials: every trial, killed ones too.
        config: the run's configuration, as it was given.
        identity: see `study_identity`.
        workers: whose trials these are.
        skipped: why nothing was tried; empty: something was.
    """
    tuning, best = config.tuning, best_of(trials)
    baseline = _baseline(trials, config)
    return {
        "schema_version": artifacts.SCHEMA_VERSION,
        **identity,
        "config_hash": config.sha256(),
        "skipped": skipped,
        "objective": {
            "metric": "rougeL",
            "split": "val",
            "examples": identity["examples"],
            "decoding": "of each trial" if searches_decoding(config) else "greedy",
        },
        "best": None if best is None else {**best.to_json(), "selection": _selection(trials, identity["examples"])},
        "baseline": baseline,
        "improvement": None if best is None or baseline["value"] is None else _value(best) - baseline["value"],
        "given": given_values(config),
        "search_space": tuning.model_dump(mode="json")["search_space"],
        "sampler": {
            "name": "TPE, multivariate",
            "startup_trials": tuning.startup_trials,
            "seed": config.seed,
            "seed_of_a_trial": "numpy SeedSequence of seed, worker and trials that count before it",
        },
        "pruner": {"name": "median", "startup_trials": tuning.startup_trials} if tuning.pruning else None,
        "budget": _budget(trials, config, workers),
        "counts": {state: sum(trial.state == state for trial in trials) for state in get_args(State)},
        "importance": parameter_importance(trials, tuning.search_space, config.seed),
        "trials": [trial.to_json() for trial in trials],
    }


def failure_of_all(trials: Sequence[TrialRecord]) -> list[str]:
    """Why a search found nothing, in sentences for the user; the commonest reason first."""
    reasons = Counter(trial.reason for trial in trials if trial.state == "failed").most_common()
    told = [f"{count} of {len(trials)} trials: {reason}" for reason, count in reasons]
    return ["no trial finished, so there is nothing to choose from: change tuning.search_space", *told]


def _value(trial: TrialRecord) -> float:
    return 0.0 if trial.value is None else trial.value


def _baseline(trials: Sequence[TrialRecord], config: Config) -> dict[str, Any]:
    """The value of the configuration as it was given, or null and the reason."""
    tried = [trial for trial in trials if trial.baseline and trial.state != "killed"]
    if tried:
        reason = "" if tried[0].value is not None else f"it was tried and {tried[0].state}: {tried[0].reason}"
        return {"value": tried[0].value, "reason": reason}
    space = config.tuning.search_space
    outside = [path for path, value in given_values(config).items() if not space[path].holds(value)]
    if outside:
        return {"value": None, "reason": f"its values lie outside the search space: {', '.join(outside)}"}
    return {"value": None, "reason": "it is tried by worker 0" if trials else "nothing was tried"}


def _selection(trials: Sequence[TrialRecord], examples: int) -> str:
    finished = sum(trial.value is not None for trial in trials)
    return (
        f"optimistic: the highest of {finished} finished trials, chosen on the same {examples} validation notes that "
        "it is measured on; only the test set, which no trial saw, says how good it is"
    )


def _budget(trials: Sequence[TrialRecord], config: Config, workers: Sequence[int]) -> dict[str, Any]:
    tuning = config.tuning
    asked = sum(tuning.trials_of(worker) for worker in workers)
    used = sum(trial.state != "killed" for trial in trials)
    return {
        "workers": list(workers),
        "trials": asked,
        "minutes_per_worker": tuning.minutes,
        "trials_used": used,
        "seconds_used": round(sum(trial.seconds for trial in trials), 3),
        "ended_by": "trials" if used >= asked else "minutes",
    }
