"""One delivery: tried, tried again where that can help, and reported with a reason that holds no secret."""

import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_FIRST_WAIT_SECONDS = 0.5
_LONGEST_WAIT_SECONDS = 30.0


class UndeliverableError(Exception):
    """A channel cannot deliver, and trying again would not help. The message holds no secret."""


class TryAgainError(Exception):
    """A channel could not deliver this time. The message holds no secret.

    Args:
        reason: what happened.
        wait_seconds: how long the other side asked to wait; None: it did not say.
    """

    def __init__(self, reason: str, wait_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.wait_seconds = wait_seconds


@dataclass(frozen=True)
class Delivery:
    """What became of one notification on one channel.

    Attributes:
        channel: name of the channel. kind: log, file, webhook or email.
        delivered: whether the other side took it.
        required: whether the run must fail if it did not.
        attempts: how often it was tried; 0: it could not be tried at all.
        reason: why it was not delivered; "" when it was.
    """

    channel: str
    kind: str
    delivered: bool
    required: bool
    attempts: int
    reason: str = ""


@dataclass(frozen=True)
class Task:
    """One notification for one channel: `prepare` reads secrets and gives what `send` means, once for all attempts."""

    channel: str
    kind: str
    required: bool
    retries: int
    prepare: Callable[[], Callable[[], None]]


def deliver(task: Task) -> Delivery:
    """Do a task; every failure becomes a Delivery that is not delivered."""
    attempts = 0
    try:
        send = task.prepare()
        while True:
            attempts += 1
            try:
                send()
                return Delivery(task.channel, task.kind, delivered=True, required=task.required, attempts=attempts)
            except TryAgainError as error:
                if attempts > task.retries:
                    raise UndeliverableError(str(error)) from error
                time.sleep(_wait_seconds(attempts, error.wait_seconds))
    except UndeliverableError as error:
        reason = str(error)
    except Exception as error:  # noqa: BLE001 - one broken channel must not keep the others from telling
        # Its message may hold the address or what the other side said, so only its kind and place are told.
        place = traceback.extract_tb(error.__traceback__)[-1]
        reason = f"unexpected {error.__class__.__name__} at {Path(place.filename).name}:{place.lineno}"
    return Delivery(task.channel, task.kind, delivered=False, required=task.required, attempts=attempts, reason=reason)


def _wait_seconds(attempts: int, asked: float | None) -> float:
    own = _FIRST_WAIT_SECONDS * 2.0 ** (attempts - 1)
    return min(max(own, asked or 0.0), _LONGEST_WAIT_SECONDS)
