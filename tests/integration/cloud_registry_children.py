"""Changes a registry in children that somebody kills; a program of its own, which imports the clients once.

For each request on its input (`{"operation", "url", "models"}`, a line of JSON) it forks a child, which prints its
process id, waits for a line, and does it. When the child has ended, whatever the reason, the parent prints its status.
"""

import json
import os
from pathlib import Path

from cloud_registry_site import LOCATION, OPERATIONS
from registry_place import Maker

from lab_lens.registry.gcs import CloudStorageRegistry


def main() -> None:
    """Work until the input ends."""
    while line := _line():
        child = os.fork()
        if child == 0:
            _say(os.getpid())
            _line()
            _work(**json.loads(line))
            os._exit(0)
        _say(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def _work(operation: str, url: str, models: str) -> None:
    os.environ["STORAGE_EMULATOR_HOST"] = url
    registry, root = CloudStorageRegistry(LOCATION), Path(models)
    OPERATIONS[operation](registry, Maker(root, registry, _made={"d": root / "trained-d"}))


def _line() -> str:
    # Unbuffered: parent and child read the same input in turn.
    read = b""
    while not read.endswith(b"\n"):
        one = os.read(0, 1)
        if not one:
            break
        read += one
    return read.decode()


def _say(number: int) -> None:
    os.write(1, f"{number}\n".encode())


if __name__ == "__main__":
    main()
