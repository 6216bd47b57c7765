"""The search itself: ask for parameters, try them, learn; resumable, and the same from the same seed.

The sampler is seeded anew for every trial from the run's seed, the worker and the trial's place. What it proposes
depends on that and on earlier trials alone, so a search that was killed and continued tries what it would have tried.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from lab_lens.config import Config, with_overrides
from lab_lens.config_tuning import Choice, IntRange, SearchSpace
from lab_lens.tuning.study import OpenStudy
from lab_lens.tuning.trials import State, TrialRecord, best_of

if TYPE_CHECKING:
    import optuna

    from lab_lens.engine.fine_tune import Evaluated

_logger = logging.getLogger(__name__)
# The first evaluation says little: a high learning rate may start badly and end well.
_EVALUATIONS_BEFORE_PRUNING = 1
# Names of what a trial remembers in the study beside its parameters.
_ENDING, _REASON, _SECONDS, _RETRY_OF, _BASELINE = "ending", "reason", "seconds", "retry_of", "baseline"

# Tries a configuration, tells each evaluation, returns ROUGE-L (0 to 1).
Objective: TypeAlias = "Callable[[Config, Evaluated], float]"


class TrialFailedError(Exception):
    """These parameters do not work: the training diverged, or needed more memory than there is."""


class _PrunedError(Exception):
    """The trial is not worth its time."""


@dataclass
class Search:
    """A search of one worker.

    Args:
        config: the run's configuration.
        objective: tries one configuration.
        opened: the study that remembers it.
        worker: from 0; seeds and trials are derived from it.
        on_trial: told each trial that has ended, those of earlier processes too.
    """

    config: Config
    objective: Objective
    opened: OpenStudy
    worker: int
    on_trial: Callable[[TrialRecord], None]
    told: set[int] = field(default_factory=set)

    def run(self) -> list[TrialRecord]:
        """Try until the budget is used up; returns every trial of the study, in order.

        A trial that is at work when the minutes end finishes. Killed trials do not count: their retry does.
        """
        study = self.opened.study
        self._settle_killed()
        self._tell()
        share, seconds = self.config.tuning.trials_of(self.worker), 60.0 * self.config.tuning.minutes
        while (done := _counted(study)) < share and (not seconds or _seconds(study) < seconds):
            self._try_next(done)
            self._tell()
        return self.records()

    def records(self) -> list[TrialRecord]:
        """Every trial that has ended, by number."""
        from optuna.trial import TrialState

        trials = self.opened.study.get_trials(deepcopy=False)
        ended = [trial for trial in trials if trial.state not in {TrialState.RUNNING, TrialState.WAITING}]
        return [_record(trial, self.worker) for trial in ended]

    def _tell(self) -> None:
        records = self.records()
        for record in records:
            if record.number not in self.told:
                self.told.add(record.number)
                _log(record, best_of(records), self.config.tuning.trials_of(self.worker))
                self.on_trial(record)

    def _settle_killed(self) -> None:
        """Mark trials whose process ended as failed, and try those that were killed for the first time again."""
        from optuna.trial import TrialState

        study = self.opened.study
        for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            study.tell(trial.number, state=TrialState.FAIL)
            if _RETRY_OF not in trial.user_attrs:
                marks = {_BASELINE: trial.user_attrs.get(_BASELINE, False), _RETRY_OF: trial.number}
                study.enqueue_trial(trial.params, user_attrs=marks)
        self.opened.save()

    def _try_next(self, index: int) -> None:
        study, tuning = self.opened.study, self.config.tuning
        study.sampler = _sampler(self.config, self.worker, index)
        study.pruner = _pruner(self.config)
        if index == 0 and self.worker == 0:
            self._enqueue_baseline()
        trial = study.ask()
        parameters = _suggest(trial, tuning.search_space)
        # What the study says if this process ends now.
        trial.set_user_attr(_ENDING, "killed")
        self.opened.save()
        self._try(trial, parameters)
        self.opened.save()

    def _enqueue_baseline(self) -> None:
        """Let the first trial be the configuration as it was given, where the search space holds it."""
        given = given_values(self.config)
        space = self.config.tuning.search_space
        waiting = self.opened.study.get_trials(deepcopy=False)
        if not waiting and all(space[path].holds(value) for path, value in given.items()):
            self.opened.study.enqueue_trial(given, user_attrs={_BASELINE: True})

    def _try(self, trial: "optuna.Trial", parameters: dict[str, float]) -> None:
        from optuna.trial import TrialState

        started = time.monotonic()
        ending: State
        try:
            config = with_overrides(self.config, parameters, "search space")
            value: float | None = self.objective(config, self._watch(trial, started))
            ending, state, reason = "finished", TrialState.COMPLETE, ""
        except _PrunedError:
            ending, state, reason, value = "pruned", TrialState.PRUNED, "below the median of earlier trials", None
        except TrialFailedError as error:
            ending, state, reason, value = "failed", TrialState.FAIL, str(error), None
        trial.set_user_attr(_ENDING, ending)
        trial.set_user_attr(_REASON, reason)
        trial.set_user_attr(_SECONDS, time.monotonic() - started)
        self.opened.study.tell(trial, value, state=state)

    def _watch(self, trial: "optuna.Trial", started: float) -> "Evaluated":
        evaluations = 0

        def evaluated(_step: int, rouge_l: float) -> None:
            nonlocal evaluations
            evaluations += 1
            trial.report(rouge_l, evaluations)
            trial.set_user_attr(_SECONDS, time.monotonic() - started)
            self.opened.save()
            if self.config.tuning.pruning and evaluations > _EVALUATIONS_BEFORE_PRUNING and trial.should_prune():
                raise _PrunedError

        return evaluated


def given_values(config: Config) -> dict[str, float]:
    """The configuration's own values of the settings that are searched, by dotted path."""
    values = config.model_dump()
    paths = [(path, *path.split(".")) for path in config.tuning.search_space]
    return {path: values[section][name] for path, section, name in paths}


def searches_decoding(config: Config) -> bool:
    """Whether trials differ in how summaries are generated."""
    return any(path.startswith("decoding.") for path in config.tuning.search_space)


def sampler_seed(config: Config, worker: int, index: int) -> int:
    """The seed of a trial's sampler, below 2**32."""
    return int(np.random.SeedSequence([config.seed, worker, index]).generate_state(1)[0])


def _sampler(config: Config, worker: int, index: int) -> "optuna.samplers.BaseSampler":
    from optuna.samplers import TPESampler

    return TPESampler(
        n_startup_trials=config.tuning.startup_trials, multivariate=True, seed=sampler_seed(config, worker, index)
    )


def _pruner(config: Config) -> "optuna.pruners.BasePruner":
    from optuna.pruners import MedianPruner

    return MedianPruner(n_startup_trials=config.tuning.startup_trials)


def _suggest(trial: "optuna.Trial", space: SearchSpace) -> dict[str, float]:
    values: dict[str, float] = {}
    for path, choice in space.items():
        if isinstance(choice, Choice):
            values[path] = trial.suggest_categorical(path, choice.values)
        elif isinstance(choice, IntRange):
            values[path] = trial.suggest_int(path, choice.low, choice.high, step=choice.step)
        else:
            values[path] = trial.suggest_float(path, choice.low, choice.high, log=choice.log)
    return values


def _counted(study: "optuna.Study") -> int:
    """Trials that used up budget: all that ended by themselves, and those that were killed twice."""
    from optuna.trial import TrialState

    trials = study.get_trials(deepcopy=False)
    over = [trial for trial in trials if trial.state not in {TrialState.RUNNING, TrialState.WAITING}]
    return sum(_state(trial) != "killed" for trial in over)


def _seconds(study: "optuna.Study") -> float:
    """Wall time of all trials, of killed ones until their last evaluation."""
    return sum(float(trial.user_attrs.get(_SECONDS, 0.0)) for trial in study.get_trials(deepcopy=False))


def _state(trial: Any) -> State:
    ending: State = trial.user_attrs.get(_ENDING, "killed")
    # Parameters that end their process twice most likely need more memory than there is.
    return "failed" if ending == "killed" and _RETRY_OF in trial.user_attrs else ending


def _record(trial: Any, worker: int) -> TrialRecord:
    attributes, state = trial.user_attrs, _state(trial)
    killed = attributes.get(_ENDING, "killed") == "killed"
    twice = "its process ended in the middle, twice: out of memory?"
    return TrialRecord(
        worker=worker,
        number=trial.number,
        state=state,
        parameters=dict(trial.params),
        value=trial.value if state == "finished" else None,
        intermediate=dict(trial.intermediate_values),
        seconds=round(attributes.get(_SECONDS, 0.0), 3),
        reason=(twice if state == "failed" else "its process ended in the middle") if killed else attributes[_REASON],
        retry_of=attributes.get(_RETRY_OF),
        baseline=attributes.get(_BASELINE, False),
    )


def _log(record: TrialRecord, best: TrialRecord | None, share: int) -> None:
    what = record.state if record.value is None else f"ROUGE-L {record.value:.3f}"
    so_far = "none finished" if best is None else f"best {best.value:.3f}"
    reason = f" ({record.reason})" if record.reason else ""
    _logger.info("%s (of %d): %s%s in %.0f s; %s", record.name, share, what, reason, record.seconds, so_far)
