"""That Vertex AI Model Registry follows a registry whatever happens on the way, and never leads it."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from cloud_registry_site import LOCATION, open_quickly
from loopback.vertex_operations import Plan
from loopback.vertex_routes import plain
from registry_place import Maker
from vertex_registry_site import VertexSite

from lab_lens.errors import InputError
from lab_lens.registry.base import Action, Registry
from lab_lens.registry.vertex import VertexRegistry

Making = Callable[[Registry], Maker]
QUOTA = "Quota exceeded for quota metric 'Model upload requests' of service 'aiplatform.googleapis.com'."
WRITES = ("UploadModel", "MergeVersionAliases", "UpdateModel", "DeleteModelVersion", "ImportModelEvaluation")


@pytest.fixture
def registry(site: VertexSite) -> VertexRegistry:
    return site.open()


@pytest.fixture
def make(registry: VertexRegistry, making: Making) -> Maker:
    return making(registry)


@pytest.mark.parametrize("performed", [False, True], ids=["before it is performed", "after it was performed"])
@pytest.mark.parametrize("lasting", [False, True], ids=["one answer lost", "killed"])
def test_between_store_and_vertex_every_call_may_be_lost(
    site: VertexSite, making: Making, performed: bool, lasting: bool
) -> None:
    make = making(site.open())
    make.release("a", "b")
    registry = site.open()
    at = 0
    while True:
        at += 1
        registry.rollback(actor="ana", reason="back", to="v1")
        site.server.cut(at, performed=performed, lasting=lasting)
        registry.rollback(actor="ana", reason="and again", to="v2")
        cut = site.server.mend() >= at
        assert registry.production() == "v2"
        assert site.models.alias(site.model, "production") in {"1", "2"}
        assert site.models.alias(site.model, "default") == site.models.alias(site.model, "production")
        site.open().sync()
        assert site.aliases() == {"1": {"v1"}, "2": {"v2", "production", "default"}}
        if not cut:
            break
    assert at > 3


def test_failures_that_pass_are_not_noticed(site: VertexSite, make: Maker, caplog: pytest.LogCaptureFixture) -> None:
    for rpc in ("ListModelVersions", "UploadModel", "MergeVersionAliases", "UpdateModel", "GetOperation"):
        site.server.fail(rpc, 503, "try again", times=2)
    with caplog.at_level(logging.WARNING):
        make.release("a")
    assert site.aliases() == {"1": {"v1", "production", "default"}}
    assert "does not show it yet" not in caplog.text


@pytest.mark.parametrize(
    "plan",
    [Plan(code=8, message=QUOTA), Plan(code=7, message="Permission 'aiplatform.models.upload' denied")],
    ids=["no quota", "not allowed"],
)
def test_an_upload_that_fails_is_told_and_made_up_for(
    site: VertexSite, make: Maker, caplog: pytest.LogCaptureFixture, plan: Plan
) -> None:
    make.release("a")
    site.operations.plans["UploadModel"] = [plan]
    with caplog.at_level(logging.WARNING):
        assert make.register("b") == "v2"
    assert "v2 is registered, but Vertex AI does not show it yet; the next change makes up for it" in caplog.text
    assert plan.message in caplog.text
    assert set(site.aliases()) == {"1"}
    make.register("c")
    assert [sorted(aliases) for aliases in site.aliases().values()][1:] == [["v2"], ["candidate", "v3"]]


@pytest.mark.parametrize(
    ("status", "message", "told"),
    [
        (429, QUOTA, "Model upload requests.*ask for more of this quota of hospital-ml in europe-west4"),
        (403, "Permission denied", "the caller needs aiplatform.models.upload in hospital-ml"),
        (403, "Permission 'iam.serviceAccounts.actAs' denied", "iam.serviceAccounts.actAs"),
        (401, "Request had invalid credentials", "gcloud auth application-default login"),
    ],
)
def test_a_promotion_is_refused_and_nothing_changes_while_vertex_refuses(
    site: VertexSite, registry: VertexRegistry, make: Maker, status: int, message: str, told: str
) -> None:
    make.release("a")
    site.server.fail("UploadModel", status, message, times=2)
    make.register("b")
    before = (registry.history(), site.aliases())
    with pytest.raises(InputError, match=told):
        registry.promote("v2", actor="ana", reason="r", decision_hash="h")
    assert (registry.history(), site.aliases()) == before
    registry.promote("v2", actor="ana", reason="r", decision_hash="h")
    assert site.models.alias(site.model, "default") == "2"


def test_a_rollback_does_not_depend_on_vertex(
    site: VertexSite, registry: VertexRegistry, make: Maker, caplog: pytest.LogCaptureFixture
) -> None:
    make.release("a", "b")
    site.server.fail("ListModelVersions", 503, "away", times=999)
    with caplog.at_level(logging.WARNING):
        assert registry.rollback(actor="ana", reason="worse").to_version == "v1"
    assert "v1 is in production, but Vertex AI does not show it yet" in caplog.text
    assert registry.production() == "v1"


@pytest.mark.parametrize("action", ["shifting", "held"])
def test_what_vertex_does_not_show_does_not_wait_for_it(
    site: VertexSite, registry: VertexRegistry, make: Maker, action: Action
) -> None:
    make.release("a")
    asked = len(site.server.calls)
    registry.record(action, actor="ana", reason="r", version="v1", traffic_after={"v1": 100})
    assert len(site.server.calls) == asked
    registry.record("deploy_failed", actor="ana", reason="r", version="v1")
    assert len(site.server.calls) > asked


def test_a_version_that_is_deployed_stays_in_vertex_until_it_is_not(
    site: VertexSite, registry: VertexRegistry, make: Maker, caplog: pytest.LogCaptureFixture
) -> None:
    site.deployed.add(f"{site.model}@1")
    make.release("a", "b", "c")
    with caplog.at_level(logging.WARNING):
        assert registry.prune(0, actor="ana", reason="space") == ["v1"]
    assert "a version that is not needed stays in Vertex AI for now" in caplog.text
    assert set(site.aliases()) == {"1", "2", "3"}
    site.deployed.clear()
    registry.sync()
    assert set(site.aliases()) == {"2", "3"}


def test_writers_at_once_are_all_shown_once(site: VertexSite, making: Making) -> None:
    make = making(site.open())
    make.release("first")
    papers = {weights: make.evidence(weights) for weights in "abcd"}

    def write(weights: str) -> str:
        return site.open().register(make.model(weights), papers[weights], actor="ana").version

    with ThreadPoolExecutor(4) as pool:
        names = set(pool.map(write, "abcd"))
    site.open().sync()
    assert names == {"v2", "v3", "v4", "v5"}
    assert sorted(sorted(aliases - {"candidate"}) for aliases in site.aliases().values()) == [
        ["default", "production", "v1"],
        ["v2"],
        ["v3"],
        ["v4"],
        ["v5"],
    ]
    candidate = site.open().candidate()
    assert {"candidate", candidate} in site.aliases().values()


def test_a_model_that_shows_something_else_is_left_alone(
    site: VertexSite, making: Making, registry: VertexRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    other = VertexRegistry(site.location.replace(LOCATION, f"{LOCATION}-other"), poll_seconds=0.001)
    making(other).release("a")
    before = [plain(item) for item in site.models.versions(site.model)]
    make = making(registry)
    with caplog.at_level(logging.WARNING):
        make.register("b")
    told = f"has 1 versions, and none of them is of the registry {LOCATION}; give another model id"
    assert told in caplog.text
    with pytest.raises(InputError, match=told):
        registry.promote("v1", actor="ana", reason="r", decision_hash="h")
    assert registry.production() is None
    assert [plain(item) for item in site.models.versions(site.model)] == before


def test_a_registry_that_exists_is_shown_when_vertex_is_added(site: VertexSite, making: Making) -> None:
    making(open_quickly()).release("a", "b", "c")
    site.open().sync()
    assert site.aliases() == {
        "1": {"v3", "production", "default"},
        "2": {"v1"},
        "3": {"v2", "previous"},
    }


def test_an_upload_that_ends_after_it_was_repeated_is_shown_once(site: VertexSite, making: Making) -> None:
    make = making(site.open())
    make.release("a")
    make.evidence("b")
    # The upload begins, and nobody waits for its end.
    site.server.fail("GetOperation", 403, "denied")
    make.register("b")
    (late,) = site.operations.at_work(site.model)
    site.open().sync()
    assert site.aliases() == {"1": {"v1", "production", "default"}, "2": {"v2", "candidate"}}
    site.console.get_operation({"name": late})
    assert site.aliases()["3"] == {"v2"}
    site.open().sync()
    assert site.aliases() == {"1": {"v1", "production", "default"}, "2": {"v2", "candidate"}}
