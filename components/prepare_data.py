"""The contract of data preparation."""

from kfp import dsl
from kfp.dsl import HTML, Artifact, Dataset, Output

from components.images import EVALUATOR


@dsl.component(base_image=EVALUATOR, install_kfp_package=False)
def prepare_data(
    data: str,
    config: str,
    train: Output[Dataset],
    val: Output[Dataset],
    test: Output[Dataset],
    report: Output[Artifact],
    html: Output[HTML],
    tracking_uri: str = "",
    run_name: str = "",
):
    """Turn discharge notes into training, validation and held-out test examples, split by patient.

    Args:
        data: a CSV, Parquet or JSONL file, or `synthetic`.
        config: the effective configuration as JSON.
        train: directory with `train.csv`.
        val: directory with `val.csv`.
        test: directory with `test.csv`, the held-out test set.
        report: directory with `data_report.json`: counts, lengths, slices, leakage, warnings.
        html: the same report as a page.
        tracking_uri: MLflow tracking URI; empty: nothing is tracked.
        run_name: name of the MLflow run that all stages of this pipeline run join.
    """
    from pathlib import Path

    from lab_lens.config import parse_config
    from lab_lens.stages.prepare_data import run_prepare_data
    from lab_lens.tracking import tracking_target

    settings = parse_config(config)
    html.path = f"{html.path}.html"
    run_prepare_data(
        data,
        settings,
        train_dir=Path(train.path),
        val_dir=Path(val.path),
        test_dir=Path(test.path),
        report_dir=Path(report.path),
        html=Path(html.path),
        tracking=tracking_target(tracking_uri, settings.tracking.experiment, run_name),
    )
