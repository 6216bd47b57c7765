"""What says that a directory in object storage is whole: a manifest, written first as a claim and last as a word."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from lab_lens import artifacts
from lab_lens.errors import InputError

MANIFEST_NAME = "transfer_manifest.json"


@dataclass(frozen=True)
class StoredFile:
    """A file of the directory: size, CRC32C in base64, and the generation of its object (0: not written yet)."""

    size_bytes: int
    crc32c: str
    generation: int = 0


@dataclass(frozen=True)
class Manifest:
    """The files of a directory by POSIX path.

    Attributes:
        state: `writing` is a claim: the directory must not be read; `complete`: exactly these objects belong to it.
        writer: the transfer that wrote it.
    """

    state: Literal["writing", "complete"]
    writer: str
    files: Mapping[str, StoredFile] = field(default_factory=dict)
    schema_version: int = artifacts.SCHEMA_VERSION

    def to_bytes(self) -> bytes:
        """As it is stored."""
        return (json.dumps(asdict(self), indent=2) + "\n").encode()

    def holds(self, files: Mapping[str, StoredFile]) -> bool:
        """Whether it is complete and describes exactly these contents."""
        own = {name: (file.size_bytes, file.crc32c) for name, file in self.files.items()}
        return self.state == "complete" and own == {
            name: (file.size_bytes, file.crc32c) for name, file in files.items()
        }


_MANIFEST = TypeAdapter(Manifest)


def parse_manifest(content: bytes, where: str) -> Manifest:
    """Read a stored manifest.

    Raises:
        InputError: it is damaged.
    """
    try:
        return _MANIFEST.validate_json(content)
    except ValidationError as error:
        raise InputError(f"{where} is damaged; remove it and repeat the transfer") from error
