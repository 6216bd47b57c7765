"""The routes of a supervised endpoint: those for clients, and those by which versions are deployed and asked."""

import hmac
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from lab_lens.endpoints.base import EndpointError, SplitChangedError
from lab_lens.errors import InputError
from lab_lens.registry.base import normalize_version
from lab_lens.serving.app import read_body, too_long
from lab_lens.serving.child import Child, ChildError, Served
from lab_lens.serving.fleet import Fleet

VERSION_HEADER = "X-Lab-Lens-Version"
# A version that is taken down gets so long for the requests that it has.
_DRAIN_SECONDS = 120.0
_ANSWER_SECONDS = 600.0
_logger = logging.getLogger(__name__)
_Answer = Callable[[Request], Awaitable[Response]]


class _Deploy(BaseModel):
    model_config = ConfigDict(extra="forbid")
    model: str
    content_hash: str
    ready_seconds: float = Field(gt=0)


class _Shift(BaseModel):
    model_config = ConfigDict(extra="forbid")
    split: dict[str, int]
    expected: dict[str, int]


class Front:
    """Passes requests on to the versions of a fleet.

    Args:
        fleet: the versions.
        client: for requests to them.
        token: what whoever deploys must show.
    """

    def __init__(self, fleet: Fleet, client: httpx.AsyncClient, token: str) -> None:
        self._fleet = fleet
        self._client = client
        self._token = token

    def app(self, admin_port: int, lifespan: Callable[[Starlette], Any]) -> ASGIApp:
        """One application for two ports: the public one, and one of this machine alone, which needs the token."""
        routes = [
            Route("/health", self._health),
            Route("/model", self._by_split),
            Route("/predict", self._by_split, methods=["POST"]),
        ]
        public = Starlette(routes=routes, lifespan=lifespan)
        admin = Starlette(
            routes=[
                Route("/split", self._guarded(self._read_split)),
                Route("/split", self._guarded(self._shift), methods=["PUT"]),
                Route("/versions/{version}", self._guarded(self._deploy), methods=["PUT"]),
                Route("/versions/{version}", self._guarded(self._undeploy), methods=["DELETE"]),
                Route("/versions/{version}/health", self._guarded(self._version_health)),
                Route("/versions/{version}/model", self._guarded(self._ask)),
                Route("/versions/{version}/predict", self._guarded(self._ask), methods=["POST"]),
            ]
        )

        async def by_port(scope: Scope, receive: Receive, send: Send) -> None:
            is_admin = scope["type"] == "http" and (scope.get("server") or ("", 0))[1] == admin_port
            await (admin if is_admin else public)(scope, receive, send)

        return by_port

    async def _health(self, _: Request) -> Response:
        serves = any(
            share and (child := self._fleet.child(version)) is not None and child.ready
            for version, share in self._fleet.split().items()
        )
        return JSONResponse({"status": "ready"}) if serves else _unavailable()

    async def _by_split(self, request: Request) -> Response:
        body = await read_body(request)
        if body is None:
            return too_long()
        failed: frozenset[str] = frozenset()
        while child := self._fleet.choose(failed):
            try:
                return await self._forward(child, request.method, request.url.path, body)
            except httpx.TimeoutException:
                return JSONResponse({"error": "the model took too long to answer"}, status_code=504)
            except httpx.TransportError as error:
                # It died with the request; a summary can be asked for twice without harm.
                version = child.served.version
                _logger.warning("%s did not answer: %s", version, error.__class__.__name__)
                failed |= {version}
        return _unavailable()

    async def _forward(self, child: Child, method: str, path: str, body: bytes) -> Response:
        with child.answering():
            answer = await self._client.request(
                method,
                child.url(path),
                content=body,
                headers={"Content-Type": "application/json"},
                timeout=_ANSWER_SECONDS,
            )
        return Response(
            answer.content,
            answer.status_code,
            {VERSION_HEADER: child.served.version},
            answer.headers.get("content-type"),
        )

    def _guarded(self, answer: _Answer) -> _Answer:
        """The route, for those who know the token; what it raises becomes an answer."""

        async def guarded(request: Request) -> Response:
            shown = request.headers.get("authorization", "").removeprefix("Bearer ")
            if not hmac.compare_digest(shown.encode(), self._token.encode()):
                return JSONResponse({"error": "the token of this endpoint is needed"}, status_code=401)
            try:
                return await answer(request)
            except SplitChangedError as error:
                return JSONResponse({"error": str(error), "present": error.present}, status_code=409)
            except EndpointError as error:
                return JSONResponse({"error": str(error)}, status_code=409)
            except ChildError as error:
                return JSONResponse({"error": str(error)}, status_code=502)
            except (InputError, ValidationError) as error:
                return JSONResponse({"error": str(error)}, status_code=400)

        return guarded

    async def _read_split(self, _: Request) -> Response:
        split = self._fleet.split()
        children = {version: self._fleet.child(version) for version in split}
        versions = {
            version: {"ready": child.ready, "pid": child.pid, "restarts": child.restarts}
            for version, child in children.items()
            if child is not None
        }
        return JSONResponse({"split": split, "versions": versions})

    async def _shift(self, request: Request) -> Response:
        wanted = _Shift.model_validate_json(await request.body())
        self._fleet.shift(wanted.split, wanted.expected)
        return await self._read_split(request)

    async def _deploy(self, request: Request) -> Response:
        wanted = _Deploy.model_validate_json(await request.body())
        served = Served(_version(request), wanted.model, wanted.content_hash)
        await self._fleet.deploy(served, wanted.ready_seconds)
        return await self._read_split(request)

    async def _undeploy(self, request: Request) -> Response:
        await self._fleet.undeploy(_version(request), _DRAIN_SECONDS)
        return await self._read_split(request)

    async def _version_health(self, request: Request) -> Response:
        child = self._fleet.child(_version(request))
        if child is None or not child.ready:
            return _unavailable()
        return await self._ask(request)

    async def _ask(self, request: Request) -> Response:
        child = self._fleet.child(_version(request))
        if child is None:
            return JSONResponse({"error": f"{_version(request)} is not deployed"}, status_code=404)
        body = await read_body(request)
        if body is None:
            return too_long()
        try:
            return await self._forward(child, request.method, f"/{request.url.path.rsplit('/', 1)[1]}", body)
        except httpx.TransportError as error:
            return JSONResponse({"error": f"no answer: {error.__class__.__name__}"}, status_code=502)


def _version(request: Request) -> str:
    return normalize_version(str(request.path_params["version"]))


def _unavailable() -> JSONResponse:
    return JSONResponse({"error": "no version can answer at the moment"}, status_code=503, headers={"Retry-After": "1"})
