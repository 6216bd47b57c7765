"""The contract of the release gate."""

from kfp import dsl
from kfp.dsl import HTML, Artifact, Input, Output

from components.images import EVALUATOR


@dsl.component(base_image=EVALUATOR, install_kfp_package=False)
def decide_release(
    config: str,
    registry: str,
    validation: Input[Artifact],
    bias: Input[Artifact],
    sensitivity: Input[Artifact],
    decision: Output[Artifact],
    html: Output[HTML],
    actor: str = "pipeline",
    force_reason: str = "",
    tracking_uri: str = "",
    run_name: str = "",
) -> str:
    """Decide by the policy whether the candidate is released; an unknown value blocks.

    Args:
        config: the effective configuration as JSON.
        registry: location of the model registry.
        validation: the validation report's directory.
        bias: the bias report's directory.
        sensitivity: the sensitivity report's directory.
        decision: directory with `decision.json`: every rule with value, interval, threshold, status, next step.
        html: the decision as a page.
        actor: who is recorded as having decided.
        force_reason: promote whatever the rules say, for this reason; recorded for ever. Empty: do not force.
        tracking_uri: MLflow tracking URI; empty: nothing is tracked.
        run_name: name of the MLflow run that all stages of this pipeline run join.

    Returns:
        The verdict: `promote`, `hold` or `rollback`.
    """
    from pathlib import Path

    from lab_lens.config import parse_config
    from lab_lens.stages.decide_release import run_decide_release
    from lab_lens.tracking import tracking_target

    settings = parse_config(config)
    html.path = f"{html.path}.html"
    result = run_decide_release(
        Path(validation.path),
        Path(bias.path),
        Path(sensitivity.path),
        settings,
        registry=registry,
        decision_dir=Path(decision.path),
        html=Path(html.path),
        force_reason=force_reason,
        actor=actor,
        tracking=tracking_target(tracking_uri, settings.tracking.experiment, run_name),
    )
    return result.verdict
