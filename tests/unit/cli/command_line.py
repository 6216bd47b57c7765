from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it left on standard output and standard error."""

    status: int
    out: str
    err: str

    @property
    def problems(self) -> list[str]:
        """What each line of standard error says; every line must be an error's."""
        prefix = "lab-lens: error: "
        lines = self.err.splitlines()
        assert all(line.startswith(prefix) for line in lines), self.err
        return [line.removeprefix(prefix) for line in lines]


Lens = Callable[..., Ended]
