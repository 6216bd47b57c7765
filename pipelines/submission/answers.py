"""What a service's refusal means, in one line with the cure, whoever's client it came through."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from lab_lens.errors import InputError, LabLensError

_PERMISSION = re.compile(r"[Pp]ermission '?([a-zA-Z]+\.[a-zA-Z.]+)'?")
# Google's clients put the method and the address before what the service said.
_CALLED = re.compile(r"^[A-Z]+ https?://\S+: ")
_MOST_CHARS = 400
_SERVER_SIDE = 500


@dataclass(frozen=True)
class Wording:
    """What differs between services.

    Args:
        service: its name for people.
        role: what a caller needs who may do what was asked.
        missing: what to check when something was not found.
        unreachable: what to check when nothing answers.
        login: what to do when the caller was not recognised.
    """

    service: str
    role: str
    missing: str
    unreachable: str
    login: str


def refusal(
    status: int, message: str, doing: str, words: Wording, metadata: Mapping[str, str] | None = None
) -> LabLensError:
    """The error for an HTTP status.

    Args:
        status: the HTTP status; 0: nothing answered.
        message: what the service said.
        doing: what was asked for, such as `submitting the run`.
        words: what differs between services.
        metadata: what Google's ErrorInfo carries, such as the permission that is lacking.
    """
    asked, said = f"{doing}: {words.service}", one_line(_CALLED.sub("", message))
    match status:
        case 0:
            text = f"{asked} cannot be reached ({said}); {words.unreachable}"
        case 401:
            text = f"{asked} does not accept the credentials (401); {words.login}"
        case 403:
            lacking = (metadata or {}).get("permission") or _named_permission(message)
            text = f"{asked} does not allow it (403): {f'{lacking} is lacking' if lacking else said}; {words.role}"
        case 404:
            text = f"{asked} does not find it (404): {said}; {words.missing}"
        case 429:
            cure = "wait and submit again, ask for more quota, or use another region"
            text = f"{asked} has no quota left for it (429): {said}; {cure}"
        case _ if status < _SERVER_SIDE:
            text = f"{asked} refuses it ({status}): {said}"
        case _:
            return LabLensError(f"{asked} failed ({status}): {said}; try again later")
    return InputError(text)


def one_line(message: str) -> str:
    """What a service said, short enough for one line."""
    words = " ".join(message.split())
    return words if len(words) <= _MOST_CHARS else words[: _MOST_CHARS - 3] + "..."


def _named_permission(message: str) -> str:
    found = _PERMISSION.search(message)
    return found[1] if found else ""
