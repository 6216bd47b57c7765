from hypothesis import given
from hypothesis import strategies as st

from lab_lens.errors import InputError
from lab_lens.registry.base import HistoryEntry, Pointers, next_number, normalize_version, pointers_after

VERSIONS = st.sampled_from(["v1", "v2", "v3", "v4"])


def entry(action: str, version: str | None) -> HistoryEntry:
    return HistoryEntry("2026-01-01T00:00:00+00:00", action, "ana", "why", None, version)  # type: ignore[arg-type]


EVENTS = st.builds(entry, st.sampled_from(["registered", "promoted", "held", "deploy_failed"]), VERSIONS)


@given(st.lists(EVENTS), VERSIONS)
def test_promoting_then_rolling_back_restores_both_pointers(history: list[HistoryEntry], version: str) -> None:
    before = pointers_after(history)
    promoted = [*history, entry("promoted", version)]
    if before.production in (None, version):
        return
    after = pointers_after([*promoted, entry("rolled_back", before.production)])
    assert (after.production, after.previous) == (before.production, before.previous)


@given(st.lists(EVENTS))
def test_rolling_back_as_long_as_there_is_a_previous_version_ends_at_the_first(history: list[HistoryEntry]) -> None:
    promoted = [event.to_version for event in history if event.action == "promoted"]
    steps = 0
    while (previous := pointers_after(history).previous) is not None:
        history = [*history, entry("rolled_back", previous)]
        steps += 1
    assert steps <= len(promoted)
    assert pointers_after(history).production == (promoted[0] if promoted else None)


@given(st.lists(EVENTS), VERSIONS)
def test_holds_failed_deployments_and_registrations_move_no_production(
    history: list[HistoryEntry], version: str
) -> None:
    before = pointers_after(history)
    for action in ("held", "shifting", "deploy_failed", "registered"):
        after = pointers_after([*history, entry(action, version)])
        assert (after.production, after.previous) == (before.production, before.previous)
        settled = action == "deploy_failed" and version == before.candidate
        assert after.candidate == (version if action == "registered" else None if settled else before.candidate)


@given(st.lists(EVENTS), VERSIONS)
def test_a_pruned_version_is_nobodys_target(history: list[HistoryEntry], version: str) -> None:
    before, after = pointers_after(history), pointers_after([*history, entry("pruned", version)])
    assert version not in (after.production, after.previous, after.candidate)
    if version not in (before.production, before.previous, before.candidate):
        assert after == before


def test_a_version_that_was_rolled_back_from_is_not_previous_but_can_be_named() -> None:
    history = [entry("promoted", version) for version in ("v1", "v2", "v3")] + [entry("rolled_back", "v2")]
    assert pointers_after(history) == Pointers("v2", "v1")
    assert pointers_after([*history, entry("rolled_back", "v3")]) == Pointers("v3", "v1")


def test_promoting_what_is_in_production_keeps_previous() -> None:
    history = [entry("promoted", version) for version in ("v1", "v2", "v2")]
    assert pointers_after(history) == Pointers("v2", "v1")


@given(st.text(max_size=80))
def test_a_version_name_is_refused_or_stays_one_directory_below_the_registry(name: str) -> None:
    try:
        normalized = normalize_version(name)
    except InputError:
        return
    assert normalized == normalize_version(normalized)
    assert normalized.startswith("v")
    assert not set(normalized) & set("/\\:\0 \n")


def test_the_next_number_follows_the_highest_leading_number() -> None:
    assert next_number([]) == 1
    assert next_number(["v2", "v10.1", "vnext"]) == 11
