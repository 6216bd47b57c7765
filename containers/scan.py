"""Scan pushed images for known vulnerabilities by Artifact Analysis: `python3 -m containers.scan --digests FILE`.

Needs the standard library and gcloud alone, so that it runs in Google's own gcloud image. Exit status 0: nothing at or
above the severity; 3: something, one line each; 2: wrong input or environment.
"""

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab_lens.errors import EXIT_DONE, EXIT_GATE, EXIT_INPUT, InputError

# From harmless to worst. Whatever Google may add later ranks above all of these, so that it is never let through.
SEVERITIES = ("MINIMAL", "LOW", "MEDIUM", "HIGH", "CRITICAL")
_UNRATED = {"", "SEVERITY_UNSPECIFIED"}


@dataclass(frozen=True)
class Vulnerability:
    """A known vulnerability of one package of one image."""

    family: str
    severity: str
    name: str
    package: str


def read_digests(path: Path) -> dict[str, str]:
    """References of the images by family.

    Raises:
        InputError: the file is missing, or is no object of references by digest.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"no such file: {path}; python -m containers.build --push writes it") from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(
            f"{path} is not JSON ({error.__class__.__name__}); was it written by containers.build?"
        ) from error
    if not (isinstance(content, dict) and content):
        raise InputError(f"{path} must hold an object of image references by family")
    unpinned = [name for name, reference in content.items() if "@sha256:" not in str(reference)]
    if unpinned:
        raise InputError(
            f"{path}: not pinned by digest: {', '.join(unpinned)}; only what is pinned can be scanned for good"
        )
    return {str(name): str(reference) for name, reference in content.items()}


def scan(family: str, reference: str, location: str) -> list[Vulnerability]:
    """Known vulnerabilities of a pushed image.

    Args:
        family: for the result.
        reference: the image by digest.
        location: where it is analysed: us, europe or asia.

    Raises:
        InputError: gcloud refuses, in its words.
    """
    images = ("artifacts", "docker", "images")
    name = _gcloud(*images, "scan", reference, "--remote", f"--location={location}", "--format=value(response.scan)")
    if not name.strip():
        raise InputError(f"gcloud scanned {reference} and named no result; try again")
    listed = _gcloud(*images, "list-vulnerabilities", name.strip(), f"--location={location}", "--format=json")
    return [_vulnerability(family, item["vulnerability"]) for item in json.loads(listed or "[]")]


def _vulnerability(family: str, found: Mapping[str, Any]) -> Vulnerability:
    packages = {str(issue.get("affectedPackage", "")) for issue in found.get("packageIssue", [])}
    severity = str(found.get("effectiveSeverity") or found.get("severity") or "")
    return Vulnerability(family, severity, str(found.get("shortDescription", "unnamed")), ", ".join(sorted(packages)))


def at_least(found: Sequence[Vulnerability], severity: str) -> list[Vulnerability]:
    """Those at or above a severity, the worst first; what nobody has rated yet is not among them."""
    ranks = {name: rank for rank, name in enumerate(SEVERITIES)}
    rated = [item for item in found if item.severity not in _UNRATED]
    bad = [item for item in rated if ranks.get(item.severity, len(ranks)) >= ranks[severity]]
    return sorted(bad, key=lambda item: (-ranks.get(item.severity, len(ranks)), item.family, item.name))


def main(argv: Sequence[str] | None = None) -> int:
    """Scan every image; the exit status is the module's."""
    parser = argparse.ArgumentParser(prog="python3 -m containers.scan", allow_abbrev=False)
    parser.add_argument("--digests", type=Path, required=True, metavar="FILE", help="what containers.build wrote")
    parser.add_argument("--location", choices=("us", "europe", "asia"), default="us", help="default: us")
    parser.add_argument("--fail-on", choices=SEVERITIES, default="CRITICAL", help="and above; default: CRITICAL")
    arguments = parser.parse_args(argv)
    try:
        images = read_digests(arguments.digests)
        found = [item for name, reference in images.items() for item in scan(name, reference, arguments.location)]
    except InputError as error:
        sys.stderr.write("".join(f"containers.scan: error: {problem}\n" for problem in error.problems))
        return EXIT_INPUT
    bad = at_least(found, arguments.fail_on)
    lines = [f"{item.severity} {item.name} in {item.package} of {item.family}" for item in bad]
    lines.append(
        f"{len(found)} known vulnerabilities in {len(images)} images; {len(bad)} at or above {arguments.fail_on}"
    )
    sys.stdout.write("\n".join(lines) + "\n")
    return EXIT_GATE if bad else EXIT_DONE


def _gcloud(*arguments: str) -> str:
    program = shutil.which("gcloud")
    if program is None:
        raise InputError("gcloud is not installed; install the Google Cloud CLI, or run this in its image")
    command = [program, "--quiet", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise InputError(
            f"gcloud {' '.join(arguments[:4])} failed: {' '.join(done.stderr.split()) or 'no reason given'}"
        )
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
