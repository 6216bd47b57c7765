"""What a compiled pipeline declares is what the runner reads."""

from pathlib import Path

import pytest

from lab_lens.config import Config, with_overrides
from local_runner.template import parse_quantity, task_specs
from pipelines.compile import CompileOptions, compile_pipeline
from pipelines.image_references import ImageReferences


@pytest.mark.parametrize(
    ("text", "size"), [("4G", 4 * 10**9), ("512Mi", 512 * 2**20), ("2.5Gi", 5 * 2**29), ("1000", 1000)]
)
def test_quantities_are_read_as_kubernetes_reads_them(text: str, size: int) -> None:
    assert parse_quantity(text) == size


def test_declared_limits_and_images_are_those_of_the_settings(tmp_path: Path) -> None:
    config = with_overrides(Config(), {"resources.tasks": {"train_model": {"memory_gib": 3.0, "cpu": 1.5}}})
    images = ImageReferences.from_prefix("registry.example/lab", "v1")
    specs = task_specs(compile_pipeline(tmp_path / "p.yaml", CompileOptions(images=images, config=config)))
    train = specs["train-model"]
    assert (train.memory_bytes, train.cpus) == (3 * 2**30, 1.5)
    assert train.image == "registry.example/lab/lab-lens-trainer:v1"
    assert specs["notify"].memory_bytes is None
    assert {"rollback-model", "rollback-model-2"} <= set(specs)
