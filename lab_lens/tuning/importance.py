"""How much each searched setting decided, by fANOVA (Hutter et al. 2014) over the finished trials."""

from collections.abc import Sequence
from typing import Any

from lab_lens.config_tuning import Choice, IntRange, SearchSpace
from lab_lens.tuning.trials import TrialRecord

# With fewer, the trees that fANOVA grows say more about chance than about parameters.
MIN_FINISHED_TRIALS = 10
_METHOD = "fANOVA"


def parameter_importance(trials: Sequence[TrialRecord], space: SearchSpace, seed: int) -> dict[str, Any]:
    """Shares of the variance of the value that each setting explains (they sum to 1), or null and the reason."""
    finished = [trial for trial in trials if trial.value is not None]
    if len(finished) < MIN_FINISHED_TRIALS:
        reason = f"insufficient trials: {len(finished)} finished, {MIN_FINISHED_TRIALS} are needed"
        return {"method": _METHOD, "values": None, "reason": reason}
    if len({trial.value for trial in finished}) == 1:
        return {"method": _METHOD, "values": None, "reason": "all finished trials have the same value"}
    return {"method": _METHOD, "values": _fanova(finished, space, seed), "reason": ""}


def _fanova(finished: Sequence[TrialRecord], space: SearchSpace, seed: int) -> dict[str, float]:
    import optuna
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances

    distributions = {path: _distribution(space[path]) for path in space}
    study = optuna.create_study(direction="maximize")
    for trial in finished:
        frozen = optuna.create_trial(params=dict(trial.parameters), distributions=distributions, value=trial.value)
        study.add_trial(frozen)
    shares = get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=seed))
    return {path: float(share) for path, share in sorted(shares.items(), key=lambda item: (-item[1], item[0]))}


def _distribution(choice: Any) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(choice, Choice):
        return CategoricalDistribution(choice.values)
    if isinstance(choice, IntRange):
        return IntDistribution(choice.low, choice.high, step=choice.step)
    return FloatDistribution(choice.low, choice.high, log=choice.log)
