import json
from collections import Counter
from pathlib import Path
from typing import cast

import httpx
import pytest
from starlette.testclient import TestClient

from lab_lens.endpoints.base import EndpointError, SplitChangedError
from lab_lens.errors import InputError
from lab_lens.serving.child import Child, Served
from lab_lens.serving.fleet import Fleet, read_state
from lab_lens.serving.front import Front
from lab_lens.serving.supervisor import run_supervisor


def fleet_of(directory: Path, **shares: int) -> Fleet:
    """A fleet whose versions were deployed by an earlier process, and are not started here."""
    versions = [{"version": name, "model": f"/models/{name}", "content_hash": name * 8} for name in shares]
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "endpoint.json").write_text(json.dumps({"versions": versions, "split": shares, "schema_version": 1}))
    fleet = Fleet(directory, device="cpu", client=httpx.AsyncClient())
    fleet._children = {name: stub(name) for name in shares}
    return fleet


def stub(version: str, *, ready: bool = True) -> Child:
    class Stub:
        served = Served(version, "", "")

    Stub.ready = ready  # type: ignore[attr-defined]
    return cast(Child, Stub())


def answers(fleet: Fleet, number: int) -> Counter[str]:
    return Counter(child.served.version for _ in range(number) if (child := fleet.choose()))


def test_every_hundred_requests_are_split_exactly(tmp_path: Path) -> None:
    fleet = fleet_of(tmp_path, v1=90, v2=10)
    assert answers(fleet, 100) == {"v1": 90, "v2": 10}
    assert answers(fleet, 100) == {"v1": 90, "v2": 10}
    fleet.shift({"v1": 33, "v2": 67}, {"v1": 90, "v2": 10})
    assert answers(fleet, 100) == {"v1": 33, "v2": 67}


def test_a_small_share_is_spread_over_the_requests(tmp_path: Path) -> None:
    fleet = fleet_of(tmp_path, v1=90, v2=10)
    asked = [child.served.version for _ in range(40) if (child := fleet.choose())]
    assert all(Counter(asked[start : start + 10])["v2"] == 1 for start in range(0, 40, 10))


def test_a_version_that_is_down_gets_nothing_meanwhile(tmp_path: Path) -> None:
    fleet = fleet_of(tmp_path, v1=90, v2=10)
    fleet._children["v1"] = stub("v1", ready=False)
    assert answers(fleet, 20) == {"v2": 20}
    assert fleet.choose(frozenset({"v2"})) is None


def test_the_split_is_kept_before_it_holds(tmp_path: Path) -> None:
    fleet = fleet_of(tmp_path, v1=100, v2=0)
    fleet.shift({"v1": 90, "v2": 10}, {"v1": 100})
    assert read_state(tmp_path).split == {"v1": 90, "v2": 10}
    assert Fleet(tmp_path, device="cpu", client=httpx.AsyncClient()).split() == {"v1": 90, "v2": 10}


def test_a_split_that_cannot_be_kept_does_not_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = fleet_of(tmp_path / "gone", v1=100, v2=0)
    (tmp_path / "gone" / "endpoint.json").unlink()
    (tmp_path / "gone").rmdir()
    (tmp_path / "gone").write_text("a file")
    with pytest.raises(OSError, match="gone"):
        fleet.shift({"v2": 100}, {"v1": 100})
    assert fleet.split() == {"v1": 100, "v2": 0}


def test_traffic_goes_to_no_version_that_cannot_answer(tmp_path: Path) -> None:
    fleet = fleet_of(tmp_path, v1=100, v2=0)
    fleet._children["v2"] = stub("v2", ready=False)
    with pytest.raises(EndpointError, match="v2 cannot answer at the moment"):
        fleet.shift({"v1": 90, "v2": 10}, {"v1": 100})


def test_a_changed_split_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SplitChangedError, match="expected v1 90 %, v2 10 %, found v1 100 %"):
        fleet_of(tmp_path, v1=100, v2=0).shift({"v2": 100}, {"v1": 90, "v2": 10})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON"),
        ('{"versions": 1}', "is damaged"),
        ('{"versions": [], "split": {}, "schema_version": 99}', "newer lab-lens"),
    ],
)
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "endpoint.json").write_text(text)
    with pytest.raises(InputError, match=message):
        read_state(tmp_path)


def test_a_directory_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match=r"cannot write to .*file; give another directory|cannot write to .*file"):
        run_supervisor(tmp_path / "file", port=0)


@pytest.fixture
def front(tmp_path: Path) -> TestClient:
    """The admin routes of a fleet without versions."""
    fleet = Fleet(tmp_path, device="cpu", client=httpx.AsyncClient())
    app = Front(fleet, httpx.AsyncClient(), "secret").app(80, lambda _: None)
    return TestClient(app, headers={"Authorization": "Bearer secret"}, base_url="http://127.0.0.1:80")


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/split", None, 200),
        ("PUT", "/split", {"split": {"v1": 100}, "expected": {}}, 409),
        ("PUT", "/split", {"split": {}}, 400),
        ("PUT", "/versions/v1", {"model": "/m"}, 400),
        ("PUT", "/versions/v..", {"model": "/m", "content_hash": "h", "ready_seconds": 1}, 400),
        ("DELETE", "/versions/v1", None, 200),
        ("GET", "/versions/v1/health", None, 503),
        ("GET", "/versions/v1/model", None, 404),
        ("POST", "/versions/v1/predict", {}, 404),
    ],
)
def test_wrong_requests_of_a_deployer_are_refused_by_their_status(
    front: TestClient, method: str, path: str, body: object, status: int
) -> None:
    assert front.request(method, path, json=body).status_code == status


def test_without_the_token_nothing_is_told(front: TestClient) -> None:
    assert front.get("/split", headers={"Authorization": "Bearer guess"}).status_code == 401
    assert front.get("/split", headers={"Authorization": ""}).status_code == 401
