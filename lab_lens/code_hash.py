"""Which code did something: a hash of the library as it is installed here."""

import functools
import json
from pathlib import Path

from lab_lens import artifacts


@functools.cache
def code_hash() -> str:
    """sha256 over path and content of each Python file of the library."""
    root = Path(__file__).parent
    sources = {path.relative_to(root).as_posix(): artifacts.sha256_file(path) for path in sorted(root.rglob("*.py"))}
    return artifacts.sha256_text(json.dumps(sources))
