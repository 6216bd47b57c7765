"""One rule's result, in words that a person can check and in fields that a program can read."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from lab_lens.config_policy import Bound
from lab_lens.release.evidence import Measured

Status = Literal["pass", "fail", "unknown", "waived"]
MORE_PATIENTS = "validate on notes of more patients"
Direction = Literal[">=", "<=", ">", "=="]


@dataclass(frozen=True)
class RuleResult:
    """One rule and how it came out.

    Args:
        rule: id, as waivers name it.
        what: what was measured, in words.
        value, low, high: the measurement and its interval; None where there is none.
        threshold: what is held against in the sense of `direction`; None where the rule compares no number.
        bound: what is held against it: the estimate (`value`), or a bound of its interval.
        status: pass, fail, unknown (could not be measured) or waived.
        blocking: whether fail or unknown keeps the candidate from release.
        reason: why it came out so, as sentences.
        next_step: what to do about it, an imperative without a full stop; empty when nothing is to be done.
    """

    rule: str
    what: str
    value: float | None
    low: float | None
    high: float | None
    threshold: float | None
    direction: Direction
    bound: Bound
    status: Status
    blocking: bool
    reason: str
    next_step: str

    @property
    def forbids(self) -> bool:
        """Whether this result keeps the candidate from release."""
        return self.blocking and self.status in ("fail", "unknown")

    def to_json(self) -> dict[str, Any]:
        """The fields as a JSON object."""
        return asdict(self)


@dataclass(frozen=True)
class Question:
    """What a rule asks, before anything is measured.

    Args:
        blocking: whether the rule keeps a candidate from release when it fails or is unknown.
    """

    rule: str
    what: str
    threshold: float | None = None
    direction: Direction = ">="
    bound: Bound = "estimate"
    blocking: bool = True

    def passed(self, reason: str, measured: Measured | None = None) -> RuleResult:
        """The rule is satisfied."""
        return self._result("pass", reason, "", measured, blocking=self.blocking)

    def failed(self, reason: str, next_step: str, measured: Measured | None = None) -> RuleResult:
        """The rule is not satisfied."""
        return self._result("fail", reason, next_step, measured, blocking=self.blocking)

    def unknown(
        self, reason: str, next_step: str, measured: Measured | None = None, *, blocking: bool = True
    ) -> RuleResult:
        """The rule could not be evaluated, or what was measured does not settle it."""
        return self._result("unknown", reason, next_step, measured, blocking=self.blocking and blocking)

    def _result(
        self, status: Status, reason: str, next_step: str, measured: Measured | None, *, blocking: bool
    ) -> RuleResult:
        return RuleResult(
            rule=self.rule,
            what=self.what,
            value=measured.estimate if measured else None,
            low=measured.low if measured else None,
            high=measured.high if measured else None,
            threshold=self.threshold,
            direction=self.direction,
            bound=self.bound,
            status=status,
            blocking=blocking,
            reason=reason,
            next_step=next_step,
        )


def shown(measured: Measured, *, percent: bool = False) -> str:
    """A measurement in words: the estimate, and its interval or why there is none."""
    if measured.estimate is None:
        return f"no figure ({measured.reason or 'no reason is told'})"
    scale, digits, unit = (100.0, 1, " %") if percent else (1.0, 3, "")
    estimate = f"{scale * measured.estimate:.{digits}f}{unit}"
    if measured.low is None or measured.high is None:
        return f"{estimate} (no interval: {measured.reason})" if measured.reason else estimate
    return f"{estimate} (interval {scale * measured.low:.{digits}f} to {scale * measured.high:.{digits}f}{unit})"


def settle(needed: int | None, patients: int | None, *, satisfied: bool, improve: str) -> str:
    """The next step of a rule that is open because its limit lies within the interval.

    Args:
        needed: the patients that would settle it if the estimate stays; None: no number would.
        patients: how many there are; None: the report does not tell, and `needed` means nothing.
        satisfied: whether the estimate by itself satisfies the rule.
        improve: what makes the metric better.
    """
    if patients is None:
        return MORE_PATIENTS
    if needed is None:
        return f"{improve}; at this estimate no number of patients settles it"
    about = f"about {_rounded(needed):,} patients"
    if satisfied:
        return f"validate on notes of {about}, which settles it if the estimate stays"
    return f"{improve}; on notes of {about} this estimate would be a clear no"


def _rounded(count: int) -> int:
    """Two digits: the figure rests on an estimate."""
    step = int(10 ** max(0, len(str(count)) - 2))
    return -(-count // step) * step
