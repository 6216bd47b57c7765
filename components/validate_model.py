"""The contract of validation."""

from kfp import dsl
from kfp.dsl import HTML, Artifact, Dataset, Input, Metrics, Output

from components.images import EVALUATOR


@dsl.component(base_image=EVALUATOR, install_kfp_package=False)
def validate_model(
    config: str,
    test: Input[Dataset],
    predictions: Input[Dataset],
    champion: Input[Dataset],
    report: Output[Artifact],
    metrics: Output[Metrics],
    html: Output[HTML],
    tracking_uri: str = "",
    run_name: str = "",
):
    """Measure the candidate's summaries against the references, trivial baselines and the champion, with intervals.

    Args:
        config: the effective configuration as JSON.
        test: held-out test examples.
        predictions: the candidate's predictions.
        champion: the champion's predictions on the same rows, or the word that there is no champion.
        report: directory with `validation_report.json`, `validation_summary.txt` and `predictions.csv` (scores).
        metrics: every figure that was computed, with its interval (most from 0 to 1), and lengths in words.
        html: the report as a page.
        tracking_uri: MLflow tracking URI; empty: nothing is tracked.
        run_name: name of the MLflow run that all stages of this pipeline run join.
    """
    from pathlib import Path

    from lab_lens.config import parse_config
    from lab_lens.stages.validate_model import run_validate_model
    from lab_lens.tracking import tracking_target

    settings = parse_config(config)
    html.path = f"{html.path}.html"
    result = run_validate_model(
        Path(test.path),
        Path(predictions.path),
        settings,
        champion=Path(champion.path),
        report_dir=Path(report.path),
        html=Path(html.path),
        tracking=tracking_target(tracking_uri, settings.tracking.experiment, run_name),
    )
    for name, value in result.metrics.items():
        metrics.log_metric(name, value)
