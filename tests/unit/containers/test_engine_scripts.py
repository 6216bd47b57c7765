"""The scripts that start and stop an engine for tests: what they leave alone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from containers.locks import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the scripts start an engine on Linux only")


def _run(name: str, directory: Path, path: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(ROOT / "tests" / "docker" / name), str(directory)],
        env={**os.environ, "PATH": os.pathsep.join(filter(None, (path, os.environ["PATH"])))},
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_engine_that_answers_is_used_and_none_is_started(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "docker").write_text("#!/bin/sh\necho 20.10\n")
    (tmp_path / "bin" / "docker").chmod(0o755)
    done = _run("start_engine.sh", tmp_path / "engine", path=str(tmp_path / "bin"))
    assert (done.returncode, done.stderr) == (0, "docker: using the engine that runs already\n")
    assert list((tmp_path / "engine").iterdir()) == []
    done = _run("stop_engine.sh", tmp_path / "engine")
    assert (done.returncode, done.stderr) == (0, f"docker: no engine was started from {tmp_path / 'engine'}\n")


def test_stopping_spares_a_process_that_took_over_the_number_of_an_engine_that_ended(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        (tmp_path / "docker.pid").write_text(f"{stranger.pid}\n")
        done = _run("stop_engine.sh", tmp_path)
        assert (done.returncode, stranger.poll()) == (0, None)
        assert done.stderr == f"docker: the engine of {tmp_path} had ended already\n"
        stranger.communicate(b"\n")


def test_stopping_an_engine_whose_process_is_gone_clears_its_mark(tmp_path: Path) -> None:
    (tmp_path / "docker.pid").write_text("999999999\n")
    assert _run("stop_engine.sh", tmp_path).returncode == 0
    assert not (tmp_path / "docker.pid").exists()


def test_no_base_image_is_made_where_there_is_no_engine(tmp_path: Path) -> None:
    (tmp_path / "unavailable").write_text("no root\n")
    done = _run("base_image.sh", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
