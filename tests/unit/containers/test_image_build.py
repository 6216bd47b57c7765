"""The driver of image builds: which docker it takes, what goes into the context, what it says when it cannot go on."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from containers.build import TORCH_CPU_INDEX, BuildRequest, build_arguments
from containers.context import Source, local_wheelhouses, locked_wheels, write_context
from containers.docker_cli import DockerCli, explain, find_docker
from containers.locks import ROOT
from lab_lens.errors import InputError

SOURCE = Source(version="1.2.3", revision="a" * 40, epoch_seconds=1_700_000_000, url="https://example.org/lens")
# Docker as a shell script: an engine that answers, and a builder with or without BuildKit.
OLD = 'case "$1" in version) echo 20.10;; build) echo "--progress string";; esac'
NEW_WITHOUT_BUILDX = 'case "$1" in version) echo 28.2;; build) test "$DOCKER_BUILDKIT" = 0;; esac'
NO_ENGINE = 'echo "Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?" >&2; exit 1'

posix = pytest.mark.skipif(os.name != "posix", reason="the stand-ins for docker are shell scripts")


def _docker(directory: Path, script: str) -> str:
    directory.mkdir()
    (directory / "docker").write_text(f"#!/bin/sh\n{script}\n")
    (directory / "docker").chmod(0o755)
    return str(directory)


def _run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "containers.build", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@posix
def test_a_docker_with_buildkit_is_taken_before_one_without_that_stands_earlier(tmp_path: Path) -> None:
    first, second = _docker(tmp_path / "new", NEW_WITHOUT_BUILDX), _docker(tmp_path / "old", OLD)
    cli = find_docker(os.pathsep.join([first, second]))
    assert cli == DockerCli(f"{second}/docker", buildkit=True, passed_over=(f"{first}/docker",))


@posix
def test_the_classic_builder_does_where_no_docker_has_buildkit(tmp_path: Path) -> None:
    only = _docker(tmp_path / "new", NEW_WITHOUT_BUILDX)
    assert find_docker(only) == DockerCli(f"{only}/docker", buildkit=False, passed_over=(f"{only}/docker",))


def test_no_docker_in_path_is_one_line_and_exit_2(tmp_path: Path) -> None:
    done = _run(PATH=str(tmp_path))
    assert done.returncode == 2
    assert done.stderr.startswith("containers.build: error: there is no docker command in PATH: install Docker")
    assert len(done.stderr.splitlines()) == 1


@posix
def test_an_engine_that_does_not_answer_is_one_line_and_exit_2(tmp_path: Path) -> None:
    done = _run(PATH=_docker(tmp_path / "bin", NO_ENGINE) + os.pathsep + os.environ["PATH"])
    assert done.returncode == 2
    assert done.stderr.startswith("containers.build: error: the Docker engine does not answer (Cannot connect to the")
    assert len(done.stderr.splitlines()) == 1


@posix
def test_a_base_image_that_cannot_be_pulled_is_named_with_the_ways_out(tmp_path: Path) -> None:
    refusing = (
        'case "$1" in version) echo 20.10;; build) echo "--progress";; *) echo "manifest unknown" >&2; exit 1;; esac'
    )
    done = _run(
        "--base-image=nobody/python:0", PATH=_docker(tmp_path / "bin", refusing) + os.pathsep + os.environ["PATH"]
    )
    assert done.returncode == 2
    last = done.stderr.splitlines()[-1]
    assert last.startswith("containers.build: error: the base image nobody/python:0 is not on this machine and cannot")
    assert "--base-image" in last
    assert "manifest unknown" in last


@posix
def test_a_step_that_fails_shows_the_error_and_where_all_of_the_log_is(tmp_path: Path) -> None:
    words = (
        "step one",
        "ERROR: no matching distribution found for torch==2.13.0+cpu",
        "ERROR: executor failed running x",
    )
    failing = "; ".join(f"echo '{line}'" for line in words) + "; exit 1"
    cli = DockerCli(f"{_docker(tmp_path / 'bin', failing)}/docker", buildkit=True)
    with pytest.raises(InputError) as failed:
        cli.build(["."], tmp_path / "build.log")
    assert str(failed.value) == (
        f"docker build failed: ERROR: no matching distribution found for torch==2.13.0+cpu ({tmp_path / 'build.log'})"
    )


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (
            "write /var/lib/docker/x: no space left on device",
            "the disk is full: free space where Docker keeps its data",
        ),
        ("OSError: [Errno 28] No space left on device", "the disk is full"),
        ("error during connect: Post http://docker/build: EOF", "the Docker engine stopped answering; start it"),
        ("denied: Permission artifactregistry.repositories.uploadArtifacts denied", "log in to the registry"),
        ("dial tcp: lookup registry.invalid: no such host", "the registry's name is unknown here"),
        ("", "it gave no reason"),
    ],
)
def test_known_causes_come_with_their_cure(output: str, words: str) -> None:
    assert words in explain(f"step one\n{output}\n" if output else "")


def test_a_push_needs_to_know_where_to(tmp_path: Path) -> None:
    done = _run("--push")
    assert done.returncode == 2
    assert done.stderr == "containers.build: error: --push needs --prefix: the registry and path to push to\n"


def test_a_directory_with_other_things_is_not_made_a_context(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match="is not empty and is no build context"):
        write_context(tmp_path, source=SOURCE, variant="cpu", wheelhouses=(), base_model=None)
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_a_base_model_must_be_a_model_directory(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"is no model directory: it has no config\.json"):
        write_context(tmp_path / "context", source=SOURCE, variant="cpu", wheelhouses=(), base_model=tmp_path)
    assert not (tmp_path / "context").exists()


def test_only_wheels_of_locked_versions_are_taken_from_a_wheelhouse(tmp_path: Path) -> None:
    from containers.locks import LOCKS, read_pins

    version = read_pins(LOCKS / "torch-cpu.txt")["torch"]
    locked = tmp_path / f"torch-{version}-cp311-cp311-manylinux_2_28_x86_64.whl"
    others = [
        f"torch-{version.removesuffix('+cpu')}-cp311-cp311-manylinux_2_28_x86_64.whl",
        "pip-1-py3-none-any.whl",
        "x.whl",
    ]
    for path in (locked, *(tmp_path / name for name in others)):
        path.touch()
    assert locked_wheels([tmp_path], "cpu") == [locked]
    assert locked_wheels([tmp_path], "cuda") == [tmp_path / others[0]]


def test_a_wheelhouse_is_a_directory_of_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", f"{tmp_path} https://example.org/wheels {tmp_path / 'absent'}")
    assert local_wheelhouses() == (tmp_path,)
    assert BuildRequest().wheelhouses == (tmp_path,)


def test_torch_for_a_cpu_comes_from_its_own_index_unless_a_wheel_is_at_hand(tmp_path: Path) -> None:
    (tmp_path / "wheels").mkdir()
    (tmp_path / "base-model").mkdir()
    request = BuildRequest()
    arguments = build_arguments(request, "serving", SOURCE, tmp_path)
    assert (arguments["TORCH_INDEX_URL"], arguments["VARIANT"]) == (TORCH_CPU_INDEX, "cpu")
    assert "TORCH_INDEX_URL" not in build_arguments(BuildRequest(variant="cuda"), "serving", SOURCE, tmp_path)
    assert "VARIANT" not in build_arguments(request, "ops", SOURCE, tmp_path)
    (tmp_path / "wheels" / "torch-2-py3-none-any.whl").touch()
    assert "TORCH_INDEX_URL" not in build_arguments(request, "serving", SOURCE, tmp_path)


def test_labels_come_from_the_commit_and_a_baked_in_model_means_offline(tmp_path: Path) -> None:
    (tmp_path / "base-model").mkdir()
    arguments = build_arguments(BuildRequest(), "trainer", SOURCE, tmp_path)
    assert arguments["CREATED"] == "2023-11-14T22:13:20Z"
    assert (arguments["VERSION"], arguments["REVISION"]) == ("1.2.3", "a" * 40)
    assert "HF_HUB_OFFLINE" not in arguments
    (tmp_path / "base-model" / "config.json").touch()
    assert build_arguments(BuildRequest(), "trainer", SOURCE, tmp_path)["HF_HUB_OFFLINE"] == "1"


def test_references_follow_prefix_and_tag() -> None:
    assert BuildRequest().reference("ops") == "lab-lens-ops:latest"
    assert BuildRequest(prefix="host/path/", tag="v1").reference("ops") == "host/path/lab-lens-ops:v1"
    assert Source("1", "b" * 40 + "-dirty", 0, "").tag == "b" * 12 + "-dirty"
    assert Source("1", "unknown", 0, "").tag == ""
