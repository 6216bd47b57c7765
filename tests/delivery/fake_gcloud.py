"""`gcloud`, as far as scripts of this repository use it: scans of images.

Put into PATH as a program of its own; `FAKE_BUCKET` is a directory with `scans.json`, `FAKE_DENY` answers everything
with 403.
"""

import json
import os
import sys
from pathlib import Path

BUCKET = Path(os.environ["FAKE_BUCKET"])


def scan(words: list[str], options: dict[str, str]) -> int:
    (image,) = words
    print(f"projects/p/locations/{options['location']}/scans/{image.rsplit('/', 1)[-1].split('@')[0]}")
    return 0


def vulnerabilities(words: list[str], options: dict[str, str]) -> int:
    found = json.loads((BUCKET / "scans.json").read_text())
    print(json.dumps(found.get(words[0].rsplit("/", 1)[-1], [])))
    return 0


COMMANDS = {
    ("artifacts", "docker", "images", "scan"): scan,
    ("artifacts", "docker", "images", "list-vulnerabilities"): vulnerabilities,
}


def main(argv: list[str]) -> int:
    if "FAKE_DENY" in os.environ:
        sys.stderr.write("ERROR: HTTPError 403: the caller does not have permission.\n")
        return 1
    words = [word for word in argv if not word.startswith("-")]
    options = dict((word[2:] + "=").split("=", 1) for word in argv if word.startswith("--"))
    for length in (2, 3, 4):
        command = COMMANDS.get(tuple(words[:length]))
        if command is not None:
            return command(words[length:], {name: value.removesuffix("=") for name, value in options.items()})
    sys.stderr.write(f"no such command: {argv}\n")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
