"""The contract of choosing between searches that ran side by side."""

from typing import List  # noqa: UP035 - the name that KFP knows

from kfp import dsl
from kfp.dsl import HTML, Artifact, Input, Metrics, Output

from components.images import TRAINER


@dsl.component(base_image=TRAINER, install_kfp_package=False)
def select_hyperparameters(
    config: str,
    searches: Input[List[Artifact]],  # noqa: UP006
    tuned: Output[Artifact],
    metrics: Output[Metrics],
    html: Output[HTML],
    tracking_uri: str = "",
    run_name: str = "",
) -> str:
    """Choose the best trial of all workers of a search, and report all trials as one search.

    Args:
        config: the effective configuration as JSON, as the workers had it.
        searches: what each worker of `tune_hyperparameters` found.
        tuned: directory with `tuned_config.json`, `tuning_report.json` (every trial) and figures.
        metrics: best ROUGE-L (0 to 1, optimistic), how much above the configuration as given, trials by how they ended.
        html: the search as a page.
        tracking_uri: MLflow tracking URI; empty: nothing is tracked.
        run_name: name of the MLflow run that all stages of this pipeline run join.

    Returns:
        The configuration with the best values, as JSON; later tasks use it.
    """
    from pathlib import Path

    from lab_lens.config import parse_config
    from lab_lens.stages.select_hyperparameters import run_select_hyperparameters
    from lab_lens.tracking import tracking_target

    settings = parse_config(config)
    html.path = f"{html.path}.html"
    result = run_select_hyperparameters(
        [Path(search.path) for search in searches],
        settings,
        out_dir=Path(tuned.path),
        html=Path(html.path),
        tracking=tracking_target(tracking_uri, settings.tracking.experiment, run_name),
    )
    for name, value in result.metrics.items():
        metrics.log_metric(name, value)
    return result.config.to_json()
