"""Pushing an image to a registry, and what is said when it refuses or is not there."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from loopback.image_registry import ImageRegistry

from containers.docker_cli import DockerCli
from lab_lens.errors import InputError

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("docker")]


@pytest.fixture
def tiny_image(docker: DockerCli, tmp_path: Path) -> Iterator[str]:
    """An image with one small file."""
    (tmp_path / "context").mkdir()
    (tmp_path / "context" / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    docker.build(["--tag=lab-lens-test-push:1", str(tmp_path / "context")], tmp_path / "log")
    yield "lab-lens-test-push:1"
    docker.run("rmi", "--force", "lab-lens-test-push:1")


def _push(docker: DockerCli, image: str, host: str) -> str:
    reference = f"{host}/hospital/lens:v1"
    docker.ask("tag", image, reference)
    try:
        return docker.push(reference)
    finally:
        docker.run("rmi", reference)


def test_a_pushed_image_is_named_by_the_digest_of_what_the_registry_got(docker: DockerCli, tiny_image: str) -> None:
    with ImageRegistry() as registry:
        pinned = _push(docker, tiny_image, registry.host)
    digest = hashlib.sha256(registry.manifests["hospital/lens:v1"]).hexdigest()
    assert pinned == f"{registry.host}/hospital/lens@sha256:{digest}"


def test_a_registry_that_refuses_is_named_with_the_cure(docker: DockerCli, tiny_image: str) -> None:
    with ImageRegistry(refuses=True) as registry, pytest.raises(InputError) as refused:
        _push(docker, tiny_image, registry.host)
    assert "hospital/lens:v1 failed" in str(refused.value)
    assert "log in to the registry" in str(refused.value)


def test_a_registry_that_is_not_there_is_named(docker: DockerCli, tiny_image: str) -> None:
    with pytest.raises(InputError, match=r"docker push 127\.0\.0\.1:9/hospital/lens:v1 failed: .*refused"):
        _push(docker, tiny_image, "127.0.0.1:9")
