"""Many processes that write to one registry at the same moment: `registry_crowd.py WRITERS WORK`."""

import os
import sys
from pathlib import Path

from registry_killer import make_model

from lab_lens.registry.base import Evidence
from lab_lens.registry.local import LocalRegistry


def write(registry: LocalRegistry, root: Path, me: str) -> None:
    """Register and promote a model that everybody has, and two that nobody else has."""
    for weights in ("everybody's", f"{me} first", f"{me} second"):
        version = registry.register(make_model(root / me, weights), Evidence({}, {}), actor=me).version
        registry.promote(version, actor=me, reason=weights, decision_hash="")


def main() -> None:
    """Fork the writers, let them go at once, and fail unless each ends well."""
    writers, work = int(sys.argv[1]), Path(sys.argv[2])
    waiting, start = os.pipe()
    children = []
    for number in range(writers):
        child = os.fork()
        if child == 0:
            os.close(start)
            os.read(waiting, 1)
            write(LocalRegistry(work / "registry"), work / "models", f"writer{number}")
            os._exit(0)
        children.append(child)
    os.close(start)
    ended = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    sys.exit(f"writers ended with {ended}" if any(ended) else 0)


if __name__ == "__main__":
    main()
