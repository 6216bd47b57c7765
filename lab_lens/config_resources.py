"""Settings of machines: what each task of the pipeline may use, and how training gets its machines on Vertex AI."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, get_args

from pydantic import Field, model_validator

from lab_lens.config_text import ProblemsError, Section
from lab_lens.machines import ACCELERATORS, SPOT_ONLY, Accelerator, carried_by

Preset = Literal["local", "cpu", "t4", "l4", "a100", "h100"]
TaskName = Literal[
    "prepare_data",
    "tune_hyperparameters",
    "select_hyperparameters",
    "train_model",
    "generate_summaries",
    "validate_model",
    "detect_bias",
    "analyze_sensitivity",
    "decide_release",
    "register_model",
    "deploy_model",
    "rollback_model",
    "notify",
]
TASKS: tuple[TaskName, ...] = get_args(TaskName)
Strategy = Literal["task", "on_demand", "spot"]
_NONE = "none"
_REGION = re.compile(r"[a-z]+-[a-z]+[0-9]+")
_TYPES_FOR: Mapping[Accelerator | None, str] = {
    None: "e2-, n1-, n2- or c2-, such as n2-standard-8",
    "t4": "n1-standard-N, such as n1-standard-8",
    "l4": "g2-standard-N, such as g2-standard-8",
    "a100_80gb": "a2-ultragpu-Ng, such as a2-ultragpu-1g",
    "h100_80gb": "a3-highgpu-Ng, such as a3-highgpu-1g",
}


@dataclass(frozen=True)
class Need:
    """What one task uses at most; None: as much as the machine has.

    Attributes:
        cpu: vCPUs.
        memory_gib: GiB of memory.
        accelerator: its name; None: none.
        accelerator_count: how many; 0 without an accelerator.
    """

    cpu: float | None = None
    memory_gib: float | None = None
    accelerator: Accelerator | None = None
    accelerator_count: int = 0


_UNLIMITED: Mapping[TaskName, Need] = {name: Need() for name in TASKS}
_OPERATIONS: Mapping[TaskName, Need] = {
    **dict.fromkeys(
        ("select_hyperparameters", "decide_release", "register_model", "rollback_model", "notify"), Need(1, 4)
    ),
    "deploy_model": Need(2, 8),
}
_EVALUATION: Mapping[TaskName, Need] = {
    "prepare_data": Need(4, 16),
    "validate_model": Need(4, 16),
    "detect_bias": Need(4, 16),
    "select_hyperparameters": Need(2, 8),
}


def _preset(training: Need, using: Need) -> Mapping[TaskName, Need]:
    """A preset whose training has one need, and whose other tasks with the model have another."""
    return {
        **_OPERATIONS,
        **_EVALUATION,
        "train_model": training,
        **dict.fromkeys(("generate_summaries", "analyze_sensitivity", "tune_hyperparameters"), using),
    }


# A little less memory than the machine has, since the system on it needs some.
_T4, _L4, _A100 = Need(8, 26, "t4", 1), Need(8, 28, "l4", 1), Need(12, 150, "a100_80gb", 1)
PRESETS: Mapping[Preset, Mapping[TaskName, Need]] = {
    "local": _UNLIMITED,
    "cpu": _preset(Need(16, 56), Need(8, 28)),
    "t4": _preset(_T4, _T4),
    "l4": _preset(_L4, _L4),
    "a100": _preset(_A100, _A100),
    # A single H100 is lent as a spot machine alone, which a task cannot be.
    "h100": _preset(Need(26, 200, "h100_80gb", 1), _A100),
}


class TaskResources(Section):
    """What one task may use, where it differs from the preset; null leaves the preset's value."""

    cpu: Annotated[float, Field(gt=0)] | None = Field(None, description="vCPUs at most")
    memory_gib: Annotated[float, Field(gt=0)] | None = Field(None, description="memory at most, in GiB")
    accelerator: Literal["none", "t4", "l4", "a100_80gb", "h100_80gb"] | None = Field(
        None, description="none takes the preset's accelerator away"
    )
    accelerator_count: Annotated[int, Field(ge=1)] | None = Field(None, description="accelerators of one machine")

    def over(self, preset: Need) -> Need:
        """The need that results where these settings replace those of the preset."""
        accelerator = preset.accelerator if self.accelerator is None else self.accelerator
        count = self.accelerator_count or (preset.accelerator_count if self.accelerator is None else 1)
        return Need(
            preset.cpu if self.cpu is None else self.cpu,
            preset.memory_gib if self.memory_gib is None else self.memory_gib,
            None if accelerator in {None, _NONE} else accelerator,  # type: ignore[arg-type]
            0 if accelerator in {None, _NONE} else count,
        )


class TrainingMachines(Section):
    """How training gets its machines on Vertex AI; elsewhere it is a task like the others."""

    strategy: Strategy | None = Field(
        None,
        description="task: a pipeline task; on_demand, spot: a custom job; null: task where that is enough",
    )
    replicas: Annotated[int, Field(ge=1)] = Field(
        1, description="machines that train together; an optimizer step sees that many times the batch"
    )
    machine_types: tuple[str, ...] = Field(
        (), description="the next one is taken when there is none of the one before; empty: what fits the task"
    )
    regions: tuple[str, ...] = Field(
        (), description="where to look for machines, in this order; empty: in the pipeline's own region alone"
    )
    restart_on_worker_restart: bool = Field(
        True, description="start the job again, from its last checkpoint, when a machine was taken away"
    )
    timeout_hours: Annotated[float, Field(gt=0, le=168)] = Field(24.0, description="longest running time of the job")
    capacity_timeout_minutes: Annotated[float, Field(gt=0)] = Field(
        60.0, description="longest wait for a machine before the next candidate's turn"
    )


class Resources(Section):
    """Machines of the tasks. They are compiled into the pipeline; a local run without containers has no limits."""

    preset: Preset = Field("local", description="local: no limits and no accelerators are declared")
    tasks: dict[TaskName, TaskResources] = Field({}, description="what differs from the preset, by task")
    training: TrainingMachines = TrainingMachines()

    @model_validator(mode="after")
    def _can_be_had(self) -> "Resources":
        problems = [*self._count_problems(), *self._training_problems(), *self._machine_problems()]
        if problems:
            raise ProblemsError(problems)
        return self

    def need(self, task: TaskName) -> Need:
        """What a task may use: the preset's values, or those given for it."""
        return self.tasks.get(task, TaskResources()).over(PRESETS[self.preset][task])

    def is_job(self) -> bool:
        """Whether training is a custom job of its own on Vertex AI."""
        return self.strategy() != "task"

    def strategy(self) -> Strategy:
        """The strategy that is given, else the first one that can give what is asked for."""
        given, need = self.training.strategy, self.need("train_model")
        if given is not None:
            return given
        if need.accelerator is not None and (need.accelerator, need.accelerator_count) in SPOT_ONLY:
            return "spot"
        return "on_demand" if self._asks_for_job() else "task"

    def _asks_for_job(self) -> bool:
        return self.training.replicas > 1 or bool(self.training.machine_types) or bool(self.training.regions)

    def _count_problems(self) -> Iterator[str]:
        for task, given in self.tasks.items():
            if given.accelerator_count is not None and self.need(task).accelerator is None:
                yield (
                    f"resources.tasks.{task}.accelerator_count is {given.accelerator_count} but no accelerator is "
                    f"named; name one of {', '.join(ACCELERATORS)}"
                )

    def _training_problems(self) -> Iterator[str]:
        training, path = self.training, "resources.training"
        if training.strategy == "task" and self._asks_for_job():
            yield (
                f"{path}.strategy is task, which has one machine, chosen by Vertex AI; replicas, machine_types and "
                "regions need on_demand or spot"
            )
        count = self.need("train_model").accelerator_count
        if training.replicas > 1 and count > 1:
            yield (
                f"{path}.replicas is {training.replicas} and each has {count} accelerators; machines that train "
                "together use one each: set resources.tasks.train_model.accelerator_count to 1"
            )
        for name, values in (("machine_types", training.machine_types), ("regions", training.regions)):
            if len(set(values)) < len(values):
                yield f"{path}.{name} names one twice: {', '.join(values)}"
        for region in training.regions:
            if not _REGION.fullmatch(region):
                yield f'{path}.regions has "{region}"; it must be a region of Google Cloud, such as europe-west4'

    def _machine_problems(self) -> Iterator[str]:
        need = self.need("train_model")
        for position, machine_type in enumerate(self.training.machine_types):
            path = f"resources.training.machine_types.{position}"
            carried = carried_by(machine_type, plain=need.accelerator is None)
            if carried is None:
                yield f'{path} is "{machine_type}"; it must be {_TYPES_FOR[need.accelerator]}'
            elif position == 0 and not carried.gives(need.accelerator, need.accelerator_count):
                asked = f"{need.accelerator_count} {need.accelerator}" if need.accelerator else "no accelerator"
                yield (
                    f'{path} is "{machine_type}", which carries {carried}, but train_model asks for {asked}; '
                    f"the first one must be {_TYPES_FOR[need.accelerator]}"
                )
            elif self.training.replicas > 1 and carried.count_near(1) > 1:
                yield f'{path} is "{machine_type}", which carries {carried}; machines that train together use one each'
