"""An endpoint in the loopback Vertex AI, and the releases that tests deploy to it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loopback.vertex_containers import AppContainer, Summaries, content_hash
from loopback.vertex_release import VertexReleaseServer
from vertex_release_child import LOCATION, POLL_SECONDS

from lab_lens.config_deployment import Deployment
from lab_lens.endpoints.base import Release
from lab_lens.endpoints.vertex import VertexEndpoint

PARENT = "projects/clinic/locations/europe-west4"
FULL_NAME = f"{PARENT}/endpoints/discharge-notes"
_HASH = re.compile(r"sha256 ([0-9a-f]{64})")
IMAGE = "europe-west4-docker.pkg.dev/clinic/lab-lens/serving:v1"


def release(version: str, seed: str = "", uri: str = "") -> Release:
    """A release whose files lie in a bucket."""

    def directory() -> Path:
        raise AssertionError("Vertex AI fetches the files itself")

    return Release(version, content_hash(seed or version), uri or f"gs://models/registry/{version}/model", directory)


@dataclass
class Site:
    """The server, and an endpoint of it as often as wanted.

    Attributes:
        containers: those that were started, by the content hash of their model.
        changes: of the settings of all endpoints.
    """

    server: VertexReleaseServer
    containers: dict[str, AppContainer] = field(default_factory=dict)
    changes: dict[str, Any] = field(default_factory=dict)

    def settings(self, **changes: Any) -> Deployment:
        """Settings that lead to the server."""
        vertex = {"api_endpoint": self.server.url, "serving_image": IMAGE, "deploy_timeout_minutes": 0.01}
        return Deployment.model_validate({"vertex": vertex | self.changes | changes, "latency_requests": 2})

    def endpoint(self, location: str = LOCATION, **changes: Any) -> VertexEndpoint:
        """The endpoint, as another process would open it."""
        return VertexEndpoint(location, self.settings(**changes), poll_seconds=POLL_SECONDS, young_seconds=0.0)

    def split(self, name: str = FULL_NAME) -> dict[str, int]:
        """Whom traffic points to, by display name, as the server has it."""
        endpoint = self.server.resources.get(name)
        if endpoint is None:
            return {}
        names = {item.id: item.display_name.split()[1] for item in endpoint.deployed_models}
        return {names[item]: share for item, share in endpoint.traffic_split.items() if share}

    def remains(self) -> list[str]:
        """Full names of all endpoints, deployed models and models that there are."""
        found = [str(name) for name in self.server.resources]
        for endpoint in self.server.resources.values():
            found += [f"deployed {item.display_name.split()[1]}" for item in endpoint.deployed_models]
        return sorted(found + self.server.models.names())


@contextmanager
def vertex_site() -> Iterator[Site]:
    """A site whose containers serve the model whose hash the description of the model, or of its version, says."""
    containers: dict[str, AppContainer] = {}

    def run(model: Any) -> AppContainer:
        (served,) = _HASH.findall(f"{model.description} {model.version_description}")
        return containers.setdefault(served, AppContainer(Summaries(served)))

    with VertexReleaseServer(run) as server:
        yield Site(server, containers)
    assert server.defects == []
