"""One trial, as it is reported."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

State = Literal["finished", "pruned", "failed", "killed"]


@dataclass(frozen=True)
class TrialRecord:
    """A trial that has ended.

    Attributes:
        worker: the search that made it, from 0.
        number: its place in that search, from 0.
        state: `finished`; `pruned` (worse than the median of others); `failed` (see `reason`); `killed` (its process
            ended in the middle; another trial, which names it in `retry_of`, tried the same parameters again).
        parameters: values by dotted path.
        value: ROUGE-L (0 to 1) on validation notes; None unless finished.
        intermediate: ROUGE-L of greedy summaries by evaluation, counted from 1, since the number of optimizer steps
            between two depends on the batch size.
        seconds: wall time.
        baseline: whether its parameters are those of the configuration as it was given.
    """

    worker: int
    number: int
    state: State
    parameters: Mapping[str, float]
    value: float | None
    intermediate: Mapping[int, float]
    seconds: float
    reason: str = ""
    retry_of: int | None = None
    baseline: bool = False

    @property
    def name(self) -> str:
        """Worker and number in words."""
        return f"worker {self.worker}, trial {self.number}"

    def to_json(self) -> dict[str, Any]:
        """The record as JSON has it: names of an object are strings."""
        return asdict(self) | {"intermediate": {str(at): value for at, value in self.intermediate.items()}}

    @staticmethod
    def from_json(values: Mapping[str, Any]) -> "TrialRecord":
        """What `to_json` gave."""
        intermediate = {int(at): value for at, value in values["intermediate"].items()}
        return TrialRecord(**{**values, "intermediate": intermediate})


def best_of(trials: Sequence[TrialRecord]) -> TrialRecord | None:
    """The finished trial with the highest value, the earliest of equals; None: none finished."""
    finished = [trial for trial in trials if trial.value is not None]
    return max(finished, key=lambda trial: trial.value or 0.0, default=None)
