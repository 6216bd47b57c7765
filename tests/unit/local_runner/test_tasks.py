"""A task as kfp.local asks for it: parsing, running, what counts as a success, which error a person sees."""

import json
import sys
from pathlib import Path
from typing import Any

from lab_lens.errors import InputError, StageError
from local_runner.tasks import TaskCall, TaskRecord, run_task, use_this_python

KFP_LINE = "[KFP Executor 2026-01-01 00:00:00,000 INFO]: "


def executor_input(root: Path, artifacts: dict[str, str]) -> dict[str, Any]:
    declared = {
        name: {"artifacts": [{"uri": str(root / name), "type": {"schemaTitle": schema}}]}
        for name, schema in artifacts.items()
    }
    return {"outputs": {"outputFile": str(root / "executor_output.json"), "artifacts": declared}}


def call_of(root: Path, script: str, artifacts: dict[str, str] | None = None) -> TaskCall:
    root.mkdir(parents=True, exist_ok=True)
    content = json.dumps(executor_input(root, artifacts or {}))
    return TaskCall.parse([sys.executable, "-c", script, "--executor_input", content])


def run(root: Path, script: str, artifacts: dict[str, str] | None = None) -> tuple[TaskRecord, list[str]]:
    lines: list[str] = []
    call = call_of(root / "prepare-data", script, artifacts)
    record = run_task(call, log=root / "task.log", environment={"PYTHONIOENCODING": "utf-8"}, line=lines.append)
    return record, lines


def test_the_name_and_the_artifacts_are_read_from_the_executor_input(tmp_path: Path) -> None:
    call = call_of(tmp_path / "train-model", "", {"model": "system.Model", "metrics": "system.Metrics"})
    assert call.name == "train-model"
    assert dict(call.artifacts) == {"model": tmp_path / "train-model" / "model"}


def test_only_the_stage_s_own_lines_are_forwarded_and_everything_is_kept_in_the_log(tmp_path: Path) -> None:
    script = (
        f"print({KFP_LINE!r} + 'Looking for component `x`'); print({KFP_LINE!r} + 'training step: 3/9');"
        "print('a library chats')"
    )
    record, lines = run(tmp_path, script)
    assert record.succeeded
    assert lines == ["training step: 3/9"]
    assert "a library chats" in record.log.read_text(encoding="utf-8")


def test_a_declared_output_that_was_never_written_is_a_failure_with_its_name(tmp_path: Path) -> None:
    record, _ = run(tmp_path, "pass", {"report": "system.Artifact"})
    assert record.exit_status == 0
    assert not record.succeeded
    assert "report" in str(record.error())


def test_an_artifact_that_its_task_moved_is_looked_for_where_it_went(tmp_path: Path) -> None:
    root = tmp_path / "prepare-data"
    moved = {"artifacts": {"html": {"artifacts": [{"uri": str(root / "html.html")}]}}}
    script = (
        f"from pathlib import Path; root = Path({str(root)!r});"
        f"(root / 'html.html').write_text('page'); (root / 'executor_output.json').write_text({json.dumps(moved)!r})"
    )
    record, _ = run(tmp_path, script, {"html": "system.HTML"})
    assert record.succeeded
    assert record.artifacts["html"] == root / "html.html"


def test_a_user_s_error_in_a_stage_is_a_user_s_error_of_the_run(tmp_path: Path) -> None:
    script = "from lab_lens.errors import InputError; raise InputError(['no column a', 'no column b'])"
    record, _ = run(tmp_path, script)
    error = record.error()
    assert isinstance(error, InputError)
    assert str(error) == "prepare-data: no column a; no column b"


def test_any_other_failure_names_the_stage_and_its_log(tmp_path: Path) -> None:
    record, _ = run(tmp_path, "raise SystemExit(7)")
    error = record.error()
    assert isinstance(error, StageError)
    assert "exit status 7" in str(error)
    assert str(record.log) in str(error)


def test_an_error_of_an_unnamed_kind_does_not_show_what_it_says(tmp_path: Path) -> None:
    record, _ = run(tmp_path, "raise KeyError('words of a note')")
    assert "words of a note" not in str(record.error())


def test_only_the_shell_script_gets_the_interpreter_and_paths_keep_their_names() -> None:
    script = 'program_path=$(mktemp -d)\n_KFP_RUNTIME=true python3 -m kfp.dsl.executor_main "$@"'
    command = ["sh", "-ec", script, "print('python3 -m x')", "--executor_input", '{"uri": "/home/python3-proj/out"}']
    replaced = use_this_python(command, "/opt/my python/bin/python")
    assert "'/opt/my python/bin/python' -m kfp.dsl.executor_main" in replaced[2]
    assert replaced[3:] == command[3:]
