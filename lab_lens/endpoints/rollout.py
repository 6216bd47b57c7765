"""Releases a version step by step and only while it proves itself, and returns traffic to an earlier one.

Both are written for any endpoint and any registry. Traffic is moved first and the registry says so last; a process that
dies between the two is completed, or undone, by the next one.
"""

import logging
from collections.abc import Callable, Mapping

from lab_lens.config_deployment import Deployment
from lab_lens.endpoints.base import (
    ALL_TRAFFIC,
    Endpoint,
    Release,
    release_of,
    serving,
)
from lab_lens.endpoints.move import Move
from lab_lens.endpoints.result import Account, RolloutResult
from lab_lens.endpoints.running import ask, begin, run_move
from lab_lens.endpoints.shares import gathered
from lab_lens.errors import ContractError, InputError
from lab_lens.registry.base import (
    HELD,
    Registry,
    ever_registered,
    normalize_version,
    was_in_production,
)

_logger = logging.getLogger(__name__)


def roll_out(
    endpoint: Endpoint, registry: Registry, version: str, settings: Deployment, *, actor: str, run_id: str = ""
) -> RolloutResult:
    """Give a version the traffic in steps, with a smoke test at each, and put it into production.

    On any failure traffic returns to production, the registry's history gets `deploy_failed`, and the version is taken
    down; only where somebody else moved traffic meanwhile it stays as they want it, if the version passes its test
    there. A release of the same version that was cut off is completed; one of another version is undone first. The
    first version gets all traffic at once, and when it fails the endpoint serves nobody.

    Args:
        endpoint: where clients are served.
        registry: where the version is registered.
        version: its name.
        settings: shares and bounds.
        actor: who does it.
        run_id: the pipeline run that does it; empty when a person does.

    Returns:
        The result; an unhealthy version is one, not an error.

    Raises:
        InputError: the version is not registered, or its files were changed after registration; nothing was changed.
        LabLensError: the failure could not be recorded in the registry; traffic was returned.
    """
    release = _intact_release(registry, version)
    move = begin(endpoint, registry, release, settings, Account(actor, f"rollout of {release.version}", run_id))

    def act() -> None:
        move.undo_leftovers()
        move.advance(_shares(move, settings))
        move.require_all_traffic()
        _promote(registry, move)

    return run_move(endpoint, registry, move, act)


def try_out(
    endpoint: Endpoint,
    registry: Registry,
    version: str,
    settings: Deployment,
    *,
    actor: str,
    run_id: str = "",
    note: str = "",
) -> RolloutResult:
    """Deploy a version to an endpoint that serves nobody, test it there, and put it into production if it passes.

    Args, Returns, Raises: as `roll_out`; the version stays deployed for as long as the endpoint lasts. `note` is added
    to the reason that the history keeps.
    """
    release = _intact_release(registry, version)
    move = begin(endpoint, registry, release, settings, Account(actor, f"trial of {release.version}", run_id))

    def act() -> None:
        move.advance(())
        _promote(registry, move, note)

    return run_move(endpoint, registry, move, act)


def return_traffic(
    endpoint: Endpoint,
    registry: Registry,
    settings: Deployment,
    *,
    actor: str,
    reason: str,
    to: str = "",
    run_id: str = "",
) -> RolloutResult:
    """Return traffic and production to the previous version, or to a named one, which is deployed if it is gone.

    When a release was cut off and its version still has traffic, that is returned to production, which stays what it
    is: the version to return to is then the one that the registry has in production. Production may also be named: it
    gets the traffic of the registry's other versions, and is deployed if it is not. What others deployed keeps its
    share then; a return to another version takes all of the traffic.

    That the summary of the golden note is another one than was registered, as after an upgrade of a library, keeps no
    version from returning that was in production before: it is a warning, which the history keeps.

    Args:
        endpoint: where clients are served.
        registry: where the versions are registered.
        settings: bounds of the smoke test.
        actor: who does it.
        reason: why.
        to: a registered version; empty: the previous one.
        run_id: the pipeline run that does it; empty when a person does.

    Returns:
        The result, healthy only if the endpoint itself says that the version has the traffic. Where it is not, traffic
        is where it was.

    Raises:
        InputError: there is no version to return to, or its files were changed after registration; nothing was changed.
        EndpointError: the endpoint cannot be asked, which the history says; nothing was changed.
        LabLensError: the failure could not be recorded in the registry; traffic was returned.
    """
    production = registry.production()
    asked = Account(actor, f"return to {to or 'the previous version'}: {reason}", run_id)
    target = _target(ask(endpoint, registry, asked), registry, to)
    release = _intact_release(registry, target)
    account = Account(actor, f"return to {target}: {reason}", run_id)
    proven = was_in_production(registry.history(), target)
    move = begin(endpoint, registry, release, settings, account, proven=proven)

    def act() -> None:
        if target == production:
            move.gather()
        else:
            move.advance((ALL_TRAFFIC,))
            move.require_all_traffic()
        move.confirming = True
        if target == production:
            why = move.with_problems(account.reason)
            registry.record(HELD, actor=actor, reason=why, version=target, run_id=run_id)
        else:
            why = move.with_problems(reason)
            _surely(registry, target, lambda: registry.rollback(actor=actor, reason=why, to=target, run_id=run_id))

    return run_move(endpoint, registry, move, act)


def _shares(move: Move, settings: Deployment) -> tuple[int, ...]:
    # Where nobody else has traffic, there is nobody to share it with.
    others = move.home.keys() - {move.version}
    return (settings.canary_percent, *settings.step_percents) if others else (ALL_TRAFFIC,)


def _intact_release(registry: Registry, version: str) -> Release:
    release = release_of(registry, version)
    if problems := registry.verify(release.version):
        raise InputError([f"{release.version} was not deployed: {problem}" for problem in problems])
    return release


def is_settled(split: Mapping[str, int], registry: Registry, production: str) -> bool:
    """Whether no version of a registry but the one in production has traffic, and that one has what others leave it."""
    return serving(split) == gathered(split, production, ever_registered(registry.history()))


def _target(split: Mapping[str, int], registry: Registry, to: str) -> str:
    """The version to return to: production itself when it is named, or a cut-off release has taken traffic from it."""
    production = registry.production()
    if production is None or is_settled(split, registry, production):
        return registry.rollback_target(to or None)
    if to:
        return production if normalize_version(to) == production else registry.rollback_target(to)
    astray = (serving(split).keys() & ever_registered(registry.history())) - {production}
    if not astray:
        return registry.rollback_target()
    previous = registry.previous()
    # A return that was cut off is completed.
    return previous if previous in astray else production


def _promote(registry: Registry, move: Move, note: str = "") -> None:
    reason = f"smoke test passed: {', '.join(check.check for check in move.steps[-1].checks)}{note and f'; {note}'}"
    known = {"actor": move.account.actor, "run_id": move.account.run_id}
    decision_hash = registry.show(move.version).decision_hash
    move.confirming = True
    _surely(
        registry,
        move.version,
        lambda: registry.promote(move.version, reason=reason, decision_hash=decision_hash, **known),
    )


def _surely(registry: Registry, version: str, change: Callable[[], object]) -> None:
    """Move the production pointer, and see that it was moved.

    Raises:
        ContractError: the registry names another version afterwards.
    """
    change()
    if registry.production() != version:
        raise ContractError(f"{version} was put into production, but the registry names {registry.production()}")
