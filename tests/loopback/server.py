"""What the loopback servers share: HTTP/1.1 on 127.0.0.1, one thread a connection, faults on request."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class HttpRequest:
    """What a client sent; `path` is still percent-encoded, `query` is not."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class HttpResponse:
    """What the server answers."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Nagle's algorithm and delayed acknowledgements together cost 40 ms a call.
    disable_nagle_algorithm = True
    server: "_Server"

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        request = HttpRequest(
            self.command,
            parts.path,
            parse_qs(parts.query, keep_blank_values=True),
            dict(self.headers.items()),
            self._body(),
        )
        try:
            response = self.server.answer(request)
        except ConnectionAbortedError:
            # The test wants a connection that breaks without an answer.
            self.close_connection = True
            return
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return b"".join(iter(self._chunk, b""))
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:
            # The client died while it was sending; nobody performs half a request.
            raise ConnectionAbortedError
        return body

    def _chunk(self) -> bytes:
        chunk = self.rfile.read(int(self.rfile.readline().split(b";")[0], 16))
        self.rfile.readline()
        return chunk

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _answer  # noqa: N815 - the names that http.server calls

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the signature of http.server
        """Stay silent: a test looks at what was recorded instead."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, answer: Callable[[HttpRequest], HttpResponse]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away in the middle is what tests of timeouts and of Ctrl-C are about."""


class LoopbackServer:
    """Serve `answer` on a free port of 127.0.0.1 from entering the context to leaving it."""

    def __init__(self) -> None:
        self._server = _Server(self._answer_or_report)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._closing = threading.Event()
        self.lock = threading.RLock()
        # What this server could not answer: a defect of the test, or a client that asks for the unexpected.
        self.defects: list[str] = []

    def answer(self, request: HttpRequest) -> HttpResponse:
        """Answer one request; the subclass says how."""
        raise NotImplementedError

    @property
    def url(self) -> str:
        """Where the server listens, without a slash at the end."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def pause(self, seconds: float) -> None:
        """Let the client wait; ends early when the server is closed."""
        self._closing.wait(seconds)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer_or_report(self, request: HttpRequest) -> HttpResponse:
        try:
            return self.answer(request)
        except ConnectionAbortedError:
            raise
        except Exception as error:  # noqa: BLE001 - the test must learn of it, whatever the client makes of a 500
            self.defects.append(f"{request.method} {request.path}: {error!r}")
            return HttpResponse(500, repr(error).encode())


def wait_until(ready: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait until a server has seen something.

    Raises:
        TimeoutError: it did not come in time.
    """
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            raise TimeoutError(f"not seen within {seconds:g} s")
        time.sleep(0.01)
