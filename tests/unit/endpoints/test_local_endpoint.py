import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lab_lens.config import Config, Deployment
from lab_lens.endpoints.base import EndpointError, smoke_test
from lab_lens.endpoints.local import LocalEndpoint

NOTES = ["chest pain and fever", "no fever", "pain " * 200]


@pytest.fixture(scope="module")
def endpoint(tiny_model_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEndpoint]:
    served = LocalEndpoint(
        tiny_model_dir, device="cpu", limits=Deployment(), working_dir=tmp_path_factory.mktemp("serving")
    )
    with served:
        yield served


def test_served_summaries_equal_those_of_the_pipeline(
    endpoint: LocalEndpoint, tiny_model_dir: Path, tiny_config: Config
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
    served = endpoint.predict(NOTES)
    assert [answer.summary for answer in served] == [generation.summary for generation in expected]
    assert [answer.truncated for answer in served] == [False, False, True]
    assert [answer.log_probability for answer in served] == pytest.approx(
        [generation.log_probability for generation in expected], rel=1e-5
    )


def test_requests_at_once_are_all_answered_as_they_are_one_by_one(endpoint: LocalEndpoint) -> None:
    alone = [endpoint.predict([note])[0].summary for note in NOTES]
    with ThreadPoolExecutor(6) as clients:
        together = list(clients.map(lambda note: endpoint.predict([note])[0].summary, NOTES * 2))
    assert together == alone * 2


def test_the_smoke_test_passes_on_a_real_server_and_notices_another_model(
    endpoint: LocalEndpoint, tiny_model_dir: Path
) -> None:
    from lab_lens.engine.checkpoint import model_hash

    assert smoke_test(endpoint, NOTES[0], model_hash(tiny_model_dir)).healthy
    wrong = smoke_test(endpoint, NOTES[0], "0" * 64)
    assert [check.check for check in wrong.checks if not check.passed] == ["model_hash"]


def test_too_much_at_once_is_refused_with_its_status(endpoint: LocalEndpoint) -> None:
    assert endpoint.predict_status(b'{"instances":["' + b"a" * 2_000_000 + b'"]}') == 413
    with pytest.raises(EndpointError, match="/predict answered HTTP 400"):
        endpoint.predict(["note"] * 65)


def test_the_log_holds_no_note(endpoint: LocalEndpoint, tmp_path_factory: pytest.TempPathFactory) -> None:
    endpoint.predict(["Jane Roe"])
    endpoint.predict_status(b'{"instances": [{"Jane Roe": 1}]}')
    logs = [path.read_text() for path in tmp_path_factory.getbasetemp().rglob("serving.log")]
    assert any("ready" in log for log in logs)
    assert not any("Jane Roe" in log for log in logs)


def test_a_server_that_dies_is_noticed_at_once_with_its_reason(tmp_path: Path) -> None:
    endpoint = LocalEndpoint(tmp_path / "none", device="cpu", limits=Deployment(), working_dir=tmp_path)
    with pytest.raises(EndpointError, match=r"ended with exit code 2; its log: .*model directory not found"):
        endpoint.start()


def test_a_killed_parent_leaves_no_server_behind(tiny_model_dir: Path, tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from lab_lens.config import Deployment;"
        "from lab_lens.endpoints.local import LocalEndpoint;"
        "endpoint = LocalEndpoint(Path(sys.argv[1]), device='cpu', limits=Deployment(), working_dir=Path(sys.argv[2]));"
        "endpoint.start(); print('up', flush=True); time.sleep(600)"
    )
    command = [sys.executable, "-c", script, str(tiny_model_dir), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"up\n"
        port = json.loads((tmp_path / "serving.json").read_text())["port"]
        socket.create_connection(("127.0.0.1", port)).close()
        parent.kill()
    assert _is_closed_within(port, seconds=30)


def _is_closed_within(port: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            return True
        time.sleep(0.1)
    return False


def test_a_server_that_is_too_slow_is_stopped(tiny_model_dir: Path, tmp_path: Path) -> None:
    limits = Deployment(ready_timeout_seconds=0.1)
    endpoint = LocalEndpoint(tiny_model_dir, device="cpu", limits=limits, working_dir=tmp_path)
    with pytest.raises(EndpointError, match=r"not ready after 0\.1 s"):
        endpoint.start()
    endpoint.stop()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["serving.log"]


def test_after_stop_nobody_answers(tmp_path: Path) -> None:
    endpoint = LocalEndpoint(tmp_path, device="cpu", limits=Deployment(), working_dir=tmp_path)
    endpoint.stop()
    with pytest.raises(EndpointError, match="got no answer"):
        endpoint.is_healthy()
