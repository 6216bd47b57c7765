import itertools
from dataclasses import replace

import pytest

from lab_lens.errors import InputError
from lab_lens.release.decision import Force, Production, decide, force_of
from lab_lens.release.rules import Question

NAMES = ("pass", "fail", "unknown", "warns", "waived")
ALLOWED = {"pass", "warns", "waived"}
BAD_CHAMPION = Production("v2", "v1", ["ROUGE-L of champion v2 is 0.05; the floor is 0.15."])


def rule(status, name="floor.rougeL"):
    question = Question(name, "ROUGE-L on 75 held-out notes", 0.15)
    return {
        "pass": question.passed("It reaches the floor."),
        "fail": question.failed("It is below the floor.", "train longer"),
        "unknown": question.unknown("It was not measured.", "measure it"),
        "waived": replace(question.failed("Waived by ana.", ""), status="waived"),
        "warns": question.unknown("Too few patients.", "add notes", blocking=False),
    }[status]


@pytest.mark.parametrize("statuses", list(itertools.product(NAMES, repeat=2)))
def test_only_a_rule_that_blocks_keeps_a_candidate_from_release(statuses):
    decision = decide([rule(status) for status in statuses], Production())
    assert decision.verdict == ("promote" if set(statuses) <= ALLOWED else "hold")


@pytest.mark.parametrize("status", ["fail", "unknown"])
def test_a_hold_says_what_was_measured_and_what_to_do(status):
    expected = {
        "fail": "floor.rougeL is fail: ROUGE-L on 75 held-out notes. It is below the floor. Next: train longer.",
        "unknown": "floor.rougeL is unknown: ROUGE-L on 75 held-out notes. It was not measured. Next: measure it.",
    }
    assert decide([rule("pass", "other"), rule(status)], Production()).reasons == (expected[status],)


def test_a_release_says_what_was_waived_or_could_not_be_measured():
    decision = decide([rule("pass"), rule("warns", "fairness.gender"), rule("waived", "beat_baselines")], Production())
    assert decision.reasons == (
        "1 of 3 rules pass, and none forbids the release.",
        "fairness.gender is unknown and does not block: Too few patients.",
        "beat_baselines is waived and does not block: Waived by ana.",
    )


@pytest.mark.parametrize(
    ("statuses", "production", "verdict"),
    [
        (["fail"], BAD_CHAMPION, "rollback"),
        (["unknown"], BAD_CHAMPION, "rollback"),
        (["pass"], BAD_CHAMPION, "promote"),
        (["fail"], Production("v2", None, BAD_CHAMPION.floor_failures), "hold"),
        (["fail"], Production("v2", "v1"), "hold"),
        (["fail"], Production(), "hold"),
    ],
)
def test_production_is_rolled_back_only_when_it_fails_and_there_is_something_to_return_to(
    statuses, production, verdict
):
    assert decide([rule(status) for status in statuses], production).verdict == verdict


def test_a_rollback_gives_the_champions_failure_first():
    reasons = decide([rule("fail")], BAD_CHAMPION).reasons
    assert reasons[:2] == (BAD_CHAMPION.floor_failures[0], "Production returns from v2 to v1.")
    assert reasons[2].startswith("floor.rougeL is fail")


def test_a_force_promotes_and_is_recorded_with_what_it_overruled():
    force = Force("trial without patients", "ana")
    decision = decide([rule("fail"), rule("pass", "other")], BAD_CHAMPION, force)
    assert (decision.verdict, decision.forced) == ("promote", force)
    assert decision.reasons[0] == "Forced by ana, against floor.rougeL: trial without patients"
    assert "It is below the floor." in decision.reasons[1]


def test_a_force_that_was_not_needed_says_so():
    assert "though no rule forbids it" in decide([rule("pass")], Production(), Force("to be sure", "ana")).reasons[0]


@pytest.mark.parametrize(
    ("reason", "actor", "problems"),
    [("because!", "ana", 1), ("a trial without patients", " ", 1), ("   ", "", 2)],
)
def test_a_force_needs_a_reason_and_an_actor(reason, actor, problems):
    with pytest.raises(InputError) as caught:
        force_of(reason, actor)
    assert len(caught.value.problems) == problems


def test_without_a_reason_nothing_is_forced():
    assert force_of("", "ana") is None
