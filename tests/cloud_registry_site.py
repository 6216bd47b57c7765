"""A registry in the loopback Cloud Storage, and the way to its objects behind its back."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from loopback.cutting import CuttingCloudStorage
from loopback.gcs import CloudStorageServer
from loopback.gcs_store import Preconditions
from registry_place import Maker

from lab_lens.registry.base import Pointers, Registry, pointers_after
from lab_lens.registry.gcs import CloudStorageRegistry
from lab_lens.registry.index import INDEX_JSON

BUCKET = "hospital-models"
LOCATION = f"gs://{BUCKET}/team/registry"
PREFIX = "team/registry/"


def open_quickly(location: str = LOCATION) -> CloudStorageRegistry:
    """A registry that does not wait long for a service that is away."""
    return CloudStorageRegistry(location, retry_seconds=0.2)


@dataclass
class CloudPlace:
    """The objects of one registry."""

    cloud: CloudStorageServer
    opened: Callable[[], Registry] = field(default=lambda: CloudStorageRegistry(LOCATION))
    prefix: str = PREFIX

    def open(self) -> Registry:
        return self.opened()

    def snapshot(self) -> dict[str, bytes]:
        stored = self.cloud.content(BUCKET).items()
        return {name.removeprefix(self.prefix): data for name, data in stored if name.startswith(self.prefix)}

    def write(self, version: str, name: str, content: bytes) -> None:
        self._put(self._object(version, name), content)

    def delete(self, version: str, name: str) -> None:
        with self.cloud.lock:
            self.cloud.store.delete(BUCKET, self._object(version, name), None, Preconditions())

    def read_index(self) -> bytes:
        return self.cloud.content(BUCKET)[f"{self.prefix}{INDEX_JSON}"]

    def write_index(self, content: bytes) -> None:
        self._put(f"{self.prefix}{INDEX_JSON}", content)

    def index(self) -> dict[str, Any]:
        """The index, parsed."""
        return dict(json.loads(self.read_index()))

    def folder(self, version: str) -> str:
        """The folder of a version, below the registry."""
        return str(self.index()["cloud"]["folders"][version]["name"])

    def _object(self, version: str, name: str) -> str:
        return f"{self.prefix}{self.folder(version)}/{name}"

    def _put(self, name: str, content: bytes) -> None:
        with self.cloud.lock:
            self.cloud.store.put(BUCKET, name, content, {}, Preconditions())


Operation = Callable[[Registry, Maker], object]

OPERATIONS: dict[str, Operation] = {
    "register": lambda registry, make: registry.register(make.model("d"), make.evidence("d"), actor="ana"),
    "promote": lambda registry, _: registry.promote("v1", actor="ana", reason="r", decision_hash="h"),
    "rollback": lambda registry, _: registry.rollback(actor="ana", reason="r", to="v1"),
    "record": lambda registry, _: registry.record("held", actor="ana", reason="r"),
    "prune": lambda registry, _: registry.prune(0, actor="ana", reason="r"),
}
DONE = {
    "register": ("registered", Pointers("v3", "v2", "v4")),
    "promote": ("promoted", Pointers("v1", "v3", None)),
    "rollback": ("rolled_back", Pointers("v1", None, None)),
    "record": ("held", Pointers("v3", "v2", None)),
    "prune": ("pruned", Pointers("v3", "v2", None)),
}


def requests_of(cloud: CuttingCloudStorage, work: Callable[[], object]) -> int:
    """How many requests something takes."""
    cloud.cut(0, performed=False, lasting=False)
    work()
    return cloud.mend()


def require_whole(registry: Registry) -> None:
    """The registry opens, its pointers follow from its history, and every version is intact."""
    assert registry.pointers() == pointers_after(registry.history())
    for version in registry.list_versions():
        assert registry.verify(version.version) == []


def require_nothing_superfluous(place: CloudPlace) -> None:
    """Every object below the registry is the index, or a file that the index names."""
    index = place.index()
    named = {f"{folder['name']}/{path}" for folder in index["cloud"]["folders"].values() for path in folder["files"]}
    assert set(place.snapshot()) == named | {"registry_index.json"}
    assert index["cloud"]["uploads"] == []
