"""Secrets of channels: read where they are used from the variable or file that the configuration names."""

import os
import ssl
from pathlib import Path
from urllib.parse import urlsplit

from lab_lens.config_notifications import is_loopback
from lab_lens.notifications.delivery import UndeliverableError

_MAX_SECRET_BYTES = 8192


def read_secret(variable: str | None, file: str | None) -> str:
    """The secret, without the line end that editors add; "" when neither place is named.

    Raises:
        UndeliverableError: the place holds nothing; the message names the place and never the content.
    """
    if variable is not None:
        return _required(os.environ.get(variable, ""), f"environment variable {variable} is not set")
    if file is None:
        return ""
    try:
        with Path(file).open("rb") as handle:
            content = handle.read(_MAX_SECRET_BYTES).decode("utf-8")
    except OSError as error:
        raise UndeliverableError(f"{file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise UndeliverableError(f"{file} holds no text in UTF-8") from None
    return _required(content, f"{file} is empty")


def _required(content: str, problem: str) -> str:
    if not content.strip():
        raise UndeliverableError(problem)
    return content.strip()


def checked_address(address: str) -> str:
    """A webhook's address, if it may be used: HTTPS, or HTTP to this machine.

    Raises:
        UndeliverableError: it may not; the message does not hold it, since it is a secret.
    """
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise UndeliverableError("its address is no URL") from None
    if not host or port == 0 or not address.isprintable() or " " in address:
        raise UndeliverableError("its address is no URL, such as https://hooks.example/services/...")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise UndeliverableError("its address must begin with https:// (http:// only for this machine)")
    return address


def trust(ca_file: str | None) -> ssl.SSLContext:
    """A TLS context that checks certificates and host names, against `ca_file` or what the system trusts.

    Raises:
        UndeliverableError: the file is missing or holds no certificate.
    """
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise UndeliverableError(f"ca_file {ca_file} cannot be used: {error.__class__.__name__}") from error
