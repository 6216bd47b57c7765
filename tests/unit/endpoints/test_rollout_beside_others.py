"""Releases and returns beside what other people deployed, or while they move traffic themselves."""

from pathlib import Path

import pytest
from memory_endpoint import MemoryEndpoint
from release_site import SETTINGS, content, make_registry, memory_endpoint, with_golden

from lab_lens.endpoints.base import Reply, release_of
from lab_lens.endpoints.emptying import empty_endpoint
from lab_lens.endpoints.rollout import return_traffic, roll_out
from lab_lens.endpoints.shares import gathered
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


def add_foreign(endpoint: MemoryEndpoint, **shares: int) -> None:
    endpoint._hashes["foreign"] = "f" * 64
    endpoint._shares = {**dict.fromkeys(endpoint._shares, 0), **shares}


class Edited(MemoryEndpoint):
    """An operator edits the split once, while v2 is asked at the canary share."""

    wanted: dict[str, int]

    def predict(self, version: str, texts) -> Reply:  # type: ignore[no-untyped-def]
        if self.wanted and self._shares.get("v2") == 10:
            self._shares, self.wanted = dict(self.wanted), {}
        return MemoryEndpoint.predict(self, version, texts)


def edited(endpoint: MemoryEndpoint, wanted: dict[str, int]) -> None:
    endpoint.__class__ = Edited
    endpoint.wanted = wanted  # type: ignore[attr-defined]


def test_a_gathered_split_adds_up_and_leaves_others_what_they_have() -> None:
    assert gathered({"v1": 20, "v2": 30, "x": 50}, "v3", {"v1", "v2", "v3"}) == {"x": 50, "v3": 50}
    assert gathered({}, "v3", {"v3"}) == {"v3": 100}
    assert gathered({"x": 100}, "v3", {"v3"}) == {"x": 100}


def test_what_others_deployed_stays_deployed_after_a_release(registry: LocalRegistry, endpoint: MemoryEndpoint) -> None:
    add_foreign(endpoint, v1=50, foreign=50)
    assert roll_out(endpoint, registry, "v2", SETTINGS, actor="ana").healthy
    assert endpoint.split() == {"foreign": 0, "v2": 100}


def test_what_others_deployed_has_its_traffic_again_after_a_release_that_failed(
    registry: LocalRegistry, endpoint: MemoryEndpoint
) -> None:
    endpoint.reaches_idle = False
    endpoint.broken.add(content(registry, "v2"))
    add_foreign(endpoint, v1=50, foreign=50)
    result = roll_out(endpoint, registry, "v2", SETTINGS, actor="ana")
    assert (result.status, endpoint.split()) == ("unhealthy", {"v1": 50, "foreign": 50})
    assert "do not serve as they should" not in str(result.reasons)


def test_leftovers_are_undone_and_others_are_not(registry: LocalRegistry, endpoint: MemoryEndpoint) -> None:
    endpoint.deploy(release_of(registry, "v2"))
    add_foreign(endpoint, v1=50, v2=20, foreign=30)
    assert roll_out(endpoint, registry, "v3", SETTINGS, actor="ana").healthy
    assert endpoint.split() == {"foreign": 0, "v3": 100}
    undone = next(entry for entry in registry.history() if "cut off" in entry.why)
    assert undone.traffic_after == {"foreign": 30, "v1": 70}


def test_a_split_that_an_operator_edited_stays_while_the_version_serves_well(
    registry: LocalRegistry, endpoint: MemoryEndpoint
) -> None:
    edited(endpoint, {"v1": 60, "v2": 40})
    result = roll_out(endpoint, registry, "v2", SETTINGS, actor="ana")
    assert result.reasons[0].startswith("traffic was moved by somebody else meanwhile")
    assert (endpoint.split(), registry.production()) == ({"v1": 60, "v2": 40}, "v1")
    assert registry.history()[-1].action == "deploy_failed"


def test_a_version_that_fails_loses_its_traffic_also_where_an_operator_gave_it(
    registry: LocalRegistry, endpoint: MemoryEndpoint
) -> None:
    # It answers its test at the canary share, and nothing after that.
    edited(endpoint, {"v1": 60, "v2": 40})
    wrong = content(registry, "v2")
    shift = endpoint.shift

    def shift_and_break(split, *, expected):  # type: ignore[no-untyped-def]
        if split == {"v1": 50, "v2": 50}:
            endpoint.broken.add(wrong)
        shift(split, expected=expected)

    endpoint.shift = shift_and_break  # type: ignore[method-assign]
    result = roll_out(endpoint, registry, "v2", SETTINGS, actor="ana")
    assert any("v2 did not pass its smoke test after that" in reason for reason in result.reasons)
    assert (endpoint.split(), registry.production()) == ({"v1": 100}, "v1")


@pytest.mark.parametrize("reaches_idle", [True, False])
def test_the_end_of_a_first_version_that_failed_is_written_down_before_it(
    registry: LocalRegistry, reaches_idle: bool
) -> None:
    endpoint = memory_endpoint(registry, "v1", reaches_idle=reaches_idle)
    result = roll_out(endpoint, registry, "v1", SETTINGS, actor="ana")
    assert not any("could not be recorded" in reason for reason in result.reasons)
    shifts = [entry for entry in registry.history() if entry.action == SHIFTING]
    assert [entry.traffic_after for entry in shifts] == ([] if reaches_idle else [{"v1": 100}, {}])
    assert {entry.endpoint for entry in shifts} <= {"memory:"}


def test_an_endpoint_is_emptied_only_after_the_history_says_so(registry: LocalRegistry) -> None:
    endpoint = memory_endpoint(registry)
    endpoint.deploy(release_of(registry, "v1"))
    endpoint.shift({"v1": 100}, expected={})
    assert empty_endpoint(endpoint, registry, actor="ben", reason="it was cut off")
    shifting, held = registry.history()[-2:]
    assert (shifting.action, shifting.traffic_before, shifting.traffic_after) == ("shifting", {"v1": 100}, {})
    assert held.action == "held"


def test_an_endpoint_is_not_emptied_of_what_others_share(registry: LocalRegistry) -> None:
    endpoint = memory_endpoint(registry)
    endpoint.deploy(release_of(registry, "v1"))
    add_foreign(endpoint, v1=40, foreign=60)
    with pytest.raises(InputError, match="serves foreign, which this registry does not know, beside v1"):
        empty_endpoint(endpoint, registry, actor="ben", reason="it was cut off")
    assert endpoint.split() == {"v1": 40, "foreign": 60}


def test_a_version_that_was_in_production_returns_although_its_golden_note_has_another_summary(
    tmp_path: Path, registry: LocalRegistry
) -> None:
    # It was promoted when other libraries were installed.
    old = with_golden(tmp_path, registry, "words of an older library")
    registry.promote(old, actor="ana", reason="tried out", decision_hash="")
    endpoint = memory_endpoint(registry)
    assert roll_out(endpoint, registry, "v2", SETTINGS, actor="ana").healthy
    result = return_traffic(endpoint, registry, SETTINGS, actor="ben", reason="omits allergies")
    assert (result.status, registry.production(), endpoint.split()) == ("healthy", old, {old: 100})
    assert len(result.warnings) == 1
    assert "the golden note's summary is not the pipeline's own" in result.warnings[0]
    last = registry.history()[-1]
    assert last.why == f"omits allergies; {result.warnings[0]}"
    assert "older library" not in str((result, last))


def test_a_version_that_never_was_in_production_must_answer_its_golden_note(
    tmp_path: Path, registry: LocalRegistry, endpoint: MemoryEndpoint
) -> None:
    never = with_golden(tmp_path, registry, "other words")
    result = return_traffic(endpoint, registry, SETTINGS, actor="ben", reason="r", to=never)
    assert (result.status, registry.production(), endpoint.split()) == ("unhealthy", "v1", {"v1": 100})


def test_a_version_that_returns_must_still_be_the_registered_one(
    tmp_path: Path, registry: LocalRegistry, endpoint: MemoryEndpoint
) -> None:
    assert roll_out(endpoint, registry, "v2", SETTINGS, actor="ana").healthy
    endpoint.broken.add(content(registry, "v1"))
    assert not return_traffic(endpoint, registry, SETTINGS, actor="ben", reason="r").healthy
    assert endpoint.split() == {"v2": 100}
