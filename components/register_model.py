"""The contract of registration."""

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Input, Model

from components.images import OPS


@dsl.component(base_image=OPS, install_kfp_package=False)
def register_model(
    config: str,
    registry: str,
    model: Input[Model],
    decision: Input[Artifact],
    validation: Input[Artifact],
    bias: Input[Artifact],
    predictions: Input[Dataset],
    actor: str = "pipeline",
    version: str = "",
    run_id: str = "",
    job: str = "",
    tracking_uri: str = "",
    run_name: str = "",
) -> str:
    """Store the candidate as an immutable version of the registry, bound to its own reports and decision.

    Args:
        config: the effective configuration as JSON.
        registry: location of the model registry: a path, gs:// or vertex://.
        model: the candidate's model directory.
        decision: the decision's directory; its verdict must be `promote`.
        validation: the validation report's directory.
        bias: the bias report's directory.
        predictions: the candidate's predictions directory, whose golden note a deployment has to answer alike.
        actor: who is recorded.
        version: name of the version; empty: the next number.
        run_id: the pipeline system's identifier of this run, for the registry's history.
        job: the pipeline system's name of this run, which the version links to.
        tracking_uri: MLflow tracking URI; empty: nothing is tracked.
        run_name: name of the MLflow run, which the version links to.

    Returns:
        The version's name, such as `v3`.
    """
    from pathlib import Path

    from lab_lens.config import parse_config
    from lab_lens.stages.register_model import run_register_model
    from lab_lens.tracking import tracking_target

    result = run_register_model(
        Path(model.path),
        Path(decision.path),
        Path(validation.path),
        Path(bias.path),
        registry=registry,
        predictions=Path(predictions.path),
        version=version,
        actor=actor,
        run_id=run_id,
        job=job,
        tracking=tracking_target(tracking_uri, parse_config(config).tracking.experiment, run_name),
    )
    return result.version
