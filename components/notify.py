"""The contract of the exit handler."""

from kfp import dsl
from kfp.dsl import Artifact, Output, PipelineTaskFinalStatus

from components.images import OPS


@dsl.component(base_image=OPS, install_kfp_package=False)
def notify(
    config: str,
    status: PipelineTaskFinalStatus,
    notification: Output[Artifact],
    tracking_uri: str = "",
    run_name: str = "",
):
    """Tell how the pipeline run ended, whatever happened in it, and close its MLflow run. Never carries note text.

    Args:
        config: the effective configuration as JSON.
        status: how the run ended; given by the pipeline system.
        notification: directory with `notification.json`.
        tracking_uri: MLflow tracking URI; empty: nothing is tracked.
        run_name: name of the MLflow run that all stages of this pipeline run join.
    """
    from pathlib import Path

    from lab_lens.config import parse_config
    from lab_lens.stages.notify import run_notify
    from lab_lens.tracking import tracking_target

    settings = parse_config(config)
    run_notify(
        status.state,
        run_name=run_name,
        notification_dir=Path(notification.path),
        tracking=tracking_target(tracking_uri, settings.tracking.experiment, run_name),
    )
