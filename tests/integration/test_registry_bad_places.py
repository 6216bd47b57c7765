"""Places that refuse to be written: a full disk, a read-only directory. Each is a clear error, and nothing changes."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from registry_killer import abandoned, check, make_model
from registry_place import Maker

from lab_lens.errors import InputError
from lab_lens.registry.base import Evidence
from lab_lens.registry.local import LocalRegistry

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(sys.platform == "win32", reason="NOT TESTED: mounts and limits of POSIX systems"),
]
DISK_BYTES = 2 << 20


@contextmanager
def mounted(directory: Path) -> Iterator[Path]:
    """A disk of two megabytes; skips where none can be mounted."""
    directory.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(directory)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"NOT TESTED: a full or read-only disk; it needs the right to mount one ({done.stderr.strip()})")
    try:
        yield directory
    finally:
        subprocess.run(["umount", "-l", str(directory)], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path / "disk") as directory:
        yield directory


@pytest.fixture
def make(tmp_path: Path) -> Maker:
    (tmp_path / "made").mkdir()
    return Maker(tmp_path / "made", LocalRegistry(tmp_path / "disk" / "model_registry"))


def refuse(registry: LocalRegistry, make: Maker, weights: str, reason: str) -> None:
    """Every write is refused with this reason, and the registry stays what it was."""
    before = (registry.pointers(), registry.history(), registry.list_versions())
    for write in (
        lambda: make.register(weights),
        lambda: registry.promote("v2", actor="ana", reason="r", decision_hash=""),
        lambda: registry.rollback(actor="ana", reason="r"),
        lambda: registry.prune(0, actor="ana", reason="r"),
    ):
        with pytest.raises(InputError, match=f"cannot write to registry .*{reason}.*; free space or fix permissions"):
            write()
    assert (registry.pointers(), registry.history(), registry.list_versions()) == before
    check(registry)


def test_on_a_full_disk_nothing_changes_and_with_space_everything_works(disk: Path, make: Maker) -> None:
    registry = LocalRegistry(disk / "model_registry")
    make.release("a", "b", "c")
    filler = disk / "filler"
    with pytest.raises(OSError, match="No space left"):
        filler.write_bytes(b"x" * DISK_BYTES)
    refuse(registry, make, "d", "No space left on device")
    filler.unlink()
    assert make.register("d") == "v4"
    assert registry.rollback(actor="ana", reason="r").to_version == "v2"
    assert abandoned(registry.path) == []


def test_a_model_that_is_larger_than_the_disk_leaves_nothing_behind(disk: Path, make: Maker) -> None:
    registry = LocalRegistry(disk / "model_registry")
    make.release("a")
    free = os.statvfs(disk).f_bavail
    model = make_model(make.root / "large", "x" * DISK_BYTES)
    with pytest.raises(InputError, match="No space left on device"):
        registry.register(model, Evidence({}, {}), actor="ana")
    assert abandoned(registry.path) == []
    assert os.statvfs(disk).f_bavail == free
    check(registry)


def test_a_read_only_registry_can_be_read_and_refuses_every_write(disk: Path, make: Maker) -> None:
    registry = LocalRegistry(disk / "model_registry")
    make.release("a", "b", "c")
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    refuse(registry, make, "d", "Read-only file system")
    assert registry.verify("v1") == []


@pytest.mark.skipif(os.geteuid() == 0, reason="NOT TESTED as root, whom no permission stops: the read-only disk is")
def test_a_registry_without_write_permission_refuses_every_write(tmp_path: Path, make: Maker) -> None:
    registry = make.registry
    make.release("a", "b", "c")
    for directory in (registry.path, registry.path / "v1"):
        directory.chmod(0o555)
    try:
        refuse(registry, make, "d", "Permission denied")  # type: ignore[arg-type]
    finally:
        for directory in (registry.path, registry.path / "v1"):
            directory.chmod(0o755)


def test_a_limit_on_the_size_of_files_is_told_like_a_full_disk(tmp_path: Path, make: Maker) -> None:
    """Needs no right to mount: the system refuses bytes in the middle of a file."""
    import resource

    registry = LocalRegistry(tmp_path / "model_registry")
    model = make_model(make.root / "large", "x" * (1 << 20))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 19, hard))
    try:
        with pytest.raises(InputError, match=r"cannot write to registry .*File too large"):
            registry.register(model, Evidence({}, {}), actor="ana")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert abandoned(registry.path) == []
    assert registry.register(model, Evidence({}, {}), actor="ana").version == "v1"
