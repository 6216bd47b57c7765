"""Carries a move out: whatever happens on the way, traffic returns, and how it ended stands in the history."""

import logging
from collections.abc import Callable

from lab_lens.config_deployment import Deployment
from lab_lens.endpoints.base import Endpoint, EndpointError, Release, SplitChangedError, serving
from lab_lens.endpoints.move import Move
from lab_lens.endpoints.result import Account, RolloutResult, UnhealthyError
from lab_lens.errors import LabLensError
from lab_lens.registry.base import DEPLOY_FAILED, Registry

_logger = logging.getLogger(__name__)


def ask(endpoint: Endpoint, registry: Registry, account: Account) -> dict[str, int]:
    """The split, before anything is done.

    Raises:
        EndpointError: the endpoint does not say, which the history does.
    """
    try:
        return endpoint.split()
    except EndpointError as error:
        _record_silence(endpoint, registry, account, None, error)
        raise


def _record_silence(
    endpoint: Endpoint, registry: Registry, account: Account, version: str | None, error: EndpointError
) -> None:
    registry.record(
        DEPLOY_FAILED,
        actor=account.actor,
        reason=f"{endpoint.location} could not be asked: {error} ({account.reason})",
        version=version,
        run_id=account.run_id,
    )


def begin(
    endpoint: Endpoint,
    registry: Registry,
    release: Release,
    settings: Deployment,
    account: Account,
    *,
    proven: bool = False,
) -> Move:
    """A move, of which nothing was done yet.

    Raises:
        EndpointError: the endpoint does not say how it serves, which the history does.
    """
    try:
        return Move(endpoint, registry, release, settings, account, proven=proven)
    except EndpointError as error:
        _record_silence(endpoint, registry, account, release.version, error)
        raise


def run_move(endpoint: Endpoint, registry: Registry, move: Move, act: Callable[[], None]) -> RolloutResult:
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
    move.undo(reasons, overruled=isinstance(error, SplitChangedError))
    return reasons


def _split_now(endpoint: Endpoint) -> dict[str, int] | None:
    try:
        return serving(endpoint.split())
    except EndpointError as error:
        _logger.warning("%s does not say how it serves: %s", endpoint.location, error)
        return None
