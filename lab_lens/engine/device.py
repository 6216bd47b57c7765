"""Choose the device that a model runs on, and bind to it for real."""

import logging

import torch

from lab_lens.errors import InputError

DEVICES = ("auto", "cpu", "cuda", "mps")
_logger = logging.getLogger(__name__)


def resolve_device(name: str) -> torch.device:
    """Turn `auto`, `cpu`, `cuda` or `mps` into a device of this machine.

    `auto` takes CUDA, else Apple MPS, else the CPU, and logs which.

    Raises:
        InputError: the name is unknown, or this machine or this build of torch has no such device.
    """
    if name not in DEVICES:
        raise InputError(f"device {name!r} is unknown; choose one of {', '.join(DEVICES)}")
    if name == "auto":
        device = _best_device()
        _logger.info("device: %s (auto: the best this machine has)", device)
        return device
    if not _available(name):
        raise InputError(
            f"device {name!r} is not usable here (torch {torch.__version__} sees: {', '.join(_usable())}); "
            "choose one of those, or --device auto"
        )
    return torch.device(name)


def _best_device() -> torch.device:
    return torch.device(next(name for name in ("cuda", "mps", "cpu") if _available(name)))


def _usable() -> list[str]:
    return [name for name in DEVICES if name != "auto" and _available(name)]


def _available(name: str) -> bool:
    if name == "cuda":
        return torch.cuda.is_available()
    if name == "mps":
        return torch.backends.mps.is_available()
    return True
