"""The files inside artifact directories: their names, atomic writes, content hashes, and the check that they exist."""

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lab_lens.errors import ContractError, InputError

TRAIN_CSV = "train.csv"
VAL_CSV = "val.csv"
TEST_CSV = "test.csv"
DATA_REPORT = "data_report"
PREDICTIONS_CSV = "predictions.csv"
GENERATION_JSON = "generation.json"
GOLDEN_JSON = "golden.json"
CHAMPION_JSON = "champion.json"
TUNED_CONFIG_JSON = "tuned_config.json"
TUNING_REPORT_JSON = "tuning_report.json"
TUNING_HISTORY_PNG = "tuning_history.png"
PARAMETER_IMPORTANCE_PNG = "parameter_importance.png"
TRAINING_MANIFEST = "training_manifest.json"
VALIDATION_REPORT = "validation_report"
VALIDATION_SUMMARY = "validation_summary"
SCORED_PREDICTIONS = "predictions"
BIAS_REPORT = "bias_report"
BIAS_SUMMARY = "bias_summary"
PREDICTIONS_WITH_SLICES = "predictions_with_slices"
SENSITIVITY_REPORT = "sensitivity_report"
LIME_EXPLANATION = "lime_explanation"
SECTION_IMPORTANCE = "section_importance"
LENGTH_SENSITIVITY = "length_sensitivity_analysis"
DECISION_JSON = "decision.json"
DEPLOYMENT_JSON = "deployment.json"
ROLLBACK_JSON = "rollback.json"

SCHEMA_VERSION = 1
_REPORT_HASH = "report_hash"
# gcsfuse answers with one of the first three, as its version and its settings go.
_CANNOT_RENAME_DIRECTORIES = (errno.ENOSYS, errno.ENOTSUP, errno.EMFILE, errno.EXDEV)
_HASH_CHUNK_BYTES = 1 << 20


def file_in(path: Path, name: str) -> Path:
    """Return `path` itself when it is a file, else the file `name` inside it; a user may point at either."""
    return path / name if path.is_dir() else path


def find_report(path: Path, stem: str, suffix: str = ".json") -> Path:
    """Find a report: `path` itself, `<stem><suffix>` in it, or the newest stamped `<stem>_*<suffix>` in it.

    Raises:
        InputError: no such report exists.
    """
    if path.is_file():
        return path
    plain = path / f"{stem}{suffix}"
    if plain.is_file():
        return plain
    stamped = sorted(path.glob(f"{stem}_*{suffix}")) if path.is_dir() else []
    if not stamped:
        raise InputError(f"no {stem}{suffix} at {path}: give the report file or the directory that its stage wrote")
    return stamped[-1]


def require_writable(directory: Path, name: str) -> None:
    """Check that files can be written below a directory, which need not exist yet; nothing is left behind.

    Args:
        directory: where files are to be written.
        name: how the caller's message calls it, such as `--out`.

    Raises:
        InputError: a part of its path is a file, or the system refuses to write there.
    """
    existing = next(path for path in (directory, *directory.absolute().parents) if path.exists())
    if not existing.is_dir():
        raise InputError(f"{name} {directory} cannot be made: {existing} is a file; give a directory")
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        raise InputError(f"{name} {directory} is not writable: {error.strerror}; give another directory") from error


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Yield a temporary file beside `target`; on success it is fsynced and renamed over `target`, else removed."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        give_default_mode(temporary)
        fsync_file(temporary)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    fsync_directory(target.parent)


def move_directory(source: Path, target: Path, first: str) -> None:
    """Rename a directory of files; where the file system cannot, copy them one by one and remove the source.

    Cloud Storage as a file system is such a one. A copy is not atomic, so `first` names the file by which a directory
    that a kill left half-copied is still known for what it is.
    """
    try:
        source.rename(target)
    except OSError as error:
        if error.errno not in _CANNOT_RENAME_DIRECTORIES:
            raise
        target.mkdir()
        for file in sorted(source.iterdir(), key=lambda file: (file.name != first, file.name)):
            shutil.copyfile(file, target / file.name)
        shutil.rmtree(source)


@contextmanager
def replacing_directory(target: Path) -> Iterator[Path]:
    """Yield a new directory beside `target`; on success its files are flushed and it takes `target`'s place.

    What stood there is removed; the caller has checked that it may be. On failure `target` is what it was.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as folder:
        staging = Path(folder) / "new"
        staging.mkdir()
        yield staging
        for item in [*staging.rglob("*"), staging]:
            (fsync_directory if item.is_dir() else fsync_file)(item)
        if target.exists():
            target.rename(Path(folder) / "former")
        staging.rename(target)
    fsync_directory(target.parent)


def give_default_mode(path: Path) -> None:
    """Give a file the mode that an ordinary new file would have here."""
    # mkstemp makes files private to their owner; containers of other users read the same artifacts.
    mask = os.umask(0)
    os.umask(mask)
    path.chmod(0o666 & ~mask)


def fsync_file(path: Path) -> None:
    """Flush one file's content to the disk."""
    with path.open("rb+") as handle:
        os.fsync(handle.fileno())


def fsync_directory(path: Path) -> None:
    """Flush a directory entry to the disk where the platform can (Windows cannot open directories)."""
    if os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_text(path: Path, text: str) -> Path:
    """Write UTF-8 text atomically: a reader sees the old file or the new one, never a part."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
    return path


def write_json(path: Path, value: Any) -> Path:
    """Write JSON atomically; NaN and infinities are refused, since other readers cannot parse them."""
    return write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        InputError: the file is missing, not UTF-8 or not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"no such file: {path}") from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{path} is not JSON ({error.__class__.__name__}); was it written by lab-lens?") from error


def write_report(path: Path, report: Mapping[str, Any]) -> Path:
    """Write a report as `write_json` does, with a hash of its content that `read_report` checks."""
    return write_json(path, {**report, _REPORT_HASH: _hash_of_report(report)})


def read_report(path: Path) -> dict[str, Any]:
    """Read a report that a release is decided on.

    The hash shows changes, by hand or by accident; it is no signature, and whoever can write reports can write it.

    Raises:
        InputError: the file cannot be read, or is not what its stage wrote.
    """
    content = read_json(path)
    told = content.pop(_REPORT_HASH, None) if isinstance(content, dict) else None
    if told is None:
        raise InputError(f"{path} has no {_REPORT_HASH}: run the stage that writes it again with this version")
    if told != _hash_of_report(content):
        raise InputError(
            f"{path} was changed after its stage wrote it (its {_REPORT_HASH} does not fit): run the stage again; a "
            "release against the rules is made with --force-reason"
        )
    return dict(content)


def _hash_of_report(report: Mapping[str, Any]) -> str:
    content = {name: value for name, value in report.items() if name != _REPORT_HASH}
    # As it will be read: tuples are lists then, and numbers as keys are text.
    return sha256_text(json.dumps(json.loads(json.dumps(content)), sort_keys=True))


def sha256_text(text: str) -> str:
    """Hash text as UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()


def sha256_file(path: Path) -> str:
    """Hash a file's bytes without loading it whole."""
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        while chunk := handle.read(_HASH_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def sha256_files(directory: Path) -> dict[str, str]:
    """Hash every file below `directory`, keyed by POSIX path relative to it, sorted."""
    files = sorted(item for item in directory.rglob("*") if item.is_file())
    return {item.relative_to(directory).as_posix(): sha256_file(item) for item in files}


def content_hash(file_hashes: dict[str, str]) -> str:
    """One hash for a directory's content, from `sha256_files`; names and bytes count, times and owners do not."""
    return sha256_text("\n".join(f"{name} {digest}" for name, digest in sorted(file_hashes.items())))


def require_written(paths: Iterable[Path]) -> None:
    """Check that every declared output exists and is not empty: KFP calls a task that wrote nothing a success.

    Raises:
        ContractError: naming every output that is missing or empty.
    """
    missing = [str(path) for path in paths if not _holds_something(path)]
    if missing:
        raise ContractError(f"declared outputs were not written: {', '.join(missing)}")


def _holds_something(path: Path) -> bool:
    if path.is_dir():
        return any(path.iterdir())
    return path.is_file() and path.stat().st_size > 0
