"""The Kubeflow Pipelines API (v2beta1) on loopback, for the real kfp.Client.

Bodies must have the fields of kfp_server_api's own classes and nothing else; the pipeline in them must be the protocol
buffer that a cluster would read.
"""

import json
import re
from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import kfp_server_api
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from loopback.server import HttpRequest, HttpResponse, LoopbackServer

_BASE = "/apis/v2beta1/"
_ITEM = re.compile(r"(runs|recurringruns|experiments)(?:/([^/:]+))?(?::(\w+))?")
_CLASSES = {"runs": "V2beta1Run", "recurringruns": "V2beta1RecurringRun", "experiments": "V2beta1Experiment"}
_IDS = {"runs": "run_id", "recurringruns": "recurring_run_id", "experiments": "experiment_id"}
_INNER = re.compile(r"(?:list\[|dict\(str, )(\w+)[\])]")


@dataclass(frozen=True)
class KubeflowCall:
    """One request that came, without its body's checks."""

    method: str
    path: str
    body: dict[str, Any]
    token: str


class KubeflowServer(LoopbackServer):
    """Keeps experiments, runs and recurring runs; a test scripts how a run changes and which calls fail."""

    def __init__(self, *, multi_user: bool = False, token: str = "") -> None:
        super().__init__()
        self.multi_user = multi_user
        self.token = token
        self.calls: list[KubeflowCall] = []
        self.kept: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in _CLASSES}
        self._script: list[dict[str, Any]] = []
        self._steps: dict[str, deque[dict[str, Any]]] = {}
        self._faults: dict[str, deque[tuple[int, str, float]]] = defaultdict(deque)

    def script(self, steps: Iterable[dict[str, Any]]) -> None:
        """The next run takes one of these steps (fields of V2beta1Run) at each look."""
        self._script = list(steps)

    def fail(self, collection: str, status: int, message: str, *, times: int = 1, seconds: float = 0.0) -> None:
        """The next calls of a collection (`healthz`, `runs`, ...) end in an error; status 0: they are only slow."""
        self._faults[collection].extend([(status, message, seconds)] * times)

    def made(self, collection: str) -> list[dict[str, Any]]:
        """Bodies that were sent to make something."""
        return [call.body for call in self.calls if call.method == "POST" and call.path == _BASE + collection]

    def answer(self, request: HttpRequest) -> HttpResponse:
        """Check, record, answer."""
        body = json.loads(request.body) if request.body else {}
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        self.calls.append(KubeflowCall(request.method, request.path, body, token))
        if not request.path.startswith(_BASE):
            return _refused(404, f"no such path: {request.path}")
        path = request.path.removeprefix(_BASE)
        faults = self._faults[re.split(r"[/:]", path)[0]]
        if faults:
            status, message, seconds = faults.popleft()
            self.pause(seconds)
            if status:
                return _refused(status, message)
        if self.token and token != self.token:
            return _refused(401, "Request header error: there is no user identity header.")
        with self.lock:
            return self._serve(request, path, body)

    def _serve(self, request: HttpRequest, path: str, body: dict[str, Any]) -> HttpResponse:
        if path == "healthz":
            return _json({"multi_user": self.multi_user})
        found = _ITEM.fullmatch(path)
        if found is None:
            return _refused(404, f"no such path: {path}")
        collection, name, verb = found.groups()
        if name is None:
            return self._make(collection, body) if request.method == "POST" else self._list(collection, request)
        if name not in self.kept[collection]:
            return _refused(404, f"{collection} {name} not found")
        if verb == "terminate":
            self.kept[collection][name]["state"] = "CANCELED"
            self._steps[name].clear()
            return _json({})
        if request.method == "DELETE":
            del self.kept[collection][name]
            return _json({})
        return _json(self._look(collection, name))

    def _make(self, collection: str, body: dict[str, Any]) -> HttpResponse:
        problems = [*_unknown_fields(body, _CLASSES[collection]), *_pipeline_problems(body)]
        if problems:
            return _refused(400, "; ".join(problems))
        name = f"{collection}-{len(self.kept[collection]) + 1}"
        kept = {**body, _IDS[collection]: name, "created_at": datetime.now(UTC).isoformat()}
        self.kept[collection][name] = kept
        self._steps[name] = deque(self._script if collection == "runs" else [])
        return _json(kept)

    def _list(self, collection: str, request: HttpRequest) -> HttpResponse:
        wanted = None
        if "filter" in request.query:
            (predicate,) = json.loads(request.query["filter"][0])["predicates"]
            wanted = predicate["stringValue"]
        items = [item for item in self.kept[collection].values() if wanted in (None, item.get("display_name"))]
        return _json({collection: items, "total_size": len(items)})

    def _look(self, collection: str, name: str) -> dict[str, Any]:
        item = self.kept[collection][name]
        if self._steps.get(name):
            item |= self._steps[name].popleft()
        return item


def run_step(state: str, *tasks: tuple[str, str], error: str = "") -> dict[str, Any]:
    """A run's state with the states of its tasks by name."""
    start = "2026-11-24T09:00:00Z"
    details = [
        {"display_name": name, "state": task, "start_time": start, **_failure("" if task != "FAILED" else "exit 1")}
        for name, task in tasks
    ]
    return {"state": state, "run_details": {"task_details": details}, **_failure(error)}


def _failure(message: str) -> dict[str, Any]:
    return {"error": {"code": 2, "message": message}} if message else {}


def _unknown_fields(value: Any, kind: str) -> list[str]:
    """Fields that a class of kfp_server_api does not have, at any depth."""
    model = getattr(kfp_server_api, kind, None)
    if model is None or not hasattr(model, "openapi_types"):
        return []
    known = {wire: model.openapi_types[name] for name, wire in model.attribute_map.items()}
    problems = [f"{kind} has no field {name}" for name in value if name not in known]
    for name in value.keys() & known.keys():
        inner = _INNER.fullmatch(known[name])
        if inner is None and isinstance(value[name], dict):
            problems += _unknown_fields(value[name], known[name])
        elif inner is not None and isinstance(value[name], list):
            problems += [problem for item in value[name] for problem in _unknown_fields(item, inner[1])]
    return problems


def _pipeline_problems(body: dict[str, Any]) -> list[str]:
    if "pipeline_spec" not in body:
        return []
    try:
        json_format.ParseDict(body["pipeline_spec"], pipeline_spec_pb2.PipelineSpec())
    except json_format.ParseError as error:
        return [f"pipeline_spec: {error}"]
    return []


def _json(content: dict[str, Any]) -> HttpResponse:
    return HttpResponse(body=json.dumps(content).encode())


def _refused(status: int, message: str) -> HttpResponse:
    return HttpResponse(status, json.dumps({"error": message, "code": 2, "message": message, "details": []}).encode())
