"""Releases a version step by step and only while it proves itself, and returns traffic to an earlier one.

Both are written for any endpoint and any registry. Traffic is moved first and the registry says so last; a process that
dies between the two is completed, or undone, by the next one.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from lab_lens.config_deployment import Deployment
from lab_lens.endpoints.base import ALL_TRAFFIC, Endpoint, EndpointError, Release, release_of, serving
from lab_lens.endpoints.move import Account, Move, Step, UnhealthyError
from lab_lens.endpoints.smoke import SmokeCheck
from lab_lens.errors import ContractError, InputError, LabLensError
from lab_lens.registry.base import DEPLOY_FAILED, HELD, Registry, normalize_version

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RolloutResult:
    """What became of a release or a return.

    Attributes:
        status: `healthy`: the version is in production and has the traffic; `unhealthy`: it has neither.
        version: the version that was to be served.
        content_hash: of its model files.
        reasons: why it is unhealthy, one sentence each, with what went wrong on the way back.
        steps: the smoke tests that were made, with the share of the traffic at which they were.
        split_before, split: the share of each version in percent before and after; empty: nobody is served; None: the
            endpoint does not say.
        production_before, production: the version in production before and after; None for none.
        warnings: what went wrong without any harm to clients, such as a version that could not be taken down.
    """

    status: Literal["healthy", "unhealthy"]
    version: str
    content_hash: str
    reasons: tuple[str, ...]
    steps: tuple[Step, ...]
    split_before: dict[str, int]
    split: dict[str, int] | None
    production_before: str | None
    production: str | None
    warnings: tuple[str, ...] = ()

    @property
    def healthy(self) -> bool:
        """Whether the version is in production and has the traffic."""
        return self.status == "healthy"

    @property
    def checks(self) -> tuple[SmokeCheck, ...]:
        """The last smoke test; empty when none was made."""
        return self.steps[-1].checks if self.steps else ()


def roll_out(
    endpoint: Endpoint, registry: Registry, version: str, settings: Deployment, *, actor: str, run_id: str = ""
) -> RolloutResult:
    """Give a version the traffic in steps, with a smoke test at each, and put it into production.

    On any failure traffic returns to production, the registry's history gets `deploy_failed`, and the version is taken
    down. A release of the same version that was cut off is completed; one of another version is undone first. The first
    version gets all traffic at once, and when it fails the endpoint serves nobody.

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
    move = _begin(endpoint, registry, release, settings, Account(actor, f"rollout of {release.version}", run_id))

    def act() -> None:
        move.undo_leftovers()
        move.advance(_shares(move, settings))
        move.require_all_traffic()
        _promote(registry, move)

    return _run(endpoint, registry, move, act)


def try_out(
    endpoint: Endpoint, registry: Registry, version: str, settings: Deployment, *, actor: str, run_id: str = ""
) -> RolloutResult:
    """Deploy a version to an endpoint that serves nobody, test it there, and put it into production if it passes.

    Args, Returns, Raises: as `roll_out`; the version stays deployed for as long as the endpoint lasts.
    """
    release = _intact_release(registry, version)
    move = _begin(endpoint, registry, release, settings, Account(actor, f"trial of {release.version}", run_id))

    def act() -> None:
        move.advance(())
        _promote(registry, move)

    return _run(endpoint, registry, move, act)


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
    is: the version to return to is then the one that the registry has in production.

    Args:
        endpoint: where clients are served.
        registry: where the versions are registered.
        settings: bounds of the smoke test.
        actor: who does it.
        reason: why.
        to: a registered version; empty: the previous one.
        run_id: the pipeline run that does it; empty when a person does.

    Returns:
        The result, healthy only if the endpoint itself says that the version has all of the traffic. Where it is not,
        traffic is where it was.

    Raises:
        InputError: there is no version to return to, or its files were changed after registration; nothing was changed.
        LabLensError: the failure could not be recorded in the registry; traffic was returned.
    """
    production = registry.production()
    target = _target(endpoint, registry, to)
    release = _intact_release(registry, target)
    account = Account(actor, f"return to {target}: {reason}", run_id)
    move = _begin(endpoint, registry, release, settings, account)

    def act() -> None:
        move.advance((ALL_TRAFFIC,))
        move.require_all_traffic()
        move.confirming = True
        if target == production:
            registry.record(HELD, actor=actor, reason=account.reason, version=target, run_id=run_id)
        else:
            _surely(registry, target, lambda: registry.rollback(actor=actor, reason=reason, to=target, run_id=run_id))

    return _run(endpoint, registry, move, act)


def empty_endpoint(endpoint: Endpoint, registry: Registry, *, actor: str, reason: str, run_id: str = "") -> bool:
    """Take down what a first release that was cut off had left, while nothing is in production.

    Returns:
        Whether there was something to take down.

    Raises:
        InputError: something is in production: return traffic to it instead.
        EndpointError: something could not be taken down.
    """
    if production := registry.production():
        raise InputError(f"{production} is in production; return traffic to it instead of emptying the endpoint")
    ours = {stored.version for stored in registry.list_versions()}
    split = endpoint.split()
    left = [version for version in split if version in ours]
    if not left:
        return False
    others = serving({version: share for version, share in split.items() if version not in ours})
    if others:
        raise InputError(f"{endpoint.location} serves {', '.join(others)}, which this registry does not know")
    endpoint.shift({}, expected=split)
    for version in left:
        endpoint.undeploy(version)
    registry.record(
        HELD, actor=actor, reason=f"nothing is in production, the endpoint was emptied: {reason}", run_id=run_id
    )
    return True


def _shares(move: Move, settings: Deployment) -> tuple[int, ...]:
    # Where nobody else has traffic, there is nobody to share it with.
    others = move.home.keys() - {move.version}
    return (settings.canary_percent, *settings.step_percents) if others else (ALL_TRAFFIC,)


def _intact_release(registry: Registry, version: str) -> Release:
    release = release_of(registry, version)
    if problems := registry.verify(release.version):
        raise InputError([f"{release.version} was not deployed: {problem}" for problem in problems])
    return release


def _target(endpoint: Endpoint, registry: Registry, to: str) -> str:
    """The version to return to: production itself when a release that was cut off has taken traffic from it."""
    production = registry.production()
    astray = serving(endpoint.split()).keys() - {production}
    if production and astray and (not to or normalize_version(to) == production):
        previous = registry.previous()
        # A return that was cut off is completed.
        return previous if previous in astray and not to else production
    return registry.rollback_target(to or None)


def _begin(endpoint: Endpoint, registry: Registry, release: Release, settings: Deployment, account: Account) -> Move:
    try:
        return Move(endpoint, registry, release, settings, account)
    except EndpointError as error:
        registry.record(
            DEPLOY_FAILED,
            actor=account.actor,
            reason=f"{endpoint.location} could not be asked: {error}",
            version=release.version,
            run_id=account.run_id,
        )
        raise


def _run(endpoint: Endpoint, registry: Registry, move: Move, act: Callable[[], None]) -> RolloutResult:
    """Act; when that fails, or the process is told to end, return the traffic; then tell how things are."""
    before = registry.production()
    reasons: tuple[str, ...] = ()
    try:
        act()
    except BaseException as error:
        reasons = _settle(move, error)
        if not isinstance(error, LabLensError):
            raise
    if not reasons:
        move.retire()
    return RolloutResult(
        status="unhealthy" if reasons else "healthy",
        version=move.version,
        content_hash=move.release.content_hash,
        reasons=(*reasons, *move.problems) if reasons else (),
        steps=tuple(move.steps),
        split_before=move.before,
        split=_split_now(endpoint),
        production_before=before,
        production=registry.production(),
        warnings=() if reasons else tuple(move.problems),
    )


def _settle(move: Move, error: BaseException) -> tuple[str, ...]:
    """Return the traffic after an error, and give its reasons; none when the version is in production all the same."""
    reasons = error.reasons if isinstance(error, UnhealthyError) else (str(error) or error.__class__.__name__,)
    try:
        if move.is_confirmed():
            move.problems.extend(reasons)
            return ()
    except LabLensError as unknown:
        reasons = (*reasons, str(unknown))
    move.undo(reasons)
    return reasons


def _split_now(endpoint: Endpoint) -> dict[str, int] | None:
    try:
        return serving(endpoint.split())
    except EndpointError as error:
        _logger.warning("%s does not say how it serves: %s", endpoint.location, error)
        return None


def _promote(registry: Registry, move: Move) -> None:
    reason = f"smoke test passed: {', '.join(check.check for check in move.steps[-1].checks)}"
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
