"""What a release or a return is made of and comes to, as values."""

from dataclasses import dataclass
from typing import Literal

from lab_lens.endpoints.base import EndpointError
from lab_lens.endpoints.smoke import SmokeCheck


@dataclass(frozen=True)
class Step:
    """A smoke test of the version at one share of the traffic, in percent."""

    share_percent: int
    checks: tuple[SmokeCheck, ...]


@dataclass(frozen=True)
class Account:
    """Who moves traffic, why, and in which pipeline run, as the registry's history keeps it."""

    actor: str
    reason: str
    run_id: str = ""


class UnhealthyError(EndpointError):
    """A version did not pass its smoke test; `reasons` holds a sentence a failed check."""

    def __init__(self, reasons: tuple[str, ...]) -> None:
        self.reasons = reasons
        super().__init__("; ".join(reasons))


@dataclass(frozen=True)
class RolloutResult:
    """What became of a release or a return.

    Attributes:
        status: `healthy`: the version is in production and has the traffic; `unhealthy`: it has neither.
        version: the version that was to be served.
        content_hash: of its model files.
        reasons: why it is unhealthy, one sentence each, with what went wrong on the way back.
        steps: the smoke tests that were made, with the share of the traffic at which they were.
        split_before, split: the share of each version in percent before and after; empty: nobody is served; None: the
            endpoint does not say.
        production_before, production: the version in production before and after; None for none.
        warnings: what went wrong without any harm to clients, such as a version that could not be taken down.
    """

    status: Literal["healthy", "unhealthy"]
    version: str
    content_hash: str
    reasons: tuple[str, ...]
    steps: tuple[Step, ...]
    split_before: dict[str, int]
    split: dict[str, int] | None
    production_before: str | None
    production: str | None
    warnings: tuple[str, ...] = ()

    @property
    def healthy(self) -> bool:
        """Whether the version is in production and has the traffic."""
        return self.status == "healthy"

    @property
    def checks(self) -> tuple[SmokeCheck, ...]:
        """The last smoke test; empty when none was made."""
        return self.steps[-1].checks if self.steps else ()
