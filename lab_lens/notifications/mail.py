"""The e-mail channel: one plain text message by SMTP, over TLS."""

import smtplib
import ssl
from collections.abc import Callable
from email.message import EmailMessage
from email.utils import formatdate
from typing import NoReturn

from lab_lens.config_notifications import Email
from lab_lens.notifications.delivery import TryAgainError, UndeliverableError
from lab_lens.notifications.message import Notification
from lab_lens.notifications.secrets import read_secret, trust

# SMTP: 4xx passes by itself, 5xx does not.
_PERMANENT = 500


def prepare_email(channel: Email, notification: Notification) -> Callable[[], None]:
    """Read the password of a mail channel; the result sends the notification once.

    Raises:
        UndeliverableError: the password or the certificates are missing.
    """
    password = read_secret(channel.password_env, channel.password_file)
    context = trust(channel.ca_file)
    message = mail_message(channel, notification)

    def send() -> None:
        try:
            _send(channel, message, password, context)
        except ssl.SSLCertVerificationError as error:
            problem = f"its certificate is not trusted: {error.verify_message}; see ca_file"
            raise UndeliverableError(problem) from error
        except ssl.SSLError as error:
            raise UndeliverableError(f"it does not speak {channel.security} on port {channel.port}") from error
        except (smtplib.SMTPException, OSError) as error:
            _told(error, channel)

    return send


def mail_message(channel: Email, notification: Notification) -> EmailMessage:
    """The mail: subject of one line, text of several, an id that stays the same on every attempt."""
    message = EmailMessage()
    message["Subject"] = notification.subject
    message["From"] = channel.sender
    message["To"] = ", ".join(channel.recipients)
    message["Date"] = formatdate()
    message["Message-ID"] = f"<{notification.id}@{channel.sender.rpartition('@')[2]}>"
    # Out-of-office answers to an automatic message help nobody.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(notification.text + "\n")
    return message


def _send(channel: Email, message: EmailMessage, password: str, context: ssl.SSLContext) -> None:
    with _connected(channel, context) as server:
        if channel.username is not None:
            server.login(channel.username, password)
        refused = server.send_message(message)
    if refused:
        codes = ", ".join(sorted({str(code) for code, _ in refused.values()}))
        raise UndeliverableError(f"{len(refused)} of {len(channel.recipients)} recipients were refused ({codes})")


def _connected(channel: Email, context: ssl.SSLContext) -> smtplib.SMTP:
    if channel.security == "tls":
        return smtplib.SMTP_SSL(channel.host, channel.port, timeout=channel.timeout_seconds, context=context)
    server = smtplib.SMTP(channel.host, channel.port, timeout=channel.timeout_seconds)
    if channel.security == "starttls":
        try:
            server.starttls(context=context)
        except BaseException:
            server.close()
            raise
    return server


def _told(error: Exception, channel: Email) -> NoReturn:
    # What the server says may repeat what it was sent, so only its code is told.
    if isinstance(error, smtplib.SMTPAuthenticationError):
        raise UndeliverableError(f"it refused user and password ({error.smtp_code})") from error
    if isinstance(error, smtplib.SMTPNotSupportedError):
        raise UndeliverableError(f"it does not offer what is asked of it: {channel.security}, or a login") from error
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = sorted({code for code, _ in error.recipients.values()})
        raise _of_code(codes[-1], "it refused every recipient") from error
    if isinstance(error, smtplib.SMTPResponseException):
        raise _of_code(error.smtp_code, "it refused the message") from error
    # smtplib hides a timeout inside its own error.
    if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
        raise TryAgainError(f"no answer within {channel.timeout_seconds:g} s") from error
    raise TryAgainError(f"it cannot be reached ({error.__class__.__name__})") from error


def _of_code(code: int, what: str) -> UndeliverableError | TryAgainError:
    told = f"{what} ({code})"
    return UndeliverableError(told) if code >= _PERMANENT else TryAgainError(told)
