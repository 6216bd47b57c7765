"""What every registry does with versions that it has: aliases, promotion, rollback, history, pruning."""

import json
from typing import Any

import pytest
from registry_place import NEEDS_MODEL_FILES, READS, USES, AtAPlace, Maker, Place

from lab_lens.errors import InputError
from lab_lens.registry.base import ALIASES, Pointers, Registry, served_at


class MovesContract(AtAPlace):
    """Aliases, promotion, rollback, history, pruning."""

    def test_the_candidate_is_what_was_registered_last_until_it_is_settled(
        self, registry: Registry, make: Maker
    ) -> None:
        seen = []
        for weights in ("a", "b", "c"):
            make.register(weights)
            seen.append(registry.candidate())
        registry.record("deploy_failed", actor="gate", reason="unhealthy", version="v3")
        seen.append(registry.candidate())
        make.register("d")
        registry.promote("candidate", actor="ana", reason="better", decision_hash="h")
        assert [*seen, registry.candidate()] == ["v1", "v2", "v3", None, None]
        assert registry.production() == "v4"

    def test_an_alias_stands_for_its_version_everywhere(self, registry: Registry, make: Maker) -> None:
        make.release("a", "b")
        make.register("c")
        named = dict(zip(ALIASES, ("v3", "v2", "v1"), strict=True))
        for use in READS.values():
            for alias, version in named.items():
                assert use(registry, alias) == use(registry, version)
        assert registry.rollback_target("previous") == "v1"
        assert registry.record("held", actor="gate", reason="r", version="production").to_version == "v2"
        assert registry.promote("candidate", actor="ana", reason="r", decision_hash="h").to_version == "v3"
        assert registry.rollback(actor="ana", reason="r", to="previous").to_version == "v2"

    @pytest.mark.parametrize("alias", ALIASES)
    @pytest.mark.parametrize("use", sorted(USES.keys() - {"rollback", "rollback_target"}))
    def test_an_alias_that_stands_for_nothing_is_told(
        self, registry: Registry, place: Place, alias: str, use: str
    ) -> None:
        with pytest.raises(InputError, match=f"there is no {alias} version at present; registered: none"):
            USES[use](registry, alias)

    def test_promoting_and_rolling_back_move_the_pointers_and_say_who_when_and_why(
        self, registry: Registry, make: Maker
    ) -> None:
        make.release("a", "b", "c")
        assert registry.pointers() == Pointers("v3", "v2", None)
        entry = registry.rollback(actor="ben", reason="answers were worse", run_id="run-9")
        told = (entry.action, entry.from_version, entry.to_version, entry.who, entry.why, entry.run_id)
        assert told == ("rolled_back", "v3", "v2", "ben", "answers were worse", "run-9")
        assert registry.pointers() == Pointers("v2", "v1", None)
        registry.rollback(actor="ben", reason="still worse")
        with pytest.raises(InputError, match="no previous one to return to"):
            registry.rollback(actor="ben", reason="again")
        assert registry.production() == "v1"
        actions = [entry.action for entry in registry.history()]
        assert actions == ["registered"] * 3 + ["promoted"] * 3 + ["rolled_back"] * 2
        assert [entry.when for entry in registry.history()] == sorted(entry.when for entry in registry.history())

    def test_the_history_binds_decision_and_run(self, registry: Registry, make: Maker) -> None:
        make.register("a", reason="forced by ben")
        registry.promote("v1", actor="ana", reason="better", decision_hash="h2", run_id="run-8")
        registered, promoted = registry.history()
        assert registered.decision_hash == registry.show("v1").decision_hash != ""
        assert (registered.why, registered.run_id) == ("forced by ben", "run-7")
        assert (promoted.decision_hash, promoted.run_id) == ("h2", "run-8")

    def test_rolling_back_to_a_named_version_goes_there(self, registry: Registry, make: Maker) -> None:
        make.release("a", "b", "c")
        registry.rollback(actor="ben", reason="v2 had the same fault", to="1")
        assert registry.pointers() == Pointers("v1", None, None)
        registry.rollback(actor="ben", reason="it was the data", to="v3")
        assert registry.production() == "v3"
        with pytest.raises(InputError, match="v3 is in production already; nothing was changed"):
            registry.rollback(actor="ben", reason="again", to="v3")

    def test_without_production_there_is_nothing_to_roll_back_from(
        self, registry: Registry, place: Place, make: Maker
    ) -> None:
        make.register("a")
        before = place.snapshot()
        with pytest.raises(InputError, match="nothing is in production, so there is nothing to roll back from"):
            registry.rollback(actor="ana", reason="r")
        assert place.snapshot() == before

    def test_a_shift_of_traffic_is_recorded_with_both_splits_and_moves_nothing(
        self, registry: Registry, make: Maker
    ) -> None:
        make.release("a")
        make.register("b")
        before, after = {"v1": 100}, {"v1": 90, "v2": 10}
        entry = registry.record(
            "shifting",
            actor="gate",
            reason="canary",
            version="v2",
            traffic_before=before,
            traffic_after=after,
            endpoint="local:/srv/notes",
        )
        assert (entry.traffic_before, entry.traffic_after) == (before, after)
        registry.record("held", actor="gate", reason="r")
        assert served_at(registry.history()) == "local:/srv/notes"
        assert registry.history()[-2] == entry
        assert registry.pointers() == Pointers("v1", None, "v2")

    def test_traffic_may_go_to_nobody_only_where_production_has_none(self, registry: Registry, make: Maker) -> None:
        make.register("a")
        assert served_at(registry.history()) == ""
        said = {"actor": "gate", "reason": "v1 failed"}
        registry.record("shifting", version="v1", traffic_before={"v1": 100}, traffic_after={}, **said)  # type: ignore[arg-type]
        make.release("b")
        registry.record("shifting", version="v1", traffic_before={"v1": 100}, traffic_after={}, **said)  # type: ignore[arg-type]
        with pytest.raises(InputError, match="traffic would point to nothing"):
            registry.record("shifting", version="v1", traffic_before={"v2": 90, "v1": 10}, traffic_after={}, **said)  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        ("action", "after", "message"),
        [
            ("promoted", {}, "call the method that does it"),
            ("pruned", {}, "call the method that does it"),
            ("shifting", {}, "traffic would point to nothing"),
            ("shifting", {"v1": 90}, "add up to 100, not v1 90"),
            ("shifting", {"v1": 110, "v2": -10}, "add up to 100"),
        ],
    )
    def test_an_event_that_cannot_be_is_refused(
        self, registry: Registry, place: Place, make: Maker, action: Any, after: dict[str, int], message: str
    ) -> None:
        make.release("a")
        before = place.snapshot()
        with pytest.raises(InputError, match=message):
            registry.record(action, actor="gate", reason="r", version="v1", traffic_after=after)
        assert place.snapshot() == before

    @pytest.mark.parametrize("use", sorted(USES))
    @pytest.mark.parametrize(
        ("version", "message"), [("v9", "is not registered; registered: v1"), ("../v1", "allowed")]
    )
    def test_an_unknown_version_is_named_with_those_that_exist(
        self, registry: Registry, place: Place, make: Maker, use: str, version: str, message: str
    ) -> None:
        make.release("a")
        before = place.snapshot()
        with pytest.raises(InputError, match=message):
            USES[use](registry, version)
        assert place.snapshot() == before

    @pytest.mark.parametrize("said", [{"actor": " ", "reason": "r"}, {"actor": "ana", "reason": ""}])
    def test_nothing_happens_without_an_actor_and_a_reason(
        self, registry: Registry, place: Place, make: Maker, said: dict[str, str]
    ) -> None:
        make.release("a", "b", "c")
        before = place.snapshot()
        for act in (
            lambda: registry.record("held", **said),
            lambda: registry.promote("v1", decision_hash="", **said),
            lambda: registry.rollback(**said),
            lambda: registry.prune(0, **said),
        ):
            with pytest.raises(InputError, match="needs an actor and a reason"):
                act()
        with pytest.raises(InputError, match="needs an actor and a reason"):
            registry.register(make.model("d"), make.evidence("d"), actor=" ")
        assert place.snapshot() == before

    def test_pruning_keeps_the_newest_and_whatever_an_alias_stands_for(self, registry: Registry, make: Maker) -> None:
        make.release("a", "b", "c", "d")
        for weights in ("e", "f"):
            make.register(weights)
        registry.rollback(actor="ana", reason="worse", to="v2")
        assert registry.pointers() == Pointers("v2", "v1", "v6")
        assert registry.prune(0, actor="ana", reason="space", dry_run=True) == ["v3", "v4", "v5"]
        assert len(registry.list_versions()) == 6
        assert registry.prune(3, actor="ana", reason="space") == ["v3"]
        assert registry.prune(0, actor="ana", reason="space") == ["v4", "v5"]
        assert registry.prune(0, actor="ana", reason="space") == []
        assert [version.version for version in registry.list_versions()] == ["v1", "v2", "v6"]
        assert registry.pointers() == Pointers("v2", "v1", "v6")
        assert [registry.verify(alias) for alias in ALIASES] == [[], [], []]

    def test_of_a_pruned_version_the_papers_and_the_events_stay(
        self, registry: Registry, place: Place, make: Maker
    ) -> None:
        make.release("a", "b", "c")
        before = registry.show("v1")
        registry.prune(0, actor="ben", reason="space")
        entry = registry.history()[-1]
        assert (entry.action, entry.to_version, entry.who, entry.why) == ("pruned", "v1", "ben", "space")
        assert registry.show("v1") == before
        assert json.loads(registry.read_document("v1", "golden.json"))["summary"] == "a"
        assert sum(path.endswith("model.safetensors") for path in place.snapshot()) == 2

    @pytest.mark.parametrize("use", NEEDS_MODEL_FILES)
    def test_what_needs_the_model_files_of_a_pruned_version_says_that_they_are_gone(
        self, registry: Registry, place: Place, make: Maker, use: str
    ) -> None:
        make.release("a", "b", "c")
        registry.prune(0, actor="ben", reason="space")
        before = place.snapshot()
        with pytest.raises(InputError, match=r"v1 was pruned on .* by ben: its model files are gone; .*: v2, v3"):
            USES[use](registry, "v1")
        assert place.snapshot() == before

    def test_a_name_is_never_used_again(self, registry: Registry, make: Maker) -> None:
        make.release("a", "b")
        make.register("c", "9.1")
        registry.record("deploy_failed", actor="gate", reason="unhealthy", version="v9.1")
        assert registry.prune(0, actor="ana", reason="space") == ["v9.1"]
        with pytest.raises(InputError, match=r"v9\.1 exists .* choose another name"):
            make.register("d", "9.1")
        assert make.register("c") == "v10", "the same bytes come back under a new name"
        assert registry.verify("v10") == []

    def test_a_version_that_a_shift_of_traffic_sends_requests_to_is_kept_until_the_shift_ended(
        self, registry: Registry, make: Maker
    ) -> None:
        make.release("a", "b", "c")
        shares = {"traffic_before": {"v3": 100}, "traffic_after": {"v3": 90, "v1": 10}}
        registry.record("shifting", actor="gate", reason="back to v1", version="v1", **shares)
        assert registry.prune(0, actor="ana", reason="space") == []
        registry.record("deploy_failed", actor="gate", reason="unhealthy", version="v1")
        assert registry.prune(0, actor="ana", reason="space") == [], "nobody knows whether that shift happened"
        registry.record("shifting", actor="gate", reason="canary", version="v3", traffic_after={"v3": 100})
        registry.rollback(actor="ana", reason="r")
        registry.promote("v3", actor="gate", reason="healthy", decision_hash="h")
        assert registry.prune(0, actor="ana", reason="space") == ["v1"]

    def test_the_version_that_clients_are_served_by_is_kept_wherever_the_pointers_went(
        self, registry: Registry, make: Maker
    ) -> None:
        make.register("a")
        registry.record("shifting", actor="gate", reason="first", version="v1", traffic_after={"v1": 100})
        registry.promote("v1", actor="gate", reason="healthy", decision_hash="h")
        make.release("b", "c")
        assert registry.pointers() == Pointers("v3", "v2", None)
        assert registry.prune(0, actor="ana", reason="space") == []
        shares = {"traffic_before": {"v1": 100}, "traffic_after": {"v3": 100}}
        registry.record("shifting", actor="gate", reason="catching up", version="v3", **shares)
        assert registry.prune(0, actor="ana", reason="space", dry_run=True) == []
        registry.promote("v3", actor="gate", reason="healthy", decision_hash="h")
        assert registry.prune(0, actor="ana", reason="space") == ["v1"]

    def test_what_one_endpoint_serves_is_kept_while_traffic_moves_at_another(
        self, registry: Registry, make: Maker
    ) -> None:
        make.register("a")
        registry.record("shifting", actor="gate", reason="r", version="v1", traffic_after={"v1": 100})
        registry.promote("v1", actor="gate", reason="healthy", decision_hash="h")
        for version, endpoint in (("v2", "local:one"), ("v3", "local:two")):
            make.register(version)
            shares = {"traffic_after": {version: 100}, "endpoint": endpoint}
            registry.record("shifting", actor="gate", reason="r", version=version, **shares)
            registry.promote(version, actor="gate", reason="healthy", decision_hash="h")
        make.release("d", "e")
        assert registry.prune(0, actor="ana", reason="space") == ["v1"], (
            "a later shift is the last of those without one"
        )

    def test_a_negative_number_to_keep_is_refused(self, registry: Registry, make: Maker) -> None:
        make.release("a", "b", "c")
        with pytest.raises(InputError, match="cannot keep -1 versions; give 0 or more"):
            registry.prune(-1, actor="ana", reason="space")
        assert len(registry.list_versions()) == 3
