"""What a local registry costs: `python benchmarks/registry.py [--megabytes N] [--directory DIR]`.

Registers a model of random bytes, and prints the time as a ratio to hashing it and to copying it with `cp` on the same
disk in the same run; then the time of rollbacks in a registry with many events, alone and while another process
registers a model of that size.
"""

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from multiprocessing import Process
from pathlib import Path

from lab_lens import artifacts
from lab_lens.registry.base import Evidence
from lab_lens.registry.files import model_hashes
from lab_lens.registry.local import LocalRegistry

ROUNDS = 5
EVENTS = 100
MEGABYTE = 1 << 20
SAID = {"actor": "benchmark", "reason": "measured"}


def main() -> None:
    """Measure, and print two Markdown tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=560)
    parser.add_argument("--directory", type=Path, help="on the disk to measure; default: that of temporary files")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.directory) as folder:
        work = Path(folder)
        print(f"{machine(work)}; a model of {arguments.megabytes} MB, the fastest of {ROUNDS}\n")
        registering(work, arguments.megabytes)
        rollbacks(work, arguments.megabytes)


def machine(work: Path) -> str:
    """Where this was measured."""
    kind = subprocess.run(["stat", "-f", "-c", "%T", str(work)], capture_output=True, text=True, check=False)
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, disk {kind.stdout.strip() or 'unknown'}"


def registering(work: Path, megabytes: int) -> None:
    """Compare registering with hashing and with copying."""
    ways: dict[str, Callable[[Path, int], object]] = {
        "hash": lambda model, _: model_hashes(model),
        "cp": lambda model, number: copy(model, work / f"cp-{number}", flush=False),
        "cp, flushed to the disk": lambda model, number: copy(model, work / f"flushed-{number}", flush=True),
        "register": lambda model, number: register(LocalRegistry(work / f"registry-{number}"), model),
        "register, linked": lambda model, number: register(LocalRegistry(work / f"linked-{number}", link=True), model),
        "register again": lambda model, number: register(LocalRegistry(work / f"registry-{number}"), model),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    model = make_model(work / "model", megabytes)
    for number in range(ROUNDS):
        for name, way in ways.items():
            seconds[name].append(timed(way, model, number))
        for left in (f"cp-{number}", f"flushed-{number}", f"registry-{number}", f"linked-{number}"):
            shutil.rmtree(work / left)
    # Others that use the same disk and cores only ever add to a time.
    fastest = {name: min(found) for name, found in seconds.items()}
    print("| what | seconds | ratio to hashing | ratio to cp, flushed |\n|---|---|---|---|")
    for name, took in fastest.items():
        ratios = (took / fastest["hash"], took / fastest["cp, flushed to the disk"])
        print(f"| {name} | {took:.2f} | {ratios[0]:.2f} | {ratios[1]:.2f} |")


def rollbacks(work: Path, megabytes: int) -> None:
    """Time rollbacks in a registry with many events."""
    registry = LocalRegistry(work / "busy")
    for number in range(2):
        register(registry, make_model(work / f"small-{number}", 1))
        registry.promote("candidate", decision_hash="", **SAID)
    for _ in range(EVENTS):
        registry.record("held", **SAID)
    print("\n| rollback | median ms | slowest ms |\n|---|---|---|")
    tell("alone", registry)
    writer = Process(target=register, args=(registry, work / "model"))
    writer.start()
    tell(f"while {megabytes} MB are registered", registry, writer)
    writer.join()


def tell(name: str, registry: LocalRegistry, writer: Process | None = None) -> None:
    """Roll back and promote again, ten times or for as long as the writer works."""
    took = []
    while len(took) < 10 or (writer and writer.is_alive()):
        began = time.perf_counter()
        registry.rollback(**SAID)
        took.append(1000 * (time.perf_counter() - began))
        registry.promote("v2", decision_hash="", **SAID)
    print(f"| {name} | {statistics.median(took):.0f} | {max(took):.0f} |")


def make_model(directory: Path, megabytes: int) -> Path:
    """A model of random bytes."""
    directory.mkdir()
    with (directory / "model.safetensors").open("wb") as weights:
        for _ in range(megabytes):
            weights.write(os.urandom(MEGABYTE))
        weights.flush()
        os.fsync(weights.fileno())
    artifacts.write_json(directory / "config.json", {"model_type": "bart"})
    return directory


def register(registry: LocalRegistry, model: Path) -> None:
    """Register a model without papers."""
    registry.register(model, Evidence({}, {}), actor="benchmark")


def copy(model: Path, target: Path, *, flush: bool) -> None:
    """Copy a model as `cp` does, which shares blocks where the file system can unless it is told not to."""
    subprocess.run(["cp", "-r", "--reflink=never", str(model), str(target)], check=True)
    if flush:
        subprocess.run(["sync", str(target / "model.safetensors")], check=True)


def timed(way: Callable[[Path, int], object], model: Path, number: int) -> float:
    """Seconds that one way takes, with nothing left for the disk to do from before."""
    os.sync()
    began = time.perf_counter()
    way(model, number)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
