"""An endpoint of Vertex AI: registered versions are its deployed models, and traffic is its split.

Vertex AI has no route to one deployed model but the split itself, so a version is asked by asking the endpoint until
that version answers; one without traffic cannot be asked. Whatever is made here goes by a name or an id that follows
from the release, so that a process that goes on after another was killed finds it, and nothing is made twice.
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lab_lens.config_deployment import Deployment
from lab_lens.endpoints.base import EndpointError, Release, Reply, SplitChangedError, require_split, serving
from lab_lens.endpoints.vertex_calls import VertexCalls
from lab_lens.endpoints.vertex_models import VertexModels
from lab_lens.endpoints.vertex_names import deployed_id, deployed_name, holds, parse_location, version_of
from lab_lens.endpoints.vertex_place import EndpointPlace
from lab_lens.endpoints.vertex_questions import Asked, Questions
from lab_lens.errors import LabLensError
from lab_lens.vertex_clients import VertexApi

if TYPE_CHECKING:
    from google.cloud import aiplatform_v1 as vertex

# Undeploying takes minutes, and so long at most is waited for what a failed deployment left at work.
_OPERATION_SECONDS = 900.0
_logger = logging.getLogger(__name__)


class VertexEndpoint:
    """Implements `endpoints.base.Endpoint` on an endpoint of Vertex AI, which is made when a version is first deployed.

    Args:
        location: `vertex://PROJECT/LOCATION/ENDPOINT_NAME`, where the name is the endpoint's id or its display name.
        limits: machines, image, bounds of time.
        poll_seconds: between two looks at an operation.
        young_seconds: uploaded models that are not deployed and younger than this are left alone.
        sleep: waits.

    Raises:
        InputError: the location is no such location.
    """

    reaches_idle = False

    def __init__(
        self,
        location: str,
        limits: Deployment,
        *,
        poll_seconds: float = 5.0,
        young_seconds: float = 600.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.location = location
        self._settings = limits.vertex
        self._young_seconds = young_seconds
        where = parse_location(location)
        api = VertexApi(where.project, where.region, self._settings.api_endpoint, self._settings.transport)
        self._calls = VertexCalls(api, poll_seconds, sleep)
        self._place = EndpointPlace(self._calls, where, self._settings.dedicated)
        self._questions = Questions(self._calls, limits.request_timeout_seconds)
        self._deploy_seconds = self._settings.deploy_timeout_minutes * 60

    def split(self) -> dict[str, int]:
        """The share of each deployed version in percent; what others deployed goes by `deployed-model-ID`."""
        endpoint = self._place.find()
        return {} if endpoint is None else _split_of(endpoint)

    def deploy(self, release: Release) -> None:
        """Bring a release up without traffic; see `endpoints.base.Endpoint.deploy`."""
        endpoint = self._place.find()
        if endpoint is None or not _is_up(endpoint, release):
            with self._undone_on_failure(release):
                self._place.make(release)
                doing = f"deploying {release.version}"
                self._calls.until(lambda: self._is_up(release), lambda: self._bring_up(release, doing), doing)
        self._place.keep()
        self._sweep()

    def shift(self, split: Mapping[str, int], *, expected: Mapping[str, int]) -> None:
        """Move traffic in one step, if the endpoint is still as it was read; see `endpoints.base.Endpoint.shift`."""
        wanted = serving(split)
        seen: list[vertex.Endpoint] = []

        def is_done() -> bool:
            present = self._place.present()
            found = serving(_split_of(present))
            if seen and found == wanted:
                return True
            if found != serving(expected):
                raise SplitChangedError(serving(expected), found)
            require_split(split, _split_of(present))
            seen.append(present)
            return False

        def act() -> None:
            self._calls.update(_with_split(seen[-1], wanted), ["traffic_split"])

        self._calls.until(is_done, act, "moving traffic")

    def undeploy(self, version: str) -> None:
        """Take a version down, with the model that was uploaded for it; see `endpoints.base.Endpoint.undeploy`."""
        if (endpoint := self._place.find()) is None:
            return
        doing = f"undeploying {version}"
        # It may be about to come up.
        self._settle(endpoint.name)
        self._calls.until(lambda: not self._may_go(version), lambda: self._take_down(version, doing), doing)
        self._models(endpoint).remove(version)

    def is_healthy(self, version: str) -> bool:
        """Whether a version is deployed, and Vertex AI does not say that none of its replicas is available.

        Vertex AI itself asks the containers' health route, and sends requests only to those that answer it.
        """
        endpoint = self._place.find()
        deployed = None if endpoint is None else _deployed(endpoint, version)
        if deployed is None:
            return False
        return not deployed.status.last_update_time or bool(deployed.status.available_replica_count)

    def model_hash(self, version: str) -> str:
        """Content hash of the model that a version serves, as its answer to a synthetic note says."""
        from lab_lens.notes.synthetic import synthetic_note

        served = self.predict(version, [synthetic_note()]).predictions[0].model_hash
        if not served:
            raise EndpointError(f"the answers of {version} do not say which model gave them; use a newer serving image")
        return served

    def predict(self, version: str, texts: Sequence[str]) -> Reply:
        """Ask until this version answers; see `endpoints.base.Endpoint.predict`."""
        return self._questions.predict(self._asked(version), texts)

    def predict_status(self, version: str, body: bytes) -> int:
        """The HTTP status that a predict request gets; of all that must be sent to reach the version, the worst."""
        return self._questions.status(self._asked(version), body)

    def _asked(self, version: str) -> Asked:
        endpoint = self._place.present()
        deployed = _deployed(endpoint, version)
        if deployed is None:
            raise EndpointError(f"{version} is not deployed to {self.location}")
        share = _split_of(endpoint)[version]
        if not share:
            raise EndpointError(f"{version} has no traffic, and Vertex AI passes questions on by the split only")
        return Asked(endpoint, deployed.id, version, share)

    def _models(self, endpoint: "vertex.Endpoint") -> VertexModels:
        return VertexModels(self._calls, self._settings, endpoint.name.rsplit("/", 1)[1])

    def _is_up(self, release: Release) -> bool:
        """Whether a release is deployed, after what is at work on the endpoint, such as an earlier try, has ended."""
        self._calls.settle(self._place.present().name, timeout_seconds=self._deploy_seconds)
        return _is_up(self._place.present(), release)

    def _bring_up(self, release: Release, doing: str) -> None:
        endpoint = self._place.present()
        model = self._models(endpoint).resource_of(release)
        operation = self._calls.deploy(endpoint.name, self._deployed_model(model, release), doing)
        self._calls.wait(operation, timeout_seconds=self._deploy_seconds, doing=doing)

    def _deployed_model(self, model: str, release: Release) -> Mapping[str, Any]:
        settings = self._settings
        machine: dict[str, Any] = {"machine_type": settings.machine_type}
        if settings.accelerator_type:
            machine["accelerator_type"] = settings.accelerator_type
            machine["accelerator_count"] = settings.accelerator_count
        return {
            "id": deployed_id(release),
            "display_name": deployed_name(release),
            "model": model,
            "service_account": settings.service_account,
            "dedicated_resources": {
                "machine_spec": machine,
                "min_replica_count": settings.min_replicas,
                "max_replica_count": settings.max_replicas,
                "spot": settings.spot,
            },
        }

    @contextmanager
    def _undone_on_failure(self, release: Release) -> Iterator[None]:
        """When the block fails, remove by its id all that was made for this deployment; what remains is told."""
        try:
            yield
        except BaseException as error:
            try:
                self._undo(release)
            except EndpointError as remains:
                if not isinstance(error, LabLensError):
                    raise error from remains
                raise EndpointError(f"{error}; what was made for it may remain: {remains}") from error
            raise

    def _undo(self, release: Release) -> None:
        if (endpoint := self._place.find()) is None:
            return
        # A cancelled deployment may have come up all the same.
        self._settle(endpoint.name)
        deployed = _deployed(self._place.present(), release.version)
        if deployed is None or holds(deployed, release):
            self.undeploy(release.version)
        self._place.remove_if_new()

    def _settle(self, endpoint_name: str) -> None:
        self._calls.settle(endpoint_name, timeout_seconds=min(self._deploy_seconds, _OPERATION_SECONDS))

    def _may_go(self, version: str) -> bool:
        """Whether a version is deployed, without traffic.

        Raises:
            EndpointError: it has traffic.
        """
        endpoint = self._place.find()
        if endpoint is None or _deployed(endpoint, version) is None:
            return False
        if share := _split_of(endpoint)[version]:
            raise EndpointError(f"{version} has {share} % of the traffic; move it away before undeploying")
        return True

    def _sweep(self) -> None:
        endpoint = self._place.present()
        used = [deployed.model for deployed in endpoint.deployed_models]
        try:
            self._models(endpoint).sweep(used, older_than_seconds=self._young_seconds)
        except EndpointError as error:
            # Models that nobody runs cost nothing, and the next deployment tries again.
            _logger.warning("models that are not used any more could not be deleted: %s", error)

    def _take_down(self, version: str, doing: str) -> None:
        name = self._place.present().name
        self._settle(name)
        # What was at work may have been just this.
        if (deployed := _deployed(self._place.present(), version)) is not None:
            operation = self._calls.undeploy(name, deployed.id, doing)
            self._calls.wait(operation, timeout_seconds=_OPERATION_SECONDS, doing=doing)


def _split_of(endpoint: "vertex.Endpoint") -> dict[str, int]:
    return {version_of(deployed): endpoint.traffic_split.get(deployed.id, 0) for deployed in endpoint.deployed_models}


def _deployed(endpoint: "vertex.Endpoint", version: str) -> "vertex.DeployedModel | None":
    return next((deployed for deployed in endpoint.deployed_models if version_of(deployed) == version), None)


def _is_up(endpoint: "vertex.Endpoint", release: Release) -> bool:
    """Whether a release is deployed.

    Raises:
        EndpointError: another model is deployed under its name.
    """
    deployed = _deployed(endpoint, release.version)
    if deployed is not None and not holds(deployed, release):
        raise EndpointError(
            f"{release.version} is deployed with other model files ({deployed.display_name}); undeploy it first"
        )
    return deployed is not None


def _with_split(endpoint: "vertex.Endpoint", wanted: Mapping[str, int]) -> "vertex.Endpoint":
    """The endpoint as an update names it: with its etag, so that one that was changed since it was read is refused."""
    from google.cloud import aiplatform_v1 as vertex

    ids = {version_of(deployed): deployed.id for deployed in endpoint.deployed_models}
    split = {ids[version]: share for version, share in wanted.items()}
    return vertex.Endpoint(name=endpoint.name, etag=endpoint.etag, traffic_split=split)
