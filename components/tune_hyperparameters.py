"""The contract of hyperparameter tuning."""

from kfp import dsl
from kfp.dsl import HTML, Artifact, Dataset, Input, Metrics, Output

from components.images import TRAINER


@dsl.component(base_image=TRAINER, install_kfp_package=False)
def tune_hyperparameters(
    config: str,
    checkpoints: str,
    train: Input[Dataset],
    val: Input[Dataset],
    tuned: Output[Artifact],
    metrics: Output[Metrics],
    html: Output[HTML],
    worker: str = "0",
    base_model: str = "",
    trained_model: str = "",
    device: str = "auto",
    tracking_uri: str = "",
    run_name: str = "",
) -> str:
    """Search training and decoding settings by trial trainings, on validation examples; never on the test set.

    Args:
        config: the effective configuration as JSON; its `tuning` says what is searched, and for how long.
        checkpoints: directory that outlives the task; an interrupted search continues from its study in it.
        train: training examples.
        val: validation examples, on which trials are measured.
        tuned: directory with `tuned_config.json`, `tuning_report.json` (every trial) and figures.
        metrics: best ROUGE-L (0 to 1, optimistic), how much above the configuration as given, trials by how they ended.
        html: the search as a page.
        worker: which of `tuning.workers` this task is, from 0.
        base_model: hub id, directory or `scratch:tiny|small|base`; empty: the configuration's.
        trained_model: directory of a trained model, for which nothing is tuned. Empty: tune.
        device: `auto`, `cpu`, `cuda` or `mps`.
        tracking_uri: MLflow tracking URI; empty: nothing is tracked.
        run_name: name of the MLflow run that all stages of this pipeline run join; each trial is a child of it.

    Returns:
        The configuration with the best values, as JSON; later tasks use it.
    """
    from pathlib import Path

    from lab_lens.config import parse_config
    from lab_lens.stages.tune_hyperparameters import run_tune_hyperparameters
    from lab_lens.tracking import tracking_target

    settings = parse_config(config)
    html.path = f"{html.path}.html"
    result = run_tune_hyperparameters(
        Path(train.path),
        Path(val.path),
        settings,
        device=device,
        base_model=base_model,
        study=Path(checkpoints) / "tuning" / f"worker-{worker}.db",
        out_dir=Path(tuned.path),
        html=Path(html.path),
        worker=int(worker),
        trained_model=Path(trained_model) if trained_model else None,
        tracking=tracking_target(tracking_uri, settings.tracking.experiment, run_name),
    )
    for name, value in result.metrics.items():
        metrics.log_metric(name, value)
    return result.config.to_json()
