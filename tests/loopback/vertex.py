"""The Google AI Platform REST API on loopback, for the real clients.

Routes and types come from the clients themselves (`vertex_routes`), so a wrong field, path or method is refused as
Google refuses it. Resources are kept by what their names say: create, get, list, update, cancel and delete work for any
service. A test scripts how a resource changes while it is watched, and which calls fail:

    with VertexServer() as server:
        server.script("pipelineJobs", pipeline_states("PENDING", "RUNNING", "SUCCEEDED"))
        server.fail("GetPipelineJob", 503, "try again", times=2)
        client = PipelineServiceClient(
            credentials=AnonymousCredentials(), transport="rest", client_options={"api_endpoint": server.url}
        )
"""

import copy
import json
import re
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from google.longrunning import operations_pb2
from google.protobuf import any_pb2, empty_pb2, json_format

from loopback.server import HttpRequest, HttpResponse, LoopbackServer
from loopback.vertex_routes import Route, plain, routes_of

STOCK_OUT = (
    "Resources are insufficient in region: us-central1. Please try a different region or use a different accelerator."
)
PIPELINES = ("pipeline_service", "schedule_service", "job_service")
# Fields (JSON names) that a resource takes on at one look, in the order in which they come.
Step = dict[str, Any]
_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_STORAGE = "/storage/v1/b/"
_CANCELLED = {"pipelineJobs": "PIPELINE_STATE_CANCELLED"}
_VERB = re.compile(r"(Create|Upload|Get|List|Update|Delete|Cancel|Pause|Resume)(\w+)")


@dataclass(frozen=True)
class Call:
    """One request that came: the method, and the request in Google's own type."""

    rpc: str
    request: Any
    headers: dict[str, str]


@dataclass
class Fault:
    """What happens to the next calls of a method instead of, or before, their answer."""

    status: int = 0
    message: str = ""
    times: int = 1
    seconds: float = 0.0
    details: Sequence[dict[str, Any]] = field(default_factory=list)


class Refused(Exception):  # noqa: N818 - an answer, not a defect
    """The server answers with an error."""

    def __init__(self, status: int, message: str, details: Sequence[dict[str, Any]] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.response = _error(status, message, details)


class VertexServer(LoopbackServer):
    """Serve the named services (packages of `google.cloud.aiplatform_v1.services`)."""

    def __init__(self, services: Iterable[str] = PIPELINES) -> None:
        super().__init__()
        self.routes = [route for service in services for route in routes_of(service)]
        self.calls: list[Call] = []
        self.resources: dict[str, Any] = {}
        self.operations: dict[str, operations_pb2.Operation] = {}
        self.answers: dict[str, Callable[[Any], Any]] = {}
        # Names of buckets that a client finds when STORAGE_EMULATOR_HOST leads here.
        self.buckets: set[str] = set()
        self._scripts: dict[str, deque[list[Step]]] = defaultdict(deque)
        self._steps: dict[str, deque[Step]] = {}
        self._faults: dict[str, deque[Fault]] = defaultdict(deque)
        self._last_id = 1000

    # What a test arranges and asks.

    def script(self, collection: str, steps: Iterable[Step]) -> None:
        """The next resource created in `collection` (`pipelineJobs`, `customJobs`, ...) takes one step at each Get.

        The first step is what Create answers; after the last one nothing changes any more. Scripts are used up in the
        order in which they were given, one a resource.
        """
        self._scripts[collection].append(list(steps))

    def fail(
        self, rpc: str, status: int, message: str, *, times: int = 1, details: Sequence[dict[str, Any]] = ()
    ) -> None:
        """The next `times` calls of `rpc` (`CreatePipelineJob`, ...) end in an error."""
        self._faults[rpc].append(Fault(status, message, times, details=details))

    def slow(self, rpc: str, seconds: float, *, times: int = 1) -> None:
        """The next `times` calls of `rpc` are answered late."""
        self._faults[rpc].append(Fault(times=times, seconds=seconds))

    def on(self, rpc: str, answer: Callable[[Any], Any]) -> None:
        """Answer `rpc` by a function of the request; it returns the response type, or raises `Refused`."""
        self.answers[rpc] = answer

    def requests(self, rpc: str) -> list[Any]:
        """Requests of one method, in the order in which they came."""
        return [call.request for call in self.calls if call.rpc == rpc]

    def set(self, name: str, step: Step) -> None:
        """Change a resource now."""
        with self.lock:
            _apply(self.resources[name], step)

    # What the wire does.

    def answer(self, request: HttpRequest) -> HttpResponse:
        """Find the rule, parse strictly, record, answer."""
        if request.path.startswith(_STORAGE):
            return self._bucket(request)
        route, values = self._route(request)
        if route is None:
            return _error(404, f"no method for {request.method} {request.path}")
        try:
            parsed = route.parse(request, values)
        except json_format.ParseError as problem:
            return _error(400, f"Invalid JSON payload received. {problem}")
        try:
            return _response(self.call(route, parsed, dict(request.headers.items())))
        except Refused as refusal:
            return refusal.response

    def call(self, route: Route, request: Any, headers: dict[str, str]) -> Any:
        """Record and perform one call, whatever door it came through.

        Raises:
            Refused: the answer is an error.
        """
        self.calls.append(Call(route.rpc, request, headers))
        self._meet_fault(route.rpc)
        with self.lock:
            # As it is now: another thread may change it before it is sent.
            return copy.deepcopy(plain(self._perform(route, request)))

    def _bucket(self, request: HttpRequest) -> HttpResponse:
        """The one call of Cloud Storage that a submission makes: looking for a bucket."""
        name = request.path.removeprefix(_STORAGE)
        try:
            self._meet_fault("GetBucket")
        except Refused as refusal:
            return refusal.response
        if request.method != "GET" or name not in self.buckets:
            return _error(404, "The specified bucket does not exist.")
        found = {"kind": "storage#bucket", "id": name, "name": name, "location": "US-CENTRAL1"}
        return HttpResponse(body=json.dumps(found).encode())

    def _route(self, request: HttpRequest) -> tuple[Route | None, dict[str, str]]:
        for route in self.routes:
            values = route.values(request.path) if route.http_method == request.method else None
            if values is not None:
                return route, values
        return None, {}

    def _meet_fault(self, rpc: str) -> None:
        with self.lock:
            faults = self._faults[rpc]
            if not faults:
                return
            fault = faults[0]
            fault.times -= 1
            if fault.times <= 0:
                faults.popleft()
        self.pause(fault.seconds)
        if fault.status:
            raise Refused(fault.status, fault.message, fault.details)

    def _perform(self, route: Route, request: Any) -> Any:
        if route.rpc in self.answers:
            return self.answers[route.rpc](request)
        if route.rpc == "GetOperation":
            return self._operation(request.name)
        verb = _VERB.fullmatch(route.rpc)
        if verb is None:
            raise Refused(501, f"this server does not know {route.rpc}; arrange it with on()")
        return getattr(self, f"_{verb[1].lower()}")(route, request)

    def _create(self, route: Route, request: Any) -> Any:
        assert route.body is not None
        field_name = "model" if route.body == "*" else route.body
        made = type(getattr(request, field_name))(getattr(request, field_name))
        collection = route.uri.rsplit("/", 1)[1].split(":")[0]
        name = f"{request.parent}/{collection}/{self._id(request, field_name)}"
        if name in self.resources:
            raise Refused(409, f"{name} already exists")
        made.name = name
        if "create_time" in type(made).meta.fields:
            made.create_time = datetime.now(UTC)
        self.resources[name] = made
        script = self._scripts[collection].popleft() if self._scripts[collection] else []
        self._steps[name] = deque(script)
        self._step(name)
        return made if route.response_type is type(made) else self.done(name, made)

    # Models come by Upload.
    _upload = _create

    def _get(self, _route: Route, request: Any) -> Any:
        found = self._found(request.name)
        self._step(request.name)
        return found

    def _list(self, route: Route, request: Any) -> Any:
        collection = route.uri.rsplit("/", 1)[1]
        response = route.response_type()
        items = [item for name, item in self.resources.items() if name.startswith(f"{request.parent}/{collection}/")]
        (repeated,) = [name for name in type(response).meta.fields if name != "next_page_token"]
        getattr(response, repeated).extend(items)
        return response

    def _update(self, route: Route, request: Any) -> Any:
        assert route.body is not None
        changes = getattr(request, route.body)
        kept = self._found(changes.name)
        mask = request.update_mask
        for path in mask.paths:
            setattr(kept, path, getattr(changes, path))
        return kept if route.response_type is type(kept) else self.done(changes.name, kept)

    def _delete(self, _route: Route, request: Any) -> Any:
        self._found(request.name)
        del self.resources[request.name]
        return self.done(request.name, empty_pb2.Empty())

    def _cancel(self, route: Route, request: Any) -> Any:
        found = self._found(request.name)
        collection = request.name.split("/")[-2]
        _apply(found, {"state": _CANCELLED.get(collection, "JOB_STATE_CANCELLED")})
        self._steps[request.name].clear()
        return route.response_type() if route.response_type else empty_pb2.Empty()

    def _pause(self, _route: Route, request: Any) -> Any:
        _apply(self._found(request.name), {"state": "PAUSED"})
        return empty_pb2.Empty()

    def _resume(self, _route: Route, request: Any) -> Any:
        _apply(self._found(request.name), {"state": "ACTIVE"})
        return empty_pb2.Empty()

    def done(self, name: str, result: Any) -> operations_pb2.Operation:
        """A long-running operation on `name` that has ended with `result`."""
        self._last_id += 1
        packed = any_pb2.Any()
        packed.Pack(plain(result))
        operation = operations_pb2.Operation(name=f"{name}/operations/{self._last_id}", done=True, response=packed)
        self.operations[operation.name] = operation
        return operation

    def _operation(self, name: str) -> operations_pb2.Operation:
        if name not in self.operations:
            raise Refused(404, f"{name} does not exist")
        return self.operations[name]

    def _found(self, name: str) -> Any:
        if name not in self.resources:
            raise Refused(404, f"{name} does not exist")
        return self.resources[name]

    def _id(self, request: Any, field_name: str) -> str:
        self._last_id += 1
        return str(getattr(request, f"{field_name}_id", "") or self._last_id)

    def _step(self, name: str) -> None:
        steps = self._steps.get(name)
        if steps:
            _apply(self.resources[name], steps.popleft())


def pipeline_states(*states: str, error: str = "") -> list[Step]:
    """Steps of a pipeline job by the short names of its states; the last one carries the error."""
    return _states("PIPELINE_STATE_", states, error, 9)


def job_states(*states: str, error: str = "", code: int = 9) -> list[Step]:
    """Steps of a custom job; `code` is the gRPC code of the error (8 RESOURCE_EXHAUSTED: out of stock)."""
    return _states("JOB_STATE_", states, error, code)


def _states(prefix: str, states: Sequence[str], error: str, code: int) -> list[Step]:
    steps: list[Step] = [{"state": f"{prefix}{state}"} for state in states]
    if error:
        steps[-1]["error"] = {"code": code, "message": error}
    return steps


def _apply(resource: Any, step: Step) -> None:
    """Set the step's fields; a list or a message replaces the one before."""
    message = plain(resource)
    for name in step:
        field_name = next(item.name for item in message.DESCRIPTOR.fields if name in (item.json_name, item.name))
        message.ClearField(field_name)
    json_format.ParseDict(step, message)


def _response(result: Any) -> HttpResponse:
    return HttpResponse(body=json_format.MessageToJson(plain(result)).encode())


def _error(status: int, message: str, details: Sequence[dict[str, Any]] = ()) -> HttpResponse:
    error = {"code": status, "message": message, "status": _STATUS.get(status, "UNKNOWN"), "details": list(details)}
    return HttpResponse(status, json.dumps({"error": error}).encode())
