"""An Optuna study in a SQLite file that survives a kill at any instant, on any file system.

The database at work lies on this machine's own disk; after every step a consistent copy replaces the study file. So the
file may lie where SQLite itself cannot work, such as a bucket that is mounted as a directory.
"""

import contextlib
import logging
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lab_lens.artifacts import replacing, require_writable
from lab_lens.errors import InputError

if TYPE_CHECKING:
    import optuna


@dataclass(frozen=True)
class OpenStudy:
    """A study that can be worked on, and `save`, which makes what happened so far survive."""

    study: "optuna.Study"
    save: Callable[[], None]


@contextlib.contextmanager
def open_study(file: Path, name: str) -> Iterator[OpenStudy]:
    """Open one study of a file, or start it; one process at a time.

    Args:
        file: SQLite file; it is made with the first save, and can hold other studies.
        name: of the study.

    Raises:
        InputError: Optuna is not installed, the file is no study file, or another process works with it.
    """
    storage_class = _import_storage()
    import optuna
    from sqlalchemy.exc import SQLAlchemyError

    require_writable(file.parent, "the study's directory")
    with _alone(file), tempfile.TemporaryDirectory(prefix="lab-lens-study-") as folder:
        working = Path(folder) / "study.db"
        if file.exists():
            shutil.copyfile(file, working)
        storage = None
        try:
            storage = storage_class(f"sqlite:///{working.as_posix()}")
            study = optuna.create_study(storage=storage, study_name=name, direction="maximize", load_if_exists=True)
        except (SQLAlchemyError, RuntimeError) as error:
            raise InputError(f"{file} is not a study that this Optuna can read; give another --study") from error
        try:
            yield OpenStudy(study, lambda: _copy(working, file))
        finally:
            storage.remove_session()
            storage.engine.dispose()


def _import_storage() -> "type[optuna.storages.RDBStorage]":
    try:
        from optuna.storages import RDBStorage
    except ModuleNotFoundError as error:
        raise InputError(
            f"tuning needs {error.name}, which is not installed: pip install 'lab-lens[tuning]', or set "
            "tuning.trials to 0"
        ) from error
    # Its notices go to standard error by a handler of their own; we say what matters.
    logging.getLogger("optuna").setLevel(logging.ERROR)
    storage: type[RDBStorage] = RDBStorage
    return storage


@contextlib.contextmanager
def _alone(file: Path) -> Iterator[None]:
    from filelock import FileLock, Timeout

    file.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(file.with_name(f"{file.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise InputError(f"another process works with the study {file}: wait for it, or give another --study") from None
    try:
        yield
    finally:
        lock.release()


def _copy(working: Path, file: Path) -> None:
    with (
        replacing(file) as temporary,
        contextlib.closing(sqlite3.connect(working)) as source,
        contextlib.closing(sqlite3.connect(temporary)) as target,
    ):
        source.backup(target)
