import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import Ended, Lens


@pytest.fixture
def logging_as_it_was() -> Iterator[None]:
    """Commands set up logging for the whole process."""
    root, library = logging.getLogger(), logging.getLogger("lab_lens")
    handlers, levels = root.handlers[:], (root.level, library.level)
    yield
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    library.setLevel(levels[1])


@pytest.fixture
def lens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], logging_as_it_was: None
) -> Lens:
    """Runs `lab-lens` with the given arguments in an empty working directory, which is `tmp_path`."""
    from lab_lens.cli.main import main

    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> Ended:
        capsys.readouterr()
        status = main(arguments)
        captured = capsys.readouterr()
        return Ended(status, captured.out, captured.err)

    return call
