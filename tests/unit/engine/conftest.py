from pathlib import Path

import pytest

from lab_lens.engine.checkpoint import LoadedModel, load_model


@pytest.fixture(scope="session")
def loaded(tiny_model_dir: Path) -> LoadedModel:
    return load_model(tiny_model_dir, "cpu")
