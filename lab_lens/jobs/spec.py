"""What a custom job is made of; compilation writes it as JSON into the pipeline, the launcher reads it."""

from dataclasses import dataclass
from typing import Literal

from pydantic import ValidationError

from lab_lens.config_resources import Need, Resources
from lab_lens.config_text import Section, problems_of
from lab_lens.errors import InputError
from lab_lens.machines import VERTEX_ACCELERATORS, carried_by, smallest_for

_DEFAULT_VCPUS = 8.0
_SECONDS_AN_HOUR = 3600
_SECONDS_A_MINUTE = 60


class Machine(Section):
    """One machine type, with the API's name of what it carries; null: no accelerator."""

    machine_type: str
    accelerator: str | None
    accelerator_count: int

    def __str__(self) -> str:
        carried = f" with {self.accelerator_count} {self.accelerator}" if self.accelerator else ""
        return f"{self.machine_type}{carried}"


class JobSpec(Section):
    """A custom job: the same command on `replicas` machines, tried on `machines` and in `regions` in their order."""

    image: str
    machines: tuple[Machine, ...]
    regions: tuple[str, ...]
    replicas: int
    strategy: Literal["STANDARD", "SPOT"]
    restart_job_on_worker_restart: bool
    timeout_seconds: int
    capacity_timeout_seconds: float


@dataclass(frozen=True)
class Candidate:
    """One place to try, and one machine type."""

    region: str
    machine: Machine

    def __str__(self) -> str:
        return f"{self.machine} in {self.region}"


def job_spec(resources: Resources, image: str) -> JobSpec:
    """The custom job that the settings ask for, in the trainer's image."""
    training, need = resources.training, resources.need("train_model")
    fitting = smallest_for(need.accelerator, need.accelerator_count, need.cpu or _DEFAULT_VCPUS, need.memory_gib or 0.0)
    return JobSpec(
        image=image,
        machines=tuple(_machine(machine_type, need) for machine_type in training.machine_types or (fitting,)),
        regions=training.regions,
        replicas=training.replicas,
        strategy="SPOT" if resources.strategy() == "spot" else "STANDARD",
        restart_job_on_worker_restart=training.restart_on_worker_restart,
        timeout_seconds=round(training.timeout_hours * _SECONDS_AN_HOUR),
        capacity_timeout_seconds=training.capacity_timeout_minutes * _SECONDS_A_MINUTE,
    )


def _machine(machine_type: str, need: Need) -> Machine:
    carried = carried_by(machine_type, plain=need.accelerator is None)
    if carried is None or carried.accelerator is None:
        return Machine(machine_type=machine_type, accelerator=None, accelerator_count=0)
    return Machine(
        machine_type=machine_type,
        accelerator=VERTEX_ACCELERATORS[carried.accelerator],
        accelerator_count=carried.count_near(need.accelerator_count),
    )


def parse_job_spec(text: str) -> JobSpec:
    """Read what `job_spec` wrote.

    Raises:
        InputError: it is no such JSON; every problem is listed.
    """
    try:
        return JobSpec.model_validate_json(text, strict=True)
    except ValidationError as error:
        raise InputError([f"--job: {problem}" for problem in problems_of(error, JobSpec)]) from error


def candidates(spec: JobSpec, own_region: str) -> list[Candidate]:
    """What to try, in order: every machine type in a region before the next region, as the data lies in the first."""
    return [Candidate(region, machine) for region in spec.regions or (own_region,) for machine in spec.machines]
