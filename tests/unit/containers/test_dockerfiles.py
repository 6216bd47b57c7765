"""The Dockerfiles and the compose file, read without an engine."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from containers.build import layers_of
from containers.families import FAMILIES
from containers.locks import ROOT

COMPOSE = ROOT / "containers" / "compose.yaml"
BIN = Path(sys.executable).parent


def _dockerfile(family: str) -> Path:
    return ROOT / "containers" / family / "Dockerfile"


def _stages(family: str) -> dict[str, str]:
    """Text of each build stage by name; the last one is called `final`."""
    text = "\n".join(line for line in _dockerfile(family).read_text().splitlines() if not line.startswith("#"))
    parts = re.split(r"^(?=FROM )", text, flags=re.MULTILINE)
    return {(re.match(r"FROM \S+ AS (\S+)", part) or [None, "final"])[1]: part.strip() for part in parts[1:]}


def _lint(path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([BIN / "hadolint", "--no-color", path], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("family", FAMILIES)
def test_hadolint_finds_nothing(family: str) -> None:
    done = _lint(_dockerfile(family))
    assert done.returncode == 0, done.stdout


def test_hadolint_finds_a_planted_defect(tmp_path: Path) -> None:
    path = tmp_path / "Dockerfile"
    path.write_text(_dockerfile("ops").read_text().replace("USER 10001:10001\n", "RUN cd /tmp\nUSER root\n"))
    done = _lint(path)
    assert done.returncode == 1
    assert "DL3002" in done.stdout
    assert "DL3003" in done.stdout


@pytest.mark.parametrize("family", FAMILIES)
def test_an_image_has_the_layers_of_its_family_in_their_order(family: str) -> None:
    stages = _stages(family)
    assert [name for name in stages if name in layers_of(family)] == layers_of(family)
    copied = re.findall(r"^COPY --from=(\S+) /layers/\1/ /$", stages["final"], re.MULTILINE)
    assert [name for name in copied if name in layers_of(family)] == layers_of(family)
    assert copied[-1] == "library"


def test_what_families_share_is_said_alike_or_they_would_not_share_its_layer() -> None:
    said: dict[str, set[str]] = {}
    for family in FAMILIES:
        for name, text in _stages(family).items():
            if name != "final":
                said.setdefault(name, set()).add(text)
    assert {name for name, texts in said.items() if len(texts) > 1} == set()


@pytest.mark.parametrize("family", FAMILIES)
def test_no_frontend_is_pulled_and_the_base_image_is_an_argument(family: str) -> None:
    text = _dockerfile(family).read_text()
    assert "syntax=" not in text
    assert set(re.findall(r"^FROM (\S+)", text, re.MULTILINE)) == {"${BASE_IMAGE}", "installer"}


def _check_compose(path: Path) -> subprocess.CompletedProcess[str]:
    command = [BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", path]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_compose_file_follows_the_compose_specification() -> None:
    done = _check_compose(COMPOSE)
    assert done.returncode == 0, done.stdout


def test_a_planted_defect_in_the_compose_file_is_found(tmp_path: Path) -> None:
    path = tmp_path / "compose.yaml"
    path.write_text(COMPOSE.read_text().replace("read_only: true\n  tmpfs", "readonly: true\n  tmpfs"))
    done = _check_compose(path)
    assert done.returncode == 1
    assert "readonly" in done.stdout


@pytest.mark.parametrize("name", ["start_engine.sh", "stop_engine.sh", "base_image.sh"])
def test_shellcheck_finds_nothing(name: str) -> None:
    _shellcheck(ROOT / "tests" / "docker" / name)


def test_shellcheck_finds_nothing_in_the_script_that_installs_a_layer() -> None:
    _shellcheck(ROOT / "containers" / "install-layer.sh")


def _shellcheck(path: Path) -> None:
    program = shutil.which("shellcheck", path=str(BIN))
    assert program is not None
    done = subprocess.run([program, path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
