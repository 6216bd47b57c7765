import os
import sys
from pathlib import Path

import pytest


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that the program `gcloud`, now the first in PATH, takes for Cloud Storage."""
    if os.name == "nt":
        pytest.skip("NOT TESTED: programs without a suffix cannot be put into PATH on Windows")
    programs, bucket = tmp_path / "programs", tmp_path / "buckets"
    programs.mkdir()
    bucket.mkdir()
    program = programs / "gcloud"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{Path(__file__).with_name("fake_gcloud.py")}" "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("FAKE_BUCKET", str(bucket))
    return bucket
