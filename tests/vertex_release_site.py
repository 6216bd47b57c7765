"""A registry in a bucket and an endpoint of Vertex AI, both on loopback, and releases between them."""

import multiprocessing
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path

from loopback.gcs import CloudStorageServer
from loopback.server import HttpRequest, HttpResponse
from vertex_endpoint_site import FULL_NAME, Site, vertex_site
from vertex_release_child import CLIENTS, release_here

from lab_lens import artifacts
from lab_lens.config_deployment import Deployment
from lab_lens.endpoints.result import RolloutResult
from lab_lens.endpoints.rollout import roll_out
from lab_lens.registry.base import Evidence, Registry
from lab_lens.registry.open import open_registry

BUCKET = "hospital-models"
STORE = f"gs://{BUCKET}/registry"
# Forked from a process that has loaded what they need, but has no threads and no connections.
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["lab_lens.endpoints.vertex", "lab_lens.registry.gcs", *CLIENTS])
VERSIONS = ("v1", "v2")


class InterruptedCloud(CloudStorageServer):
    """A Cloud Storage that calls `interrupt` when a request comes that writes; its argument performs the request."""

    def __init__(self, *buckets: str) -> None:
        super().__init__(*buckets)
        self.interrupt: Callable[[Callable[[], HttpResponse]], HttpResponse] | None = None

    def answer(self, request: HttpRequest) -> HttpResponse:
        """Perform it, or let `interrupt` decide."""
        if self.interrupt is None or request.method == "GET":
            return super().answer(request)
        return self.interrupt(lambda: CloudStorageServer.answer(self, request))


@dataclass
class Hospital:
    """A registry and an endpoint.

    Attributes:
        cloud: where the registry lies.
        site: where the endpoint lies.
        location: of the registry.
        broken_rules: how traffic pointed to nothing, if it did.
    """

    cloud: InterruptedCloud
    site: Site
    location: str = STORE
    broken_rules: list[str] = field(default_factory=list)

    @property
    def settings(self) -> Deployment:
        """Half of the traffic at once, since each smaller share costs more questions."""
        return self.site.settings().model_copy(
            update={"canary_percent": 50, "step_percents": (100,), "latency_requests": 1}
        )

    @property
    def registry(self) -> Registry:
        """The registry, as another process would open it."""
        return open_registry(self.location)

    def release(self, version: str) -> RolloutResult:
        """Release a version."""
        return roll_out(self.site.endpoint(), self.registry, version, self.settings, actor="ana", run_id="run-1")

    def child(self, version: str) -> BaseProcess:
        """A process that releases a version; it has not begun."""
        given = (self.cloud.url, self.settings.model_dump_json(), self.location, version)
        return _PROCESSES.Process(target=release_here, args=given)

    def content_hash(self, version: str) -> str:
        """Of a version's model files."""
        return self.registry.show(version).content_hash

    def break_model(self, version: str, *, broken: bool = True) -> None:
        """From now on a version's containers answer with an error."""
        self.site.containers[self.content_hash(version)].model.broken = broken

    def outcomes(self) -> list[str]:
        """What became of each release and return, by the history: actions and versions, without the shifts."""
        told = [entry for entry in self.registry.history() if entry.action not in ("registered", "shifting")]
        return [f"{entry.action} {entry.to_version}" for entry in told]

    def watch(self) -> None:
        """From now on note when traffic points to nothing after it had pointed to something."""
        had_traffic: list[bool] = []

        def look() -> None:
            with self.site.server.lock:
                endpoint = self.site.server.resources.get(FULL_NAME)
                split = dict(endpoint.traffic_split) if endpoint is not None else {}
                deployed = {item.id for item in endpoint.deployed_models} if endpoint is not None else set()
            if split:
                had_traffic.append(True)
            if had_traffic and (sum(split.values()) != 100 or not split.keys() <= deployed):
                self.broken_rules.append(f"{split} of {deployed}")

        self.site.server.seen = look

    def require_only(self, version: str) -> None:
        """Production, traffic, the endpoint and the models: all of one version, and nothing besides."""
        assert self.registry.production() == version
        assert self.site.split() == {version: 100}
        models = [name for name in self.site.remains() if "/models/" in name]
        assert [name for name in self.site.remains() if "/models/" not in name] == [f"deployed {version}", FULL_NAME]
        assert [self.content_hash(version)[:12] in name for name in models] == [True]


@contextmanager
def hospital(root: Path, location: str = STORE, released: str = "") -> Iterator[Hospital]:
    """A hospital with two registered versions, one of them in production if named."""
    with InterruptedCloud(BUCKET) as cloud, vertex_site() as site, _environment(cloud):
        found = Hospital(cloud, site, location.replace("ADDRESS", site.server.url))
        for version in VERSIONS:
            register(found.registry, root, version)
        if released:
            assert found.release(released).healthy
        found.watch()
        yield found
        assert found.broken_rules == []


def register(registry: Registry, root: Path, version: str) -> None:
    """Register a model that summarizes by its own hash, with the golden note that says so."""
    model = root / f"model-{version}"
    model.mkdir(parents=True)
    (model / "model.safetensors").write_text(f"weights of {version}")
    served = artifacts.content_hash(artifacts.sha256_files(model))
    papers = {
        artifacts.GOLDEN_JSON: {"schema_version": 1, "text": "a note", "summary": f"summary by {served[:8]}"},
        artifacts.DECISION_JSON: {"verdict": "promote", "model_hash": served},
    }
    documents = {name: artifacts.write_json(root / version / name, paper) for name, paper in papers.items()}
    evidence = Evidence(documents, {}, verdict="promote")
    registry.register(model, evidence, actor="ana", version=version)


@contextmanager
def _environment(cloud: CloudStorageServer) -> Iterator[None]:
    former = dict(os.environ)
    os.environ |= {"STORAGE_EMULATOR_HOST": cloud.url, "GOOGLE_CLOUD_PROJECT": "clinic"}
    try:
        yield
    finally:
        os.environ.clear()
        os.environ |= former
