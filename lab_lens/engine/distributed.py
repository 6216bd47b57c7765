"""Several processes that train one model together: who is who, who writes, and waiting for each other.

Vertex AI tells each machine of a custom job its place in `CLUSTER_SPEC`; `torchrun` does so in `RANK` and `WORLD_SIZE`.
"""

import json
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import distributed

from lab_lens.errors import InputError

_CLUSTER_SPEC = "CLUSTER_SPEC"
_BACKENDS = {"cuda": "nccl", "cpu": "gloo"}
# One process loads the base model while the others wait; a process that dies is noticed at once.
_LONGEST_WAIT = timedelta(hours=2)
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Place:
    """One process among those that train together.

    Attributes:
        rank: 0 leads: it alone writes what the others only need to know.
        size: number of processes.
        local_rank: number of the process on its machine, and of its accelerator there.
        leader: host and port where the processes find each other.
    """

    rank: int
    size: int
    local_rank: int
    leader: tuple[str, str]

    def variables(self) -> dict[str, str]:
        """The place as torch and accelerate read it."""
        return {
            "MASTER_ADDR": self.leader[0],
            "MASTER_PORT": self.leader[1],
            "RANK": str(self.rank),
            "WORLD_SIZE": str(self.size),
            "LOCAL_RANK": str(self.local_rank),
        }


@dataclass(frozen=True)
class Group:
    """The processes that train together, as one of them sees them."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes and reports for all."""
        return self.rank == 0

    def wait(self) -> None:
        """Wait until every process has come here."""
        if self.size > 1:
            distributed.barrier()


def place_of(environment: Mapping[str, str]) -> Place | None:
    """The place of this process, or None when it trains alone.

    Raises:
        InputError: `CLUSTER_SPEC` does not say it, as Vertex AI would.
    """
    if _CLUSTER_SPEC in environment:
        return _place_on_vertex(environment[_CLUSTER_SPEC])
    if int(environment.get("WORLD_SIZE", "1")) == 1 or "RANK" not in environment:
        return None
    return Place(
        int(environment["RANK"]),
        int(environment["WORLD_SIZE"]),
        int(environment.get("LOCAL_RANK", "0")),
        (environment.get("MASTER_ADDR", "127.0.0.1"), environment.get("MASTER_PORT", "29500")),
    )


def _place_on_vertex(text: str) -> Place | None:
    try:
        spec = json.loads(text)
        addresses = {
            (pool, index): address
            for pool, members in sorted(spec["cluster"].items())
            for index, address in enumerate(members)
        }
        mine = (spec["task"]["type"], int(spec["task"]["index"]))
        rank = list(addresses).index(mine)
        host, _, port = next(iter(addresses.values())).rpartition(":")
    except (ValueError, KeyError, TypeError, AttributeError, StopIteration) as error:
        raise InputError(
            f"{_CLUSTER_SPEC} of the environment does not say this machine's place ({error!r}); Vertex AI writes "
            'it as {"cluster": {"workerpool0": ["HOST:PORT"], ...}, "task": {"type": "workerpool0", "index": 0}}'
        ) from error
    return Place(rank, len(addresses), 0, (host, port)) if len(addresses) > 1 else None


@contextmanager
def joined(device: torch.device) -> Iterator[Group]:
    """Be one of the processes that train together, or alone, for as long as the context lasts.

    Raises:
        InputError: processes cannot train together on such a device, or the environment is not understood.
    """
    place = place_of(os.environ)
    if place is None:
        yield Group()
        return
    if device.type not in _BACKENDS:
        raise InputError(f"several processes cannot train together on {device.type}; use --device cpu or cuda")
    former = {name: os.environ.get(name) for name in place.variables()}
    os.environ.update(place.variables())
    try:
        _logger.info("process %d of %d that train together", place.rank + 1, place.size)
        if device.type == "cuda":
            torch.cuda.set_device(place.local_rank)
        distributed.init_process_group(_BACKENDS[device.type], timeout=_LONGEST_WAIT)
        yield Group(place.rank, place.size)
    finally:
        if distributed.is_initialized():
            distributed.destroy_process_group()
        for name, value in former.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


@contextmanager
def leader_first() -> Iterator[None]:
    """Let the leader through before the others; a process that is alone goes straight through."""
    group = Group(distributed.get_rank(), distributed.get_world_size()) if distributed.is_initialized() else Group()
    if not group.leads:
        group.wait()
    yield
    if group.leads:
        group.wait()


def parallel_batches(device: torch.device) -> int:
    """How many batches one step takes: one for each process, or for each accelerator of a process that is alone."""
    if distributed.is_initialized():
        return distributed.get_world_size()
    return max(1, torch.cuda.device_count()) if device.type == "cuda" else 1
