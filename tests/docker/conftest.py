"""The engine and the images that tests in containers need; where they cannot be had, tests say so and are skipped."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from containers.build import BASE_IMAGE
from containers.docker_cli import DockerCli, find_docker
from containers.locks import ROOT
from lab_lens.errors import InputError

Start = Callable[..., str]


@pytest.fixture(scope="session")
def docker() -> DockerCli:
    """A docker command whose engine answers and has the base image of our images."""
    try:
        cli = find_docker(os.environ.get("PATH", ""))
    except InputError as error:
        pytest.skip(f"NOT TESTED: {error}")
    if cli.run("image", "inspect", BASE_IMAGE).returncode and cli.run("pull", "--quiet", BASE_IMAGE).returncode:
        pytest.skip(f"NOT TESTED: the base image {BASE_IMAGE} is not here and cannot be pulled; make docker-engine")
    return cli


@pytest.fixture(scope="session")
def images(docker: DockerCli) -> dict[str, dict[str, Any]]:
    """What `dist/images.json` says of the images of this very checkout; no step is done twice."""
    done = subprocess.run(
        [sys.executable, "-m", "containers.build"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    content: dict[str, dict[str, Any]] = json.loads((ROOT / "dist" / "images.json").read_text())
    return content


@pytest.fixture
def start(docker: DockerCli) -> Iterator[Start]:
    """Start a container in the background; gives its id. It is gone after the test."""
    started = []

    def run(*arguments: str) -> str:
        started.append(docker.ask("run", "--detach", *arguments).strip())
        return started[-1]

    yield run
    for container in started:
        docker.ask("rm", "--force", "--volumes", container)


@pytest.fixture(scope="session")
def readable_model(tiny_model_dir: Path) -> Path:
    """A model directory that the user of an image may read."""
    for path in (tiny_model_dir, *tiny_model_dir.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return tiny_model_dir
