"""Lock files of the image layers: `python -m containers.locks [--check | --cuda]`.

A family's packages are the closure of its requirements, read from the metadata of the packages installed here, at the
versions of constraints.txt. What several families need lies in one layer that they share.
"""

import argparse
import importlib.metadata
import json
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from containers.families import FAMILIES, LAYERS, LEFT_OUT
from lab_lens.errors import EXIT_DONE, EXIT_INPUT, InputError

ROOT = Path(__file__).parent.parent
LOCKS = ROOT / "containers" / "locks"
_LINUX = {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix", "platform_machine": "x86_64"}
_HEADER = "# Made by `make locks` from constraints.txt; packages of the image layer {name!r}.\n"


def read_pins(path: Path) -> dict[str, str]:
    """Versions of a constraints or lock file by canonical name.

    Raises:
        InputError: the file is missing, or a line is no pin.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise InputError(f"{path} is missing; run make locks") from None
    pins = [line.split("#")[0].strip() for line in lines]
    wrong = [pin for pin in pins if pin and "==" not in pin]
    if wrong:
        raise InputError(f"{path}: not a pinned version: {', '.join(wrong)}; write NAME==VERSION")
    return {str(canonicalize_name(name)): version for name, version in (pin.split("==") for pin in pins if pin)}


def requirements_of(name: str, extras: Iterable[str] = ()) -> list[Requirement]:
    """What an installed distribution requires on Linux, with these of its extras.

    Raises:
        InputError: it is not installed.
    """
    try:
        declared = importlib.metadata.requires(name) or []
    except importlib.metadata.PackageNotFoundError:
        raise InputError(f"{name} is not installed, so its requirements are unknown; run make locks") from None
    wanted = [*extras, ""]
    return [
        requirement
        for requirement in map(Requirement, declared)
        if requirement.marker is None
        or any(requirement.marker.evaluate({**_LINUX, "extra": extra}) for extra in wanted)
    ]


def own_requirements(extra: str = "") -> list[Requirement]:
    """What lab-lens requires, or one of its extras, by pyproject.toml: an older editable install may say otherwise."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [*map(Requirement, project["optional-dependencies"][extra] if extra else project["dependencies"])]


def closure(requirements: Iterable[Requirement]) -> set[str]:
    """Canonical names of everything that requirements bring, themselves included, without what images leave out."""
    seen: dict[str, set[str]] = {}
    waiting = list(requirements)
    while waiting:
        requirement = waiting.pop()
        name = str(canonicalize_name(requirement.name))
        if name in LEFT_OUT or (name in seen and requirement.extras <= seen[name]):
            continue
        seen.setdefault(name, set()).update(requirement.extras)
        waiting.extend(requirements_of(name, seen[name]))
    return set(seen)


def family_packages(family: str) -> set[str]:
    """Canonical names of the packages of a family, without lab-lens itself."""
    described = FAMILIES[family]
    core = [needed for needed in own_requirements() if described.core is None or needed.name in described.core]
    extra = [needed for name in described.extras for needed in own_requirements(name)]
    return closure([*core, *extra]) | set(described.alone)


def layers() -> dict[str, set[str]]:
    """Packages of every layer; a package lies in the smallest one that reaches all families that need it."""
    families = {family: family_packages(family) for family in FAMILIES}
    torch = closure([Requirement("torch")])
    placed: dict[str, set[str]] = {name: set() for name in LAYERS}
    for package in sorted(set().union(*families.values())):
        needing = {family for family, packages in families.items() if package in packages}
        placed[_layer(needing, of_torch=package in torch)].add(package)
    return placed


def _layer(needing: set[str], *, of_torch: bool) -> str:
    fitting = [name for name, reached in LAYERS.items() if needing <= reached and (name != "torch" or of_torch)]
    return min(fitting, key=lambda name: len(LAYERS[name]))


def lock_texts() -> dict[str, str]:
    """Text of every lock file by file name, but of the torch layer's CUDA variant.

    Raises:
        InputError: a package is not installed, or constraints.txt does not pin it.
    """
    pins = read_pins(ROOT / "constraints.txt")
    placed = layers()
    missing = sorted(set().union(*placed.values()) - set(pins))
    if missing:
        raise InputError(f"constraints.txt does not pin {', '.join(missing)}; add their versions")
    texts = {f"{name}.txt": _text(name, {package: pins[package] for package in placed[name]}) for name in LAYERS}
    cpu = {package: pins[package] for package in placed["torch"]}
    cpu["torch"] = f"{pins['torch']}+cpu"
    del texts["torch.txt"]
    return {**texts, "torch-cpu.txt": _text("torch", cpu)}


def _text(name: str, pins: Mapping[str, str]) -> str:
    return _HEADER.format(name=name) + "".join(f"{package}=={version}\n" for package, version in sorted(pins.items()))


def cuda_text() -> str:
    """Text of the torch layer's CUDA variant; asks the package index what its torch requires, and downloads nothing.

    Raises:
        InputError: pip cannot resolve it.
    """
    pins = read_pins(ROOT / "constraints.txt")
    wheel = ["--isolated", "--dry-run", "--ignore-installed", "--quiet", "--report", "-", "--only-binary=:all:"]
    command = [sys.executable, "-m", "pip", "install", *wheel, "-c", str(ROOT / "constraints.txt")]
    done = subprocess.run([*command, f"torch=={pins['torch']}"], capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise InputError(f"pip cannot resolve torch=={pins['torch']}: {done.stderr.strip().splitlines()[-1]}")
    found = {
        str(canonicalize_name(item["metadata"]["name"])): item["metadata"]["version"]
        for item in json.loads(done.stdout)["install"]
    }
    elsewhere = set().union(*(packages for name, packages in layers().items() if name != "torch"))
    return _text("torch", {name: version for name, version in found.items() if name not in elsewhere | set(LEFT_OUT)})


def lock_file(layer: str, variant: str) -> str:
    """Name of a layer's lock file."""
    return f"torch-{variant}.txt" if layer == "torch" else f"{layer}.txt"


def differences(locks: Path = LOCKS) -> list[str]:
    """Lock files of a directory that are not what the installed packages and constraints.txt say, a line each.

    Of the CUDA variant, whose packages are not installed here, only torch's own version is compared.
    """
    stale = [
        name
        for name, text in lock_texts().items()
        if not (locks / name).is_file() or (locks / name).read_text(encoding="utf-8") != text
    ]
    problems = [f"{locks / name} is out of date; run make locks" for name in stale]
    cuda, wanted = locks / lock_file("torch", "cuda"), read_pins(ROOT / "constraints.txt")["torch"]
    if read_pins(cuda).get("torch") != wanted:
        problems.append(f"{cuda} is not for torch {wanted}; run python -m containers.locks --cuda")
    return problems


def main(argv: Sequence[str] | None = None) -> int:
    """Write or check the lock files; returns the exit status."""
    parser = argparse.ArgumentParser("python -m containers.locks", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; say which files are out of date")
    parser.add_argument("--cuda", action="store_true", help="also resolve torch-cuda.txt by asking the package index")
    options = parser.parse_args(argv)
    try:
        problems = differences() if options.check else _write(cuda=options.cuda)
    except InputError as error:
        problems = list(error.problems)
    sys.stderr.write("".join(f"containers.locks: error: {problem}\n" for problem in problems))
    return EXIT_INPUT if problems else EXIT_DONE


def _write(*, cuda: bool) -> list[str]:
    texts = lock_texts()
    if cuda:
        texts["torch-cuda.txt"] = cuda_text()
    for name, text in texts.items():
        (LOCKS / name).write_text(text, encoding="utf-8")
    return []


if __name__ == "__main__":
    sys.exit(main())
