"""Commands set up logging for their whole process; tests of many of them share one."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

_OURS = ("", "lab_lens", "local_runner", "pipelines", "containers")


@contextmanager
def kept_logging() -> Iterator[None]:
    """Let handlers and levels be afterwards what they are now; a handler that stays writes to a closed stream."""
    root = logging.getLogger()
    handlers, levels = root.handlers[:], {name: logging.getLogger(name).level for name in _OURS}
    try:
        yield
    finally:
        for handler in {*root.handlers} - {*handlers}:
            root.removeHandler(handler)
        for handler in handlers:
            root.addHandler(handler)
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
