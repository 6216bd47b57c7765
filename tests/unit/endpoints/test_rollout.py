from pathlib import Path

import pytest
from memory_endpoint import MemoryEndpoint
from release_site import SETTINGS, content, make_registry, memory_endpoint, with_golden

from lab_lens.config_deployment import Deployment
from lab_lens.endpoints.base import EndpointError, release_of
from lab_lens.endpoints.emptying import empty_endpoint
from lab_lens.endpoints.rollout import return_traffic, roll_out, try_out
from lab_lens.errors import InputError
from lab_lens.registry.base import SHIFTING
from lab_lens.registry.local import LocalRegistry


@pytest.fixture
def registry(tmp_path: Path) -> LocalRegistry:
    return make_registry(tmp_path)


@pytest.fixture
def endpoint(registry: LocalRegistry) -> MemoryEndpoint:
    """v1 is in production and has the traffic."""
    endpoint = memory_endpoint(registry)
    assert roll_out(endpoint, registry, "v1", SETTINGS, actor="ana").healthy
    return endpoint


def shifts(registry: LocalRegistry) -> list[tuple[dict[str, int], dict[str, int]]]:
    return [(entry.traffic_before, entry.traffic_after) for entry in registry.history() if entry.action == SHIFTING]


def test_the_first_version_gets_all_traffic_after_its_smoke_test(
    registry: LocalRegistry, endpoint: MemoryEndpoint
) -> None:
    assert endpoint.split() == {"v1": 100}
    assert registry.production() == "v1"
    assert shifts(registry) == [({}, {"v1": 100})]


def test_a_version_goes_through_canary_and_steps_and_the_former_is_taken_down_last(
    registry: LocalRegistry, endpoint: MemoryEndpoint
) -> None:
    result = roll_out(endpoint, registry, "2", SETTINGS, actor="ben", run_id="42")
    assert result.healthy
    assert [step.share_percent for step in result.steps] == [0, 10, 50, 100]
    assert [check.check for check in result.checks] == [
        "health",
        "model_hash",
        "summary",
        "malformed_request",
        "latency",
    ]
    assert shifts(registry)[1:] == [
        ({"v1": 100}, {"v1": 90, "v2": 10}),
        ({"v1": 90, "v2": 10}, {"v1": 50, "v2": 50}),
        ({"v1": 50, "v2": 50}, {"v2": 100}),
    ]
    last = registry.history()[-1]
    assert (last.action, last.who, last.run_id, last.from_version, last.to_version) == (
        "promoted",
        "ben",
        "42",
        "v1",
        "v2",
    )
    assert (result.production_before, result.production) == ("v1", "v2")
    assert (result.split_before, result.split) == ({"v1": 100}, {"v2": 100})
    assert endpoint.split() == {"v2": 100}


def test_where_idle_versions_cannot_be_asked_the_canary_share_comes_first(registry: LocalRegistry) -> None:
    endpoint = memory_endpoint(registry, reaches_idle=False)
    roll_out(endpoint, registry, "v1", SETTINGS, actor="ana")
    result = roll_out(endpoint, registry, "v2", SETTINGS, actor="ana")
    assert result.healthy
    assert [step.share_percent for step in result.steps] == [10, 50, 100]


def test_the_former_version_stays_deployed_when_that_is_wanted(
    registry: LocalRegistry, endpoint: MemoryEndpoint
) -> None:
    kept = Deployment(keep_previous=True, latency_requests=1)
    roll_out(endpoint, registry, "v2", kept, actor="ana")
    assert endpoint.split() == {"v1": 0, "v2": 100}
    roll_out(endpoint, registry, "v3", kept, actor="ana")
    assert endpoint.split() == {"v2": 0, "v3": 100}


@pytest.mark.parametrize("reaches_idle", [True, False])
def test_a_version_that_fails_its_smoke_test_is_taken_down_and_production_has_its_traffic(
    registry: LocalRegistry, reaches_idle: bool
) -> None:
    endpoint = memory_endpoint(registry, "v2", reaches_idle=reaches_idle)
    roll_out(endpoint, registry, "v1", SETTINGS, actor="ana")
    result = roll_out(endpoint, registry, "v2", SETTINGS, actor="ana")
    assert not result.healthy
    assert result.reasons == (
        "health: the endpoint says that it is not ready",
        "summary: the summary of a synthetic note is empty",
    )
    assert endpoint.split() == {"v1": 100}
    assert (registry.production(), result.production, result.split) == ("v1", "v1", {"v1": 100})
    last = registry.history()[-1]
    assert (last.action, last.to_version, last.why) == ("deploy_failed", "v2", "; ".join(result.reasons))


def test_a_first_version_that_fails_leaves_an_empty_endpoint_and_nothing_in_production(
    registry: LocalRegistry,
) -> None:
    for reaches_idle in (True, False):
        endpoint = memory_endpoint(registry, "v1", reaches_idle=reaches_idle)
        result = roll_out(endpoint, registry, "v1", SETTINGS, actor="ana")
        assert (result.status, result.split, endpoint.split()) == ("unhealthy", {}, {})
        assert registry.production() is None


def test_a_version_that_does_not_come_up_is_a_result_with_its_reason(
    registry: LocalRegistry, endpoint: MemoryEndpoint
) -> None:
    endpoint.dead.add(content(registry, "v2"))
    result = roll_out(endpoint, registry, "v2", SETTINGS, actor="ana")
    assert result.reasons == ("start: v2 did not come up",)
    assert [check.check for check in result.checks] == ["start"]
    assert endpoint.split() == {"v1": 100}


def test_the_golden_note_must_be_answered_as_the_pipeline_did(tmp_path: Path, registry: LocalRegistry) -> None:
    endpoint = memory_endpoint(registry)
    other = with_golden(tmp_path, registry, "another summary")
    result = roll_out(endpoint, registry, other, SETTINGS, actor="ana")
    assert len(result.reasons) == 1
    assert result.reasons[0].startswith("summary: the golden note's summary is not the pipeline's own: 19 characters")
    assert "another summary" not in str(result)


def test_a_slow_version_is_refused(registry: LocalRegistry, endpoint: MemoryEndpoint) -> None:
    endpoint.slow.add(content(registry, "v2"))
    hasty = Deployment(latency_seconds=0.5, latency_requests=3)
    result = roll_out(endpoint, registry, "v2", hasty, actor="ana")
    assert result.reasons == ("latency: percentile 90 of 3 requests: 1.00 s, over deployment.latency_seconds (0.5 s)",)


def test_a_rollout_of_what_is_in_production_tests_it_and_changes_nothing(
    registry: LocalRegistry, endpoint: MemoryEndpoint
) -> None:
    before = len(shifts(registry))
    assert roll_out(endpoint, registry, "v1", SETTINGS, actor="ana").healthy
    assert (endpoint.split(), len(shifts(registry))) == ({"v1": 100}, before)


def test_production_is_brought_to_an_endpoint_that_does_not_serve_it(registry: LocalRegistry) -> None:
    registry.promote("v1", actor="ana", reason="tried out", decision_hash="")
    endpoint = memory_endpoint(registry)
    assert roll_out(endpoint, registry, "v1", SETTINGS, actor="ana").healthy
    assert endpoint.split() == {"v1": 100}


def test_production_that_fails_its_test_keeps_its_traffic_since_nothing_else_could_take_it(
    registry: LocalRegistry, endpoint: MemoryEndpoint
) -> None:
    endpoint.broken.add(content(registry, "v1"))
    assert not roll_out(endpoint, registry, "v1", SETTINGS, actor="ana").healthy
    assert (endpoint.split(), registry.production()) == ({"v1": 100}, "v1")


def test_a_rollout_of_another_version_that_was_cut_off_is_undone_first(
    registry: LocalRegistry, endpoint: MemoryEndpoint
) -> None:
    endpoint.deploy(release_of(registry, "v2"))
    endpoint.shift({"v1": 50, "v2": 50}, expected={"v1": 100})
    result = roll_out(endpoint, registry, "v3", SETTINGS, actor="ana")
    assert result.healthy
    assert ({"v1": 50, "v2": 50}, {"v1": 100}) in shifts(registry)
    assert endpoint.split() == {"v3": 100}


def test_a_rollout_that_was_cut_off_goes_on_where_it_was(registry: LocalRegistry, endpoint: MemoryEndpoint) -> None:
    endpoint.deploy(release_of(registry, "v2"))
    endpoint.shift({"v1": 50, "v2": 50}, expected={"v1": 100})
    result = roll_out(endpoint, registry, "v2", SETTINGS, actor="ana")
    assert result.healthy
    assert [step.share_percent for step in result.steps] == [50, 100]


def test_traffic_that_somebody_moved_meanwhile_is_left_where_they_want_it(
    registry: LocalRegistry, endpoint: MemoryEndpoint
) -> None:
    class Meddled(MemoryEndpoint):
        def shift(self, split, *, expected):  # type: ignore[no-untyped-def]
            if split == {"v1": 50, "v2": 50}:
                MemoryEndpoint.shift(self, {"v1": 100}, expected={"v1": 90, "v2": 10})
            MemoryEndpoint.shift(self, split, expected=expected)

    endpoint.__class__ = Meddled
    result = roll_out(endpoint, registry, "v2", SETTINGS, actor="ana")
    assert result.reasons == (
        "traffic was moved by somebody else meanwhile: expected v1 90 %, v2 10 %, found v1 100 %; "
        "find out who did it, then repeat this",
    )
    assert (endpoint.split(), registry.production()) == ({"v1": 100}, "v1")


def test_an_endpoint_that_cannot_be_asked_is_told_and_recorded(registry: LocalRegistry) -> None:
    class Silent(MemoryEndpoint):
        def split(self) -> dict[str, int]:
            raise EndpointError("no answer")

    with pytest.raises(EndpointError, match="no answer"):
        roll_out(Silent(), registry, "v1", SETTINGS, actor="ana")
    last = registry.history()[-1]
    assert (last.action, last.why) == ("deploy_failed", "memory: could not be asked: no answer (rollout of v1)")


def test_a_changed_version_is_refused_before_anything_is_done(
    registry: LocalRegistry, endpoint: MemoryEndpoint
) -> None:
    (registry.model_dir("v2") / "extra.bin").write_text("x")
    before = registry.history()
    with pytest.raises(InputError, match=r"v2 was not deployed: model/extra\.bin was added"):
        roll_out(endpoint, registry, "v2", SETTINGS, actor="ana")
    assert (registry.history(), endpoint.split()) == (before, {"v1": 100})


def test_a_trial_moves_no_traffic(registry: LocalRegistry) -> None:
    endpoint = memory_endpoint(registry, "v2")
    assert try_out(endpoint, registry, "v1", SETTINGS, actor="ana").healthy
    assert (endpoint.split(), registry.production(), shifts(registry)) == ({"v1": 0}, "v1", [])
    assert not try_out(endpoint, registry, "v2", SETTINGS, actor="ana").healthy
    assert (registry.production(), registry.history()[-1].action) == ("v1", "deploy_failed")


@pytest.fixture
def second(registry: LocalRegistry, endpoint: MemoryEndpoint) -> MemoryEndpoint:
    """v2 is in production after v1, which is not deployed any more."""
    assert roll_out(endpoint, registry, "v2", SETTINGS, actor="ana").healthy
    return endpoint


def test_traffic_returns_to_the_previous_version_which_is_deployed_again(
    registry: LocalRegistry, second: MemoryEndpoint
) -> None:
    result = return_traffic(second, registry, SETTINGS, actor="ben", reason="omits allergies")
    assert (result.status, result.version, result.split) == ("healthy", "v1", {"v1": 100})
    assert (registry.production(), second.split()) == ("v1", {"v1": 100})
    last = registry.history()[-1]
    assert (last.action, last.from_version, last.to_version, last.why) == (
        "rolled_back",
        "v2",
        "v1",
        "omits allergies",
    )


def test_traffic_leaves_a_version_that_does_not_answer_any_more(
    registry: LocalRegistry, second: MemoryEndpoint
) -> None:
    second.broken.add(content(registry, "v2"))
    assert return_traffic(second, registry, SETTINGS, actor="ben", reason="it hangs").healthy
    assert second.split() == {"v1": 100}


def test_a_return_to_a_version_that_does_not_come_up_changes_nothing_and_says_so(
    registry: LocalRegistry, second: MemoryEndpoint
) -> None:
    second.dead.add(content(registry, "v1"))
    result = return_traffic(second, registry, SETTINGS, actor="ben", reason="omits allergies", to="v1")
    assert (result.status, result.reasons) == ("unhealthy", ("start: v1 did not come up",))
    assert (registry.production(), second.split()) == ("v2", {"v2": 100})
    assert registry.history()[-1].action == "deploy_failed"


@pytest.mark.parametrize("to", ["", "v2"])
def test_a_release_that_was_cut_off_is_undone_by_a_return(
    registry: LocalRegistry, second: MemoryEndpoint, to: str
) -> None:
    second.deploy(release_of(registry, "v3"))
    second.shift({"v3": 100}, expected={"v2": 100})
    result = return_traffic(second, registry, SETTINGS, actor="ben", reason="stop that", to=to)
    assert (result.version, result.split, second.split()) == ("v2", {"v2": 100}, {"v2": 100})
    last = registry.history()[-1]
    assert (registry.production(), last.action, last.why) == ("v2", "held", "return to v2: stop that")


def test_a_return_that_was_cut_off_before_its_record_is_completed(
    registry: LocalRegistry, second: MemoryEndpoint
) -> None:
    second.deploy(release_of(registry, "v1"))
    second.shift({"v1": 100}, expected={"v2": 100})
    result = return_traffic(second, registry, SETTINGS, actor="ben", reason="omits allergies")
    assert (result.version, registry.production(), second.split()) == ("v1", "v1", {"v1": 100})


@pytest.mark.parametrize(("to", "message"), [("v2", "already"), ("v9", "not registered"), ("../v1", "not allowed")])
def test_a_version_that_cannot_be_returned_to_changes_nothing(
    registry: LocalRegistry, second: MemoryEndpoint, to: str, message: str
) -> None:
    before = registry.history()
    with pytest.raises(InputError, match=message):
        return_traffic(second, registry, SETTINGS, actor="ben", reason="r", to=to)
    assert (registry.history(), second.split()) == (before, {"v2": 100})


def test_what_a_first_release_left_behind_can_be_taken_down(registry: LocalRegistry) -> None:
    endpoint = memory_endpoint(registry)
    endpoint.deploy(release_of(registry, "v1"))
    endpoint.shift({"v1": 100}, expected={})
    assert empty_endpoint(endpoint, registry, actor="ben", reason="it was cut off")
    assert (endpoint.split(), registry.history()[-1].action) == ({}, "held")
    assert not empty_endpoint(endpoint, registry, actor="ben", reason="it was cut off")


def test_what_serves_production_is_not_taken_down(registry: LocalRegistry, endpoint: MemoryEndpoint) -> None:
    with pytest.raises(InputError, match="v1 is in production"):
        empty_endpoint(endpoint, registry, actor="ben", reason="r")
    assert endpoint.split() == {"v1": 100}
