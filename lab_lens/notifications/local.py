"""The channels of this machine: the run's log, and a file of JSON lines."""

import json
import logging
import os
from collections.abc import Callable
from pathlib import Path

from lab_lens.config_notifications import FileChannel, LogChannel
from lab_lens.notifications.delivery import UndeliverableError
from lab_lens.notifications.message import Notification

_BAD_NEWS = {"failed", "cancelled", "unhealthy", "rolled_back"}
_logger = logging.getLogger(__name__)


def prepare_log(_: LogChannel, notification: Notification) -> Callable[[], None]:
    """The result logs the notification as one line; bad news as a warning."""
    level = logging.WARNING if _BAD_NEWS & set(notification.events) else logging.INFO
    return lambda: _logger.log(level, "%s", "; ".join(notification.text.splitlines()))


def prepare_file(channel: FileChannel, notification: Notification) -> Callable[[], None]:
    """The result appends the notification as one line of JSON."""
    line = json.dumps(notification.to_json(), ensure_ascii=False) + "\n"

    def append() -> None:
        path = Path(channel.path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # One write to a file opened for appending: lines of runs that end at once do not mix.
            with path.open("ab", buffering=0) as handle:
                handle.write(line.encode())
                os.fsync(handle.fileno())
        except OSError as error:
            raise UndeliverableError(f"{channel.path} cannot be written: {error.strerror}") from error

    return append
