"""What tests of the Docker runner share: how a run goes into containers, and which containers a run has."""

from pathlib import Path
from typing import Any

import docker

from local_runner.docker import RUN_LABEL

IN_DOCKER = ("--runner", "docker")


def containers_of(run_dir: Path) -> list[Any]:
    client = docker.from_env()
    try:
        return client.containers.list(all=True, filters={"label": f"{RUN_LABEL}={run_dir}"})
    finally:
        client.close()
