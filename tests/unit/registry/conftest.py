from collections.abc import Callable
from pathlib import Path

import pytest

from lab_lens.registry.base import Evidence
from lab_lens.registry.local import LocalRegistry


@pytest.fixture
def registry(tmp_path: Path) -> LocalRegistry:
    return LocalRegistry(tmp_path / "model_registry")


@pytest.fixture
def make_model(tmp_path: Path) -> Callable[[str], Path]:
    def make(weights: str) -> Path:
        model = tmp_path / f"trained-{weights}"
        (model / "tokenizer").mkdir(parents=True, exist_ok=True)
        (model / "model.safetensors").write_text(weights)
        (model / "tokenizer" / "vocab.json").write_text("{}")
        return model

    return make


@pytest.fixture
def evidence(tmp_path: Path) -> Evidence:
    (tmp_path / "decision.json").write_text('{"verdict": "promote"}')
    (tmp_path / "report.json").write_text('{"metrics": {}}')
    documents = {"decision.json": tmp_path / "decision.json", "validation_report.json": tmp_path / "report.json"}
    return Evidence(documents, {"rougeL": 0.31, "bleu": None}, config_hash="c0", data_hash="d0")


@pytest.fixture
def release(registry: LocalRegistry, make_model: Callable[[str], Path], evidence: Evidence) -> Callable[[str], str]:
    """Register a model and put it into production."""

    def put(weights: str) -> str:
        version = registry.register(make_model(weights), evidence, actor="ana").version
        registry.promote(version, actor="ana", reason="better", decision_hash="h")
        return version

    return put
