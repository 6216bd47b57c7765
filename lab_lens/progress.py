"""Progress of long work as log records: a terminal shows them as a bar, anything else as plain lines."""

import logging
import time
from collections.abc import Callable

_logger = logging.getLogger(__name__)
_SECONDS_BETWEEN_LINES = 2.0

Progress = Callable[[int, int], None]


def report_progress(label: str) -> Progress:
    """Return a callable `(done, total)` that logs `label: done/total`, at most every two seconds and at the end.

    Each record carries the attribute `progress = (label, done, total)` for handlers that draw bars.
    """
    last = time.monotonic()

    def report(done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if done < total and now - last < _SECONDS_BETWEEN_LINES:
            return
        last = now
        _logger.info("%s: %d/%d", label, done, total, extra={"progress": (label, done, total)})

    return report
