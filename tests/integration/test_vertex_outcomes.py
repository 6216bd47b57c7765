"""What becomes of releases and returns on Vertex AI: in the registry's history, in traffic, and in what is left."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from loopback.certificates import self_signed
from loopback.vertex_containers import ChildContainer
from loopback.vertex_grpc import grpc_door
from loopback.vertex_operations import NEVER, Plan
from loopback.vertex_release import QUOTA
from vertex_endpoint_site import FULL_NAME, IMAGE, PARENT
from vertex_release_site import STORE, Hospital, hospital

from lab_lens import artifacts
from lab_lens.endpoints.rollout import return_traffic, roll_out
from lab_lens.registry.base import Evidence

pytestmark = pytest.mark.integration
SHOWN = f"vertex://clinic/europe-west4/discharge?store={STORE}&image={IMAGE}&api_endpoint=ADDRESS"


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Hospital]:
    with hospital(tmp_path, released="v1") as found:
        yield found


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        (Plan(code=9, message="Model server never became ready."), "Model server never became ready"),
        (Plan(code=8, message=QUOTA), "ask for more of this quota of clinic"),
        (Plan(code=13, message="Internal error.", leaves_remains=True), "Internal error"),
        (Plan(looks=NEVER), "it was cancelled"),
        (Plan(looks=NEVER, deaf=True), "could not be cancelled"),
    ],
    ids=["a failed operation", "no quota", "a failed operation that left its deployed model", "never ready", "deaf"],
)
def test_a_deployment_that_fails_stands_in_the_history_and_production_stays(
    running: Hospital, plan: Plan, told: str
) -> None:
    running.site.server.jobs.plans["DeployModel"] = [plan]
    result = running.release("v2")
    assert not result.healthy
    assert told in "; ".join(result.reasons)
    assert running.outcomes()[-1] == "deploy_failed v2"
    assert told in running.registry.history()[-1].why
    running.site.server.jobs.hurry()
    assert running.registry.production() == "v1"
    assert running.site.split() == {"v1": 100}
    assert running.release("v2").healthy
    running.require_only("v2")


def test_a_first_deployment_that_fails_leaves_nothing_and_nothing_is_in_production(tmp_path: Path) -> None:
    with hospital(tmp_path) as running:
        running.site.server.jobs.plans["DeployModel"] = [Plan(code=9, message="Model server never became ready.")]
        assert not running.release("v1").healthy
        assert running.site.remains() == []
        assert running.registry.production() is None
        assert running.outcomes() == ["deploy_failed v1"]


def test_a_version_that_answers_wrongly_loses_its_traffic_again_and_is_taken_down(running: Hospital) -> None:
    assert running.release("v2").healthy
    assert running.release("v1").healthy
    running.break_model("v2")
    result = running.release("v2")
    assert not result.healthy
    assert any("asking v2" in reason for reason in result.reasons)
    running.require_only("v1")
    shifts = [entry for entry in running.registry.history() if entry.action == "shifting"][-2:]
    assert [(shift.traffic_before, shift.traffic_after) for shift in shifts] == [
        ({"v1": 100}, {"v1": 50, "v2": 50}),
        ({"v1": 50, "v2": 50}, {"v1": 100}),
    ]


def test_somebody_who_moves_traffic_meanwhile_is_not_overruled(running: Hospital) -> None:
    def move() -> None:
        endpoint = running.site.server.resources[FULL_NAME]
        ids = {item.display_name.split()[1]: item.id for item in endpoint.deployed_models}
        running.site.server.endpoints.split(FULL_NAME, {ids["v1"]: 80, ids["v2"]: 20})

    running.site.server.meanwhile("UpdateEndpoint", move)
    result = running.release("v2")
    assert not result.healthy
    assert "expected v1 100 %, found v1 80 %, v2 20 %" in "; ".join(result.reasons)
    assert running.registry.production() == "v1"
    assert sum(running.site.split().values()) == 100


def test_production_returns_to_the_version_before_although_that_was_taken_down(running: Hospital) -> None:
    assert running.release("v2").healthy
    returned = return_traffic(
        running.site.endpoint(), running.registry, running.settings, actor="ana", reason="complaints from ward 3"
    )
    assert returned.healthy
    running.require_only("v1")
    assert running.outcomes()[-1] == "rolled_back v1"


def test_a_version_that_is_kept_needs_no_deployment_to_return_to(running: Hospital) -> None:
    settings = running.settings.model_copy(update={"keep_previous": True})
    endpoint, registry = running.site.endpoint(), running.registry
    assert roll_out(endpoint, registry, "v2", settings, actor="ana").healthy
    assert endpoint.split() == {"v1": 0, "v2": 100}
    deployments = len(running.site.server.requests("DeployModel"))
    assert return_traffic(endpoint, registry, settings, actor="ana", reason="complaints").healthy
    assert running.site.split() == {"v1": 100}
    assert len(running.site.server.requests("DeployModel")) == deployments


def test_the_registry_in_vertex_ai_and_the_endpoint_share_one_model(tmp_path: Path) -> None:
    with hospital(tmp_path, SHOWN, released="v1") as running:
        assert running.release("v2").healthy
        deployed = [request.deployed_model.model for request in running.site.server.requests("DeployModel")]
        assert deployed == [f"{PARENT}/models/discharge@1", f"{PARENT}/models/discharge@2"]
        assert running.site.server.models.names() == [f"{PARENT}/models/discharge"]
        assert running.site.server.models.alias(f"{PARENT}/models/discharge", "default") == "2"


def test_a_whole_release_by_grpc(tmp_path: Path) -> None:
    certificate = self_signed(tmp_path)
    with hospital(tmp_path / "registry") as running, grpc_door(running.site.server, certificate) as address:
        vertex = running.settings.vertex.model_copy(
            update={"api_endpoint": address, "transport": "grpc", "dedicated": False}
        )
        settings = running.settings.model_copy(update={"vertex": vertex})
        for version in ("v1", "v2"):
            release_by_child(running, settings.model_dump_json(), version, certificate.path)
        running.require_only("v2")
        assert running.outcomes() == ["promoted v1", "promoted v2"]


def release_by_child(running: Hospital, settings: str, version: str, roots: Path) -> None:
    """In a process that trusts the certificate: gRPC reads which ones it trusts once."""
    given = json.dumps([running.cloud.url, settings, running.location, version])
    code = "import json, sys, vertex_release_child as child; child.release_here(*json.loads(sys.argv[1]))"
    tests = str(Path(__file__).parents[1])
    known = {**os.environ, "PYTHONPATH": tests, "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(roots)}
    ended = subprocess.run([sys.executable, "-c", code, given], env=known, capture_output=True, check=False, text=True)
    assert ended.returncode == 0, ended.stderr


def test_real_containers_answer_the_golden_note_as_the_pipeline_did(tmp_path: Path, tiny_model_dir: Path) -> None:
    containers: list[ChildContainer] = []

    def run(model: Any) -> ChildContainer:
        containers.append(ChildContainer(model.artifact_uri, tmp_path / f"container-{len(containers)}"))
        return containers[-1]

    try:
        with hospital(tmp_path / "registry") as running:
            running.site.server.predictions.run = run
            running.site.changes = {"deploy_timeout_minutes": 10}
            version = register_tiny(running, tiny_model_dir, tmp_path)
            result = running.release(version)
            assert result.healthy, result.reasons
            assert "equal to the pipeline's own" in result.checks[2].detail
            assert running.registry.production() == version
    finally:
        for container in containers:
            container.stop()


def register_tiny(running: Hospital, model: Path, directory: Path) -> str:
    """Register a model with what it itself makes of a note."""
    from lab_lens.engine.checkpoint import load_model
    from lab_lens.engine.generate import generate
    from lab_lens.serving.settings import read_settings

    settings, note = read_settings(model), "chest pain and fever"
    (made,) = generate(
        load_model(model, "cpu"),
        [note],
        decoding=settings.decoding,
        max_input_tokens=settings.max_input_tokens,
        max_target_tokens=settings.max_target_tokens,
    )
    golden = artifacts.write_json(
        directory / artifacts.GOLDEN_JSON, {"schema_version": 1, "text": note, "summary": made.summary}
    )
    evidence = Evidence({artifacts.GOLDEN_JSON: golden}, {})
    return running.registry.register(model, evidence, actor="ana", version="v7").version
