"""Places of registries for the tests that every registry passes, and a maker of models with their papers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pytest

from lab_lens import artifacts
from lab_lens.registry.base import Evidence, Registry

WEIGHTS = "model/model.safetensors"


class Place(Protocol):
    """Where a registry stores things, and the way to them behind its back."""

    def open(self) -> Registry:
        """The registry at this place, as another process would open it."""
        ...

    def snapshot(self) -> dict[str, bytes]:
        """Every stored file that is no lock, by its path; empty where nothing was ever stored."""
        ...

    def write(self, version: str, name: str, content: bytes) -> None:
        """Replace, or add, a file of a version, such as `version.json` or `model/model.safetensors`."""
        ...

    def delete(self, version: str, name: str) -> None:
        """Delete a file of a version."""
        ...

    def read_index(self) -> bytes:
        """The content of registry_index.json."""
        ...

    def write_index(self, content: bytes) -> None:
        """Replace registry_index.json."""
        ...


@dataclass
class Maker:
    """Makes models with their papers, and releases them; `rouge_l` is what their reports say."""

    root: Path
    registry: Registry
    actor: str = "ana"
    rouge_l: float | None = 0.31
    _made: dict[str, Path] = field(default_factory=dict)

    def model(self, weights: str) -> Path:
        """A model directory; equal weights are equal models."""
        if weights not in self._made:
            model = self._made[weights] = self.root / f"trained-{weights}"
            (model / "tokenizer").mkdir(parents=True)
            (model / "model.safetensors").write_text(weights)
            (model / "tokenizer" / "vocab.json").write_text("{}")
            (model / "empty.txt").touch()
        return self._made[weights]

    def evidence(self, weights: str, **changes: Any) -> Evidence:
        """The papers of a model, as the stages write them."""
        papers = self.root / f"papers-{weights}"
        papers.mkdir(exist_ok=True)
        model_hash = artifacts.content_hash(artifacts.sha256_files(self.model(weights)))
        metrics = {
            "rougeL": {"estimate": self.rouge_l, "low": 0.28, "high": 0.34},
            "bleu": {"estimate": None, "low": None, "high": None, "reason": "too few examples"},
        }
        contents = {
            "decision.json": {"verdict": "promote", "model_hash": model_hash},
            "validation_report.json": {"model_hash": model_hash, "metrics": metrics},
            "golden.json": {"text": "synthetic", "summary": weights},
        }
        documents = {name: artifacts.write_json(papers / name, content) for name, content in contents.items()}
        known = {
            "metrics": {"rougeL": self.rouge_l, "rougeL_low": 0.28, "rougeL_high": 0.34, "bleu": None},
            "config_hash": "c0",
            "data_hash": "d0",
            "code_hash": "k0",
            "decoding_hash": "g0",
            "verdict": "promote",
            "links": {"mlflow_run": "m0"},
            "run_id": "run-7",
        }
        return Evidence(documents, **(known | changes))

    def register(self, weights: str, version: str = "", **changes: Any) -> str:
        """Register a model, and give its version's name."""
        evidence = self.evidence(weights, **changes)
        return self.registry.register(self.model(weights), evidence, actor=self.actor, version=version).version

    def release(self, *many: str) -> list[str]:
        """Register models and put each into production."""
        versions = [self.register(weights) for weights in many]
        for version in versions:
            self.registry.promote(version, actor=self.actor, reason="better", decision_hash="h")
        return versions


Use = Callable[[Registry, str], object]
READS: dict[str, Use] = {
    "show": lambda registry, version: registry.show(version),
    "verify": lambda registry, version: registry.verify(version),
    "model_dir": lambda registry, version: registry.model_dir(version),
    "model_uri": lambda registry, version: registry.model_uri(version),
    "read_document": lambda registry, version: registry.read_document(version, "decision.json"),
}
WRITES: dict[str, Use] = {
    "promote": lambda registry, version: registry.promote(version, actor="ana", reason="r", decision_hash=""),
    "rollback": lambda registry, version: registry.rollback(actor="ana", reason="r", to=version),
    "rollback_target": lambda registry, version: registry.rollback_target(version),
    "record": lambda registry, version: registry.record("held", actor="ana", reason="r", version=version),
}
USES = READS | WRITES
NEEDS_MODEL_FILES = sorted(USES.keys() - {"show", "read_document"})


class AtAPlace:
    """Fixtures of a suite; the subclass gives `place`."""

    @pytest.fixture
    def place(self) -> Place:
        raise NotImplementedError("the subclass says where its registry lies")

    @pytest.fixture
    def registry(self, place: Place) -> Registry:
        return place.open()

    @pytest.fixture
    def make(self, registry: Registry, tmp_path: Path) -> Maker:
        root = tmp_path / "made"
        root.mkdir()
        return Maker(root, registry)
