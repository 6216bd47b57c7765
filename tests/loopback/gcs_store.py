"""Buckets and objects of the loopback Cloud Storage: generations, preconditions, checksums; no HTTP."""

import base64
import hashlib
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import google_crc32c

_MILLION = 1_000_000


class RefusedError(Exception):
    """What Cloud Storage answers instead of doing it: an HTTP status and a message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class StoredObject:
    """One generation of an object."""

    bucket: str
    name: str
    data: bytes
    generation: int
    metageneration: int = 1
    settings: Mapping[str, Any] = field(default_factory=dict)
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat().replace("+00:00", "Z"))

    @property
    def crc32c(self) -> str:
        """As the service writes it."""
        return crc32c_of(self.data)

    @property
    def md5(self) -> str:
        """As the service writes it."""
        return base64.b64encode(hashlib.md5(self.data).digest()).decode()

    def resource(self) -> dict[str, Any]:
        """The object as the JSON API tells it; numbers of 64 bits are strings there."""
        return {
            "contentType": "application/octet-stream",
            **self.settings,
            "kind": "storage#object",
            "id": f"{self.bucket}/{self.name}/{self.generation}",
            "bucket": self.bucket,
            "name": self.name,
            "generation": str(self.generation),
            "metageneration": str(self.metageneration),
            "size": str(len(self.data)),
            "crc32c": self.crc32c,
            "md5Hash": self.md5,
            "etag": f"etag-{self.generation}-{self.metageneration}",
            "timeCreated": self.created,
            "updated": self.created,
        }


def crc32c_of(data: bytes) -> str:
    """CRC32C in base64, big-endian."""
    return base64.b64encode(google_crc32c.value(data).to_bytes(4, "big")).decode()


@dataclass(frozen=True)
class Preconditions:
    """The four preconditions of one request; None where one is not asked for."""

    generation: int | None = None
    not_generation: int | None = None
    metageneration: int | None = None
    not_metageneration: int | None = None

    @classmethod
    def of(cls, query: Mapping[str, list[str]], prefix: str = "if") -> "Preconditions":
        """Read them from a query; those of a copy's source begin with `ifSource`."""
        names = ("GenerationMatch", "GenerationNotMatch", "MetagenerationMatch", "MetagenerationNotMatch")
        return cls(*(int(query[f"{prefix}{name}"][0]) if f"{prefix}{name}" in query else None for name in names))

    def check(self, found: StoredObject | None, *, reading: bool = False) -> None:
        """Refuse with 412 (or 304, when a reader has it already) what the preconditions forbid."""
        generation, metageneration = (found.generation, found.metageneration) if found else (0, 0)
        if self.generation not in (None, generation) or self.metageneration not in (None, metageneration):
            raise RefusedError(412, "At least one of the pre-conditions you specified did not hold.")
        if self.not_generation == generation or self.not_metageneration == metageneration:
            raise RefusedError(304 if reading else 412, "At least one of the pre-conditions did not hold.")


class Store:
    """Buckets by name; whoever calls holds a lock."""

    def __init__(self) -> None:
        self.buckets: dict[str, dict[str, StoredObject]] = {}
        self._generations = itertools.count(int(datetime.now(UTC).timestamp() * _MILLION))

    def bucket(self, name: str) -> dict[str, StoredObject]:
        """The objects of a bucket."""
        if name not in self.buckets:
            raise RefusedError(404, "The specified bucket does not exist.")
        return self.buckets[name]

    def get(self, bucket: str, name: str, generation: int | None = None) -> StoredObject:
        """The live object; without versioning, other generations are gone."""
        found = self.bucket(bucket).get(name)
        if found is None or generation not in (None, found.generation):
            raise RefusedError(404, f"No such object: {bucket}/{name}")
        return found

    def put(
        self, bucket: str, name: str, data: bytes, settings: Mapping[str, Any], conditions: Preconditions
    ) -> StoredObject:
        """Write a new generation, if the preconditions hold and the checksum that came along is right."""
        objects = self.bucket(bucket)
        conditions.check(objects.get(name))
        if settings.get("crc32c", crc32c_of(data)) != crc32c_of(data):
            raise RefusedError(400, "Provided CRC32C does not match the data.")
        kept = {key: value for key, value in settings.items() if key not in {"name", "bucket", "crc32c", "md5Hash"}}
        objects[name] = StoredObject(bucket, name, data, next(self._generations), settings=kept)
        return objects[name]

    def patch(self, found: StoredObject, settings: Mapping[str, Any], *, whole: bool) -> StoredObject:
        """Change metadata: the metageneration grows, the generation stays."""
        merged = {**({} if whole else found.settings), **settings}
        changed = replace(found, settings=merged, metageneration=found.metageneration + 1)
        self.buckets[found.bucket][found.name] = changed
        return changed

    def delete(self, bucket: str, name: str, generation: int | None, conditions: Preconditions) -> None:
        """Remove an object."""
        found = self.get(bucket, name, generation)
        conditions.check(found)
        del self.buckets[bucket][name]
