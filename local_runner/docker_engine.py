"""The Docker engine of this machine: whether it answers, what it has, and its refusals in plain words."""

import logging
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lab_lens.errors import InputError

if TYPE_CHECKING:
    from docker import DockerClient

_CONNECT_SECONDS = 10
_UNIX = "unix://"
_LOCAL_SCHEMES = (_UNIX, "npipe://", "http+unix://")
_DEFAULT_HOST = "npipe:////./pipe/docker_engine" if os.name == "nt" else "unix:///var/run/docker.sock"
_logger = logging.getLogger(__name__)
_DISK_FULL = "no space left on device"


def engine_error_types() -> tuple[type[Exception], ...]:
    """What the client raises when the engine refuses, or stops answering."""
    import docker.errors
    import requests
    import urllib3

    return (docker.errors.DockerException, requests.RequestException, urllib3.exceptions.HTTPError)


@contextmanager
def engine() -> Iterator["DockerClient"]:
    """A client of the local engine.

    Raises:
        InputError: no engine answers, or it is on another machine, whose containers would not see the files here.
    """
    import docker

    host = _host()
    if not host.startswith(_LOCAL_SCHEMES):
        raise InputError(
            f"the Docker engine is {host}: the containers of another machine do not see the files of this one; unset "
            "DOCKER_HOST or choose another docker context, or use --runner native"
        )
    try:
        _reach(host)
        client = docker.DockerClient(base_url=host, timeout=_CONNECT_SECONDS)
        client.ping()
    except (OSError, *engine_error_types()) as error:
        raise InputError(
            f"the Docker engine does not answer at {host} ({error.__class__.__name__}): start Docker (Docker Desktop, "
            "or `systemctl start docker`), make sure that your user may use it, or use --runner native; "
            "lab-lens doctor tells more"
        ) from error
    # A read of a container's log has no end of its own.
    client.api.timeout = None
    try:
        yield client
    finally:
        client.close()


def _host() -> str:
    """The engine that the docker command would use: that of DOCKER_HOST, else of its current context."""
    from docker.context import ContextAPI

    named = os.environ.get("DOCKER_HOST")
    context = None if named else ContextAPI.get_current_context()
    return named or (context.Host if context is not None else "") or _DEFAULT_HOST


def _reach(host: str) -> None:
    # The client does not close its own socket when nothing answers, and wraps the reason several times.
    if host.startswith(_UNIX):
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(_CONNECT_SECONDS)
            probe.connect(host.removeprefix(_UNIX))


def has_gpu(client: "DockerClient") -> bool:
    """Whether the engine can give containers an NVIDIA GPU (its runtime, or devices by CDI)."""
    info = client.info()
    devices = info.get("DiscoveredDevices") or []
    return "nvidia" in info.get("Runtimes", {}) or any("nvidia" in str(device) for device in devices)


def security_options(client: "DockerClient") -> str:
    """The engine's security options as one text; holds `name=rootless` and `name=selinux` where they apply."""
    return " ".join(client.info().get("SecurityOptions") or [])


def find_images(client: "DockerClient", references: Sequence[str]) -> dict[str, str]:
    """The id of every image, pulled from its registry where it is not here.

    Args:
        client: the engine.
        references: image references; one without a registry's name is never pulled.

    Raises:
        InputError: naming every image that is not to be had, and why.
    """
    found, problems = {}, []
    for reference in dict.fromkeys(references):
        try:
            found[reference] = image_id(client, reference) or _pull(client, reference)
        except InputError as error:
            problems.extend(error.problems)
    if problems:
        raise InputError(problems)
    return found


def image_id(client: "DockerClient", reference: str) -> str | None:
    """The id of an image that is on this machine; None where it is not."""
    import docker.errors

    try:
        return str(client.images.get(reference).id)
    except docker.errors.ImageNotFound:
        return None


def _pull(client: "DockerClient", reference: str) -> str:
    if "/" not in reference:
        raise InputError(
            f"image {reference} is not on this machine: build it with `make images` or --build, or name images of a "
            "registry with --images PREFIX or --digests FILE"
        )
    _logger.info("pulling image %s", reference)
    try:
        return str(client.images.pull(reference).id)
    except engine_error_types() as error:
        raise InputError(f"image {reference} cannot be pulled: {in_words(error)}") from error


def in_words(error: Exception) -> str:
    """One line about an engine's refusal, with the cure where the cause is known."""
    explanation: Any = getattr(error, "explanation", None) or str(error) or error.__class__.__name__
    text = " ".join(str(explanation).split())
    if _DISK_FULL in text:
        return f"{text}: free space where Docker keeps its data (docker system df, docker system prune)"
    if "unauthorized" in text or "denied" in text:
        return f"{text}: log in to its registry (docker login, or gcloud auth configure-docker HOST)"
    return text
