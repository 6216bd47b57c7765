"""Families of images, and what they are called in a registry: by tag, or by digest."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from components.images import EVALUATOR, OPS, TRAINER
from lab_lens import artifacts
from lab_lens.errors import InputError

_NAME = "lab-lens-"
# Those that the pipeline runs; the serving image is named beside them in a digests file, but no task runs in it.
FAMILIES = tuple(name.removeprefix(_NAME) for name in (TRAINER, EVALUATOR, OPS))
_KNOWN = (*FAMILIES, "serving")
_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_HOST = r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?(?::[0-9]{1,5})?)"
_PREFIX = re.compile(rf"(?:{_HOST}/)?{_PART}(?:/{_PART})*|{_HOST}")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_BY_DIGEST = re.compile(rf"(?:{_HOST}/)?{_PART}(?:/{_PART})*(?::{_TAG.pattern})?@sha256:[0-9a-f]{{64}}")
_EXAMPLE = "europe-west4-docker.pkg.dev/my-project/my-repository"


@dataclass(frozen=True)
class ImageReferences:
    """The reference of each family; a family that is not named keeps its bare name.

    Args:
        by_family: references by family (`trainer`, `evaluator`, `ops`, `serving`).
    """

    by_family: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_prefix(cls, prefix: str, tag: str) -> Self:
        """References of all families below a registry and repository, by tag.

        Raises:
            InputError: the prefix or the tag is none; every problem is listed.
        """
        problems = [*_prefix_problems(prefix), *_tag_problems(tag)]
        if problems:
            raise InputError(problems)
        return cls({family: f"{prefix}/{_NAME}{family}:{tag}" for family in _KNOWN})

    @classmethod
    def from_digests_file(cls, path: Path) -> Self:
        """References by digest, from a JSON object with one for each family.

        Raises:
            InputError: the file is missing or no such object, or a reference has no digest; every problem is listed.
        """
        content = artifacts.read_json(path)
        if not isinstance(content, dict):
            raise InputError(f"{path} must hold an object of references by family ({', '.join(_KNOWN)})")
        problems = list(_digest_problems(content))
        if problems:
            raise InputError([f"{path}: {problem}" for problem in problems])
        return cls(content)

    def of(self, image: str) -> str:
        """The reference of an image that a component names by its family; other images stay as they are."""
        return self.by_family.get(image.removeprefix(_NAME), image) if image.startswith(_NAME) else image


def _prefix_problems(prefix: str) -> Iterator[str]:
    if prefix and not prefix.endswith("/") and _PREFIX.fullmatch(prefix):
        return
    yield f'--images is "{prefix}"; {_why(prefix)}give a registry and repository, such as {_EXAMPLE}'


def _why(prefix: str) -> str:
    if "://" in prefix:
        return "it has a scheme; "
    if re.search(r"\s", prefix):
        return "it has a blank; "
    if prefix.endswith("/"):
        return "it ends with a slash; "
    repository = prefix.partition("/")[2] or prefix
    if repository != repository.lower():
        return "names of repositories have no capital letters; "
    return "a digest belongs into a digests file; " if "@" in prefix else ""


def _tag_problems(tag: str) -> Iterator[str]:
    if not _TAG.fullmatch(tag):
        yield f'--tag is "{tag}"; a tag has 1 to 128 letters, digits, dots, dashes and underscores'


def _digest_problems(content: Mapping[str, Any]) -> Iterator[str]:
    for family in sorted(set(content) - set(_KNOWN)):
        yield f'unknown family "{family}"; families are {", ".join(_KNOWN)}'
    for family in FAMILIES:
        if family not in content:
            yield f'family "{family}" is missing'
    for family, reference in content.items():
        if family in _KNOWN and not (isinstance(reference, str) and _BY_DIGEST.fullmatch(reference)):
            yield (
                f"{family} is {reference!r}; it must be a reference by digest, such as "
                f"{_EXAMPLE}/{_NAME}{family}@sha256: and 64 hexadecimal digits"
            )
