"""A receiver of webhooks: answers as planned, and remembers what it was sent."""

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from loopback.server import HttpRequest, HttpResponse, LoopbackServer


@dataclass(frozen=True)
class Answer:
    """One planned answer."""

    status: int = 200
    after_seconds: float = 0.0
    headers: Mapping[str, str] = field(default_factory=dict)


class WebhookServer(LoopbackServer):
    """Gives the planned answers one after another, then 200.

    Args:
        plan: the answers.
        tls: speak TLS with this certificate; None: plain HTTP.
    """

    def __init__(self, *plan: Answer, tls: ssl.SSLContext | None = None) -> None:
        super().__init__()
        self._plan = list(plan)
        self._tls = tls
        self.requests: list[HttpRequest] = []
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        return super().url.replace("http:", "https:") if self._tls else super().url

    def answer(self, request: HttpRequest) -> HttpResponse:
        """Remember the request and answer as planned."""
        with self.lock:
            self.requests.append(request)
            planned = self._plan.pop(0) if self._plan else Answer()
        self.pause(planned.after_seconds)
        return HttpResponse(planned.status, b"ok", planned.headers)

    @property
    def payloads(self) -> list[dict[str, Any]]:
        """What was sent, parsed."""
        return [json.loads(request.body) for request in self.requests]
