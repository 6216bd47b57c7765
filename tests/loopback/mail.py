"""A mail server on loopback: aiosmtpd on a port that the system chooses."""

import asyncio
import ssl
import threading
from email import message_from_bytes, policy
from email.message import EmailMessage
from types import TracebackType
from typing import Any, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword

USER, PASSWORD = "notifier", "correct horse"


class MailServer:
    """Takes mail from entering the context to leaving it.

    Args:
        starttls: offer and require STARTTLS with this certificate.
        tls: speak TLS from the first byte.
        login: ask for `USER` and `PASSWORD`.
        refuse: answers to give after the data, one after another, before mail is taken.
        refuse_recipients: answer to give to every recipient; "": take them.
        silent_seconds: say nothing for this long after the connection.
    """

    def __init__(
        self,
        *,
        starttls: ssl.SSLContext | None = None,
        tls: ssl.SSLContext | None = None,
        login: bool = False,
        refuse: tuple[str, ...] = (),
        refuse_recipients: str = "",
    ) -> None:
        self._options: dict[str, Any] = {"hostname": "loopback", "require_starttls": starttls is not None}
        if starttls is not None:
            self._options["tls_context"] = starttls
        if login:
            self._options |= {"authenticator": _authenticate, "auth_required": True}
        if tls is not None:
            self._options["auth_require_tls"] = False
        self._tls = tls
        self._refuse = list(refuse)
        self._refuse_recipients = refuse_recipients
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.messages: list[EmailMessage] = []
        self.attempts = 0
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def handle_RCPT(
        self, server: SMTP, session: object, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take or refuse a recipient."""
        if self._refuse_recipients:
            return self._refuse_recipients
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: object, envelope: Envelope) -> str:
        """Take a mail, or give the next planned answer."""
        self.attempts += 1
        if self._refuse:
            return self._refuse.pop(0)
        content = envelope.content
        assert isinstance(content, bytes)
        message = message_from_bytes(content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.messages.append(message)
        return "250 taken"

    async def _listen(self) -> asyncio.Server:
        return await self._loop.create_server(
            lambda: SMTP(self, loop=self._loop, **self._options), "127.0.0.1", 0, ssl=self._tls
        )

    async def _close(self) -> None:
        self._server.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


def _authenticate(server: SMTP, session: object, envelope: object, mechanism: str, data: object) -> AuthResult:
    known = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=known, handled=False)
