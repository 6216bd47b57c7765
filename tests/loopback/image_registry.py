"""An image registry on the loopback interface: as much of the OCI distribution protocol as a push needs."""

import hashlib
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Self

_BLOB = re.compile(r"^/v2/(.+)/blobs/(sha256:[0-9a-f]{64})$")
_MANIFEST = re.compile(r"^/v2/(.+)/manifests/(.+)$")


class ImageRegistry:
    """Takes what is pushed and keeps it in memory.

    Attributes:
        manifests: bytes by `name:tag`.
        blobs: bytes by digest.
        refuses: every upload gets 403, as from a registry where one may only read.
    """

    def __init__(self, *, refuses: bool = False) -> None:
        self.manifests: dict[str, bytes] = {}
        self.blobs: dict[str, bytes] = {}
        self.refuses = refuses
        registry = self

        class Handler(_Handler):
            store = registry

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    store: ImageRegistry
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the name that http.server gives it
        pass

    def do_GET(self) -> None:
        self._answer(200 if self.path == "/v2/" else 404)

    def do_HEAD(self) -> None:
        blob, manifest = _BLOB.match(self.path), _MANIFEST.match(self.path)
        found = self.store.blobs.get(blob[2]) if blob else None
        if manifest:
            found = self.store.manifests.get(f"{manifest[1]}:{manifest[2]}")
        self._answer(404 if found is None else 200, length=len(found or b""))

    def do_POST(self) -> None:
        self._body()
        if self.store.refuses:
            self._answer(403, body=b'{"errors": [{"code": "DENIED", "message": "requested access is denied"}]}')
            return
        upload = str(len(self.store.blobs) + 1)
        self._answer(202, Location=f"{self.path.split('?')[0]}{upload}-{id(self)}", Range="0-0")

    def do_PATCH(self) -> None:
        data = self.store.blobs.setdefault(self.path, b"") + self._body()
        self.store.blobs[self.path] = data
        self._answer(202, Location=self.path, Range=f"0-{len(data) - 1}")

    def do_PUT(self) -> None:
        manifest = _MANIFEST.match(self.path)
        path = self.path.partition("?")[0]
        data = self.store.blobs.pop(path, b"") + self._body()
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        if manifest:
            self.store.manifests[f"{manifest[1]}:{manifest[2]}"] = data
        else:
            self.store.blobs[digest] = data
        self._answer(201, **{"Location": path, "Docker-Content-Digest": digest})

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _answer(self, status: int, body: bytes = b"", length: int | None = None, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
