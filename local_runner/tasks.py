"""One task of a pipeline run: what kfp.local asks for, how it runs as a process, what it left."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab_lens.errors import InputError, LabLensError, StageError

Line = Callable[[str], None]

_STAGE_LINE = re.compile(r"^\[KFP Executor [^\]]*(?:INFO|WARNING|ERROR)\]: (?P<message>.*)$")
_KFP_OWN_LINES = ("Looking for component", "Loading KFP component", "Got executor_input", "Wrote executor output")
_NAMED_ERROR = re.compile(r"^lab_lens\.errors\.(?P<name>\w+): (?P<message>.*)$", re.MULTILINE)
_DISK_FULL = "No space left on device"
_METRICS_SCHEMA = "system.Metrics"
_LOG_TAIL_BYTES = 65_536


@dataclass(frozen=True)
class TaskCall:
    """What kfp.local wants to run, read from the command it built."""

    name: str
    command: Sequence[str]
    output_file: Path
    artifacts: Mapping[str, Path]
    executor_input_text: str

    @property
    def executor_input(self) -> dict[str, Any]:
        """The inputs and outputs of the task, as kfp describes them."""
        content: dict[str, Any] = json.loads(self.executor_input_text)
        return content

    @property
    def parameters(self) -> dict[str, Any]:
        """Values of the task's input parameters."""
        values: dict[str, Any] = self.executor_input.get("inputs", {}).get("parameterValues", {})
        return values

    @staticmethod
    def parse(command: Sequence[str]) -> "TaskCall":
        """Read the executor input that stands behind `--executor_input` in a lightweight component's command."""
        text = command[command.index("--executor_input") + 1]
        outputs = json.loads(text)["outputs"]
        output_file = Path(outputs["outputFile"])
        declared = outputs.get("artifacts", {})
        paths = {
            name: Path(value["artifacts"][0]["uri"])
            for name, value in declared.items()
            # Metrics are metadata of the task and have no file.
            if value["artifacts"][0]["type"]["schemaTitle"] != _METRICS_SCHEMA
        }
        return TaskCall(output_file.parent.name, command, output_file, paths, text)


@dataclass(frozen=True)
class TaskRecord:
    """A task that ran, or whose earlier result was reused.

    Attributes:
        seconds: wall time, process or container included.
        missing: declared outputs that it never wrote.
        failure: what ended it from outside, such as a lack of memory; empty: nothing did.
        reused: whether it did not run, since the same task had run before.
    """

    name: str
    seconds: float
    exit_status: int
    log: Path
    output_file: Path
    artifacts: Mapping[str, Path]
    missing: Sequence[str] = field(default=())
    failure: str = ""
    reused: bool = False

    @property
    def succeeded(self) -> bool:
        """Whether the process ended well and wrote what it declared."""
        return self.exit_status == 0 and not self.missing and not self.failure

    def executor_output(self) -> dict[str, Any]:
        """What the task reported: parameter values and artifact metadata."""
        content: dict[str, Any] = json.loads(self.output_file.read_text(encoding="utf-8"))
        return content

    def returned(self) -> str:
        """The plain value that the task returned."""
        return str(self.executor_output()["parameterValues"]["Output"])

    def error(self) -> LabLensError:
        """Why the task failed, as the error that the user should see."""
        if self.failure:
            return StageError(f"{self.name} failed: {self.failure}; its log tells more: {self.log}")
        if self.missing:
            return StageError(f"{self.name} ended well but never wrote: {', '.join(self.missing)}; see {self.log}")
        with self.log.open("rb") as handle:
            handle.seek(max(0, self.log.stat().st_size - _LOG_TAIL_BYTES))
            tail = handle.read().decode("utf-8", "replace")
        if _DISK_FULL in tail:
            return InputError(
                f"{self.name}: no space left on the disk; free space and repeat the command, which continues; "
                f"its log tells more: {self.log}"
            )
        named = list(_NAMED_ERROR.finditer(tail))
        if named and named[-1]["name"] == InputError.__name__:
            return InputError(f"{self.name}: {named[-1]['message']}")
        reason = named[-1]["message"] if named else f"exit status {self.exit_status}"
        return StageError(f"{self.name} failed: {reason}; its log tells more: {self.log}")


def run_task(call: TaskCall, *, log: Path, environment: Mapping[str, str], line: Line) -> TaskRecord:
    """Run a task as a process; its output goes to `log`, the stage's own lines also to `line`.

    The process is ended when this one is interrupted.
    """
    started = time.monotonic()
    with (
        log.open("w", encoding="utf-8") as sink,
        subprocess.Popen(  # noqa: S603 - the command is that of our own compiled pipeline
            list(call.command),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            bufsize=1,
            env={**os.environ, **environment},
            # A group of its own: the shell and the Python that it starts end together.
            start_new_session=True,
        ) as process,
    ):
        try:
            for text in process.stdout or ():
                sink.write(text)
                sink.flush()
                forward(text, line)
            exit_status = process.wait()
        except BaseException:
            _end(process)
            raise
    return record_of(call, started, exit_status, log)


def record_of(call: TaskCall, started: float, exit_status: int, log: Path, failure: str = "") -> TaskRecord:
    """The record of a task that has ended; `started` is a reading of `time.monotonic`."""
    written = written_artifacts(call) if exit_status == 0 else {}
    missing = [name for name, path in written.items() if not path.exists()]
    seconds = time.monotonic() - started
    return TaskRecord(call.name, seconds, exit_status, log, call.output_file, written, missing, failure)


def log_path(run_dir: Path, number: int, name: str) -> Path:
    """Where the log of a run's task lies; `number` counts from 1 in the order of their start."""
    return run_dir / "logs" / f"{number:02d}-{name}.log"


def _end(process: "subprocess.Popen[str]") -> None:
    if os.name == "nt":
        process.terminate()
    else:
        os.killpg(process.pid, signal.SIGTERM)


def written_artifacts(call: TaskCall) -> dict[str, Path]:
    """Where each declared artifact should lie now; a task may have moved it (a page gets its suffix)."""
    reported = json.loads(call.output_file.read_text(encoding="utf-8")) if call.output_file.is_file() else {}
    moved = reported.get("artifacts", {})
    return {
        name: Path(moved[name]["artifacts"][0]["uri"]) if name in moved else path
        for name, path in call.artifacts.items()
    }


def forward(text: str, line: Line) -> None:
    """Hand on what the stage itself says; the lines of KFP's executor and of libraries stay in the log."""
    match = _STAGE_LINE.match(text)
    if match and not match["message"].startswith(_KFP_OWN_LINES):
        line(match["message"])


def use_this_python(command: Sequence[str], executable: str) -> list[str]:
    """Let the shell script of a task run `executable` instead of `python3`.

    kfp.local replaces the word `python3` in every argument, paths of artifacts included, and does not quote.
    """
    script = command.index("-ec") + 1
    replaced = command[script].replace("python3 -m", f"{shlex.quote(executable)} -m")
    return [*command[:script], replaced, *command[script + 1 :]]


def common_environment(scratch_dir: Path) -> dict[str, str]:
    """Environment of tasks wherever they run; temporary files go where the run can remove them."""
    return {
        "PYTHONUNBUFFERED": "1",
        "PYTHONIOENCODING": "utf-8",
        "TMPDIR": str(scratch_dir),
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }


def task_environment(scratch_dir: Path) -> dict[str, str]:
    """Environment of native tasks beyond the caller's own."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return {**common_environment(scratch_dir), "PATH": path}
