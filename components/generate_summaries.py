"""The contract of generation."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Model, Output

from components.images import TRAINER


@dsl.component(base_image=TRAINER, install_kfp_package=False)
def generate_summaries(
    config: str,
    registry: str,
    model: Input[Model],
    test: Input[Dataset],
    predictions: Output[Dataset],
    champion: Output[Dataset],
    device: str = "auto",
    champion_cache: str = "",
):
    """Summarize the held-out notes once, by the candidate and by the registry's production model (the champion).

    Args:
        config: the effective configuration as JSON.
        registry: location of the model registry.
        model: the candidate's model directory.
        test: held-out test examples.
        predictions: directory with `predictions.csv` and `generation.json` of the candidate.
        champion: the same of the champion, and `champion.json`, which names it or says that there is none.
        device: `auto`, `cpu`, `cuda` or `mps`.
        champion_cache: directory that outlives the run, where the champion's summaries are kept for the next candidate
            on the same notes; it holds text. Empty: they are made again every time.
    """
    from pathlib import Path

    from lab_lens.config import parse_config
    from lab_lens.stages.generate_summaries import run_generate_summaries

    run_generate_summaries(
        Path(model.path),
        Path(test.path),
        parse_config(config),
        device=device,
        registry=registry,
        predictions_dir=Path(predictions.path),
        champion_dir=Path(champion.path),
        champion_cache=Path(champion_cache) if champion_cache else None,
    )
