"""Copies of registered files: what they share with the training output, and a source that changes meanwhile."""

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab_lens import artifacts
from lab_lens.errors import InputError
from lab_lens.registry.copying import copy_and_hash

pytestmark = pytest.mark.integration
MEGABYTE = 1 << 20


@pytest.fixture(params=["xfs", "btrfs"])
def sharing_disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A disk whose file system shares blocks; skips where none can be made."""
    kind, image, directory = request.param, tmp_path / "image", tmp_path / "disk"
    directory.mkdir()
    if sys.platform != "linux" or not shutil.which(f"mkfs.{kind}"):
        pytest.skip(f"NOT TESTED: shared blocks on {kind}; it needs Linux and mkfs.{kind} (xfsprogs, btrfs-progs)")
    with image.open("wb") as handle:
        handle.truncate(400 * MEGABYTE)
    subprocess.run([f"mkfs.{kind}", "-q", "-f", str(image)], check=True, capture_output=True)
    done = subprocess.run(["mount", "-o", "loop", str(image), str(directory)], capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"NOT TESTED: shared blocks on {kind}; it needs a mount ({done.stderr.decode().strip()})")
    try:
        yield directory
    finally:
        subprocess.run(["umount", "-l", str(directory)], check=True)


def test_blocks_are_shared_where_the_disk_can_and_stay_the_copys_own(sharing_disk: Path) -> None:
    source, target = sharing_disk / "source", sharing_disk / "target"
    source.write_bytes(os.urandom(64 * MEGABYTE))
    digest = artifacts.sha256_file(source)
    os.sync()
    before = os.statvfs(sharing_disk)
    assert copy_and_hash(source, target) == digest
    os.sync()
    used = (before.f_bfree - os.statvfs(sharing_disk).f_bfree) * before.f_frsize
    assert used < 8 * MEGABYTE, "the copy takes no blocks of its own"
    with source.open("r+b") as handle:
        handle.write(b"overwritten in place")
    assert artifacts.sha256_file(target) == digest


def test_a_model_that_changes_while_it_is_copied_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"x" * 64 * MEGABYTE)
    ended = threading.Event()

    def keep_writing() -> None:
        while not ended.is_set():
            with source.open("ab") as handle:
                handle.write(b"more")

    writer = threading.Thread(target=keep_writing)
    writer.start()
    try:
        with pytest.raises(InputError, match="changed while it was being registered"):
            copy_and_hash(source, tmp_path / "target")
    finally:
        ended.set()
        writer.join()
