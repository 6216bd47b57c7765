"""Build the images of Lab Lens: `python -m containers.build`, or `make images`.

example:
  python -m containers.build --prefix europe-docker.pkg.dev/PROJECT/REPOSITORY --tag v1 --push
"""

import argparse
import json
import logging
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock

from containers.context import BASE_MODEL, WHEELS, Source, local_wheelhouses, read_source, write_context
from containers.docker_cli import DockerCli, find_docker
from containers.families import FAMILIES, LAYERS, VARIANTS
from containers.locks import ROOT
from lab_lens import artifacts
from lab_lens.errors import EXIT_DONE, InputError

DIST = ROOT / "dist"
BASE_IMAGE = "python:3.11-slim"
TORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"
_INTERRUPTED = 130
# Set by those whose machines reach the package index through something; a build does not see the environment.
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
_PASSED_THROUGH = (*_PROXIES, *map(str.lower, _PROXIES), "PIP_INDEX_URL")
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class BuildRequest:
    """What is to be built.

    Args:
        families: names of image families.
        base_image: the image that all of them start from.
        variant: `cpu`, or `cuda` with NVIDIA's libraries.
        tag: the images' tag; they get a second one, the commit's.
        prefix: registry and path before the image's name; empty: the images stay on this machine.
        wheelhouses: directories with wheels that the builds need not download; by default those of PIP_FIND_LINKS.
        torch_index_url: where the CPU build of torch is; None: PyTorch's own index, unless a wheelhouse has it.
        base_model: a model directory that the trainer image carries.
        no_cache: build every step again.
        push: also push them, and use what was pushed before as a cache.
    """

    families: tuple[str, ...] = tuple(FAMILIES)
    base_image: str = BASE_IMAGE
    variant: str = "cpu"
    tag: str = "latest"
    prefix: str = ""
    wheelhouses: tuple[Path, ...] = field(default_factory=local_wheelhouses)
    torch_index_url: str | None = None
    base_model: Path | None = None
    no_cache: bool = False
    push: bool = False

    def reference(self, family: str, tag: str = "") -> str:
        """Full name of a family's image."""
        name = f"lab-lens-{family}:{tag or self.tag}"
        return f"{self.prefix.rstrip('/')}/{name}" if self.prefix else name


def build_images(request: BuildRequest, dist: Path = DIST) -> dict[str, str]:
    """Build images; writes `images.json`, and `digests.json` when they are pushed.

    Args:
        request: what to build.
        dist: receives both files, the build context and a log for each family.

    Returns:
        A reference for each family: by tag, or by digest when they were pushed.

    Raises:
        InputError: no docker, no engine, no base image, a full disk, or a step that failed.
    """
    if request.push and not request.prefix:
        raise InputError("--push needs --prefix: the registry and path to push to")
    docker = find_docker(os.environ.get("PATH", ""))
    _say_builder(docker)
    _have_base_image(docker, request.base_image)
    dist.mkdir(parents=True, exist_ok=True)
    # Builds of one checkout take turns: they share context, logs and records.
    with FileLock(dist / ".build.lock"):
        return _build_all(docker, request, dist)


def _build_all(docker: DockerCli, request: BuildRequest, dist: Path) -> dict[str, str]:
    source = read_source()
    context = dist / "context"
    write_context(
        context,
        source=source,
        variant=request.variant,
        wheelhouses=request.wheelhouses,
        base_model=request.base_model,
    )
    for family in request.families:
        _build(docker, request, family, source, context, dist / f"build-{family}.log")
    images = {family: _record(docker, request, family) for family in request.families}
    artifacts.write_json(dist / "images.json", images)
    if not request.push:
        return {family: request.reference(family) for family in request.families}
    digests = {family: _push(docker, request, family, source) for family in request.families}
    artifacts.write_json(dist / "digests.json", digests)
    return digests


def _say_builder(docker: DockerCli) -> None:
    incapable = ", ".join(docker.passed_over)
    if not docker.buildkit:
        _logger.info("building with the classic builder: %s has no BuildKit (install its buildx plug-in)", incapable)
    elif incapable:
        _logger.info("building with %s: %s has no BuildKit", docker.program, incapable)


def _have_base_image(docker: DockerCli, image: str) -> None:
    if docker.run("image", "inspect", image).returncode == 0:
        return
    _logger.info("pulling the base image %s", image)
    try:
        docker.ask("pull", "--quiet", image)
    except InputError as error:
        raise InputError(
            f"the base image {image} is not on this machine and cannot be pulled; name another one with --base-image, "
            f"or bring it with docker load: {error}"
        ) from error


def _build(docker: DockerCli, request: BuildRequest, family: str, source: Source, context: Path, log: Path) -> None:
    start = time.monotonic()
    _logger.info("building %s", request.reference(family))
    arguments = [f"--file={ROOT / 'containers' / family / 'Dockerfile'}"]
    arguments += [f"--tag={request.reference(family, tag)}" for tag in _tags(request, source)]
    for name, value in build_arguments(request, family, source, context).items():
        arguments += ["--build-arg", f"{name}={value}"]
    arguments += [argument for name in _PASSED_THROUGH if name in os.environ for argument in ("--build-arg", name)]
    if request.no_cache:
        arguments.append("--no-cache")
    if request.push and docker.buildkit:
        arguments += ["--build-arg", "BUILDKIT_INLINE_CACHE=1", f"--cache-from={request.reference(family, 'cache')}"]
    try:
        docker.build([*arguments, str(context)], log)
    except InputError as error:
        raise InputError([f"{family}: {problem}" for problem in error.problems]) from error
    _logger.info("built %s in %.0f s", request.reference(family), time.monotonic() - start)


def _tags(request: BuildRequest, source: Source) -> list[str]:
    return [tag for tag in dict.fromkeys((request.tag, source.tag)) if tag]


def build_arguments(request: BuildRequest, family: str, source: Source, context: Path) -> dict[str, str]:
    """The build arguments of a family's Dockerfile."""
    arguments = {
        "BASE_IMAGE": request.base_image,
        "VERSION": source.version,
        "REVISION": source.revision,
        "CREATED": datetime.fromtimestamp(source.epoch_seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "SOURCE": source.url,
    }
    if "torch" in layers_of(family):
        arguments["VARIANT"] = request.variant
        url = request.torch_index_url
        if url is None and request.variant == "cpu" and not any((context / WHEELS).glob("torch-*.whl")):
            url = TORCH_CPU_INDEX
        if url:
            arguments["TORCH_INDEX_URL"] = url
    if family == "trainer" and any((context / BASE_MODEL).iterdir()):
        arguments["HF_HUB_OFFLINE"] = "1"
    return arguments


def layers_of(family: str) -> list[str]:
    """Layers of packages that a family's image has, the first one lowest."""
    return [layer for layer, families in LAYERS.items() if family in families]


def _record(docker: DockerCli, request: BuildRequest, family: str) -> dict[str, object]:
    reference = request.reference(family)
    (image,) = json.loads(docker.ask("image", "inspect", reference))
    return {
        "reference": reference,
        "id": image["Id"],
        "size_bytes": image["Size"],
        "layers": image["RootFS"]["Layers"],
    }


def _push(docker: DockerCli, request: BuildRequest, family: str, source: Source) -> str:
    reference = request.reference(family)
    docker.ask("tag", reference, request.reference(family, "cache"))
    _logger.info("pushing %s", reference)
    pushed = [docker.push(request.reference(family, tag)) for tag in (*_tags(request, source), "cache")]
    return pushed[0]


def main(argv: Sequence[str] | None = None) -> int:
    """Build; returns the exit status (0 done, 2 wrong input or environment, 130 interrupted)."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    options = _parser().parse_args(argv)
    request = BuildRequest(
        families=tuple(dict.fromkeys(options.family)) or tuple(FAMILIES),
        base_image=options.base_image,
        variant=options.variant,
        tag=options.tag,
        prefix=options.prefix,
        wheelhouses=tuple(options.wheelhouse or local_wheelhouses()),
        torch_index_url=options.torch_index_url,
        base_model=options.base_model,
        no_cache=options.no_cache,
        push=options.push,
    )
    try:
        if options.context is not None:
            write_context(
                options.context,
                source=read_source(),
                variant=request.variant,
                wheelhouses=request.wheelhouses,
                base_model=request.base_model,
            )
            sys.stdout.write(f"{options.context}\n")
        else:
            sys.stdout.write("".join(f"{reference}\n" for reference in build_images(request).values()))
    except InputError as error:
        sys.stderr.write("".join(f"containers.build: error: {problem}\n" for problem in error.problems))
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("containers.build: interrupted; the same command continues with the steps that were done\n")
        return _INTERRUPTED
    return EXIT_DONE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m containers.build",
        allow_abbrev=False,
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--family", action="append", choices=tuple(FAMILIES), default=[], help="repeatable; default: all"
    )
    parser.add_argument("--base-image", default=BASE_IMAGE, metavar="IMAGE", help=f"default: {BASE_IMAGE}")
    parser.add_argument("--variant", choices=VARIANTS, default="cpu", help="build of torch; default: cpu")
    parser.add_argument("--tag", default="latest", help="default: latest; the commit's tag is always given too")
    parser.add_argument("--prefix", default="", help="registry and path before the image's name")
    parser.add_argument("--wheelhouse", action="append", type=Path, metavar="DIR", help="default: PIP_FIND_LINKS")
    parser.add_argument("--torch-index-url", metavar="URL", help=f"default for cpu: {TORCH_CPU_INDEX}")
    parser.add_argument("--base-model", type=Path, metavar="DIR", help="bake this model into the trainer image")
    parser.add_argument("--no-cache", action="store_true", help="build every step again")
    parser.add_argument("--push", action="store_true", help="push, and write dist/digests.json")
    parser.add_argument("--context", type=Path, metavar="DIR", help="only write the build context, for another builder")
    return parser


if __name__ == "__main__":
    sys.exit(main())
