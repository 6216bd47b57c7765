from pathlib import Path

import pytest
from cloud_registry_fixtures import cloud, making, site
from command_line import Ended, Lens

__all__ = ["cloud", "lens", "making", "site"]


@pytest.fixture
def lens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Lens:
    """Runs `lab-lens` with the given arguments in an empty working directory, which is `tmp_path`."""
    from lab_lens.cli.main import main

    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> Ended:
        capsys.readouterr()
        status = main(arguments)
        captured = capsys.readouterr()
        return Ended(status, captured.out, captured.err)

    return call
