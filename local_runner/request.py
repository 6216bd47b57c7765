"""What a local run is asked to do."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from components.images import EVALUATOR, OPS, TRAINER
from lab_lens.registry.open import absolute_location
from pipelines.image_references import ImageReferences

NO_NETWORK = "none"
SYNTHETIC = "synthetic"
RunnerChoice = Literal["native", "docker", "auto"]


@dataclass(frozen=True)
class DockerSettings:
    """How containers run.

    Attributes:
        images: references of the image families; by default those that `make images` builds here.
        build: build the images first.
        network: name of the engine's network; `none`: containers reach nothing, themselves excepted.
        shm_size: shared memory of a container, such as `1g`.
    """

    images: ImageReferences = field(default_factory=ImageReferences)
    build: bool = False
    network: str = NO_NETWORK
    shm_size: str = "1g"

    def references(self) -> list[str]:
        """References of the images that the pipeline's tasks run in."""
        return [self.images.of(image) for image in (TRAINER, EVALUATOR, OPS)]


@dataclass(frozen=True)
class RunRequest:
    """A local run.

    Args:
        data: a CSV, Parquet or JSONL file of notes, or `synthetic`.
        out: the run directory.
        registry: location of the model registry.
        tracking_uri: MLflow tracking URI; empty: nothing is tracked.
        run_name: name of the run, in MLflow and in the registry's history.
        actor: who is recorded in the registry's history.
        device: `auto`, `cpu`, `cuda` or `mps`.
        base_model: overrides the configuration's; empty: does not.
        trained_model: directory of a trained model; training is skipped.
        champion_cache: directory where the champion's summaries are kept for the next candidate; None: nowhere.
        force_reason: promote whatever the rules say, for this reason; empty: do not force.
        runner: `native` (processes), `docker` (containers), or `auto`, which says what it took and why.
        docker: how containers run.
        reuse: whether results of an earlier run in `out` are reused where nothing that decides them has changed.
    """

    data: str
    out: Path
    registry: str
    tracking_uri: str
    run_name: str
    actor: str
    device: str = "auto"
    base_model: str = ""
    trained_model: Path | None = None
    champion_cache: Path | None = None
    force_reason: str = ""
    runner: RunnerChoice = "native"
    docker: DockerSettings = field(default_factory=DockerSettings)
    reuse: bool = True

    def pipeline_arguments(self, config_json: str) -> dict[str, str]:
        """The values of the pipeline's parameters; paths are absolute, since tasks choose their own directory."""
        local_base = Path(self.base_model)
        return {
            "data": self.data if self.data == SYNTHETIC else str(Path(self.data).absolute()),
            "config": config_json,
            "registry": absolute_location(self.registry),
            "checkpoints": str((self.out / "checkpoints").absolute()),
            "base_model": str(local_base.absolute()) if self.base_model and local_base.is_dir() else self.base_model,
            "trained_model": str(self.trained_model.absolute()) if self.trained_model else "",
            "champion_cache": str(self.champion_cache.absolute()) if self.champion_cache else "",
            "device": self.device,
            "actor": self.actor,
            "force_reason": self.force_reason,
            "tracking_uri": self.tracking_uri,
            "run_name": self.run_name,
        }
