"""After a run, the branch that the verdict asks for must really have run: kfp.local can skip one in silence."""

import json
from pathlib import Path

import pytest

from lab_lens.errors import ContractError
from local_runner.execution import check_branches
from local_runner.tasks import TaskRecord

COMMON = {"notify": None, "prepare-data": None}


def records_of(root: Path, tasks: dict[str, str | None]) -> list[TaskRecord]:
    records = []
    for name, returned in tasks.items():
        output = root / f"{name}.json"
        output.write_text(json.dumps({"parameterValues": {"Output": returned}}), encoding="utf-8")
        records.append(TaskRecord(name, 1.0, 0, root / "log", output, {}))
    return records


@pytest.mark.parametrize(
    "tasks",
    [
        {"decide-release": "promote", "register-model": "v1", "deploy-model": "healthy"},
        {"decide-release": "promote", "register-model": "v1", "deploy-model": "unhealthy", "rollback-model": None},
        {"decide-release": "hold", "rollback-model-2": None},
        {"decide-release": "rollback", "rollback-model-2": None},
    ],
)
def test_a_complete_branch_is_accepted(tmp_path: Path, tasks: dict[str, str | None]) -> None:
    check_branches(records_of(tmp_path, {**COMMON, **tasks}))


@pytest.mark.parametrize(
    ("tasks", "absent"),
    [
        ({"decide-release": "promote"}, "deploy-model, register-model"),
        ({"decide-release": "promote", "register-model": "v1", "deploy-model": "unhealthy"}, "rollback-model"),
        ({"decide-release": "hold"}, "rollback-model-2"),
        ({}, "decide-release"),
    ],
)
def test_a_branch_that_was_skipped_in_silence_is_named(
    tmp_path: Path, tasks: dict[str, str | None], absent: str
) -> None:
    with pytest.raises(ContractError, match=f"never ran {absent};"):
        check_branches(records_of(tmp_path, {**COMMON, **tasks}))
