"""The services of containers/compose.yaml, started with plain docker as the file says."""

import http.client
import json
import socket
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from containers.docker_cli import DockerCli
from containers.locks import ROOT
from lab_lens.registry.base import Evidence
from lab_lens.registry.local import LocalRegistry

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("docker")]

SERVICES: dict[str, Any] = yaml.safe_load((ROOT / "containers" / "compose.yaml").read_text())["services"]
# What `_arguments` translates; anything else in the file would go untested.
KNOWN = {
    "read_only", "tmpfs", "cap_drop", "security_opt", "init", "restart", "image", "command", "ports", "volumes",
    "mem_limit", "healthcheck",
}  # fmt: skip


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _arguments(service: dict[str, Any], image: str, port: int, mount: str) -> list[str]:
    """The service as arguments of `docker run`."""
    assert set(service) <= KNOWN
    (published,) = service["ports"]
    host, _, inside = published.rpartition(":")
    arguments = ["--read-only"] * service["read_only"] + ["--init"] * service["init"]
    arguments += [f"--tmpfs={path}" for path in service["tmpfs"]]
    arguments += [f"--cap-drop={name}" for name in service["cap_drop"]]
    arguments += [f"--security-opt={option}" for option in service["security_opt"]]
    arguments += [f"--memory={service['mem_limit']}", mount, f"--publish={host.split(':')[0]}:{port}:{inside}"]
    return [*arguments, image, *service["command"]]


def _ask(port: int, method: str, path: str, body: Any = None, host: str = "") -> tuple[int, bytes]:
    headers = {"Content-Type": "application/json"} | ({"Host": host} if host else {})
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        response = connection.getresponse()
        return response.status, response.read()


def _wait(docker: DockerCli, container: str, port: int, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            if _ask(port, "GET", "/health")[0] == 200:
                return
        except (OSError, http.client.HTTPException):
            pass  # not listening yet
        assert time.monotonic() < deadline, docker.run("logs", container).stderr
        time.sleep(0.5)


def test_the_tracking_server_keeps_runs_serves_its_pages_and_refuses_other_hosts(
    docker: DockerCli, images: dict[str, Any], start: Callable[..., str]
) -> None:
    service, port = SERVICES["mlflow"], _free_port()
    # A volume without a name goes with its container.
    container = start(*_arguments(service, images["ops"]["reference"], port, "--volume=/mlflow"))
    _wait(docker, container, port)
    status, answer = _ask(port, "POST", "/api/2.0/mlflow/experiments/create", {"name": "compose"})
    assert (status, "experiment_id" in json.loads(answer)) == (200, True)
    assert b"<!doctype html>" in _ask(port, "GET", "/")[1].lower()
    assert _ask(port, "GET", "/api/2.0/mlflow/experiments/search?max_results=1", host="evil.example")[0] == 403
    assert docker.run("exec", container, *service["healthcheck"]["test"][1:]).returncode == 0


def test_the_production_model_is_served_from_a_registry_that_is_only_read(
    docker: DockerCli, images: dict[str, Any], readable_model: Path, tmp_path: Path, start: Callable[..., str]
) -> None:
    registry = LocalRegistry(tmp_path / "registry")
    version = registry.register(readable_model, Evidence({}, {}), actor="ana").version
    registry.promote(version, actor="ana", reason="good", decision_hash="")
    for path in (registry.path, *registry.path.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    (volume,) = SERVICES["serving"]["volumes"]
    assert volume["read_only"]
    mount = f"--mount=type=bind,source={registry.path},target={volume['target']},readonly"
    port = _free_port()
    container = start(*_arguments(SERVICES["serving"], images["serving"]["reference"], port, mount))
    _wait(docker, container, port)
    status, answer = _ask(port, "POST", "/predict", {"instances": [{"text": "Admitted with chest pain."}]})
    assert (status, len(json.loads(answer)["predictions"])) == (200, 1)


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_listens_on_this_machine_only_and_has_no_rights(name: str) -> None:
    service = SERVICES[name]
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"]
