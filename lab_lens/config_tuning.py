"""Settings of hyperparameter tuning: its budget, and the space that is searched."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, PlainSerializer, ValidatorFunctionWrapHandler, WrapValidator, model_validator

from lab_lens.config_text import Section

# These decide how well a trial is measured, not how good it is: trials that differ in them cannot be compared.
_MEASURING = ("training.eval_examples", "training.evaluations_per_epoch")


def _as_given(value: Any, check: ValidatorFunctionWrapHandler) -> Any:
    check(value)
    return value


# 8 stays 8: 8.0 is no batch size.
Number = Annotated[float, WrapValidator(_as_given), PlainSerializer(lambda value: value)]


class FloatRange(Section):
    """Any number from `low` to `high`, evenly or by its logarithm."""

    type: Literal["float"] = "float"
    low: float
    high: float
    log: bool = Field(False, description="even on a logarithmic scale; low must be above 0")

    def edges(self) -> tuple[float, ...]:
        """Values that show whether a setting takes the range."""
        return (self.low, self.high)

    def problem(self) -> str:
        """What is wrong with the range by itself; empty: nothing."""
        if self.low >= self.high:
            return f"low ({self.low:g}) must be below high ({self.high:g})"
        return f"low is {self.low:g}; on a logarithmic scale it must be above 0" if self.log and self.low <= 0 else ""

    def holds(self, value: float) -> bool:
        """Whether the search could come to a value."""
        return self.low <= value <= self.high


class IntRange(Section):
    """Whole numbers from `low` to `high` in steps."""

    type: Literal["int"] = "int"
    low: int
    high: int
    step: Annotated[int, Field(ge=1)] = 1

    def edges(self) -> tuple[float, ...]:
        """Values that show whether a setting takes the range."""
        return (self.low, self.high)

    def problem(self) -> str:
        """What is wrong with the range by itself; empty: nothing."""
        if self.low >= self.high:
            return f"low ({self.low}) must be below high ({self.high})"
        if (self.high - self.low) % self.step:
            return f"high ({self.high}) is no whole number of steps ({self.step}) above low ({self.low})"
        return ""

    def holds(self, value: float) -> bool:
        """Whether the search could come to a value."""
        return self.low <= value <= self.high and (value - self.low) % self.step == 0


class Choice(Section):
    """One of a few numbers, without order."""

    type: Literal["categorical"] = "categorical"
    values: Annotated[tuple[Number, ...], Field(min_length=1)]

    def edges(self) -> tuple[float, ...]:
        """Values that show whether a setting takes the choice."""
        return self.values

    def problem(self) -> str:
        """What is wrong with the choice by itself; empty: nothing."""
        return "a value is given twice" if len(set(self.values)) < len(self.values) else ""

    def holds(self, value: float) -> bool:
        """Whether the search could come to a value."""
        return value in self.values


Distribution = Annotated[FloatRange | IntRange | Choice, Field(discriminator="type")]
SearchSpace = Mapping[str, FloatRange | IntRange | Choice]


class Tuning(Section):
    """How hyperparameters are searched before the training; by default they are not."""

    trials: Annotated[int, Field(ge=0)] = Field(0, description="trainings to try, of all workers; 0: no tuning")
    minutes: Annotated[float, Field(ge=0)] = Field(
        0.0, description="no trial starts after these minutes of trials, for each worker; 0: only `trials` ends it"
    )
    workers: Annotated[int, Field(ge=1)] = Field(1, description="searches side by side, which share the trials")
    startup_trials: Annotated[int, Field(ge=1)] = Field(5, description="random trials before the search learns")
    pruning: bool = Field(True, description="end a trial whose ROUGE-L is below the median of earlier ones")
    search_space: dict[str, Distribution] = Field(
        {
            "training.learning_rate": FloatRange(low=5e-6, high=2e-4, log=True),
            "training.batch_size": Choice(values=(4, 8, 16)),
            "training.warmup_steps": IntRange(low=0, high=1000, step=100),
            "training.weight_decay": FloatRange(low=0.0, high=0.1),
            "training.label_smoothing": FloatRange(low=0.0, high=0.2),
        },
        description="what is searched: paths of training and decoding settings, and their float, int or categorical",
    )

    @model_validator(mode="after")
    def _work_for_everyone(self) -> "Tuning":
        if 0 < self.trials < self.workers:
            raise ValueError(f"workers is {self.workers}, more than trials ({self.trials}): some would have no trial")
        if self.trials and not self.search_space:
            raise ValueError(f"trials is {self.trials} but search_space is empty: name settings to search")
        return self

    def searches(self) -> int:
        """How many searches run side by side; 0: nothing is tuned."""
        return self.workers if self.trials else 0

    def trials_of(self, worker: int) -> int:
        """The worker's share of the trials; workers count from 0."""
        return self.trials // self.workers + (worker < self.trials % self.workers)


def search_space_problems(
    space: SearchSpace, settings: Sequence[str], refusals: Callable[[str, float], Sequence[str]]
) -> list[str]:
    """Everything that is wrong with a search space.

    Args:
        space: distributions by dotted path.
        settings: paths of the settings that decide a model or its summaries.
        refusals: why the configuration would refuse a value at a path; empty: it would not.
    """
    searched = [path for path in settings if path not in _MEASURING]
    problems: list[str] = []
    for path, distribution in space.items():
        if path in _MEASURING:
            problems.append(f"{path} cannot be searched: trials that are measured differently cannot be compared")
        elif path not in searched:
            problems.append(f"unknown setting {path}; what can be searched: {', '.join(searched)}")
        elif wrong := distribution.problem():
            problems.append(f"{path}: {wrong}")
        else:
            found = [problem for value in distribution.edges() for problem in refusals(path, value)]
            problems.extend(dict.fromkeys(found))
    return [f"tuning.search_space: {problem}" for problem in problems]
