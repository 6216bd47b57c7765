"""Faults at every call of an endpoint and a registry: refused, answered but lost, or the caller killed there."""

from collections.abc import Callable
from typing import Any, Literal

from lab_lens.endpoints.base import EndpointError
from lab_lens.errors import InputError

Mode = Literal["refused", "lost", "killed before", "killed after"]
MODES: tuple[Mode, ...] = ("refused", "lost", "killed before", "killed after")


class KilledError(BaseException):
    """The process is gone: every call after this one fails in the same way."""


class Faults:
    """Counts the calls of everything that it wraps, and spoils the one with a given number, from 1.

    Args:
        at: the number of the call; 0 spoils none.
        mode: how.
        seen: called after each call that was made.
    """

    def __init__(self, at: int = 0, mode: Mode = "refused", seen: Callable[[], None] = lambda: None) -> None:
        self.at = at
        self.mode = mode
        self.calls: list[str] = []
        self._seen = seen
        self._dead = False

    @property
    def struck(self) -> bool:
        """Whether the call was reached."""
        return 0 < self.at <= len(self.calls)

    def call(self, name: str, error: type[Exception], method: Callable[..., Any], *given: Any, **named: Any) -> Any:
        """Make one call, or do not."""
        if self._dead:
            raise KilledError
        self.calls.append(name)
        now = len(self.calls) == self.at
        if now and self.mode == "killed before":
            self._dead = True
            raise KilledError
        if now and self.mode == "refused":
            raise error(f"{name} was refused")
        answer = method(*given, **named)
        self._seen()
        if now and self.mode == "killed after":
            self._dead = True
            raise KilledError
        if now and self.mode == "lost":
            raise error(f"the answer of {name} was lost")
        return answer


class Faulty:
    """Anything, whose methods pass through `faults`."""

    def __init__(self, inner: Any, faults: Faults, error: type[Exception]) -> None:
        self._inner = inner
        self._faults = faults
        self._error = error

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not callable(found):
            return found
        return lambda *given, **named: self._faults.call(name, self._error, found, *given, **named)


def faulty_endpoint(endpoint: Any, faults: Faults) -> Any:
    """An endpoint whose calls pass through `faults`."""
    return Faulty(endpoint, faults, EndpointError)


def faulty_registry(registry: Any, faults: Faults) -> Any:
    """A registry whose calls pass through `faults`."""
    return Faulty(registry, faults, InputError)
