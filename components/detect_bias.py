"""The contract of bias detection."""

from kfp import dsl
from kfp.dsl import HTML, Artifact, Dataset, Input, Metrics, Output

from components.images import EVALUATOR


@dsl.component(base_image=EVALUATOR, install_kfp_package=False)
def detect_bias(
    config: str,
    test: Input[Dataset],
    predictions: Input[Dataset],
    report: Output[Artifact],
    metrics: Output[Metrics],
    html: Output[HTML],
    tracking_uri: str = "",
    run_name: str = "",
):
    """Compare the candidate's quality between slices of patients (age group, gender, ethnicity), with evidence.

    Args:
        config: the effective configuration as JSON.
        test: held-out test examples with the slice columns.
        predictions: the candidate's predictions.
        report: directory with `bias_report.json`, `bias_summary.txt` and `predictions_with_slices.csv`.
        metrics: largest gap of each attribute (metric points, 0 to 1) and the number of flagged slices.
        html: the report as a page.
        tracking_uri: MLflow tracking URI; empty: nothing is tracked.
        run_name: name of the MLflow run that all stages of this pipeline run join.
    """
    from pathlib import Path

    from lab_lens.config import parse_config
    from lab_lens.stages.detect_bias import run_detect_bias
    from lab_lens.tracking import tracking_target

    settings = parse_config(config)
    html.path = f"{html.path}.html"
    result = run_detect_bias(
        Path(test.path),
        Path(predictions.path),
        settings,
        report_dir=Path(report.path),
        html=Path(html.path),
        tracking=tracking_target(tracking_uri, settings.tracking.experiment, run_name),
    )
    for name, value in result.metrics.items():
        metrics.log_metric(name, value)
