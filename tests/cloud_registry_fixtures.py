"""Fixtures of registries in the loopback clouds, which the conftest files of their tests take over."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cloud_registry_site import BUCKET
from loopback.cutting import CuttingCloudStorage
from registry_place import Maker
from vertex_registry_site import VertexSite

from lab_lens.registry.base import Registry


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[CuttingCloudStorage]:
    """A Cloud Storage with one bucket, which the real client is sent to; listings come two objects a page."""
    with CuttingCloudStorage(BUCKET, page_size=2) as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
        # Copies of models stay away from this user's own.
        monkeypatch.setenv("HOME", str(tmp_path))
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.delenv(name, raising=False)
            monkeypatch.delenv(name.upper(), raising=False)
        yield server
    assert server.defects == []


@pytest.fixture
def site(cloud: CuttingCloudStorage) -> Iterator[VertexSite]:
    """A project of Vertex AI whose model shows the registry of `cloud`."""
    with VertexSite.serving() as site:
        yield site
    assert site.server.defects == []


@pytest.fixture
def making(tmp_path: Path) -> Callable[[Registry], Maker]:
    """Makes models for a registry; equal weights are equal models, whatever the registry."""
    (tmp_path / "made").mkdir()
    made: dict[str, Path] = {}
    return lambda registry: Maker(tmp_path / "made", registry, _made=made)
