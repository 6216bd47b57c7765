"""What a run came to, in one status, one headline and one sentence."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lab_lens.reporting.html import StatusName


@dataclass(frozen=True)
class Outcome:
    """The answer to "is it released?": a status, what happened, and what that means for production."""

    status: StatusName
    headline: str
    text: str


def run_outcome(summary: Mapping[str, Any], reports: Mapping[str, Mapping[str, Any] | None]) -> Outcome:
    """Put a run's end into words.

    Args:
        summary: content of `summary.json`.
        reports: content of `decision.json`, `deployment.json` and `rollback.json` under the names decision, deployment
            and rollback; None for what the run did not produce.
    """
    decision, production = reports["decision"] or {}, _production(summary, reports["rollback"] or {})
    if summary["status"] != "succeeded":
        return _unfinished(summary, production)
    if summary["verdict"] == "promote":
        return _promoted(summary["versions"]["candidate"], decision, reports["deployment"] or {}, production)
    refusing = [rule for rule in decision.get("rules", []) if refuses(rule)]
    text = f"{count_of(len(refusing), 'rule')} of the policy said no. {production}"
    if summary["verdict"] == "rollback":
        return Outcome("rollback", "Not released, and the model in production was not good enough either", text)
    return Outcome("hold", "Not released", text)


def refuses(rule: Mapping[str, Any]) -> bool:
    """Whether a rule of `decision.json` stands against the release."""
    return bool(rule["blocking"]) and rule["status"] in ("fail", "unknown")


def count_of(count: int, what: str) -> str:
    """A count with its noun: "1 rule", "2 rules"."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _promoted(candidate: str, decision: Mapping[str, Any], deployment: Mapping[str, Any], production: str) -> Outcome:
    if deployment.get("status") != "healthy":
        reasons = "".join(f"{reason.rstrip('.')}. " for reason in deployment.get("reasons", []))
        return Outcome("fail", f"{candidate} may be released, but its deployment failed", reasons + production)
    forced = decision.get("forced")
    if forced:
        reason = forced["reason"].rstrip(".")
        text = f"{forced['actor']} released it against the rules, for this reason: {reason}. {production}"
        return Outcome("waived", f"Released by force as {candidate}", text)
    text = f"It passed every rule that can block a release. {production}"
    return Outcome("promote", f"Released as {candidate}", text)


def _unfinished(summary: Mapping[str, Any], production: str) -> Outcome:
    if summary["status"] == "interrupted":
        return Outcome("fail", "The run was interrupted", f"It was stopped before its end. {production}")
    failed = [stage["stage"] for stage in summary["stages"] if stage["status"] == "failed"]
    where = f" in {failed[0]}" if failed else ""
    return Outcome("fail", f"The run failed{where}", f"{summary['error']}\n{production}")


def _production(summary: Mapping[str, Any], rollback: Mapping[str, Any]) -> str:
    if rollback.get("action") == "rolled_back":
        return f"Production returned from {rollback['from']} to {rollback['to']}."
    version = summary["versions"]["production"]
    return f"Production is {version}." if version else "Nothing is in production."
