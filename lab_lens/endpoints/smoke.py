"""The smoke test: real requests to one deployed version, of which each must be answered as the contract says."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from lab_lens import artifacts
from lab_lens.config_deployment import Deployment
from lab_lens.endpoints.base import Endpoint, EndpointError, Release, Reply
from lab_lens.errors import InputError
from lab_lens.registry.base import Registry

_MALFORMED = b'{"instances": [{"note": 1}]}'


@dataclass(frozen=True)
class Golden:
    """A note that is no patient's, and what a version must answer to it.

    Attributes:
        text: the note.
        summary: what the pipeline itself predicted with the version; None: nobody knows, any summary will do.
        binding: whether another summary is a failure; else it is a warning.
    """

    text: str
    summary: str | None
    binding: bool = True


@dataclass(frozen=True)
class _GoldenFile:
    text: str
    summary: str


_GOLDEN_FILE = TypeAdapter(_GoldenFile)


@dataclass(frozen=True)
class SmokeCheck:
    """One check of a smoke test; `detail` says what was seen, without note text; `warning`: it passed, but look."""

    check: str
    passed: bool
    detail: str
    warning: bool = False


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

    @property
    def warnings(self) -> tuple[str, ...]:
        """One sentence for each check that passed with a warning."""
        return tuple(f"{check.check}: {check.detail}" for check in self.checks if check.warning)


def read_golden(registry: Registry, version: str, *, binding: bool = True) -> Golden:
    """The golden note of a registered version; without one, a synthetic note that any summary answers.

    Args:
        registry: where it is registered.
        version: its name.
        binding: whether another summary than the registered one is a failure.

    Raises:
        InputError: the version is not registered, or its golden note was changed or cannot be read.
    """
    if artifacts.GOLDEN_JSON not in registry.show(version).document_hashes:
        from lab_lens.notes.synthetic import synthetic_note

        return Golden(synthetic_note(), None)
    try:
        kept = _GOLDEN_FILE.validate_python(json.loads(registry.read_document(version, artifacts.GOLDEN_JSON)))
    except (ValueError, ValidationError):
        raise InputError(
            f"{artifacts.GOLDEN_JSON} of {version} is no golden note: it needs text and summary; register the model "
            "again with the predictions that generate-summaries wrote"
        ) from None
    return Golden(kept.text, kept.summary, binding)


def smoke_test(endpoint: Endpoint, release: Release, golden: Golden, limits: Deployment) -> SmokeResult:
    """Ask one deployed version what a client would ask, and whether it serves what it should.

    Args:
        endpoint: where it is deployed; it has traffic if the endpoint does not reach idle versions.
        release: the version.
        golden: the note to summarize.
        limits: the latency bound, and how many requests are timed.

    Returns:
        Health, the model's identity, the summary, the refusal of a malformed request, and, of a version that passed
        these, its latency. A check that could not be made has failed.
    """
    version = release.version
    checks = [
        _checked("health", lambda: _check_health(endpoint, version)),
        _checked("model_hash", lambda: _check_identity(endpoint, version, release.content_hash)),
        _checked("summary", lambda: _check_summary(endpoint, version, golden), tolerant=not golden.binding),
        _checked("malformed_request", lambda: _check_refusal(endpoint, version)),
    ]
    if all(check.passed for check in checks):
        checks.append(_checked("latency", lambda: _check_latency(endpoint, version, golden, limits)))
    return SmokeResult(tuple(checks))


class _OtherSummaryError(EndpointError):
    """The golden note got a summary, but not the one that was registered."""


def _checked(name: str, check: Callable[[], tuple[bool, str]], *, tolerant: bool = False) -> SmokeCheck:
    try:
        passed, detail = check()
    except _OtherSummaryError as error:
        return SmokeCheck(name, tolerant, str(error), warning=tolerant)
    except EndpointError as error:
        passed, detail = False, str(error)
    return SmokeCheck(name, passed, detail)


def _check_health(endpoint: Endpoint, version: str) -> tuple[bool, str]:
    healthy = endpoint.is_healthy(version)
    return healthy, "ready" if healthy else "the endpoint says that it is not ready"


def _check_identity(endpoint: Endpoint, version: str, expected: str) -> tuple[bool, str]:
    served = endpoint.model_hash(version)
    if served == expected:
        return True, f"serves sha256 {served[:12]}"
    return False, f"serves sha256 {served[:12]} instead of the registered {expected[:12]}"


def _check_summary(endpoint: Endpoint, version: str, golden: Golden) -> tuple[bool, str]:
    reply = endpoint.predict(version, [golden.text])
    if problem := _problem_of(reply, golden):
        return False, problem
    answer = reply.predictions[0]
    seen = f"a summary of {answer.output_tokens} tokens for a note of {answer.input_tokens}"
    if golden.summary is None:
        return True, f"{seen}; not compared, since the version was registered without {artifacts.GOLDEN_JSON}"
    return True, f"{seen}, equal to the pipeline's own"


def _problem_of(reply: Reply, golden: Golden) -> str:
    """What is wrong with the answer to the golden note; empty: nothing.

    Raises:
        _OtherSummaryError: it is a summary, but another one.
    """
    if len(reply.predictions) != 1:
        return f"one note gave {len(reply.predictions)} predictions"
    summary = reply.predictions[0].summary
    if not summary.strip() and golden.summary is None:
        return "the summary of a synthetic note is empty"
    if golden.summary is not None and summary != golden.summary:
        same = next(
            (at for at, pair in enumerate(zip(summary, golden.summary, strict=False)) if pair[0] != pair[1]), -1
        )
        place = same if same >= 0 else min(len(summary), len(golden.summary))
        raise _OtherSummaryError(
            f"the golden note's summary is not the pipeline's own: {len(summary)} characters instead of "
            f"{len(golden.summary)}, different from character {place} on; was it validated with other libraries?"
        )
    return ""


def _check_refusal(endpoint: Endpoint, version: str) -> tuple[bool, str]:
    status = endpoint.predict_status(version, _MALFORMED)
    return 400 <= status < 500, f"a request without text was answered with HTTP {status}"


def _check_latency(endpoint: Endpoint, version: str, golden: Golden, limits: Deployment) -> tuple[bool, str]:
    seconds = sorted(endpoint.predict(version, [golden.text]).seconds for _ in range(limits.latency_requests))
    # The smallest time that so large a share of the requests did not exceed.
    measured = seconds[math.ceil(limits.latency_percentile / 100 * len(seconds)) - 1]
    told = f"percentile {limits.latency_percentile:g} of {len(seconds)} requests: {measured:.2f} s"
    if measured <= limits.latency_seconds:
        return True, told
    return False, f"{told}, over deployment.latency_seconds ({limits.latency_seconds:g} s)"
