"""Put a registered version into production, but only after it has answered a real request."""

import logging
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from lab_lens import artifacts
from lab_lens.config import Config
from lab_lens.endpoints.open import endpoint_to_move, registry_only_words
from lab_lens.endpoints.result import RolloutResult
from lab_lens.endpoints.rollout import roll_out, try_out
from lab_lens.endpoints.smoke import SmokeCheck
from lab_lens.endpoints.temporary import temporary_endpoint
from lab_lens.errors import InputError
from lab_lens.registry.base import HELD, Registry
from lab_lens.registry.open import open_registry

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Deployment:
    """What became of a deployment; `deployment.json` holds the same fields.

    Attributes:
        status: `healthy`: the version is in production; `unhealthy`: production is what it was before.
        version: the version that was to be deployed.
        content_hash: of its model files.
        reasons: why it is unhealthy, one sentence each.
        checks: what was asked of it, and what it answered.
        production_before, production: the version in production before and after; None for none.
        split_before, split: the share of each version in percent before and after; empty: nobody is served; `split` is
            None where the endpoint does not say.
        warnings: what went wrong without any harm to clients.
        actor: who deployed.
    """

    status: Literal["healthy", "unhealthy"]
    version: str
    content_hash: str
    reasons: tuple[str, ...]
    checks: tuple[SmokeCheck, ...]
    production_before: str | None
    production: str | None
    split_before: dict[str, int]
    split: dict[str, int] | None
    warnings: tuple[str, ...]
    actor: str


def run_deploy_model(
    registry: str | Path,
    version: str,
    config: Config,
    *,
    device: str,
    actor: str,
    deployment_dir: Path,
    run_id: str = "",
    decision: Path | None = None,
    registry_only: bool = False,
) -> Deployment:
    """Give a version the traffic of the configured endpoint, in steps and only while it passes its smoke tests.

    Where no endpoint is configured, a server on this machine is started for the test alone, and stopped at the end;
    `lab-lens serve` serves what is in production.

    Args:
        registry: location of the model registry.
        version: a registered version.
        config: where it is deployed, and the limits.
        device: `auto`, `cpu`, `cuda` or `mps`.
        actor: who deploys.
        deployment_dir: receives `deployment.json` and, of a server that was started for the test, its logs.
        run_id: the pipeline run that deploys; empty when a person does.
        decision: `decision.json` or its directory; production must still be the champion that it was made against, or
            the version itself. None: a person answers for that.
        registry_only: try it out on this machine and change the registry alone, although clients are served at an
            endpoint; the history says so.

    Returns:
        The deployment; an unhealthy one is a result, not an error, and stands in the registry's history.

    Raises:
        InputError: the version is not registered, its files were changed after registration, or this machine has no
            such device; or clients are served at an endpoint, and none is configured. Nothing was changed.
    """
    target = open_registry(registry)
    endpoint = endpoint_to_move(target, config.deployment, registry_only=registry_only)
    if endpoint is None:
        _require_device(device)
    name = target.show(version).version
    if decision is not None:
        _require_timely(target, name, decision, actor, run_id)
    who = {"actor": actor, "run_id": run_id}
    if endpoint is not None:
        result = roll_out(endpoint, target, name, config.deployment, **who)
    else:
        note = registry_only_words(target) if registry_only else ""
        with temporary_endpoint(deployment_dir, config.deployment, device=device) as trial:
            result = try_out(trial, target, name, config.deployment, note=note, **who)
    deployment = _deployment_of(result, actor)
    _tell(deployment)
    written = deployment_dir / artifacts.DEPLOYMENT_JSON
    artifacts.write_json(written, {"schema_version": artifacts.SCHEMA_VERSION, **asdict(deployment)})
    artifacts.require_written([written])
    return deployment


def _require_device(device: str) -> None:
    # A wrong device is the caller's mistake; found by the server only, it would stand in the history as the model's.
    if device != "auto":
        from lab_lens.engine.device import resolve_device

        resolve_device(device)


def _require_timely(registry: Registry, version: str, decision: Path, actor: str, run_id: str) -> None:
    """Check that production is what the decision compared the version with.

    Raises:
        InputError: somebody changed production since; the history says that the version was held for it.
    """
    content = artifacts.read_json(artifacts.file_in(decision, artifacts.DECISION_JSON))
    champion, production = content.get("champion"), registry.production()
    if production in (champion, version):
        return
    problem = (
        f"{version} was not deployed: its decision was made against {champion or 'an empty registry'}, and production "
        f"is {production or 'nothing'} now; compare it with that one: run the pipeline again"
    )
    registry.record(HELD, actor=actor, reason=problem, version=version, run_id=run_id)
    raise InputError(problem)


def _deployment_of(result: RolloutResult, actor: str) -> Deployment:
    return Deployment(
        status=result.status,
        version=result.version,
        content_hash=result.content_hash,
        reasons=result.reasons,
        checks=result.checks,
        production_before=result.production_before,
        production=result.production,
        split_before=result.split_before,
        split=result.split,
        warnings=result.warnings,
        actor=actor,
    )


def _tell(deployment: Deployment) -> None:
    if deployment.status == "healthy":
        _logger.info("%s is in production", deployment.version)
        return
    _logger.warning("%s is unhealthy: %s", deployment.version, "; ".join(deployment.reasons))
