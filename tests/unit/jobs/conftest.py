import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from loopback.vertex import VertexServer

from lab_lens.config_resources import Resources
from lab_lens.jobs.spec import job_spec


@pytest.fixture
def server() -> Iterator[VertexServer]:
    with VertexServer(["job_service"]) as running:
        yield running
    assert running.defects == []


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """Where the task expects its executor output; written already, as by a job that ended well."""
    path = tmp_path / "executor_output.json"
    path.write_text("{}", encoding="utf-8")
    return path


@pytest.fixture
def launcher_arguments(server: VertexServer, output: Path) -> Callable[..., list[str]]:
    """Arguments of the launcher against the server; settings of `resources.training` as keywords."""

    def arguments(*more: str, preset: Any = "l4", **training: Any) -> list[str]:
        settings = Resources.model_validate_json(json.dumps({"preset": preset, "training": training}))
        given = json.dumps({"inputs": {}, "outputs": {"outputFile": str(output)}})
        return [
            *("--job", job_spec(settings, "images/lab-lens-trainer:v1").model_dump_json()),
            *("--project", "clinic", "--region", "europe-west4", "--api-endpoint", server.url),
            *("--poll-seconds", "0.01"),
            *more,
            *("--", "sh", "-ec", 'echo "$0"', "it's a\nprogram", "--executor_input", given),
        ]

    return arguments
