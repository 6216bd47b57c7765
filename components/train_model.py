"""The contract of training."""

from kfp import dsl
from kfp.dsl import HTML, Dataset, Input, Metrics, Model, Output

from components.images import TRAINER


@dsl.component(base_image=TRAINER, install_kfp_package=False)
def train_model(
    config: str,
    checkpoints: str,
    train: Input[Dataset],
    val: Input[Dataset],
    model: Output[Model],
    metrics: Output[Metrics],
    curves: Output[HTML],
    base_model: str = "",
    trained_model: str = "",
    device: str = "auto",
    tracking_uri: str = "",
    run_name: str = "",
):
    """Fine-tune a sequence-to-sequence model; keep the checkpoint with the best ROUGE-L of generated text.

    Args:
        config: the effective configuration as JSON.
        checkpoints: directory that outlives the task; an interrupted training continues from it.
        train: training examples.
        val: validation examples.
        model: the model directory (`save_pretrained`, safetensors, `training_manifest.json`).
        metrics: best ROUGE-L (0 to 1), loss (nats a token), steps, seconds.
        curves: training curves as a page.
        base_model: hub id, directory or `scratch:tiny|small|base`; empty: the configuration's.
        trained_model: directory of a trained model to use as it is; training is skipped.
        device: `auto`, `cpu`, `cuda` or `mps`.
        tracking_uri: MLflow tracking URI; empty: nothing is tracked.
        run_name: name of the MLflow run that all stages of this pipeline run join.
    """
    from pathlib import Path

    from lab_lens.config import parse_config
    from lab_lens.stages.train_model import run_train_model
    from lab_lens.tracking import tracking_target

    settings = parse_config(config)
    curves.path = f"{curves.path}.html"
    result = run_train_model(
        Path(train.path),
        Path(val.path),
        settings,
        device=device,
        base_model=base_model,
        trained_model=Path(trained_model) if trained_model else None,
        checkpoint_dir=Path(checkpoints),
        model_dir=Path(model.path),
        html=Path(curves.path),
        tracking=tracking_target(tracking_uri, settings.tracking.experiment, run_name),
    )
    for name, value in result.metrics.items():
        metrics.log_metric(name, value)
