"""The supervised endpoint under load: while versions come and go, die, and while it is started again itself."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from client_load import ClientLoad
from served_models import served_registry

from lab_lens.config_deployment import Deployment
from lab_lens.endpoints.base import EndpointError, release_of
from lab_lens.endpoints.local import LocalEndpoint
from lab_lens.endpoints.rollout import return_traffic, roll_out
from lab_lens.registry.local import LocalRegistry

pytestmark = [
    pytest.mark.integration,
    pytest.mark.xdist_group("local-endpoint"),
    pytest.mark.skipif(os.name == "nt", reason="ends processes by POSIX signals"),
]
SETTINGS = Deployment(latency_requests=1, latency_seconds=60.0, keep_previous=True)


@pytest.fixture(scope="module")
def registry(tiny_model_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> LocalRegistry:
    """v1 is in production, as a trial left it."""
    registry = served_registry(tiny_model_dir, tmp_path_factory.mktemp("supervised"))
    registry.promote("v1", actor="ana", reason="tried out", decision_hash="")
    return registry


@contextmanager
def serve(registry: LocalRegistry, directory: Path, port: int = 0) -> Iterator[LocalEndpoint]:
    """`lab-lens serve --endpoint-dir`, until the block ends."""
    command = [sys.executable, "-m", "lab_lens", "serve", "--registry", str(registry.path), "--device", "cpu"]
    (directory / "supervisor.json").unlink(missing_ok=True)
    with subprocess.Popen([*command, "--port", str(port), "--endpoint-dir", str(directory)]) as process:
        try:
            endpoint = LocalEndpoint(directory, SETTINGS)
            wait_until(lambda: (directory / "supervisor.json").is_file() and bool(endpoint.split()))
            yield endpoint
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=60) == 0
        finally:
            process.kill()


ROLLOUT = """
import sys
from pathlib import Path
from lab_lens.config_deployment import Deployment
from lab_lens.endpoints.open import open_endpoint
from lab_lens.endpoints.rollout import roll_out
from lab_lens.registry.open import open_registry

settings = Deployment(latency_requests=100, latency_seconds=60.0)
roll_out(open_endpoint(sys.argv[1], settings), open_registry(sys.argv[2]), "v2", settings, actor="ana")
"""


def kill_rollout(registry: LocalRegistry, directory: Path, endpoint: LocalEndpoint) -> dict[str, int]:
    """Begin a rollout of v2 in a process, kill that when v2 has traffic, and give the split that is left."""
    command = [sys.executable, "-c", ROLLOUT, endpoint.location, str(registry.path)]
    with subprocess.Popen(command) as process:
        wait_until(lambda: endpoint.split().get("v2", 0) > 0)
        process.kill()
    split = endpoint.split()
    assert registry.production() == "v1"
    assert registry.history()[-1].traffic_after == split
    return split


def wait_until(true: Any) -> None:
    deadline = time.monotonic() + 300
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def admin(endpoint: LocalEndpoint) -> Any:
    return json.loads(endpoint._admin("GET", "/split").body)["versions"]


def test_no_request_fails_while_versions_are_promoted_rolled_back_refused_and_die(
    registry: LocalRegistry, tmp_path: Path
) -> None:
    directory = tmp_path / "endpoint"
    directory.mkdir()
    with serve(registry, directory) as endpoint:
        port = endpoint.port()
        wait_until(lambda: endpoint.split() == {"v1": 100} and endpoint.is_healthy("v1"))
        with ClientLoad(port) as load:
            assert load.wait_for("v1")
            assert roll_out(endpoint, registry, "v2", SETTINGS, actor="ana").healthy
            assert load.wait_for("v2")
            back = return_traffic(endpoint, registry, SETTINGS, actor="ana", reason="a drill")
            assert (back.status, back.split, registry.production()) == ("healthy", {"v1": 100}, "v1")
            # One that says nothing is refused.
            refused = roll_out(endpoint, registry, "v4", SETTINGS, actor="ana")
            assert refused.reasons == ("summary: the summary of a synthetic note is empty",)
            # One of two dies: its requests go to the other until it is there again.
            endpoint.deploy(release_of(registry, "v2"))
            endpoint.shift({"v1": 50, "v2": 50}, expected={"v1": 100})
            os.kill(admin(endpoint)["v2"]["pid"], signal.SIGKILL)
            wait_until(lambda: admin(endpoint)["v2"]["restarts"] == 1 and endpoint.is_healthy("v2"))
            endpoint.shift({"v1": 100}, expected={"v1": 50, "v2": 50})
            split = kill_rollout(registry, directory, endpoint)
        assert (load.failures, set(load.served)) == ({}, {"v1", "v2"})
        pid = json.loads((directory / "supervisor.json").read_text())["pid"]
    with serve(registry, directory, port) as again:
        assert json.loads((directory / "supervisor.json").read_text())["pid"] != pid
        assert (again.port(), again.split()) == (port, split)
        wait_until(lambda: again.is_healthy("v1") and again.is_healthy("v2"))
        result = roll_out(again, registry, "v2", SETTINGS, actor="ana")
        assert (result.status, result.split, registry.production()) == ("healthy", {"v2": 100}, "v2")
        assert result.steps[0].share_percent == split["v2"]


def test_an_endpoint_that_is_told_to_end_leaves_no_way_to_it(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "lab_lens.serving.supervisor", "--state", str(tmp_path), "--port", "0"]
    with subprocess.Popen(command) as process:
        try:
            endpoint = LocalEndpoint(tmp_path, SETTINGS)
            wait_until(lambda: (tmp_path / "supervisor.json").is_file() and is_up(endpoint))
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=60) == 0
        finally:
            process.kill()
    assert not (tmp_path / "supervisor.json").exists()


def is_up(endpoint: LocalEndpoint) -> bool:
    try:
        return endpoint.split() == {}
    except EndpointError:
        return False


def test_two_supervisors_do_not_share_a_directory(registry: LocalRegistry, tmp_path: Path) -> None:
    with serve(registry, tmp_path):
        command = [sys.executable, "-m", "lab_lens.serving.supervisor", "--state", str(tmp_path), "--port", "0"]
        second = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
        assert second.returncode == 2
        assert f"an endpoint runs in {tmp_path} already" in second.stderr


def test_a_first_version_that_does_not_come_up_ends_the_server(registry: LocalRegistry, tmp_path: Path) -> None:
    registry.promote("v3", actor="ana", reason="not tried out", decision_hash="")
    try:
        command = [sys.executable, "-m", "lab_lens", "serve", "--registry", str(registry.path), "--port", "0"]
        ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    finally:
        registry.rollback(actor="ana", reason="cannot be loaded")
    assert ended.returncode == 2
    assert ended.stderr.splitlines()[-1].startswith("lab-lens: error: v3 did not come up: the server ended with exit")
