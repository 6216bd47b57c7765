"""`gcloud`, as far as scripts of this repository use it: a bucket in a directory, generations included, and scans.

Put into PATH as a program of its own; `FAKE_BUCKET` is the bucket's directory, `FAKE_DENY` answers everything with 403.
"""

import json
import os
import re
import shutil
import sys
from pathlib import Path

BUCKET = Path(os.environ["FAKE_BUCKET"])


def place(text: str) -> Path:
    return BUCKET / text.removeprefix("gs://") if text.startswith("gs://") else Path(text)


def generation_file(path: Path) -> Path:
    return path.with_name(f".{path.name}.generation")


def generation(path: Path) -> int:
    return int(generation_file(path).read_text()) if path.is_file() else 0


def describe(words: list[str], options: dict[str, str]) -> int:
    (uri,) = words
    if not place(uri).is_file():
        sys.stderr.write(f"ERROR: (gcloud.storage.objects.describe) {uri} not found: 404.\n")
        return 1
    print(generation(place(uri)))
    return 0


def rsync(words: list[str], options: dict[str, str]) -> int:
    source, target = (place(word) for word in words)
    for path in sorted(item for item in source.rglob("*") if item.is_file()):
        relative = path.relative_to(source).as_posix()
        if relative.endswith(".generation") or re.match(options["exclude"], relative):
            continue
        (target / relative).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target / relative)
    return 0


def copy(words: list[str], options: dict[str, str]) -> int:
    source, target = (place(word) for word in words)
    if int(options["if-generation-match"]) != generation(target):
        sys.stderr.write("ERROR: HTTPError 412: At least one of the pre-conditions you specified did not hold.\n")
        return 1
    now = generation(target) + 1
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    generation_file(target).write_text(str(now))
    return 0


def scan(words: list[str], options: dict[str, str]) -> int:
    (image,) = words
    print(f"projects/p/locations/{options['location']}/scans/{image.rsplit('/', 1)[-1].split('@')[0]}")
    return 0


def vulnerabilities(words: list[str], options: dict[str, str]) -> int:
    found = json.loads((BUCKET / "scans.json").read_text())
    print(json.dumps(found.get(words[0].rsplit("/", 1)[-1], [])))
    return 0


COMMANDS = {
    ("storage", "objects", "describe"): describe,
    ("storage", "rsync"): rsync,
    ("storage", "cp"): copy,
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
