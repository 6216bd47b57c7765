"""PredictionService of the loopback Vertex AI: the split chooses a deployed model, and its container answers.

See `vertex_endpoints` for the rules.
"""

import json
from collections.abc import Callable
from typing import Any, Protocol

from google.api import httpbody_pb2
from google.cloud import aiplatform_v1 as vertex
from google.protobuf import json_format

from loopback.server import HttpRequest, HttpResponse
from loopback.vertex import Refused, VertexServer
from loopback.vertex_endpoints import Endpoints

RAW = ":rawPredict"
_OK = 200


class Container(Protocol):
    """What runs behind a deployed model."""

    def post(self, body: bytes) -> tuple[int, bytes]:
        """Status and body of the answer to a predict request."""
        ...


class Predictions:
    """Adds the rules of PredictionService to a server.

    Args:
        server: serves it.
        run: gives the container of a model that is deployed.
        host: the host that the present request was sent to.

    Attributes:
        run: as given.
        endpoints: of that server; set by whoever puts the parts together.
        running: containers by the id of the deployed model.
    """

    def __init__(self, server: VertexServer, run: Callable[[Any], Container], host: Callable[[], str]) -> None:
        self.run = run
        self._host = host
        self.endpoints: Endpoints
        self.running: dict[str, Container] = {}
        server.on("Predict", self._predict)
        server.on("RawPredict", self._raw_predict)

    def started(self, deployed: Any, model: Any) -> None:
        """Start the container of a deployed model."""
        self.running[deployed.id] = self.run(model)

    def raw(self, request: HttpRequest) -> HttpResponse:
        """A raw request: any body in, the container's body out, and who answered in a header."""
        name = request.path.removeprefix("/v1/").removesuffix(RAW)
        try:
            deployed, status, body = self._forward(name, request.body)
        except Refused as refusal:
            return refusal.response
        headers = {
            "Content-Type": "application/json",
            "X-Vertex-AI-Endpoint-Id": name.rsplit("/", 1)[1],
            "X-Vertex-AI-Deployed-Model-Id": deployed.id,
        }
        return HttpResponse(status, body, headers)

    def _predict(self, request: Any) -> Any:
        sent = json_format.MessageToDict(type(request).pb(request))
        body = {key: sent[key] for key in ("instances", "parameters") if key in sent}
        deployed, status, answer = self._forward(request.endpoint, json.dumps(body).encode())
        if status != _OK:
            raise Refused(status, answer.decode())
        response = vertex.PredictResponse(
            deployed_model_id=deployed.id,
            model=deployed.model,
            model_version_id=deployed.model_version_id,
            model_display_name=deployed.display_name,
        )
        told = {"predictions": json.loads(answer)["predictions"]}
        json_format.ParseDict(told, type(response).pb(response))
        return response

    def _raw_predict(self, request: Any) -> Any:
        _, status, answer = self._forward(request.endpoint, request.http_body.data)
        if status != _OK:
            raise Refused(status, answer.decode())
        return httpbody_pb2.HttpBody(content_type="application/json", data=answer)

    def _forward(self, name: str, body: bytes) -> tuple[Any, int, bytes]:
        endpoint = self.endpoints.named(name)
        own = endpoint.dedicated_endpoint_dns.split("://")[-1]
        if own and self._host() != own:
            raise Refused(400, f"Dedicated Endpoint cannot be accessed through the shared domain; use {own}")
        deployed = self.endpoints.drawn(endpoint)
        return deployed, *self.running[deployed.id].post(body)
