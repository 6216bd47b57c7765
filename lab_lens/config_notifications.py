"""Who is told how a run ended, and by which channel. Secrets are named here, never written here."""

import re
from collections import Counter
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import PurePosixPath, PureWindowsPath
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, model_validator

from lab_lens.config_text import Section

Event = Literal["succeeded", "failed", "cancelled", "held", "promoted", "rolled_back", "unhealthy"]
EVENTS: tuple[Event, ...] = get_args(Event)

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ADDRESS = re.compile(r"[^\s@<>,;\"()]+@[^\s@<>,;\"()]+")


def _variable(value: Any) -> Any:
    # Whoever pastes a secret where its name belongs must not find it in the error message.
    if value is not None and not (isinstance(value, str) and _VARIABLE.fullmatch(value)):
        raise ValueError("it must be the name of an environment variable, such as LAB_LENS_HOOK, not the secret itself")
    return value


def _absolute(value: Any) -> Any:
    if value is not None and not (isinstance(value, str) and is_absolute(value)):
        raise ValueError("it must be the absolute path of a file: the stages of a run choose their own directory")
    return value


def is_absolute(path: str) -> bool:
    """Whether a path is absolute on the platform that it is written for, which need not be this one."""
    return PurePosixPath(path).is_absolute() or PureWindowsPath(path).is_absolute()


def is_loopback(host: str) -> bool:
    """Whether a host name or address can only be this machine."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


Variable = Annotated[str | None, BeforeValidator(_variable)]
AbsolutePath = Annotated[str | None, BeforeValidator(_absolute)]
ChannelName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")]


class Channel(Section):
    """What every channel has."""

    events: tuple[Event, ...] = Field(EVENTS, description="what this channel is told; a run can be several of these")
    required: bool = Field(False, description="true: a notification that cannot be delivered fails the run")


class LogChannel(Channel):
    """The log of the run."""


class FileChannel(Channel):
    """A file that grows by one line of JSON for each notification."""

    name: ChannelName = "file"
    path: Annotated[str, BeforeValidator(_absolute)] = Field(description="absolute path of a .jsonl file")


class RemoteChannel(Channel):
    """A channel over the network."""

    timeout_seconds: Annotated[float, Field(gt=0, le=60)] = Field(10.0, description="for each step of one attempt")
    retries: Annotated[int, Field(ge=0, le=10)] = Field(3, description="after a failure that may pass by itself")
    ca_file: AbsolutePath = Field(None, description="certificates (PEM) to trust instead of the system's")


class Webhook(RemoteChannel):
    """An HTTPS address that takes a POST; the address is a secret and stands in a variable or a file."""

    name: ChannelName = "webhook"
    url_env: Variable = Field(None, description="environment variable that holds the address")
    url_file: AbsolutePath = Field(None, description="file that holds the address")
    secret_env: Variable = Field(
        None, description="environment variable that holds the key to sign with; null: unsigned"
    )
    secret_file: AbsolutePath = Field(None, description="file that holds the key to sign with; null: unsigned")
    body: Literal["full", "chat", "teams"] = Field(
        "full", description="full: every field; chat: text alone (Slack, Google Chat, Mattermost); teams: a card"
    )

    @model_validator(mode="after")
    def _named_once(self) -> "Webhook":
        if (self.url_env is None) == (self.url_file is None):
            raise ValueError("give the address by exactly one of url_env and url_file")
        if self.secret_env is not None and self.secret_file is not None:
            raise ValueError("give the signing key by one of secret_env and secret_file, or by neither")
        return self


class Email(RemoteChannel):
    """A mail by SMTP, encrypted, to a server whose certificate is checked."""

    name: ChannelName = "email"
    host: str = Field(description="SMTP server", pattern=r"^[A-Za-z0-9._:-]+$")
    port: Annotated[int, Field(ge=1, le=65_535)] = 587
    security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="starttls (port 587), tls (port 465); none is for a server on this machine alone"
    )
    sender: str = Field(description="address it comes from")
    recipients: tuple[str, ...] = Field(min_length=1, description="addresses it goes to")
    username: str | None = Field(None, description="null: the server asks for no password")
    password_env: Variable = Field(None, description="environment variable that holds the password")
    password_file: AbsolutePath = Field(None, description="file that holds the password")

    @model_validator(mode="after")
    def _complete(self) -> "Email":
        if problems := list(self._problems()):
            raise ValueError("; ".join(problems))
        return self

    def _problems(self) -> Iterator[str]:
        passwords = sum(reference is not None for reference in (self.password_env, self.password_file))
        if self.username is None and passwords:
            yield "a password needs a username"
        if self.username is not None and passwords != 1:
            yield "give the password of username by exactly one of password_env and password_file"
        if self.security == "none" and not is_loopback(self.host):
            yield "security none is for a server on this machine alone; use starttls or tls"
        for address in (self.sender, *self.recipients):
            if not _ADDRESS.fullmatch(address):
                yield f"{address!r} is no mail address, such as ml-team@hospital.example"


class Notifications(Section):
    """Who is told how a run ended. No notification holds text of notes, reasons or error messages."""

    link: str | None = Field(
        None,
        pattern=r"^https?://\S+$",
        description="page of a run; {run_name} and {run_id} are filled in; null: the page in Vertex AI if it ran there",
    )
    log: LogChannel = LogChannel()
    files: tuple[FileChannel, ...] = ()
    webhooks: tuple[Webhook, ...] = ()
    emails: tuple[Email, ...] = ()

    @model_validator(mode="after")
    def _names_differ(self) -> "Notifications":
        channels: tuple[FileChannel | Webhook | Email, ...] = (*self.files, *self.webhooks, *self.emails)
        named = Counter(channel.name for channel in channels)
        repeated = sorted(name for name, times in named.items() if times > 1 or name == "log")
        if repeated:
            raise ValueError(f"each channel needs a name of its own (log is taken); given twice: {', '.join(repeated)}")
        return self
