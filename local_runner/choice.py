"""Which runner suits this machine, and why."""

import platform
import sys
from collections.abc import Sequence
from typing import Literal

from lab_lens.errors import InputError
from local_runner.docker_engine import engine, image_id

RunnerName = Literal["native", "docker"]


def choose_runner(device: str, images: Sequence[str]) -> tuple[RunnerName, str]:
    """Docker where it can use the device and has the images; natively on Apple's GPU, and where Docker is not ready.

    Args:
        device: `auto`, `cpu`, `cuda` or `mps`.
        images: references of the pipeline's images.

    Returns:
        The runner, and the reason in words.
    """
    if device == "mps" or (device == "auto" and _is_apple_silicon()):
        return "native", "containers cannot use Apple's GPU (MPS)"
    try:
        with engine() as client:
            absent = [image for image in images if image_id(client, image) is None]
    except InputError as error:
        return "native", str(error)
    if absent:
        return "native", f"Docker answers but has no {', '.join(absent)}: build them with `make images` or --build"
    return "docker", "the Docker engine answers and has the images"


def _is_apple_silicon() -> bool:
    return sys.platform == "darwin" and platform.machine() == "arm64"
