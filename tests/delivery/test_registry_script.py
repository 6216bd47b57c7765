"""The registry of CI goes to a bucket and comes back; of two writers one is told, and nothing is lost."""

import subprocess
from pathlib import Path

import pytest
from definitions import ROOT

SCRIPT = ROOT / ".github" / "registry.sh"
INDEX = "registry_index.json"
REGISTRY = "gs://team/registries/ci"


class Runner:
    """A GitHub runner: a directory of its own."""

    def __init__(self, path: Path) -> None:
        path.mkdir()
        self.path = path

    def call(self, action: str) -> subprocess.CompletedProcess[str]:
        command = ["bash", str(SCRIPT), action]
        done = subprocess.run(command, cwd=self.path, capture_output=True, text=True, check=False, timeout=60)
        assert "unbound variable" not in done.stderr
        return done

    def write(self, name: str, text: str) -> None:
        path = self.path / "model_registry" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def read(self, name: str) -> str:
        return (self.path / "model_registry" / name).read_text()


@pytest.fixture
def runners(bucket: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Runner, Runner]:
    monkeypatch.setenv("REGISTRY", REGISTRY)
    return Runner(tmp_path / "one"), Runner(tmp_path / "two")


def release(runner: Runner, version: str) -> None:
    runner.write(f"{version}/model/model.safetensors", version)
    runner.write(INDEX, f'{{"production": "{version}"}}')
    runner.write(".lock", "")


def test_the_first_pull_finds_nothing_and_the_first_push_makes_the_registry(
    runners: tuple[Runner, Runner], bucket: Path
) -> None:
    one, two = runners
    assert one.call("pull").returncode == 0
    assert list((one.path / "model_registry").iterdir()) == []
    release(one, "v1")
    assert one.call("push").returncode == 0
    assert two.call("pull").returncode == 0
    assert two.read("v1/model/model.safetensors") == "v1"
    assert two.read(INDEX) == '{"production": "v1"}'
    assert not (two.path / "model_registry" / ".lock").exists()


def test_a_second_push_of_the_same_runner_goes_through(runners: tuple[Runner, Runner]) -> None:
    one, _ = runners
    one.call("pull")
    for version in ("v1", "v2"):
        release(one, version)
        assert one.call("push").returncode == 0


def test_of_two_writers_the_second_is_told_and_the_index_is_the_first_ones(
    runners: tuple[Runner, Runner], bucket: Path
) -> None:
    one, two = runners
    for runner, version in ((one, "v1"), (two, "v2")):
        assert runner.call("pull").returncode == 0
        release(runner, version)
    assert one.call("push").returncode == 0
    refused = two.call("push")
    assert refused.returncode != 0
    assert "412" in refused.stderr
    assert (bucket / "team/registries/ci" / INDEX).read_text() == '{"production": "v1"}'


def test_a_registry_that_may_not_be_read_is_not_taken_for_an_empty_one(
    runners: tuple[Runner, Runner], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_DENY", "1")
    refused = runners[0].call("pull")
    assert refused.returncode != 0
    assert "403" in refused.stderr
    assert not (runners[0].path / ".registry-generation").exists()


def test_a_push_without_a_pull_is_refused(runners: tuple[Runner, Runner]) -> None:
    release(runners[0], "v1")
    assert runners[0].call("push").returncode != 0


@pytest.mark.parametrize("action", ["", "pul"])
def test_anything_else_shows_how_to_call_it(runners: tuple[Runner, Runner], action: str) -> None:
    wrong = runners[0].call(action)
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("usage: REGISTRY=gs://bucket/prefix ")
