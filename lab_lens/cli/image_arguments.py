"""Arguments that name the images of a pipeline's tasks; `compile`, `submit`, `run` and `doctor` share them."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from lab_lens.cli.checkout import need_checkout
from lab_lens.errors import InputError

if TYPE_CHECKING:
    from pipelines.image_references import ImageReferences

_DEFAULT_TAG = "latest"


def add_images(parser: argparse.ArgumentParser) -> None:
    """Add --images, --tag and --digests."""
    parser.add_argument("--images", metavar="PREFIX", help="registry and repository of the images; default: those here")
    parser.add_argument("--tag", metavar="TAG", help=f"their tag, with --images; default: {_DEFAULT_TAG}")
    parser.add_argument(
        "--digests", type=Path, metavar="FILE", help="JSON object of references by digest, one a family"
    )


def images_of(arguments: argparse.Namespace) -> "ImageReferences":
    """The references that were named; bare names of the families where none were.

    Raises:
        InputError: they contradict each other, or are no references.
    """
    if arguments.digests and (arguments.images or arguments.tag):
        raise InputError("--digests names whole references; give it alone, or --images PREFIX with --tag TAG")
    if arguments.tag and not arguments.images:
        raise InputError(f"--tag {arguments.tag} needs --images PREFIX")
    with need_checkout():
        from pipelines.image_references import ImageReferences

    if arguments.digests:
        return ImageReferences.from_digests_file(arguments.digests)
    if arguments.images:
        return ImageReferences.from_prefix(arguments.images, arguments.tag or _DEFAULT_TAG)
    return ImageReferences()
