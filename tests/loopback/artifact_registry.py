"""A KFP repository of Artifact Registry on loopback, for the real kfp.registry.RegistryClient."""

import hashlib
import re

import yaml

from loopback.server import HttpRequest, HttpResponse, LoopbackServer


class ArtifactRegistryServer(LoopbackServer):
    """Repository `my-project/pipelines`: packages by version (content hash) and by tag."""

    repository = "my-project/pipelines"

    def __init__(self, token: str = "") -> None:
        super().__init__()
        self.token = token
        self.tokens: list[str] = []
        self.packages: dict[tuple[str, str], bytes] = {}
        self.tags: dict[tuple[str, str], str] = {}
        self.refusals: list[tuple[int, str]] = []

    @property
    def address(self) -> str:
        """The repository's address, as --repository takes it."""
        return f"{self.url}/{self.repository}"

    def fail(self, status: int, message: str) -> None:
        """Refuse the next call."""
        self.refusals.append((status, message))

    def answer(self, request: HttpRequest) -> HttpResponse:
        """Take or give a package."""
        sent = request.headers.get("authorization", "").removeprefix("Bearer ")
        self.tokens.append(sent)
        if self.refusals:
            status, message = self.refusals.pop(0)
            return HttpResponse(status, message.encode())
        if self.token and sent != self.token:
            return HttpResponse(401, b"Unauthenticated")
        inside = request.path.removeprefix(f"/{self.repository}").strip("/")
        if request.path.startswith(f"/{self.repository}") and request.method == "POST" and not inside:
            return self._take(request)
        package, _, which = inside.partition("/")
        version = self.tags.get((package, which), which)
        content = self.packages.get((package, version))
        return HttpResponse(404, b"not found") if content is None else HttpResponse(body=content)

    def _take(self, request: HttpRequest) -> HttpResponse:
        parts = _form(request)
        content = parts["content"]
        package = yaml.safe_load(content)["pipelineInfo"]["name"]
        version = f"sha256:{hashlib.sha256(content).hexdigest()}"
        self.packages[package, version] = content
        for tag in filter(None, parts.get("tags", b"").decode().split(",")):
            self.tags[package, tag] = version
        return HttpResponse(body=f"{package}/{version}".encode())


def _form(request: HttpRequest) -> dict[str, bytes]:
    """The parts of a multipart form by name."""
    boundary = request.headers["Content-Type"].split("boundary=")[1].encode()
    parts = {}
    for part in request.body.split(b"--" + boundary)[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        found = re.search(rb'name="(\w+)"', head)
        assert found is not None
        parts[found[1].decode()] = content.removesuffix(b"\r\n")
    return parts
