"""Which machine to try next, and when to stop trying; what the service says is judged here, without the service."""

import logging
from collections.abc import Callable, Sequence
from enum import Enum

from lab_lens.errors import InputError
from lab_lens.jobs.spec import Candidate

_logger = logging.getLogger(__name__)
_RESOURCE_EXHAUSTED = 8
_UNAVAILABLE_CODES = (429, 500, 502, 503, 504)
_TOO_MANY_REQUESTS = 429
_BAD_REQUEST = 400
# What Google says, in lower case, when a machine is not to be had now.
_NO_CAPACITY = (
    "resources are insufficient",
    "resource_exhausted",
    "zone_resource_pool_exhausted",
    "stockout",
    "stock-out",
    "out of capacity",
    "does not have enough resources",
    "quota",
)
# What it says when the machine was there and the training on it went wrong.
_OWN_FAULT = ("non-zero status", "out-of-memory", "out of memory")
_HARDWARE = ("machine type", "machine_type", "machinetype", "accelerator", "gpu")
_NOT_THERE = ("not supported", "unsupported", "not available", "unavailable", "does not support", "not found")
_REQUEST_RATE = ("per minute", "rate limit")

# Tries one candidate: None when its job succeeded, else why the next one is to be tried.
Attempt = Callable[[Candidate], str | None]


class Refusal(Enum):
    """What a refusal means for the candidates that are left."""

    NEXT = "no such machine to be had there: try the next one"
    AGAIN = "the service was busy or broken: try the same again"
    STOP = "any other machine would be refused as well"


def judge_request(http_status: int, message: str) -> Refusal:
    """Judge the answer to a request that would have created a job.

    Args:
        http_status: such as 403.
        message: the answer's own words.
    """
    said = message.lower()
    if http_status == _TOO_MANY_REQUESTS and any(words in said for words in _REQUEST_RATE):
        return Refusal.AGAIN
    if http_status == _TOO_MANY_REQUESTS or any(words in said for words in _NO_CAPACITY):
        return Refusal.NEXT
    if http_status in _UNAVAILABLE_CODES:
        return Refusal.AGAIN
    of_hardware = any(words in said for words in _HARDWARE) and any(words in said for words in _NOT_THERE)
    return Refusal.NEXT if http_status == _BAD_REQUEST and of_hardware else Refusal.STOP


def judge_failure(code: int, message: str) -> Refusal:
    """Judge why a job failed.

    Args:
        code: the gRPC code of the job's error.
        message: the error's own words.
    """
    said = message.lower()
    if any(words in said for words in _OWN_FAULT):
        return Refusal.STOP
    lacked = code == _RESOURCE_EXHAUSTED or any(words in said for words in _NO_CAPACITY)
    return Refusal.NEXT if lacked else Refusal.STOP


def launch(candidates: Sequence[Candidate], attempt: Attempt) -> Candidate:
    """Try the candidates in their order until a job on one of them succeeds, and return that one.

    Raises:
        InputError: none of them could be had, with the reason of each.
    """
    reasons = []
    for position, candidate in enumerate(candidates, start=1):
        _logger.info("candidate %d of %d: %s", position, len(candidates), candidate)
        reason = attempt(candidate)
        if reason is None:
            return candidate
        _logger.warning("%s is not to be had: %s", candidate, reason)
        reasons.append(f"{candidate}: {reason}")
    raise InputError(
        [
            f"none of the {len(candidates)} machines to train on could be had; name more in "
            "resources.training.machine_types or resources.training.regions, ask for quota, or try again later",
            *reasons,
        ]
    )
