"""The contract of the exit handler."""

from kfp import dsl
from kfp.dsl import Artifact, Output, PipelineTaskFinalStatus

from components.images import OPS


@dsl.component(base_image=OPS, install_kfp_package=False)
def notify(
    config: str,
    status: PipelineTaskFinalStatus,
    notification: Output[Artifact],
    registry: str = "",
    run_id: str = "",
    tracking_uri: str = "",
    run_name: str = "",
):
    """Tell every channel of the configuration how the run ended, and close its MLflow run. Never carries note text.

    Args:
        config: the effective configuration as JSON.
        status: how the run ended; given by the pipeline system.
        notification: directory with `notification.json`: what was told, and whether each channel took it.
        registry: location of the model registry, whose history says what this run did; empty: that is not told.
        run_id: the pipeline system's identifier of this run, as in the registry's history.
        tracking_uri: MLflow tracking URI; empty: nothing is tracked.
        run_name: name of the MLflow run that all stages of this pipeline run join.
    """
    from pathlib import Path

    from lab_lens.config import parse_config
    from lab_lens.notifications.outcome import RunEnd
    from lab_lens.stages.notify import run_notify
    from lab_lens.tracking import tracking_target

    settings = parse_config(config)
    job, message = status.pipeline_job_resource_name or "", status.error_message or ""
    run_notify(
        RunEnd(status.state, run_name, run_id, job, message),
        settings,
        registry=registry or None,
        notification_dir=Path(notification.path),
        tracking=tracking_target(tracking_uri, settings.tracking.experiment, run_name),
    )
