"""The lock files of the images: complete, disjoint, at the tested versions, and up to date."""

import itertools
import shutil
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from containers import locks
from containers.build import layers_of
from containers.families import FAMILIES, LAYERS, LEFT_OUT, VARIANTS
from lab_lens.errors import InputError

CONSTRAINTS = locks.read_pins(locks.ROOT / "constraints.txt")


def _pins(layer: str, variant: str = "cpu") -> dict[str, str]:
    return locks.read_pins(locks.LOCKS / locks.lock_file(layer, variant))


def _image(family: str) -> dict[str, str]:
    return {name: version for layer in layers_of(family) for name, version in _pins(layer).items()}


def test_the_lock_files_are_what_the_installed_packages_and_constraints_say() -> None:
    assert locks.differences() == []
    assert locks.main(["--check"]) == 0


@pytest.mark.parametrize("name", ["runtime.txt", "torch-cpu.txt", "torch-cuda.txt"])
def test_a_changed_version_in_a_lock_file_is_found(tmp_path: Path, name: str) -> None:
    copy = tmp_path / "locks"
    shutil.copytree(locks.LOCKS, copy)
    text = (copy / name).read_text()
    (copy / name).write_text(text.replace("torch==2", "torch==1").replace("pydantic==2", "pydantic==1"))
    (problem,) = locks.differences(copy)
    assert problem.startswith(str(copy / name))


@pytest.mark.parametrize("variant", VARIANTS)
def test_no_package_lies_in_two_layers(variant: str) -> None:
    for one, other in itertools.combinations(LAYERS, 2):
        assert not set(_pins(one, variant)) & set(_pins(other, variant)), (one, other)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_requirement_of_every_package_is_met_within_its_image(family: str) -> None:
    image = _image(family)
    unmet = [
        f"{package} needs {requirement}"
        for package in set(image) - set(FAMILIES[family].alone)
        for requirement in locks.requirements_of(package)
        if not _is_met(requirement, image)
    ]
    assert unmet == []


def _is_met(requirement: Requirement, image: dict[str, str]) -> bool:
    name = str(canonicalize_name(requirement.name))
    version = image.get(name, "").partition("+")[0]
    return name in LEFT_OUT or (version != "" and requirement.specifier.contains(version, prereleases=True))


@pytest.mark.parametrize("layer", LAYERS)
def test_every_version_is_the_one_that_was_tested_together(layer: str) -> None:
    for name, version in _pins(layer).items():
        assert version.removesuffix("+cpu") == CONSTRAINTS[name]


def test_the_cpu_variant_names_a_build_without_cuda_and_the_cuda_variant_brings_its_libraries() -> None:
    assert _pins("torch", "cpu")["torch"] == f"{CONSTRAINTS['torch']}+cpu"
    assert not any(name.startswith(("nvidia", "cuda", "triton")) for name in _pins("torch", "cpu"))
    cuda = _pins("torch", "cuda")
    assert cuda["torch"] == CONSTRAINTS["torch"]
    assert {"nvidia-cublas", "nvidia-cudnn-cu13", "triton"} <= set(cuda)


def test_serving_has_neither_tables_nor_training_nor_pipelines() -> None:
    assert not {"pandas", "pyarrow", "matplotlib", "mlflow", "kfp", "accelerate", "optuna"} & set(_image("serving"))


def test_a_line_without_a_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "loose.txt").write_text("numpy==2.0\npandas>=2\n")
    with pytest.raises(InputError, match="not a pinned version: pandas>=2; write NAME==VERSION"):
        locks.read_pins(tmp_path / "loose.txt")
