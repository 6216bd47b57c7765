"""The contract of sensitivity analysis."""

from kfp import dsl
from kfp.dsl import HTML, Artifact, Dataset, Input, Metrics, Model, Output

from components.images import TRAINER


@dsl.component(base_image=TRAINER, install_kfp_package=False)
def analyze_sensitivity(
    config: str,
    model: Input[Model],
    test: Input[Dataset],
    predictions: Input[Dataset],
    report: Output[Artifact],
    metrics: Output[Metrics],
    html: Output[HTML],
    device: str = "auto",
    tracking_uri: str = "",
    run_name: str = "",
):
    """Explain what the candidate looks at: LIME over sentences, section ablation, input length; re-runs the model.

    Args:
        config: the effective configuration as JSON.
        model: the candidate's model directory.
        test: held-out test examples.
        predictions: the candidate's predictions.
        report: directory with `sensitivity_report.json` and the figures (no note text).
        metrics: how well the explanations fit, and the drop in log-likelihood for the most important section.
        html: the report as a page.
        device: `auto`, `cpu`, `cuda` or `mps`.
        tracking_uri: MLflow tracking URI; empty: nothing is tracked.
        run_name: name of the MLflow run that all stages of this pipeline run join.
    """
    from pathlib import Path

    from lab_lens.config import parse_config
    from lab_lens.stages.analyze_sensitivity import run_analyze_sensitivity
    from lab_lens.tracking import tracking_target

    settings = parse_config(config)
    html.path = f"{html.path}.html"
    result = run_analyze_sensitivity(
        Path(model.path),
        Path(test.path),
        Path(predictions.path),
        settings,
        device=device,
        report_dir=Path(report.path),
        html=Path(html.path),
        tracking=tracking_target(tracking_uri, settings.tracking.experiment, run_name),
    )
    for name, value in result.metrics.items():
        metrics.log_metric(name, value)
