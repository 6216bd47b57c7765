"""The contract of deployment."""

from kfp import dsl
from kfp.dsl import Artifact, Input, Output

from components.images import TRAINER


@dsl.component(base_image=TRAINER, install_kfp_package=False)
def deploy_model(
    config: str,
    registry: str,
    version: str,
    decision: Input[Artifact],
    deployment: Output[Artifact],
    device: str = "auto",
    actor: str = "pipeline",
    run_id: str = "",
) -> str:
    """Serve a registered version, ask it for a real summary, and only then make it the production model.

    Args:
        config: the effective configuration as JSON.
        registry: location of the model registry: a path, gs:// or vertex://.
        version: the version to deploy.
        decision: the decision's directory; production must still be what it was made against.
        deployment: directory with `deployment.json`: every check of the smoke test.
        device: `auto`, `cpu`, `cuda` or `mps`.
        actor: who is recorded.
        run_id: the pipeline system's identifier of this run, for the registry's history.

    Returns:
        `healthy` (it is the production model now) or `unhealthy` (production is what it was).
    """
    from pathlib import Path

    from lab_lens.config import parse_config
    from lab_lens.stages.deploy_model import run_deploy_model

    result = run_deploy_model(
        registry,
        version,
        parse_config(config),
        device=device,
        actor=actor,
        deployment_dir=Path(deployment.path),
        run_id=run_id,
        decision=Path(decision.path),
    )
    return result.status
