"""A project of Vertex AI on loopback whose model shows a registry, and papers that it can show."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from cloud_registry_site import LOCATION
from loopback.cutting_vertex import CuttingVertex
from loopback.vertex_models import Models
from loopback.vertex_operations import Operations
from registry_place import Maker

from lab_lens import artifacts
from lab_lens.registry.base import Evidence
from lab_lens.registry.vertex import VertexRegistry
from lab_lens.vertex_clients import VertexApi


@dataclass
class VertexSite:
    """A project of Vertex AI with one model, which shows the registry."""

    server: CuttingVertex
    operations: Operations
    models: Models
    deployed: set[str]

    project = "hospital-ml"
    region = "europe-west4"
    image = "europe-west4-docker.pkg.dev/hospital-ml/lab-lens/serving:v1"

    @classmethod
    @contextmanager
    def serving(cls) -> Iterator["VertexSite"]:
        """The project, while the context lasts."""
        with CuttingVertex(["model_service"]) as server:
            operations, deployed = Operations(server), set[str]()
            yield cls(server, operations, Models(server, operations, lambda: deployed), deployed)

    @property
    def location(self) -> str:
        """As `open_registry` takes it."""
        place = f"vertex://{self.project}/{self.region}/discharge-notes?store={LOCATION}"
        return f"{place}&image={self.image}&api_endpoint={self.server.url}"

    @property
    def model(self) -> str:
        """Full name of the model."""
        return f"projects/{self.project}/locations/{self.region}/models/discharge-notes"

    def open(self) -> VertexRegistry:
        """The registry, impatient."""
        return VertexRegistry(self.location, retry_seconds=0.2, poll_seconds=0.001)

    @property
    def console(self) -> Any:
        """The way for somebody else to change the model."""
        return VertexApi(self.project, self.region, self.server.url).client("Model")

    def aliases(self) -> dict[str, set[str]]:
        """Aliases of each version, by its id."""
        return {item.version_id: set(item.version_aliases) for item in self.models.versions(self.model)}


def judged(make: Maker, weights: str, **changes: Any) -> Evidence:
    """Papers with a figure that Vertex AI's schema holds, for the model and for its slices."""
    evidence = make.evidence(weights)
    report = json.loads(evidence.documents["validation_report.json"].read_text())
    report["metrics"] = {"rougeLsum": {"estimate": 0.42, "low": 0.4, "high": 0.44}} | report["metrics"]
    slices = [
        {"slice": "18-39", "recorded": True, "metrics": {"rougeLsum": {"estimate": 0.41}}},
        {"slice": "65+", "recorded": True, "metrics": {"rougeLsum": {"estimate": None}}},
        {"slice": "(not recorded)", "recorded": False, "metrics": {"rougeLsum": {"estimate": 0.5}}},
    ]
    bias = {"attributes": {"age_group": {"slices": slices}, "gender": {"slices": [{**slices[0], "slice": "F"}]}}}
    folder = evidence.documents["golden.json"].parent
    documents = {
        **evidence.documents,
        "validation_report.json": artifacts.write_json(folder / "validation_report.json", report),
        "bias_report.json": artifacts.write_json(folder / "bias_report.json", bias),
    }
    figures = {"rougeLsum": 0.42, "rougeLsum_low": 0.4, "rougeLsum_high": 0.44, "bleu": None}
    return replace(evidence, documents=documents, metrics=figures, **changes)
