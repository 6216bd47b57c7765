"""Run a compiled pipeline natively: every task a process of this interpreter, through kfp.local.

The traps named here were measured on kfp 2.17.0, which is why that version is pinned.
"""

import contextlib
import shutil
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from kfp import components, local
from kfp.local import subprocess_task_handler

from lab_lens.errors import ContractError, StageError
from local_runner.tasks import TaskCall, TaskRecord, run_task, task_environment, use_this_python


class Display(Protocol):
    """Shows a run while it goes on."""

    def task_started(self, name: str) -> None:
        """A task begins."""

    def task_line(self, name: str, text: str) -> None:
        """A task says something."""

    def task_ended(self, record: TaskRecord) -> None:
        """A task has ended, well or not."""


@dataclass
class NativeRun:
    """Runs tasks for kfp.local and keeps their records."""

    run_dir: Path
    display: Display
    records: list[TaskRecord] = field(default_factory=list)

    def run_local_subprocess(self, full_command: list[str], env_vars: Mapping[str, str] | None = None) -> int:
        """Stand in for the function of the same name in kfp.local; returns the exit status it should believe."""
        call = TaskCall.parse(full_command)
        self.display.task_started(call.name)
        logs, scratch = self.run_dir / "logs", self.run_dir / "tmp"
        logs.mkdir(exist_ok=True)
        scratch.mkdir(exist_ok=True)
        record = run_task(
            call,
            log=logs / f"{len(self.records) + 1:02d}-{call.name}.log",
            environment={**task_environment(scratch), **(env_vars or {})},
            line=lambda text: self.display.task_line(call.name, text),
        )
        self.records.append(record)
        self.display.task_ended(record)
        return 0 if record.succeeded else 1


def run_native(template: Path, arguments: Mapping[str, Any], run: NativeRun) -> None:
    """Run a compiled pipeline; `run.records` tell how each task ended, and a failed task is no exception here.

    Args:
        template: compiled pipeline (YAML).
        arguments: values of the pipeline's parameters.
        run: its directory receives `tasks/` (outputs), `logs/` and `pipeline.log`.

    Raises:
        StageError: kfp.local itself failed, without any task failing.
    """
    run_dir = run.run_dir
    pipeline = components.load_component_from_file(str(template))
    with (run_dir / "pipeline.log").open("w", encoding="utf-8") as log, _guarded(run, log):
        local.init(
            runner=local.SubprocessRunner(use_venv=False),
            pipeline_root=str(run_dir / "tasks"),
            # kfp.local removes its workspace after a run, and leaks a temporary one when it is given none.
            workspace_root=str(run_dir / "workspace"),
            raise_on_error=True,
        )
        try:
            pipeline(**arguments)
        except RuntimeError as error:
            if all(record.succeeded for record in run.records):
                raise StageError(f"the pipeline ended early: {error}; see {run_dir / 'pipeline.log'}") from error
        finally:
            shutil.rmtree(run_dir / "tmp", ignore_errors=True)


@contextlib.contextmanager
def _guarded(run: NativeRun, log: Any) -> Iterator[None]:
    ours = {
        "run_local_subprocess": run.run_local_subprocess,
        "replace_python_executable": use_this_python,
    }
    theirs = {name: getattr(subprocess_task_handler, name) for name in ours}
    for name, function in ours.items():
        setattr(subprocess_task_handler, name, function)
    try:
        with contextlib.redirect_stdout(log), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="You may be attemping to run a task", category=RuntimeWarning)
            yield
    finally:
        for name, function in theirs.items():
            setattr(subprocess_task_handler, name, function)


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
