"""What is to be done next so that Vertex AI shows a registry."""

import pytest

from lab_lens.registry.base import Pointers
from lab_lens.registry.vertex_plan import (
    Delete,
    Evaluate,
    MergeAliases,
    Shown,
    Step,
    Upload,
    first_step,
    next_step,
)

NOTHING = Pointers(None, None, None)
RELEASED = Pointers("v2", "v1", None)


def shown(number: int, version: str, *aliases: str, evaluated: bool = True) -> Shown:
    labels = {"lab_lens_version": version} | ({"lab_lens_evaluation": "none"} if evaluated else {})
    return Shown(number, frozenset(aliases), labels)


ONE = shown(1, "v1", "v1", "previous")
TWO = shown(2, "v2", "v2", "production", "default")


@pytest.mark.parametrize(
    ("versions", "pointers", "found", "step"),
    [
        (["v1", "v2"], RELEASED, [ONE, TWO], None),
        (["v1", "v2", "v3"], RELEASED, [ONE, TWO], Upload("v3", first=False)),
        (["v1", "v2"], RELEASED, [ONE], Upload("v2", first=False)),
        (["v2"], RELEASED, [ONE, TWO], Delete(ONE)),
        (["v1", "v2"], RELEASED, [ONE, TWO, shown(3, "v2")], Delete(shown(3, "v2"))),
        (["v1"], NOTHING, [shown(1, "v1", "v1", "default"), shown(2, "v1")], Delete(shown(2, "v1"))),
        # A default that nobody needs cannot go.
        (["v2"], NOTHING, [shown(1, "v1", "v1", "default"), shown(2, "v2", "v2")], None),
        (
            ["v1"],
            NOTHING,
            [shown(1, "v1", "v1", evaluated=False)],
            Evaluate(shown(1, "v1", "v1", evaluated=False), "v1"),
        ),
        (
            ["v1"],
            NOTHING,
            [shown(1, "v1", "v1", "candidate")],
            MergeAliases(shown(1, "v1", "v1", "candidate"), ("-candidate",)),
        ),
    ],
)
def test_the_first_thing_that_is_missing_is_done_next(
    versions: list[str], pointers: Pointers, found: list[Shown], step: Step | None
) -> None:
    assert next_step(versions, pointers, found) == step


def test_production_comes_first_and_an_alias_is_moved_by_giving_it_away() -> None:
    before = [shown(1, "v1", "v1", "production", "default"), shown(2, "v2", "v2", "candidate")]
    first = next_step(["v1", "v2", "v3"], RELEASED, before)
    assert first == MergeAliases(before[1], ("default", "production"))
    after = [shown(1, "v1", "v1"), shown(2, "v2", "v2", "candidate", "production", "default")]
    assert next_step(["v1", "v2", "v3"], RELEASED, after) == MergeAliases(after[0], ("previous",))


def test_what_was_refused_is_left_out() -> None:
    assert next_step(["v2"], RELEASED, [ONE, TWO], [Delete(ONE)]) is None


@pytest.mark.parametrize(
    ("pointers", "passed", "begins"),
    [(NOTHING, {"v2"}, "v2"), (NOTHING, set(), None), (Pointers("v3", None, None), {"v2"}, "v3")],
)
def test_a_model_begins_with_what_is_in_production_or_passed_the_gate(
    pointers: Pointers, passed: set[str], begins: str | None
) -> None:
    step = first_step(["v1", "v2", "v3"], pointers, passed.__contains__)
    assert step == (Upload(begins, first=True) if begins else None)
