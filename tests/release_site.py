"""A registry of small versions and an endpoint in this process, for tests of releases."""

import json
from pathlib import Path

from memory_endpoint import MemoryEndpoint

from lab_lens.config_deployment import Deployment
from lab_lens.registry.base import Evidence
from lab_lens.registry.local import LocalRegistry

SETTINGS = Deployment(latency_requests=1)


def make_registry(path: Path, versions: int = 3) -> LocalRegistry:
    """Versions v1, v2, ... with a golden note each, none in production."""
    registry = LocalRegistry(path / "registry")
    for number in range(1, versions + 1):
        model = path / f"model-{number}"
        model.mkdir(parents=True)
        (model / "model.safetensors").write_text(f"weights {number}")
        registry.register(model, Evidence({}, {}), actor="ana")
    return registry


def with_golden(path: Path, registry: LocalRegistry, summary: str) -> str:
    """One more version, whose golden note wants a summary."""
    model = path / f"golden-{len(registry.list_versions())}"
    model.mkdir()
    (model / "model.safetensors").write_text(str(model))
    golden = path / "golden.json"
    golden.write_text(json.dumps({"schema_version": 1, "text": "a note", "summary": summary}))
    return registry.register(model, Evidence({"golden.json": golden}, {}), actor="ana").version


def content(registry: LocalRegistry, version: str) -> str:
    """The content hash of a version."""
    return registry.show(version).content_hash


def memory_endpoint(registry: LocalRegistry, *broken: str, reaches_idle: bool = True) -> MemoryEndpoint:
    """An empty endpoint, and which versions would answer wrongly there."""
    endpoint = MemoryEndpoint(reaches_idle=reaches_idle)
    endpoint.broken |= {content(registry, version) for version in broken}
    return endpoint
