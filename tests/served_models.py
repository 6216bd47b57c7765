"""Registered model directories for tests that really serve them."""

import json
import shutil
from pathlib import Path

from lab_lens.artifacts import TRAINING_MANIFEST
from lab_lens.config import Config, Decoding, Model
from lab_lens.registry.base import Evidence
from lab_lens.registry.local import LocalRegistry


def served_registry(tiny_model_dir: Path, path: Path) -> LocalRegistry:
    """v1 and v2 summarize alike and differ in a file, v3 cannot be loaded, v4 says nothing."""
    registry = LocalRegistry(path / "registry")
    second, wrong, silent = path / "second", path / "wrong", path / "silent"
    for copy in (second, wrong, silent):
        shutil.copytree(tiny_model_dir, copy)
    (second / "README.md").write_text("the second version")
    (wrong / "config.json").write_text("{}")
    config = Config(model=Model(max_input_tokens=64, max_target_tokens=2), decoding=Decoding(num_beams=1))
    (silent / TRAINING_MANIFEST).write_text(json.dumps({"config": config.model_dump(mode="json")}))
    for model in (tiny_model_dir, second, wrong, silent):
        registry.register(model, Evidence({}, {}), actor="ana")
    return registry
