"""What a remote run looks like from here, whoever runs it, and waiting for its end."""

import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from lab_lens.errors import LabLensError

SUCCEEDED = "SUCCEEDED"
FAILED = "FAILED"
CANCELLED = "CANCELLED"
ENDED = (SUCCEEDED, FAILED, CANCELLED, "SKIPPED")
# The task whose only plain output is the verdict.
DECIDING_TASK = "decide-release"
PROMOTE = "promote"
# Where a service tells states of tasks only: hold and rollback look the same.
NOT_PROMOTE = "not promote"


class RemoteRunError(LabLensError):
    """A run elsewhere failed, was cancelled, or did not end in the time that the caller gave."""


@dataclass(frozen=True)
class TaskView:
    """One task of a run.

    Args:
        name: its name in the graph.
        state: PENDING, RUNNING, SUCCEEDED, FAILED, CANCELLED, SKIPPED, ...
        seconds: from start to end, or to now; None: it has not started.
        error: what the service says of a failure.
    """

    name: str
    state: str
    seconds: float | None = None
    error: str = ""


@dataclass(frozen=True)
class RunView:
    """One run at the moment when it was looked at.

    Args:
        run: what status and cancel take.
        name: the service's full name of it.
        state: PENDING, RUNNING, SUCCEEDED, FAILED, CANCELLED, PAUSED, ...
        link: the page for people.
        tasks: in the order in which they started.
        verdict: `promote`, `hold`, `rollback`, or `not promote`; empty: not decided.
        seconds: from start to end, or to now; None: it has not started.
        error: what the service says of a failure.
    """

    run: str
    name: str
    state: str
    link: str
    tasks: tuple[TaskView, ...] = ()
    verdict: str = ""
    seconds: float | None = None
    error: str = ""

    @property
    def ended(self) -> bool:
        """Whether nothing changes any more."""
        return self.state in ENDED

    def to_json(self) -> dict[str, Any]:
        """The whole view for other programs."""
        return asdict(self)


@dataclass(frozen=True)
class Started:
    """What was made: a run, or a schedule of runs."""

    run: str
    name: str
    link: str


@dataclass(frozen=True)
class Submission:
    """A pipeline with its parameters, ready to be sent.

    Args:
        document: the compiled pipeline (KFP IR), checked by `template.read_template`.
        parameters: of the pipeline, by name.
        run_name: the name that people see.
        template_uri: where the document came from, if that was a registry of templates.
    """

    document: dict[str, Any]
    parameters: dict[str, str]
    run_name: str
    template_uri: str = ""


class RunService(Protocol):
    """Vertex AI Pipelines or a Kubeflow cluster."""

    def staging_note(self) -> str:
        """What should be known of the place that tasks write to; empty: nothing."""
        ...

    def submit(self, submission: Submission, run_id: str) -> Started:
        """Start a run, under this id where the service lets us choose."""
        ...

    def schedule(self, submission: Submission, cron: str) -> Started:
        """Start runs at the times of a cron expression of five fields, with an optional `TZ=ZONE` before them."""
        ...

    def view(self, run: str, *, patient: bool = False) -> RunView:
        """Look at a run; a patient look bears a service that is away for minutes."""
        ...

    def cancel(self, run: str) -> None:
        """Ask for the end of a run; what it has registered stays."""
        ...

    def end_schedule(self, schedule: str) -> None:
        """Let no further runs start; those at work go on."""
        ...


def watch(
    service: RunService,
    run: str,
    *,
    show: Callable[[TaskView], None],
    poll_seconds: float,
    timeout_seconds: float | None = None,
) -> RunView:
    """Look at a run until it has ended.

    Args:
        service: who runs it.
        run: which one.
        show: called for each task whose state is new.
        poll_seconds: between two looks.
        timeout_seconds: how long to wait at most; None: as long as it takes.

    Raises:
        RemoteRunError: it has not ended in time; it goes on.
    """
    end = None if timeout_seconds is None else time.monotonic() + timeout_seconds
    seen: dict[str, str] = {}
    while True:
        view = service.view(run, patient=True)
        for task in view.tasks:
            if seen.get(task.name) != task.state:
                seen[task.name] = task.state
                show(task)
        if view.ended:
            return view
        if end is not None and time.monotonic() + poll_seconds > end:
            raise RemoteRunError(f"{run} is still {view.state} after {timeout_seconds:g} s")
        time.sleep(poll_seconds)


def require_success(view: RunView) -> None:
    """Check how a run ended.

    Raises:
        RemoteRunError: other than well.
    """
    if view.state == SUCCEEDED:
        return
    failed = [f"{task.name} ({task.error})" if task.error else task.name for task in view.tasks if task.state == FAILED]
    reasons = "; ".join(part for part in (", ".join(failed) and f"failed: {', '.join(failed)}", view.error) if part)
    raise RemoteRunError(f"{view.run} is {view.state}: {reasons or 'no reason is given'}; logs: {view.link}")


def in_order(tasks: Iterable[tuple[datetime | None, TaskView]]) -> tuple[TaskView, ...]:
    """Tasks by their start; those that have not started last."""
    late = datetime.max.replace(tzinfo=UTC)
    return tuple(task for _, task in sorted(tasks, key=lambda item: (item[0] or late, item[1].name)))


def seconds_between(start: datetime | None, end: datetime | None) -> float | None:
    """How long something took, or takes so far."""
    if start is None:
        return None
    return round(((end or datetime.now(UTC)) - start).total_seconds(), 1)
