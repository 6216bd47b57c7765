"""Machines of Vertex AI: which accelerators there are, and which machine type carries how many of them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

Accelerator = Literal["t4", "l4", "a100_80gb", "h100_80gb"]
ACCELERATORS: tuple[Accelerator, ...] = get_args(Accelerator)
# Names of the API's own enum.
VERTEX_ACCELERATORS: Mapping[Accelerator, str] = {
    "t4": "NVIDIA_TESLA_T4",
    "l4": "NVIDIA_L4",
    "a100_80gb": "NVIDIA_A100_80GB",
    "h100_80gb": "NVIDIA_H100_80GB",
}
_L4_COUNTS = {4: 1, 8: 1, 12: 1, 16: 1, 24: 2, 32: 1, 48: 4, 96: 8}
_G2_GIB_A_VCPU = 4.0
_N1_GIB_A_VCPU = 3.75
_N1_VCPUS = (4, 8, 16, 32, 64, 96)
_T4_COUNTS = (1, 2, 4)
_PLAIN = re.compile(r"(e2|n1|n2|n2d|c2|c2d|c3|m1)-(standard|highmem|highcpu|megamem|ultramem)-\d+")


@dataclass(frozen=True)
class Carried:
    """What a machine type carries: `accelerator` None means none; `counts` are the allowed numbers of it."""

    accelerator: Accelerator | None
    counts: tuple[int, ...] = (0,)

    def __str__(self) -> str:
        return f"{' or '.join(map(str, self.counts))} {self.accelerator}" if self.accelerator else "no accelerator"

    def gives(self, accelerator: Accelerator | None, count: int) -> bool:
        """Whether the machine can have that many of that accelerator."""
        return self.accelerator == accelerator and count in self.counts

    def count_near(self, wanted: int) -> int:
        """How many accelerators the machine should have where so many are wanted, if it can."""
        return wanted if wanted in self.counts else self.counts[0]


@dataclass(frozen=True)
class Largest:
    """The largest machine with a number of accelerators; what a task asks for must fit into it."""

    vcpus: int
    memory_gib: int


# By accelerator and count, as Vertex AI lends them to tasks of pipelines and to custom jobs.
LARGEST: Mapping[tuple[Accelerator, int], Largest] = {
    ("t4", 1): Largest(48, 312),
    ("t4", 2): Largest(96, 624),
    ("t4", 4): Largest(96, 624),
    ("l4", 1): Largest(32, 128),
    ("l4", 2): Largest(24, 96),
    ("l4", 4): Largest(48, 192),
    ("l4", 8): Largest(96, 384),
    ("a100_80gb", 1): Largest(12, 170),
    ("a100_80gb", 2): Largest(24, 340),
    ("a100_80gb", 4): Largest(48, 680),
    ("a100_80gb", 8): Largest(96, 1360),
    ("h100_80gb", 1): Largest(26, 234),
    ("h100_80gb", 2): Largest(52, 468),
    ("h100_80gb", 4): Largest(104, 936),
    ("h100_80gb", 8): Largest(208, 1872),
}
# Fewer H100 than a whole machine are lent as spot machines alone.
SPOT_ONLY: frozenset[tuple[Accelerator, int]] = frozenset({("h100_80gb", 1), ("h100_80gb", 2), ("h100_80gb", 4)})


def counts_of(accelerator: Accelerator) -> list[int]:
    """How many of an accelerator one machine can have."""
    return [count for name, count in LARGEST if name == accelerator]


def carried_by(machine_type: str, *, plain: bool) -> Carried | None:
    """What a machine type carries, or None when there is no such type.

    Args:
        machine_type: such as `g2-standard-12`.
        plain: whether no accelerator is wanted. n1 machines carry none or T4s, as one asks; of all others the name says
            it.
    """
    if plain and _PLAIN.fullmatch(machine_type):
        return Carried(None)
    family, _, size = machine_type.rpartition("-")
    number = int(re.sub(r"\D", "", size) or 0)
    if family in {"n1-standard", "n1-highmem", "n1-highcpu"} and number in _N1_VCPUS:
        return Carried("t4", _T4_COUNTS)
    if family == "g2-standard" and number in _L4_COUNTS:
        return Carried("l4", (_L4_COUNTS[number],))
    for name, accelerator in (("a2-ultragpu", "a100_80gb"), ("a3-highgpu", "h100_80gb")):
        if family == name and size in {f"{count}g" for count in (1, 2, 4, 8)}:
            return Carried(accelerator, (number,))  # type: ignore[arg-type]
    return None


def smallest_for(accelerator: Accelerator | None, count: int, vcpus: float, memory_gib: float) -> str:
    """The machine type for a task that asks for so many vCPUs, so much memory, and so many of an accelerator.

    Where no machine has that much, it is the largest one.
    """
    if accelerator == "a100_80gb":
        return f"a2-ultragpu-{count}g"
    if accelerator == "h100_80gb":
        return f"a3-highgpu-{count}g"
    if accelerator == "l4":
        sizes = sorted(size for size, carried in _L4_COUNTS.items() if carried == count)
        return f"g2-standard-{_at_least(max(vcpus, memory_gib / _G2_GIB_A_VCPU), sizes)}"
    return f"n1-standard-{_at_least(max(vcpus, memory_gib / _N1_GIB_A_VCPU), _N1_VCPUS)}"


def _at_least(vcpus: float, sizes: Sequence[int]) -> int:
    return next((size for size in sizes if size >= vcpus), sizes[-1])
