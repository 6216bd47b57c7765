"""Run a compiled pipeline through kfp.local, with that library's traps guarded.

A runner says how a task becomes a process or a container. The traps named here were measured on kfp 2.17.0, which is
why that version is pinned.
"""

import builtins
import contextlib
import logging
import shutil
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from kfp import components, local

from lab_lens.errors import ContractError, StageError
from local_runner.tasks import TaskRecord

# Functions of kfp.local (of a module or a class) that a runner replaces while a pipeline runs.
Replacements = Mapping[tuple[ModuleType | type, str], Callable[..., Any]]


class Display(Protocol):
    """Shows a run while it goes on."""

    def task_started(self, name: str) -> None:
        """A task begins."""

    def task_line(self, name: str, text: str) -> None:
        """A task says something."""

    def task_ended(self, record: TaskRecord) -> None:
        """A task has ended, well or not."""


class Runner(Protocol):
    """Turns the tasks of kfp.local into processes or containers, and keeps their records."""

    run_dir: Path
    records: list[TaskRecord]

    def describe(self) -> dict[str, Any]:
        """What the run's summary says of its runner: its `name`, and what it runs tasks with."""
        ...

    def kfp_runner(self) -> Any:
        """The runner of kfp.local that stands behind this one."""
        ...

    def replacements(self) -> Replacements:
        """Functions of kfp.local that this runner replaces."""
        ...


def run_template(template: Path, arguments: Mapping[str, Any], runner: Runner) -> None:
    """Run a compiled pipeline; `runner.records` tell how each task ended, and a failed task is no exception here.

    Args:
        template: compiled pipeline (YAML).
        arguments: values of the pipeline's parameters.
        runner: its directory receives `tasks/` (outputs), `logs/` and `pipeline.log`.

    Raises:
        StageError: kfp.local itself failed, without any task failing.
    """
    run_dir = runner.run_dir
    for name in ("logs", "tmp"):
        (run_dir / name).mkdir(exist_ok=True)
    pipeline = components.load_component_from_file(str(template))
    with (run_dir / "pipeline.log").open("w", encoding="utf-8") as log, _guarded(runner, log):
        local.init(
            runner=runner.kfp_runner(),
            pipeline_root=str(run_dir / "tasks"),
            # kfp.local removes its workspace after a run, and leaks a temporary one when it is given none.
            workspace_root=str(run_dir / "workspace"),
            raise_on_error=True,
        )
        try:
            pipeline(**arguments)
        except RuntimeError as error:
            if all(record.succeeded for record in runner.records):
                raise StageError(f"the pipeline ended early: {error}; see {run_dir / 'pipeline.log'}") from error
        finally:
            shutil.rmtree(run_dir / "tmp", ignore_errors=True)


@contextlib.contextmanager
def _guarded(runner: Runner, log: Any) -> Iterator[None]:
    ours = runner.replacements()
    theirs = {(module, name): getattr(module, name) for module, name in ours}
    # Tasks of a loop run in threads, and each leaves the other's indented `print` in place.
    theirs[builtins, "print"] = builtins.print
    for (module, name), function in ours.items():
        setattr(module, name, function)
    try:
        with _root_logger_as_it_was(), contextlib.redirect_stdout(log), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="You may be attemping to run a task", category=RuntimeWarning)
            # It speaks of kfp's own runners; ours say themselves what they do with limits.
            warnings.filterwarnings("ignore", message="Task .* have no effect in the current local runner")
            yield
    finally:
        for (module, name), function in theirs.items():
            setattr(module, name, function)


@contextlib.contextmanager
def _root_logger_as_it_was() -> Iterator[None]:
    # Each task of a loop replaces the handlers, in threads, so that one would stay which writes to a closed file.
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


def check_branches(records: Sequence[TaskRecord]) -> None:
    """Check that the branch that the verdict asks for really ran.

    kfp.local logs an error in a condition and counts it as false, so a release could be skipped in silence.

    Raises:
        ContractError: a task that the verdict or the deployment asks for did not run.
    """
    ran = {record.name: record for record in records if record.succeeded}
    expected = {"notify", "decide-release"}
    if "decide-release" in ran:
        promote = ran["decide-release"].returned() == "promote"
        expected |= {"register-model", "deploy-model"} if promote else {"rollback-model-2"}
        if "deploy-model" in ran and ran["deploy-model"].returned() == "unhealthy":
            expected.add("rollback-model")
    absent = sorted(expected - set(ran))
    if absent:
        raise ContractError(f"the pipeline ended well but never ran {', '.join(absent)}; its conditions failed to hold")
