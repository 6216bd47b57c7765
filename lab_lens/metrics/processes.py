"""Work on many rows, by several processes where that pays."""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

Result = TypeVar("Result")
# Below this, starting a process and importing the library there takes longer than the work.
ROWS_WORTH_A_PROCESS = 400
# Several pieces a process, so that one with long texts does not keep all others waiting.
_PIECES_PER_PROCESS = 4
_shared: ContextVar[ProcessPoolExecutor | None] = ContextVar("shared", default=None)


@contextmanager
def shared_processes(processes: int) -> Iterator[None]:
    """Within this context all calls of `by_rows` use the same processes, which import what they need only once.

    Args:
        processes: at most so many; 0: one for each processor. They start when there is work for them.
    """
    with _pool(processes or _processors()) as pool:
        token = _shared.set(pool)
        try:
            yield
        finally:
            _shared.reset(token)


def by_rows(
    work: Callable[..., Result], columns: Sequence[Sequence[str]], *settings: object, processes: int = 0
) -> list[Result]:
    """Call `work(*pieces of the columns, *settings)` on consecutive pieces of rows, in order.

    Args:
        work: a function of a module (processes import it), which does not depend on other rows.
        columns: sequences of n texts each.
        settings: passed on as they are.
        processes: at most so many; 0: one for each processor that this process may use.

    Returns:
        The results of the pieces, in the order of the rows; one piece where more processes would not pay.
    """
    rows = len(columns[0])
    workers = min(processes or _processors(), rows // ROWS_WORTH_A_PROCESS)
    if workers <= 1:
        return [work(*columns, *settings)]
    step = -(-rows // (workers * _PIECES_PER_PROCESS))
    pieces = [[column[start : start + step] for column in columns] for start in range(0, rows, step)]
    pool = _shared.get()
    if pool is not None:
        return _gathered(pool, work, pieces, settings)
    with _pool(workers) as own:
        return _gathered(own, work, pieces, settings)


def _gathered(
    pool: ProcessPoolExecutor,
    work: Callable[..., Result],
    pieces: Sequence[Sequence[object]],
    settings: Sequence[object],
) -> list[Result]:
    futures = [pool.submit(work, *piece, *settings) for piece in pieces]
    return [future.result() for future in futures]


def _pool(workers: int) -> ProcessPoolExecutor:
    # A fork of a process that has threads (torch, an HTTP server) can hang: processes start fresh everywhere.
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
