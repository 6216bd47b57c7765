"""The contract of registration."""

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Input, Model

from components.images import OPS


@dsl.component(base_image=OPS, install_kfp_package=False)
def register_model(
    registry: str,
    model: Input[Model],
    decision: Input[Artifact],
    validation: Input[Artifact],
    bias: Input[Artifact],
    predictions: Input[Dataset],
    actor: str = "pipeline",
    version: str = "",
    run_id: str = "",
) -> str:
    """Store the candidate as an immutable version of the registry, bound to its own reports and decision.

    Args:
        registry: location of the model registry: a path, gs:// or vertex://.
        model: the candidate's model directory.
        decision: the decision's directory; its verdict must be `promote`.
        validation: the validation report's directory.
        bias: the bias report's directory.
        predictions: the candidate's predictions directory, whose golden note a deployment has to answer alike.
        actor: who is recorded.
        version: name of the version; empty: the next number.
        run_id: the pipeline system's identifier of this run, for the registry's history.

    Returns:
        The version's name, such as `v3`.
    """
    from pathlib import Path

    from lab_lens.stages.register_model import run_register_model

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
    )
    return result.version
