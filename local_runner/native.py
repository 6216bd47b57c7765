"""The native runner: every task a process of this interpreter, on this machine's own devices."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kfp import local
from kfp.local import subprocess_task_handler

from local_runner.cache import TaskCache, library_hash
from local_runner.execution import Display, Replacements, run_template
from local_runner.tasks import TaskCall, TaskRecord, log_path, run_task, task_environment, use_this_python


@dataclass
class NativeRun:
    """Runs tasks for kfp.local and keeps their records; `cache` is None where nothing may be taken from it."""

    run_dir: Path
    display: Display
    records: list[TaskRecord] = field(default_factory=list)
    cache: TaskCache | None = None
    # Tasks of a loop run in threads.
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _started: int = 0

    def describe(self) -> dict[str, Any]:
        """What the run's summary says of this runner."""
        return {"name": "native"}

    def kfp_runner(self) -> Any:
        """The runner of kfp.local that stands behind this one."""
        return local.SubprocessRunner(use_venv=False)

    def replacements(self) -> Replacements:
        """Functions of kfp.local that this runner replaces."""
        return {
            (subprocess_task_handler, "run_local_subprocess"): self.run_local_subprocess,
            (subprocess_task_handler, "replace_python_executable"): use_this_python,
        }

    def run_local_subprocess(self, full_command: list[str], env_vars: Mapping[str, str] | None = None) -> int:
        """Stand in for the function of the same name in kfp.local; returns the exit status it should believe."""
        call = TaskCall.parse(full_command)
        with self._lock:
            self._started += 1
            log = log_path(self.run_dir, self._started, call.name)
        self.display.task_started(call.name)

        def run() -> TaskRecord:
            return run_task(
                call,
                log=log,
                environment={**task_environment(self.run_dir / "tmp"), **(env_vars or {})},
                line=lambda text: self.display.task_line(call.name, text),
            )

        record = self.cache.reused_or(call, library_hash(), run) if self.cache else run()
        self.records.append(record)
        self.display.task_ended(record)
        return 0 if record.succeeded else 1


def run_native(template: Path, arguments: Mapping[str, Any], run: NativeRun) -> None:
    """Run a compiled pipeline natively; arguments and errors are those of `run_template`."""
    run_template(template, arguments, run)
