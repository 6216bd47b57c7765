"""The whole of Vertex AI that a release needs, on loopback: models, endpoints, predictions, by REST and by gRPC.

    with VertexReleaseServer(run=container_of) as server:
        server.jobs.plans["DeployModel"] = [Plan(code=8, message="Quota exceeded ...")]
        server.interrupt(7, unavailable)
        endpoint = VertexEndpoint("vertex://p/l/notes", settings_for(server))

See `vertex_endpoints` for the rules that it assumes of the real one.
"""

import threading
from collections.abc import Callable
from typing import Any

from loopback.server import HttpRequest, HttpResponse
from loopback.vertex import Refused, VertexServer
from loopback.vertex_endpoints import SERVICES, Endpoints
from loopback.vertex_models import Models
from loopback.vertex_operations import Operations
from loopback.vertex_predictions import RAW, Container, Predictions
from loopback.vertex_routes import Route

QUOTA = "The following quota metrics exceed quota limits: aiplatform.googleapis.com/custom_model_serving_nvidia_l4_gpus"
# What happens to one call; its argument performs it.
Interruption = Callable[[Callable[[], Any]], Any]


class VertexReleaseServer(VertexServer):
    """Serve it.

    Args:
        run: gives the container of a model that is deployed.

    Attributes:
        count: how many calls came.
        seen: called after each call that was performed.
    """

    def __init__(self, run: Callable[[Any], Container]) -> None:
        super().__init__(SERVICES)
        self.count = 0
        self.seen: Callable[[], None] = lambda: None
        self._interruptions: dict[int | str, Interruption] = {}
        self._edits: dict[str, Callable[[], None]] = {}
        self._request = threading.local()
        self.jobs = Operations(self)
        self.models = Models(self, self.jobs, self._deployed)
        self.predictions = Predictions(self, run, lambda: getattr(self._request, "host", ""))
        self.endpoints = Endpoints(
            self, self.jobs, self.models.named, self.predictions.started, lambda: self.dedicated_address
        )
        self.predictions.endpoints = self.endpoints

    @property
    def dedicated_address(self) -> str:
        """This server under another name: where dedicated endpoints answer."""
        return self.url.replace("127.0.0.1", "localhost")

    def interrupt(self, call: int | str, how: Interruption) -> None:
        """Meet the call of a number, counted from 1 over all methods, or the next one of a method."""
        self._interruptions[call] = how

    def meanwhile(self, rpc: str, edit: Callable[[], None]) -> None:
        """Do something just before the next call of a method is performed, as somebody else would."""
        self._edits[rpc] = edit

    def answer(self, request: HttpRequest) -> HttpResponse:
        """Raw requests are not JSON of Google's types; all others are."""
        self._request.host = request.headers.get("Host", "")
        return self.predictions.raw(request) if request.path.endswith(RAW) else super().answer(request)

    def _deployed(self) -> set[str]:
        return self.endpoints.deployed()

    def call(self, route: Route, request: Any, headers: dict[str, str]) -> Any:
        """Perform a call, unless it is to be interrupted."""
        with self.lock:
            self.count += 1
            how = self._interruptions.pop(self.count, None) or self._interruptions.pop(route.rpc, None)
        if edit := self._edits.pop(route.rpc, None):
            edit()

        def perform() -> Any:
            try:
                return VertexServer.call(self, route, request, headers)
            finally:
                self.seen()

        return perform() if how is None else how(perform)


def unavailable(perform: Callable[[], Any]) -> Any:
    """Refuse the call, as a service that is away."""
    raise Refused(503, "The service is currently unavailable.")


def answer_lost(perform: Callable[[], Any]) -> Any:
    """Perform the call, and break the connection."""
    perform()
    raise ConnectionAbortedError


def answer_unavailable(perform: Callable[[], Any]) -> Any:
    """Perform the call, and say that the service is away."""
    perform()
    raise Refused(503, "The service is currently unavailable.")


def quota_exceeded(perform: Callable[[], Any]) -> Any:
    """Refuse the call for want of quota."""
    raise Refused(
        429, "The following quota metrics exceed quota limits: aiplatform.googleapis.com/custom_model_serving_cpus"
    )


def forbidden(perform: Callable[[], Any]) -> Any:
    """Refuse the call for want of a permission."""
    raise Refused(403, "Permission 'aiplatform.endpoints.deploy' denied on resource")
