"""The contract of rollback."""

from kfp import dsl
from kfp.dsl import Artifact, Input, Output

from components.images import OPS


@dsl.component(base_image=OPS, install_kfp_package=False)
def rollback_model(
    config: str,
    registry: str,
    verdict: str,
    grounds: Input[Artifact],
    rollback: Output[Artifact],
    actor: str = "pipeline",
    run_id: str = "",
):
    """Keep production where it is after a hold, or return it to the last good version; the reason is recorded.

    Args:
        config: the effective configuration as JSON.
        registry: location of the model registry: a path, gs:// or vertex://.
        verdict: `rollback` returns production from the decision's champion to the previous version; anything else
            leaves it where it is.
        grounds: the decision or the failed deployment that gives the reasons.
        rollback: directory with `rollback.json`: what was done, from which version to which.
        actor: who is recorded.
        run_id: the pipeline system's identifier of this run, for the registry's history.
    """
    from pathlib import Path

    from lab_lens.config import parse_config
    from lab_lens.stages.rollback_model import read_champion, read_reasons, run_rollback_model

    run_rollback_model(
        registry,
        parse_config(config),
        actor=actor,
        reason=read_reasons(Path(grounds.path)),
        force=verdict == "rollback",
        leave=read_champion(Path(grounds.path)),
        rollback_dir=Path(rollback.path),
        run_id=run_id,
    )
