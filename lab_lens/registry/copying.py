"""Copy a file and hash it for little more than the hash costs.

Why hard links only on request: see docs/decisions/0010-a-registered-file-shares-nothing-that-others-can-write.md.
"""

import ctypes
import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lab_lens import artifacts
from lab_lens.errors import InputError

# linux/fs.h: _IOW(0x94, 9, int).
_FICLONE = 0x40049409


def copy_and_hash(source: Path, target: Path) -> str:
    """Copy a file to a new one, flushed to the disk.

    Blocks are shared where the file system can do that (btrfs, xfs, APFS): both files then change independently, and
    the copy costs nothing. Elsewhere the system copies, and the disk writes while the source is hashed, which whoever
    wrote it has left in memory.

    Returns:
        The sha256 of what stands in `target`.

    Raises:
        InputError: the source changed meanwhile.
    """
    before = source.stat()
    if not _share_blocks(source, target):
        shutil.copyfile(source, target)
    with ThreadPoolExecutor(max_workers=1) as flushing:
        flushed = flushing.submit(artifacts.fsync_file, target)
        digest = artifacts.sha256_file(source)
        flushed.result()
    _require_unchanged(source, before)
    return digest


def link_and_hash(source: Path, target: Path) -> str:
    """Give a file a second name, where both lie on one file system that can do so; else as `copy_and_hash`.

    Whoever asks for this promises that nobody changes the file in place any more. Of a symbolic link, such as those of
    a model hub's cache, the file that it leads to gets the name.

    Returns, Raises: as `copy_and_hash`.
    """
    before = source.stat()
    try:
        target.hardlink_to(source.resolve())
    except OSError:
        # Another disk, or a file system without links; a real fault of the disk shows in the copy.
        return copy_and_hash(source, target)
    _flush_read_only(target)
    digest = artifacts.sha256_file(target)
    _require_unchanged(source, before)
    return digest


def _flush_read_only(path: Path) -> None:
    """Flush a file that this user may not be allowed to write."""
    if os.name == "nt":
        # Windows flushes only what may be written; its owner's own flush has to do there.
        return
    with path.open("rb") as handle:
        os.fsync(handle.fileno())


def _require_unchanged(source: Path, before: os.stat_result) -> None:
    after = source.stat()
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise InputError(f"{source} changed while it was being registered; repeat this when its writer ended")


def _share_blocks(source: Path, target: Path) -> bool:
    """Make `target` a file that shares the blocks of `source` until one of them is written; False where none can be."""
    if sys.platform == "darwin":
        clone = ctypes.CDLL(None, use_errno=True).clonefile
        shared = bool(clone(os.fsencode(source), os.fsencode(target), 0) == 0)
        if shared:
            artifacts.give_default_mode(target)
        return shared
    if sys.platform != "linux":
        return False
    from fcntl import ioctl

    with source.open("rb") as reading, target.open("xb") as writing:
        try:
            ioctl(writing.fileno(), _FICLONE, reading.fileno())
        except OSError:
            # Which errno says "not here" differs between file systems; a real fault of the disk shows in the copy.
            return False
        return True
