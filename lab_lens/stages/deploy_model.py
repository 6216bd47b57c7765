"""Put a registered version into production, but only after it has answered a real request."""

import logging
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from lab_lens import artifacts
from lab_lens.config import Config
from lab_lens.endpoints.base import EndpointError, SmokeCheck, SmokeResult, smoke_test
from lab_lens.endpoints.local import LocalEndpoint
from lab_lens.errors import ContractError, InputError
from lab_lens.registry.base import DEPLOY_FAILED, ModelVersion
from lab_lens.registry.local import LocalRegistry

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
        actor: who deployed.
    """

    status: Literal["healthy", "unhealthy"]
    version: str
    content_hash: str
    reasons: tuple[str, ...]
    checks: tuple[SmokeCheck, ...]
    production_before: str | None
    production: str | None
    actor: str


def run_deploy_model(
    registry: Path, version: str, config: Config, *, device: str, actor: str, deployment_dir: Path, run_id: str = ""
) -> Deployment:
    """Serve a version from its registered files, test it, and promote it if it passes.

    The server that was started for the test is stopped at the end; `lab-lens serve` serves what is in production.

    Args:
        registry: the registry's directory.
        version: a registered version.
        config: for the deployment limits.
        device: `auto`, `cpu`, `cuda` or `mps`.
        actor: who deploys.
        deployment_dir: receives `deployment.json` and `serving.log`.
        run_id: the pipeline run that deploys; empty when a person does.

    Returns:
        The deployment; an unhealthy one is a result, not an error, and stands in the registry's history.

    Raises:
        InputError: the version is not registered, its files were changed after registration, or this machine has no
            such device; nothing was changed.
    """
    _require_device(device)
    target = LocalRegistry(registry)
    metadata = target.show(version)
    if problems := target.verify(metadata.version):
        raise InputError([f"{metadata.version} was not deployed: {problem}" for problem in problems])
    before = target.production()
    checks = _try_out(target.model_dir(metadata.version), metadata.content_hash, config, device, deployment_dir)
    _record(target, metadata, checks, actor, run_id)
    deployment = Deployment(
        status="healthy" if checks.healthy else "unhealthy",
        version=metadata.version,
        content_hash=metadata.content_hash,
        reasons=checks.reasons,
        checks=checks.checks,
        production_before=before,
        production=target.production(),
        actor=actor,
    )
    written = deployment_dir / artifacts.DEPLOYMENT_JSON
    artifacts.write_json(written, {"schema_version": artifacts.SCHEMA_VERSION, **asdict(deployment)})
    artifacts.require_written([written])
    return deployment


def _require_device(device: str) -> None:
    # A wrong device is the caller's mistake; found by the server only, it would stand in the history as the model's.
    if device != "auto":
        from lab_lens.engine.device import resolve_device

        resolve_device(device)


def _try_out(model: Path, expected_hash: str, config: Config, device: str, working_dir: Path) -> SmokeResult:
    from lab_lens.notes.synthetic import synthetic_note

    endpoint = LocalEndpoint(model, device=device, limits=config.deployment, working_dir=working_dir)
    try:
        with endpoint:
            return smoke_test(endpoint, synthetic_note(), expected_hash)
    except EndpointError as error:
        return SmokeResult((SmokeCheck("start", passed=False, detail=str(error)),))


def _record(registry: LocalRegistry, metadata: ModelVersion, checks: SmokeResult, actor: str, run_id: str) -> None:
    version = metadata.version
    known = {"actor": actor, "decision_hash": metadata.decision_hash, "run_id": run_id}
    if not checks.healthy:
        reason = f"smoke test failed: {'; '.join(checks.reasons)}"
        registry.record(DEPLOY_FAILED, reason=reason, version=version, **known)
        _logger.warning("%s is unhealthy, production stays as it was: %s", version, "; ".join(checks.reasons))
        return
    reason = f"smoke test passed: {', '.join(check.check for check in checks.checks)}"
    registry.promote(version, reason=reason, **known)
    if registry.production() != version:
        raise ContractError(f"{version} was promoted, but the registry names {registry.production()} as production")
    _logger.info("%s is in production", version)
