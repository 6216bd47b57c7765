"""Keep production on the last good version, or really return to it."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lab_lens import artifacts
from lab_lens.errors import ContractError, InputError
from lab_lens.registry.base import HELD
from lab_lens.registry.local import LocalRegistry

RollbackAction = Literal["kept", "rolled_back", "nothing_in_production"]
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Rollback:
    """What was done to production; `rollback.json` holds the same.

    Attributes:
        action: `kept`: production stays; `rolled_back`: it moved; `nothing_in_production`: there was none to keep.
        from_version, to_version: production before and after; None for none.
        reason: why. actor: who.
    """

    action: RollbackAction
    from_version: str | None
    to_version: str | None
    reason: str
    actor: str


def run_rollback_model(
    registry: Path,
    *,
    actor: str,
    reason: str,
    to: str = "",
    force: bool = False,
    rollback_dir: Path,
    run_id: str = "",
) -> Rollback:
    """Keep production where it is and record why, or return it to an earlier version.

    Args:
        registry: the registry's directory.
        actor: who does this. reason: why.
        to: return to this registered version.
        force: return to the previous version. With neither `to` nor `force`, production stays.
        rollback_dir: receives `rollback.json`.
        run_id: the pipeline run that does this; empty when a person does.

    Raises:
        InputError: actor or reason is empty; there is no version to return to; or its files were changed after
            registration. Nothing was changed then.
    """
    if not (actor.strip() and reason.strip()):
        raise InputError("a rollback needs an actor and a reason, which stay in the registry's history; give both")
    target = LocalRegistry(registry)
    known = {"actor": actor, "run_id": run_id}
    result = _return(target, to, reason, known) if to or force else _keep(target, reason, known)
    written = rollback_dir / artifacts.ROLLBACK_JSON
    artifacts.write_json(
        written,
        {
            "schema_version": artifacts.SCHEMA_VERSION,
            "action": result.action,
            "from": result.from_version,
            "to": result.to_version,
            "reason": result.reason,
            "actor": result.actor,
        },
    )
    artifacts.require_written([written])
    return result


def read_reasons(grounds: Path) -> str:
    """The reasons that a decision or a deployment gives, as one text for the history.

    Args:
        grounds: `decision.json`, `deployment.json`, or the directory that holds one of them.

    Raises:
        InputError: neither is there, or it gives no reasons.
    """
    names = (artifacts.DECISION_JSON, artifacts.DEPLOYMENT_JSON)
    found = [path for name in names if (path := artifacts.file_in(grounds, name)).is_file()]
    if not found:
        raise InputError(f"no {' or '.join(names)} at {grounds}: give the file or the directory that its stage wrote")
    content = artifacts.read_json(found[0])
    reasons = content.get("reasons") if isinstance(content, dict) else None
    if not reasons:
        raise InputError(f"{found[0]} gives no reasons; was it written by lab-lens?")
    return "; ".join(str(reason) for reason in reasons)


def _keep(registry: LocalRegistry, reason: str, known: Mapping[str, str]) -> Rollback:
    production = registry.production()
    kept = f"production stays {production}" if production else "nothing is in production"
    # A hold stands in the history also when there is nothing to keep: who asks what a run did finds the answer there.
    registry.record(HELD, reason=f"{kept}: {reason}", version=production, **known)
    _logger.info("%s", kept)
    return Rollback("kept" if production else "nothing_in_production", production, production, reason, known["actor"])


def _return(registry: LocalRegistry, to: str, reason: str, known: Mapping[str, str]) -> Rollback:
    target = registry.rollback_target(to or None)
    if problems := registry.verify(target):
        raise InputError([f"production was not rolled back to {target}: {problem}" for problem in problems])
    entry = registry.rollback(reason=reason, to=target, **known)
    if registry.production() != target:
        raise ContractError(f"rolled back to {target}, but the registry names {registry.production()} as production")
    _logger.info("production returned from %s to %s", entry.from_version, target)
    return Rollback("rolled_back", entry.from_version, target, reason, known["actor"])
