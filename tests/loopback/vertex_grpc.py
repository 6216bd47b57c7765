"""The gRPC door of a loopback Vertex AI, over TLS as Google's own.

A client process needs GRPC_DEFAULT_SSL_ROOTS_FILE_PATH set to the certificate before its first channel.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc

from loopback.certificates import Certificate
from loopback.vertex import Refused, VertexServer
from loopback.vertex_routes import Route, plain

_CODES = {
    400: grpc.StatusCode.FAILED_PRECONDITION,
    401: grpc.StatusCode.UNAUTHENTICATED,
    403: grpc.StatusCode.PERMISSION_DENIED,
    404: grpc.StatusCode.NOT_FOUND,
    409: grpc.StatusCode.ABORTED,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    500: grpc.StatusCode.INTERNAL,
    503: grpc.StatusCode.UNAVAILABLE,
}
_OPERATIONS = "google.longrunning.Operations"


@contextmanager
def grpc_door(server: VertexServer, certificate: Certificate) -> Iterator[str]:
    """Open it; gives the address, such as `https://127.0.0.1:41234`."""
    credentials = grpc.ssl_server_credentials([(certificate.key.read_bytes(), certificate.path.read_bytes())])
    door = grpc.server(ThreadPoolExecutor(8), handlers=[_Handler(server)])
    port = door.add_secure_port("127.0.0.1:0", credentials)
    door.start()
    try:
        yield f"https://127.0.0.1:{port}"
    finally:
        door.stop(None).wait()


class _Handler(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Finds the method by its full name, as the client's own routes know it."""

    def __init__(self, server: VertexServer) -> None:
        self._server = server
        self._routes = {_method_of(route): route for route in reversed(server.routes)}

    def service(self, details: Any) -> Any:
        route = self._routes.get(details.method)
        if route is None:
            return None
        return grpc.unary_unary_rpc_method_handler(
            _performing(self._server, route),
            request_deserializer=lambda sent: _read(route.request_type, sent),
            response_serializer=lambda answer: plain(answer).SerializeToString(),
        )


def _method_of(route: Route) -> str:
    if route.rpc.endswith("Operation") or route.rpc.endswith("Operations"):
        return f"/{_OPERATIONS}/{route.rpc}"
    name = "".join(part.capitalize() for part in route.service.split("_"))
    return f"/google.cloud.aiplatform.v1.{name}/{route.rpc}"


def _performing(server: VertexServer, route: Route) -> Callable[[Any, Any], Any]:
    def perform(request: Any, context: Any) -> Any:
        try:
            return server.call(route, request, dict(context.invocation_metadata()))
        except Refused as refusal:
            context.abort(_CODES.get(refusal.status, grpc.StatusCode.UNKNOWN), str(refusal))
        except ConnectionAbortedError:
            context.abort(grpc.StatusCode.UNAVAILABLE, "the connection broke")

    return perform


def _read(kind: Any, sent: bytes) -> Any:
    """A request of proto-plus or of protobuf itself."""
    if hasattr(kind, "deserialize"):
        return kind.deserialize(sent)
    read = kind()
    read.ParseFromString(sent)
    return read
