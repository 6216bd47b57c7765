"""Keep production on the last good version, or really return to it, at the endpoint where clients are served too."""

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from lab_lens import artifacts
from lab_lens.config import Config
from lab_lens.config_deployment import Deployment
from lab_lens.endpoints.base import Endpoint, EndpointError
from lab_lens.endpoints.emptying import empty_endpoint
from lab_lens.endpoints.open import endpoint_to_move, open_endpoint, registry_only_words
from lab_lens.endpoints.rollout import is_settled, return_traffic
from lab_lens.errors import ContractError, InputError
from lab_lens.registry.base import HELD, Registry, normalize_version, served_at
from lab_lens.registry.open import open_registry

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


@dataclass(frozen=True)
class _Known:
    """What the history keeps of whoever does this."""

    actor: str
    reason: str
    run_id: str


@dataclass(frozen=True)
class _Wish:
    """What is to be done; fields as the arguments of `run_rollback_model`. `moves`: production is to move."""

    moves: bool
    to: str
    leave: str
    registry_only: bool


def run_rollback_model(
    registry: str | Path,
    config: Config,
    *,
    actor: str,
    reason: str,
    to: str = "",
    force: bool = False,
    leave: str = "",
    registry_only: bool = False,
    rollback_dir: Path,
    run_id: str = "",
) -> Rollback:
    """Keep production where it is and record why, or return it to an earlier version.

    Args:
        registry: location of the model registry.
        config: where clients are served: the traffic of `deployment.endpoint` goes where production goes.
        actor: who does this. reason: why.
        to: return to this registered version.
        force: return to the previous version. With neither `to` nor `force`, production stays.
        leave: the version to return from: where another one is in production by now, that stays, so that a rollback
            which is repeated does not go back twice; empty: whatever is in production.
        registry_only: move production in the registry alone, although clients are served at an endpoint; the history
            says so.
        rollback_dir: receives `rollback.json`.
        run_id: the pipeline run that does this; empty when a person does.

    Raises:
        InputError: actor or reason is empty; there is no version to return to; its files were changed after
            registration; or clients are served at an endpoint, and none is configured. Nothing was changed then.
        EndpointError: the endpoint cannot be asked, or the version to return to did not come up; traffic and production
            are where they were, and the history says why.
    """
    if not (actor.strip() and reason.strip()):
        raise InputError("a rollback needs an actor and a reason, which stay in the registry's history; give both")
    wish = _Wish(bool(to or force), to, leave, registry_only)
    result = _act(open_registry(registry), config.deployment, _Known(actor, reason, run_id), wish)
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
    path, content = _read_grounds(grounds)
    reasons = content.get("reasons")
    if not reasons:
        raise InputError(f"{path} gives no reasons; was it written by lab-lens?")
    return "; ".join(str(reason) for reason in reasons)


def read_champion(grounds: Path) -> str:
    """The version in production that a decision is about; "" where there was none, and for a deployment.

    Args:
        grounds: as of `read_reasons`.

    Raises:
        InputError: neither file is there.
    """
    return str(_read_grounds(grounds)[1].get("champion") or "")


def _read_grounds(grounds: Path) -> tuple[Path, dict[str, Any]]:
    names = (artifacts.DECISION_JSON, artifacts.DEPLOYMENT_JSON)
    found = [path for name in names if (path := artifacts.file_in(grounds, name)).is_file()]
    if not found:
        raise InputError(f"no {' or '.join(names)} at {grounds}: give the file or the directory that its stage wrote")
    content = artifacts.read_json(found[0])
    return found[0], content if isinstance(content, dict) else {}


def _act(registry: Registry, limits: Deployment, known: _Known, wish: _Wish) -> Rollback:
    if not wish.moves:
        if limits.endpoint and not wish.registry_only:
            return _keep_served(open_endpoint(limits.endpoint, limits), registry, limits, known)
        if served := served_at(registry.history()):
            _logger.warning("no endpoint is configured: the traffic of %s is not looked after", served)
        return _keep(registry, known)
    production = registry.production()
    if wish.leave and production != normalize_version(wish.leave):
        return _keep(registry, replace(known, reason=f"{wish.leave} is not in production any more: {known.reason}"))
    endpoint = endpoint_to_move(registry, limits, registry_only=wish.registry_only)
    # Where it is known what is to be left, traffic that a release which was cut off has makes no difference.
    to = wish.to or (registry.rollback_target() if wish.leave else "")
    if endpoint is not None:
        return _return_served(endpoint, registry, limits, to, known)
    if wish.registry_only:
        known = replace(known, reason=f"{known.reason}; {registry_only_words(registry)}")
    return _return(registry, to, known)


def _keep(registry: Registry, known: _Known) -> Rollback:
    production = registry.production()
    kept = f"production stays {production}" if production else "nothing is in production"
    # A hold stands in the history also when there is nothing to keep: who asks what a run did finds the answer there.
    registry.record(HELD, reason=f"{kept}: {known.reason}", version=production, actor=known.actor, run_id=known.run_id)
    _logger.info("%s", kept)
    action: RollbackAction = "kept" if production else "nothing_in_production"
    return Rollback(action, production, production, known.reason, known.actor)


def _return(registry: Registry, to: str, known: _Known) -> Rollback:
    target = registry.rollback_target(to or None)
    if problems := registry.verify(target):
        raise InputError([f"production was not rolled back to {target}: {problem}" for problem in problems])
    entry = registry.rollback(reason=known.reason, to=target, actor=known.actor, run_id=known.run_id)
    if registry.production() != target:
        raise ContractError(f"rolled back to {target}, but the registry names {registry.production()} as production")
    _logger.info("production returned from %s to %s", entry.from_version, target)
    return Rollback("rolled_back", entry.from_version, target, known.reason, known.actor)


def _keep_served(endpoint: Endpoint, registry: Registry, limits: Deployment, known: _Known) -> Rollback:
    """Keep production, and bring traffic to it that it should have: a release was cut off, or the endpoint is new."""
    production = registry.production()
    try:
        if production is None:
            empty_endpoint(endpoint, registry, actor=known.actor, reason=known.reason, run_id=known.run_id)
            settled = True
        else:
            settled = is_settled(endpoint.split(), registry, production)
    except (EndpointError, InputError) as error:
        _keep(registry, replace(known, reason=f"{known.reason}; traffic was not looked after: {error}"))
        raise
    if production is None or settled:
        return _keep(registry, known)
    return _return_served(endpoint, registry, limits, production, known)


def _return_served(endpoint: Endpoint, registry: Registry, limits: Deployment, to: str, known: _Known) -> Rollback:
    result = return_traffic(
        endpoint, registry, limits, to=to, reason=known.reason, actor=known.actor, run_id=known.run_id
    )
    if not result.healthy:
        raise EndpointError(
            f"{result.version} was not returned to; in production is {result.production or 'nothing'}: "
            f"{'; '.join(result.reasons)}"
        )
    moved = result.production_before != result.production
    _logger.info("%s has the traffic of %s", result.version, endpoint.location)
    return Rollback(
        "rolled_back" if moved else "kept", result.production_before, result.production, known.reason, known.actor
    )
