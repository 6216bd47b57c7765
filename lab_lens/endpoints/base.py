"""The contract of an endpoint, wherever it runs, and the smoke test that only needs the contract."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from lab_lens.errors import LabLensError

_MALFORMED = b'{"instances": [{"note": 1}]}'


class EndpointError(LabLensError):
    """An endpoint did not start, does not answer, or answers something that breaks the contract."""


@dataclass(frozen=True)
class Prediction:
    """One summary that an endpoint gave; fields as in `engine.generate.Generation`."""

    summary: str
    log_probability: float
    input_tokens: int
    output_tokens: int
    truncated: bool


class Endpoint(Protocol):
    """A served model. Methods raise EndpointError when it does not answer as it should."""

    def is_healthy(self) -> bool:
        """Whether it says that it can take requests."""
        ...

    def model_hash(self) -> str:
        """Content hash of the model that it serves, as it says itself."""
        ...

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """One prediction a note, in their order."""
        ...

    def predict_status(self, body: bytes) -> int:
        """The HTTP status that a raw predict request gets."""
        ...


@dataclass(frozen=True)
class SmokeCheck:
    """One check of a smoke test; `detail` says what was seen, without note text."""

    check: str
    passed: bool
    detail: str


@dataclass(frozen=True)
class SmokeResult:
    """Every check of a smoke test, in the order in which they ran."""

    checks: tuple[SmokeCheck, ...]

    @property
    def healthy(self) -> bool:
        """Whether every check passed."""
        return all(check.passed for check in self.checks)

    @property
    def reasons(self) -> tuple[str, ...]:
        """One sentence for each check that failed."""
        return tuple(f"{check.check}: {check.detail}" for check in self.checks if not check.passed)


def smoke_test(endpoint: Endpoint, text: str, expected_model_hash: str) -> SmokeResult:
    """Ask an endpoint what a client would ask, and whether it serves what it should.

    Args:
        endpoint: a started endpoint.
        text: a note to summarize; it must not be a patient's.
        expected_model_hash: content hash of the registered model.

    Returns:
        Four checks: health, the model's identity, a real summary, the refusal of a malformed request. A check that
        could not be made has failed.
    """
    return SmokeResult(
        (
            _checked("health", lambda: _check_health(endpoint)),
            _checked("model_hash", lambda: _check_identity(endpoint, expected_model_hash)),
            _checked("summary", lambda: _check_summary(endpoint, text)),
            _checked("malformed_request", lambda: _check_refusal(endpoint)),
        )
    )


def _checked(name: str, check: Callable[[], tuple[bool, str]]) -> SmokeCheck:
    try:
        passed, detail = check()
    except EndpointError as error:
        passed, detail = False, str(error)
    return SmokeCheck(name, passed, detail)


def _check_health(endpoint: Endpoint) -> tuple[bool, str]:
    healthy = endpoint.is_healthy()
    return healthy, "ready" if healthy else "the endpoint says that it is not ready"


def _check_identity(endpoint: Endpoint, expected: str) -> tuple[bool, str]:
    served = endpoint.model_hash()
    if served == expected:
        return True, f"serves sha256 {served[:12]}"
    return False, f"serves sha256 {served[:12]} instead of the registered {expected[:12]}"


def _check_summary(endpoint: Endpoint, text: str) -> tuple[bool, str]:
    predictions = endpoint.predict([text])
    if len(predictions) != 1:
        return False, f"one note gave {len(predictions)} predictions"
    if not predictions[0].summary.strip():
        return False, "the summary of a synthetic note is empty"
    return True, f"a summary of {predictions[0].output_tokens} tokens for a note of {predictions[0].input_tokens}"


def _check_refusal(endpoint: Endpoint) -> tuple[bool, str]:
    status = endpoint.predict_status(_MALFORMED)
    return 400 <= status < 500, f"a request without text was answered with HTTP {status}"
