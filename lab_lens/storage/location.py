"""Places in Cloud Storage, as people write them."""

import re
from dataclasses import dataclass

from lab_lens.errors import InputError

SCHEME = "gs://"
_BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")


@dataclass(frozen=True)
class Location:
    """A place in Cloud Storage; `prefix` has no slash at either end and may be empty."""

    bucket: str
    prefix: str

    @property
    def uri(self) -> str:
        """As people write it."""
        return f"{SCHEME}{self.bucket}/{self.prefix}".rstrip("/")

    def object_name(self, path: str) -> str:
        """Name of the object that holds a file of the directory."""
        return f"{self.prefix}/{path}" if self.prefix else path


def parse_uri(uri: str) -> Location:
    """Read `gs://bucket/prefix`.

    Raises:
        InputError: it is not such an address.
    """
    bucket, _, prefix = uri.removeprefix(SCHEME).partition("/")
    parts = prefix.strip("/").split("/") if prefix.strip("/") else []
    wrong = not uri.startswith(SCHEME) or not _BUCKET_NAME.fullmatch(bucket) or {"", ".", ".."} & set(parts)
    if wrong or not prefix.isprintable() or set("#?*[]") & set(prefix):
        raise InputError(
            f"{uri!r} is no place in Cloud Storage; give gs://BUCKET/PREFIX, such as gs://my-models/biobart"
        )
    return Location(bucket, "/".join(parts))
