"""Endpoints and predictions of Vertex AI on loopback: EndpointService and PredictionService for `VertexServer`.

The rules that this server assumes of the real one, each taken from the comments in Google's own types, from its
clients' sources or from reports of their users:

- an endpoint's id may be given at its creation: a letter, then letters, digits and `-`, or at most 9 digits; a second
  endpoint of that id is refused (409);
- the split adds up to 100 or is empty, and names deployed models only; a deployed model that it does not name gets no
  request; an endpoint whose split is empty refuses requests (400);
- an update names its fields in a mask; with an etag that is not the present one it is refused (409, ABORTED), without
  one it overwrites blindly; every change of an endpoint, also by a deployment, changes its etag;
- a deployed model's id may be given (at most 10 digits); one that is taken is refused (409); `0` in the split of a
  deployment stands for the new model; without a split the present one stays;
- a deployed model appears on the endpoint when its operation has succeeded, not before; a failed one may all the same
  have left it there (`Plan.leaves_remains`);
- one operation at a time on an endpoint: deploying, undeploying and deleting are refused meanwhile (400);
- a model that has traffic is undeployed only with a split that takes it away, or when it is the last one;
- an endpoint with deployed models is not deleted (400), nor a model that is deployed or
  about to be;
- dedicated resources need a machine type and a replica at least, accelerators both their type and their count;
- a reply to a predict request names the deployed model that gave it; an error does not; a raw reply names it in a
  header, an error too; what the container answers with another status than 200 is passed on with it, in an error;
- a dedicated endpoint answers requests at its own address only.

`Operations` says how operations end, `Containers` what a deployed model answers. Faults are those of `VertexServer`
(`fail`, `slow`), `interrupt`, which meets the n-th call whatever it is, and `meanwhile`, which edits before a call.
"""

import re
from collections.abc import Callable
from random import Random
from typing import Any

from google.cloud import aiplatform_v1 as vertex
from google.protobuf import empty_pb2

from loopback.vertex import Refused, VertexServer
from loopback.vertex_operations import Operations

SERVICES = ("endpoint_service", "prediction_service", "model_service")
_ENDPOINT_ID = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?|[1-9][0-9]{0,8}")
_DEPLOYED_ID = re.compile(r"[0-9]{1,10}")
_LABEL = re.compile(r"[a-z0-9_-]{0,63}")
_MUTABLE = {"display_name", "description", "labels", "traffic_split", "client_connection_config"}
_FILTER = re.compile(r'(?:display_?[nN]ame|labels\.(?P<label>[\w-]+))\s*=\s*"?(?P<value>[^"]*)"?')


class Endpoints:
    """Adds the rules of EndpointService to a server.

    Args:
        server: serves `SERVICES`.
        operations: of that server.
        model_of: gives the model that a name such as `.../models/7@2` stands for, or raises `Refused`.
        started: called with the deployed model and its model when its containers come up.
        dedicated_address: of endpoints of their own.
    """

    def __init__(
        self,
        server: VertexServer,
        operations: Operations,
        model_of: Callable[[str], Any],
        started: Callable[[Any, Any], None],
        dedicated_address: Callable[[], str],
    ) -> None:
        self._server = server
        self._operations = operations
        self._model_of = model_of
        self._started = started
        self._dedicated_address = dedicated_address
        self._changes = 0
        self._coming: dict[str, str] = {}
        self._random = Random(20260101)
        for rpc, answer in self._answers().items():
            server.on(rpc, answer)

    def named(self, name: str) -> Any:
        """The endpoint of a full name.

        Raises:
            Refused: there is none.
        """
        if name not in self._server.resources:
            raise Refused(404, f"Endpoint `{name}` is not found.")
        return self._server.resources[name]

    def drawn(self, endpoint: Any) -> Any:
        """The deployed model that the split chooses for one request.

        Raises:
            Refused: the split is empty.
        """
        split = dict(endpoint.traffic_split)
        if not split:
            raise Refused(400, f"Endpoint {endpoint.name} doesn't have traffic_split.")
        (chosen,) = self._random.choices(list(split), list(split.values()))
        return self._deployed(endpoint, chosen)

    def deployed(self) -> set[str]:
        """Full names, with version, of the models that are deployed somewhere, or are on the way."""
        found = [item for item in self._server.resources.values() if isinstance(item, vertex.Endpoint)]
        coming = {model for operation, model in self._coming.items() if self._operations.is_at_work(operation)}
        return {f"{one.model}@{one.model_version_id}" for item in found for one in item.deployed_models} | coming

    def split(self, name: str, split: dict[str, int]) -> None:
        """Move traffic as somebody else would, with the console."""
        with self._server.lock:
            endpoint = self.named(name)
            self._require_split(endpoint, split)
            endpoint.traffic_split = split
            self._touch(endpoint)

    def _answers(self) -> dict[str, Callable[[Any], Any]]:
        return {
            "CreateEndpoint": self._create,
            "GetEndpoint": lambda request: self.named(request.name),
            "ListEndpoints": self._list,
            "UpdateEndpoint": self._update,
            "DeleteEndpoint": self._delete,
            "DeployModel": self._deploy,
            "UndeployModel": self._undeploy,
            "MutateDeployedModel": self._mutate,
        }

    def _create(self, request: Any) -> Any:
        given = request.endpoint
        if not given.display_name:
            raise Refused(400, "endpoint.display_name is required")
        if request.endpoint_id and not _ENDPOINT_ID.fullmatch(request.endpoint_id):
            raise Refused(400, f"endpoint_id {request.endpoint_id!r} is not valid")
        _require_labels(given.labels)
        name = f"{request.parent}/endpoints/{request.endpoint_id or 7000 + len(self._server.resources)}"
        if name in self._server.resources:
            raise Refused(409, f"Endpoint {name} already exists")

        def made() -> Any:
            endpoint = vertex.Endpoint(given)
            endpoint.name = name
            if given.dedicated_endpoint_enabled:
                endpoint.dedicated_endpoint_dns = self._dedicated_address()
            self._touch(endpoint)
            self._server.resources[name] = endpoint
            return endpoint

        return self._operations.begin("CreateEndpoint", name, made)

    def _list(self, request: Any) -> Any:
        inside = f"{request.parent}/endpoints/"
        found = [item for name, item in self._server.resources.items() if name.startswith(inside)]
        return vertex.ListEndpointsResponse(endpoints=[item for item in found if _fits(item, request.filter)])

    def _update(self, request: Any) -> Any:
        given, kept = request.endpoint, self.named(request.endpoint.name)
        paths = set(request.update_mask.paths)
        if not paths or not paths <= _MUTABLE:
            raise Refused(400, f"update_mask {sorted(paths)}: give some of {sorted(_MUTABLE)}")
        if given.etag and given.etag != kept.etag:
            raise Refused(409, f"etag mismatch on {kept.name}: {given.etag} is not {kept.etag}")
        if "traffic_split" in paths:
            self._require_split(kept, dict(given.traffic_split))
        if "labels" in paths:
            _require_labels(given.labels)
        for path in paths:
            setattr(kept, path, getattr(given, path))
        self._touch(kept)
        return kept

    def _delete(self, request: Any) -> Any:
        endpoint = self.named(request.name)
        self._operations.refuse_if_at_work(request.name)
        if endpoint.deployed_models:
            raise Refused(400, f"Endpoint {request.name} has deployed or being-deployed models; undeploy them first")

        def gone() -> Any:
            del self._server.resources[request.name]
            return empty_pb2.Empty()

        return self._operations.begin("DeleteEndpoint", request.name, gone)

    def _deploy(self, request: Any) -> Any:
        endpoint, given = self.named(request.endpoint), request.deployed_model
        self._operations.refuse_if_at_work(request.endpoint)
        model = self._model_of(given.model)
        _require_resources(given)
        wanted = given.id or str(8000000000 + self._changes)
        if not _DEPLOYED_ID.fullmatch(wanted):
            raise Refused(400, f"deployed_model.id {wanted!r} is not valid")
        if wanted in [item.id for item in endpoint.deployed_models]:
            raise Refused(409, f"DeployedModel {wanted} already exists on {request.endpoint}")
        split = {wanted if key == "0" else key: share for key, share in request.traffic_split.items()}
        self._require_split(endpoint, split, new=wanted)

        def up() -> Any:
            deployed = vertex.DeployedModel(given)
            deployed.id, deployed.model_version_id = wanted, model.version_id
            deployed.model = given.model.split("@")[0]
            deployed.display_name = given.display_name or model.display_name
            deployed.status = {"available_replica_count": given.dedicated_resources.min_replica_count}
            self._started(deployed, model)
            endpoint.deployed_models.append(deployed)
            if split:
                endpoint.traffic_split = split
            self._touch(endpoint)
            return vertex.DeployModelResponse(deployed_model=deployed)

        operation = self._operations.begin("DeployModel", request.endpoint, up)
        self._coming[operation.name] = f"{model.name}@{model.version_id}"
        return operation

    def _undeploy(self, request: Any) -> Any:
        endpoint, gone_id = self.named(request.endpoint), request.deployed_model_id
        self._deployed(endpoint, gone_id)
        self._operations.refuse_if_at_work(request.endpoint)
        last = len(endpoint.deployed_models) == 1
        split = dict(request.traffic_split) or dict(endpoint.traffic_split)
        if split.get(gone_id) and not last:
            raise Refused(400, f"DeployedModel {gone_id} has {split[gone_id]} % of the traffic; move it away first")
        self._require_split(endpoint, split)

        def down() -> Any:
            kept = [item for item in endpoint.deployed_models if item.id != gone_id]
            endpoint.deployed_models = kept
            if not kept:
                endpoint.traffic_split = {}
            elif request.traffic_split:
                endpoint.traffic_split = split
            self._touch(endpoint)
            return vertex.UndeployModelResponse()

        return self._operations.begin("UndeployModel", request.endpoint, down)

    def _mutate(self, request: Any) -> Any:
        endpoint, given = self.named(request.endpoint), request.deployed_model
        kept = self._deployed(endpoint, given.id)
        self._operations.refuse_if_at_work(request.endpoint)
        allowed = {"dedicated_resources.min_replica_count", "dedicated_resources.max_replica_count"}
        if not set(request.update_mask.paths) <= allowed:
            raise Refused(400, f"update_mask: give some of {sorted(allowed)}")

        def changed() -> Any:
            for path in request.update_mask.paths:
                field = path.split(".")[1]
                setattr(kept.dedicated_resources, field, getattr(given.dedicated_resources, field))
            self._touch(endpoint)
            return vertex.MutateDeployedModelResponse(deployed_model=kept)

        return self._operations.begin("MutateDeployedModel", request.endpoint, changed)

    def _deployed(self, endpoint: Any, deployed_id: str) -> Any:
        for item in endpoint.deployed_models:
            if item.id == deployed_id:
                return item
        raise Refused(404, f"The following DeployedModel ID(s) [{deployed_id}] do not exist.")

    def _require_split(self, endpoint: Any, split: dict[str, int], new: str = "") -> None:
        known = {item.id for item in endpoint.deployed_models} | {new}
        if missing := sorted(set(split) - known):
            raise Refused(400, f"The following DeployedModel ID(s) {missing} do not exist.")
        if split and (sum(split.values()) != 100 or min(split.values()) < 0):
            raise Refused(400, f"traffic_split must add up to 100, found {sum(split.values())}")

    def _touch(self, endpoint: Any) -> None:
        self._changes += 1
        endpoint.etag = f"AMEw9y{self._changes:04d}"


def _require_labels(labels: Any) -> None:
    wrong = [f"{key}={value}" for key, value in labels.items() if not _LABEL.fullmatch(key + value[:1])]
    wrong += [f"{key}={value}" for key, value in labels.items() if not _LABEL.fullmatch(value)]
    if wrong:
        raise Refused(400, f"labels are not valid: {wrong}")


def _require_resources(deployed: Any) -> None:
    resources = deployed.dedicated_resources
    machine = resources.machine_spec
    if not machine.machine_type or resources.min_replica_count < 1:
        raise Refused(400, "dedicated_resources needs machine_spec.machine_type and min_replica_count")
    if bool(machine.accelerator_count) != bool(machine.accelerator_type):
        raise Refused(400, "accelerator_type and accelerator_count belong together")
    if resources.max_replica_count and resources.max_replica_count < resources.min_replica_count:
        raise Refused(400, "max_replica_count is less than min_replica_count")


def _fits(endpoint: Any, expression: str) -> bool:
    if not expression:
        return True
    found = _FILTER.fullmatch(expression)
    if found is None:
        raise Refused(400, f"filter {expression!r} is not valid")
    have = endpoint.labels.get(found["label"]) if found["label"] else endpoint.display_name
    return bool(have == found["value"])
