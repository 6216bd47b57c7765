import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from endpoint_contract import EndpointContract
from served_models import served_registry

from lab_lens.config import Config
from lab_lens.config_deployment import Deployment
from lab_lens.endpoints.base import EndpointError, Release, release_of
from lab_lens.endpoints.local import LocalEndpoint
from lab_lens.endpoints.smoke import Golden, smoke_test
from lab_lens.endpoints.temporary import temporary_endpoint
from lab_lens.registry.local import LocalRegistry

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("local-endpoint")]
NOTES = ["chest pain and fever", "no fever", "pain " * 200]
LIMITS = Deployment(latency_requests=2)


@pytest.fixture(scope="module")
def registry(tiny_model_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> LocalRegistry:
    return served_registry(tiny_model_dir, tmp_path_factory.mktemp("served"))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEndpoint]:
    with temporary_endpoint(tmp_path_factory.mktemp("endpoint"), LIMITS, device="cpu") as endpoint:
        yield endpoint


@pytest.fixture
def endpoint(running: LocalEndpoint) -> LocalEndpoint:
    """A running endpoint without versions."""
    running.shift({}, expected=running.split())
    for version in running.split():
        running.undeploy(version)
    return running


@pytest.fixture
def served(running: LocalEndpoint, registry: LocalRegistry) -> LocalEndpoint:
    """A running endpoint where v1 is deployed."""
    running.deploy(release_of(registry, "v1"))
    return running


class TestLocalEndpoint(EndpointContract):
    @pytest.fixture
    def releases(self, registry: LocalRegistry) -> Sequence[Release]:
        return (release_of(registry, "v1"), release_of(registry, "v2"))

    @pytest.fixture
    def wrong_release(self, registry: LocalRegistry) -> Release:
        return release_of(registry, "v3")


def test_served_summaries_equal_those_of_the_pipeline(
    served: LocalEndpoint, registry: LocalRegistry, tiny_model_dir: Path, tiny_config: Config
) -> None:
    from lab_lens.engine.checkpoint import load_model
    from lab_lens.engine.generate import generate

    loaded = load_model(tiny_model_dir, "cpu")
    expected = generate(
        loaded,
        NOTES,
        decoding=tiny_config.decoding,
        max_input_tokens=tiny_config.model.max_input_tokens,
        max_target_tokens=tiny_config.model.max_target_tokens,
    )
    answers = served.predict("v1", NOTES).predictions
    assert [answer.summary for answer in answers] == [generation.summary for generation in expected]
    assert [answer.truncated for answer in answers] == [False, False, True]
    assert [answer.log_probability for answer in answers] == pytest.approx(
        [generation.log_probability for generation in expected], rel=1e-5
    )
    alone = [served.predict("v1", [note]).predictions[0].summary for note in NOTES]
    with ThreadPoolExecutor(6) as clients:
        together = list(clients.map(lambda note: served.predict("v1", [note]).predictions[0].summary, NOTES * 2))
    assert together == alone * 2
    release, golden = release_of(registry, "v1"), Golden(NOTES[0], expected[0].summary)
    assert smoke_test(served, release, golden, LIMITS).healthy
    other = smoke_test(served, release, Golden(NOTES[0], f"{expected[0].summary}!"), LIMITS)
    assert [check.check for check in other.checks if not check.passed] == ["summary"]


def test_too_much_at_once_is_refused_with_its_status(served: LocalEndpoint) -> None:
    assert served.predict_status("v1", b'{"instances":["' + b"a" * 2_000_000 + b'"]}') == 413
    with pytest.raises(EndpointError, match="/predict answered HTTP 400"):
        served.predict("v1", ["note"] * 65)


def test_the_logs_hold_no_note(served: LocalEndpoint, tmp_path_factory: pytest.TempPathFactory) -> None:
    served.predict("v1", ["Jane Roe"])
    served.predict_status("v1", b'{"instances": [{"Jane Roe": 1}]}')
    logs = [path.read_text() for path in tmp_path_factory.getbasetemp().rglob("*.log")]
    assert any("ready" in log for log in logs)
    assert not any("Jane Roe" in log for log in logs)


def test_what_does_not_come_up_tells_why(endpoint: LocalEndpoint, registry: LocalRegistry) -> None:
    with pytest.raises(EndpointError, match=r"ended with exit code \d; its log: .*config"):
        endpoint.deploy(release_of(registry, "v3"))
    hasty = LocalEndpoint(Path(endpoint.location.removeprefix("local:")), Deployment(ready_timeout_seconds=0.1))
    with pytest.raises(EndpointError, match=r"not ready after 0\.1 s"):
        hasty.deploy(release_of(registry, "v1"))
    assert endpoint.split() == {}


def test_a_version_whose_files_were_changed_is_never_ready(
    endpoint: LocalEndpoint, tiny_model_dir: Path, tmp_path: Path
) -> None:
    registry = served_registry(tiny_model_dir, tmp_path)
    release = release_of(registry, "v1")
    weights = registry.model_dir("v1") / "model.safetensors"
    weights.chmod(0o644)
    weights.write_bytes(weights.read_bytes()[:-1] + b"?")
    with pytest.raises(EndpointError, match=r"holds another model .* than was registered as v1"):
        endpoint.deploy(release)
    assert endpoint.split() == {}
    command = [sys.executable, "-m", "lab_lens", "serve", "--registry", str(registry.path), "--version", "v1"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert ended.returncode == 2
    assert "v1 is not served: model/model.safetensors was changed after registration" in ended.stderr


@pytest.mark.skipif(os.name == "nt", reason="looks at POSIX permissions")
def test_only_this_user_can_read_the_token_and_nobody_deploys_without_it(running: LocalEndpoint) -> None:
    import http.client

    told = Path(running.location.removeprefix("local:")) / "supervisor.json"
    assert told.stat().st_mode & 0o777 == 0o600
    door = json.loads(told.read_text())
    for port, token in ((door["admin_port"], "guessed"), (door["port"], door["token"])):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", "/split", headers={"Authorization": f"Bearer {token}"})
        assert connection.getresponse().status == (401 if token == "guessed" else 404)
        connection.close()


def test_where_nothing_runs_the_next_step_is_told(tmp_path: Path) -> None:
    with pytest.raises(EndpointError, match=r"no endpoint runs in .*; start it with `lab-lens serve"):
        LocalEndpoint(tmp_path, LIMITS).split()


def test_a_killed_parent_leaves_nothing_behind(registry: LocalRegistry, tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from lab_lens.config_deployment import Deployment;"
        "from lab_lens.endpoints.base import release_of; from lab_lens.endpoints.temporary import temporary_endpoint;"
        "from lab_lens.registry.open import open_registry;"
        "run = temporary_endpoint(Path(sys.argv[2]), Deployment(), device='cpu'); endpoint = run.__enter__();"
        "endpoint.deploy(release_of(open_registry(sys.argv[1]), 'v1')); print('up', flush=True); time.sleep(600)"
    )
    command = [sys.executable, "-c", script, str(registry.path), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"up\n"
        door = json.loads((tmp_path / "supervisor.json").read_text())
        child = json.loads((tmp_path / "logs" / "v1.json").read_text())
        ports = [door["port"], door["admin_port"], child["port"]]
        parent.kill()
    deadline = time.monotonic() + 60
    while any(_answers(port) for port in ports) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(_answers(port) for port in ports)


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
