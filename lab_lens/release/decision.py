"""The verdict: a pure function of the rules' results and of what is in production."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from lab_lens.errors import InputError
from lab_lens.release.rules import RuleResult

Verdict = Literal["promote", "hold", "rollback"]
_MIN_REASON_CHARS = 10


@dataclass(frozen=True)
class Production:
    """What is in production.

    Args:
        version: the champion; None: nothing is in production.
        previous: the version that a rollback would return to; None: there is none.
        floor_failures: sentences on the floors that the champion clearly misses on the rows of this decision; empty
            also when it was not measured on them.
    """

    version: str | None = None
    previous: str | None = None
    floor_failures: Sequence[str] = ()


@dataclass(frozen=True)
class Force:
    """A person's order to promote whatever the rules say."""

    reason: str
    actor: str


@dataclass(frozen=True)
class Decision:
    """The verdict and its reasons, as sentences; `forced` when a person overruled the rules."""

    verdict: Verdict
    reasons: tuple[str, ...]
    forced: Force | None


def force_of(reason: str, actor: str) -> Force | None:
    """The order to promote, or None when no reason is given.

    Raises:
        InputError: the order has no actor, or no reason that says something.
    """
    if not reason:
        return None
    problems = []
    if len(reason.strip()) < _MIN_REASON_CHARS:
        problems.append(f"forcing a release needs a reason of at least {_MIN_REASON_CHARS} characters")
    if not actor.strip():
        problems.append("forcing a release needs an actor: say who orders it")
    if problems:
        raise InputError(problems)
    return Force(reason.strip(), actor.strip())


def decide(rules: Sequence[RuleResult], production: Production, force: Force | None = None) -> Decision:
    """Promote when no rule forbids it, else hold, or roll back when production itself is clearly not good enough.

    A rollback needs a previous version and a champion that clearly misses a floor on the rows of this decision.

    Args:
        rules: every rule, waivers applied.
        production: the champion and what precedes it.
        force: promotes, and is recorded.
    """
    forbidding = [rule for rule in rules if rule.forbids]
    objections = [_objection(rule) for rule in forbidding]
    if force is not None:
        return Decision("promote", (_forced(force, forbidding), *objections), force)
    if not forbidding:
        return Decision("promote", (_all_satisfied(rules), *_remarks(rules)), None)
    if production.previous is not None and production.floor_failures:
        retreat = f"Production returns from {production.version} to {production.previous}."
        return Decision("rollback", (*production.floor_failures, retreat, *objections), None)
    return Decision("hold", (*objections, *_remarks(rules)), None)


def _objection(rule: RuleResult) -> str:
    return f"{rule.rule} is {rule.status}: {rule.what}. {rule.reason} Next: {rule.next_step}."


def _forced(force: Force, forbidding: Sequence[RuleResult]) -> str:
    against = f"against {', '.join(rule.rule for rule in forbidding)}" if forbidding else "though no rule forbids it"
    return f"Forced by {force.actor}, {against}: {force.reason}"


def _all_satisfied(rules: Sequence[RuleResult]) -> str:
    passed = sum(rule.status == "pass" for rule in rules)
    return f"{passed} of {len(rules)} rules pass, and none forbids the release."


def _remarks(rules: Sequence[RuleResult]) -> list[str]:
    """What a reader should know although it does not block: waivers, and what could not be measured."""
    noted = [rule for rule in rules if rule.status != "pass" and not rule.forbids]
    return [f"{rule.rule} is {rule.status} and does not block: {rule.reason}" for rule in noted]
