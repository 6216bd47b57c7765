"""The contract on a local directory, and what only a directory can get wrong."""

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from registry_contract import RegistryContract
from registry_place import Maker, Place

from lab_lens.errors import InputError
from lab_lens.registry.base import Evidence
from lab_lens.registry.index import INDEX_JSON
from lab_lens.registry.local import LocalRegistry


class Directory:
    """A registry's directory, and the way to its files behind the registry's back."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def open(self) -> LocalRegistry:
        return LocalRegistry(self.path)

    def snapshot(self) -> dict[str, bytes]:
        files = (path for path in self.path.rglob("*") if path.is_file() and path.name != ".lock")
        stored = {path.relative_to(self.path).as_posix(): path.read_bytes() for path in files}
        # What the first writer makes, before it knows whether it has anything to store.
        return stored if stored.keys() != {INDEX_JSON} else {}

    def write(self, version: str, name: str, content: bytes) -> None:
        path = self.path / version / name
        if path.exists():
            path.chmod(0o644)
        path.write_bytes(content)

    def delete(self, version: str, name: str) -> None:
        (self.path / version / name).unlink()

    def read_index(self) -> bytes:
        return (self.path / INDEX_JSON).read_bytes()

    def write_index(self, content: bytes) -> None:
        (self.path / INDEX_JSON).write_bytes(content)


class TestLocalRegistryContract(RegistryContract):
    @pytest.fixture
    def place(self, tmp_path: Path) -> Place:
        return Directory(tmp_path / "model_registry")


@pytest.fixture
def registry(tmp_path: Path) -> LocalRegistry:
    return LocalRegistry(tmp_path / "model_registry")


@pytest.fixture
def make(registry: LocalRegistry, tmp_path: Path) -> Maker:
    (tmp_path / "made").mkdir()
    return Maker(tmp_path / "made", registry)


def test_reading_does_not_make_the_directory(registry: LocalRegistry) -> None:
    assert registry.list_versions() == []
    assert not registry.path.exists()


def test_a_version_lies_where_the_documentation_says(registry: LocalRegistry, make: Maker) -> None:
    make.register("a")
    assert registry.model_dir("v1") == registry.path / "v1" / "model"
    assert registry.model_uri("v1") == str(registry.path / "v1" / "model")
    kept = {path.name for path in (registry.path / "v1").iterdir()}
    assert kept == {"model", "version.json", "decision.json", "validation_report.json", "golden.json"}
    assert {path.name for path in registry.path.iterdir()} == {"v1", INDEX_JSON, ".lock"}


def test_a_directory_that_is_no_version_is_never_touched(registry: LocalRegistry, make: Maker) -> None:
    foreign = registry.path / "v1" / "notes.txt"
    foreign.parent.mkdir(parents=True)
    foreign.write_text("mine")
    assert make.register("a") == "v2"
    with pytest.raises(InputError, match="choose another name"):
        make.register("b", "v1")
    assert foreign.read_text() == "mine"


def test_a_registered_file_is_read_only_and_shares_nothing_with_the_training_output(
    registry: LocalRegistry, make: Maker
) -> None:
    make.register("a")
    stored, trained = registry.model_dir("v1") / "model.safetensors", make.model("a") / "model.safetensors"
    assert not stored.stat().st_mode & 0o222
    assert trained.stat().st_mode & 0o200
    assert (stored.stat().st_nlink, stored.stat().st_ino != trained.stat().st_ino) == (1, True)


def test_a_registry_path_that_is_a_file_or_lies_below_one_is_refused(tmp_path: Path, make: Maker) -> None:
    path = tmp_path / "file"
    path.write_text("")
    with pytest.raises(InputError, match="is a file; give a directory"):
        LocalRegistry(path).production()
    with pytest.raises(InputError, match="cannot write to registry"):
        LocalRegistry(path / "below").register(make.model("a"), make.evidence("a"), actor="ana")


def test_a_lost_index_is_never_taken_for_an_empty_registry(registry: LocalRegistry, make: Maker) -> None:
    make.release("a")
    (registry.path / INDEX_JSON).unlink()
    for use in (registry.production, lambda: make.register("b")):
        with pytest.raises(InputError, match=r"has lost its registry_index\.json although v1 exist"):
            use()


def test_versions_that_an_older_index_does_not_know_are_left_alone(registry: LocalRegistry, make: Maker) -> None:
    make.register("a")
    backup = (registry.path / INDEX_JSON).read_bytes()
    make.register("b")
    (registry.path / INDEX_JSON).write_bytes(backup)
    assert make.register("c") == "v3"
    assert (registry.path / "v2" / "model" / "model.safetensors").read_text() == "b"


def test_a_linked_model_is_one_file_under_two_names_until_it_is_pruned(registry: LocalRegistry, make: Maker) -> None:
    linked = LocalRegistry(registry.path, link=True)
    source = make.model("a")
    version = linked.register(source, Evidence({}, {}), actor="ana").version
    for name in ("b", "c"):
        linked.register(make.model(name), Evidence({}, {}), actor="ana")
    weights = next(source.glob("*.safetensors"))
    stored = linked.model_dir(version) / weights.name
    assert stored.samefile(weights)
    assert not weights.stat().st_mode & stat.S_IWUSR
    content = weights.read_bytes()
    assert linked.verify(version) == []
    assert linked.prune(1, actor="ana", reason="room") == ["v1", "v2"]
    assert (stored.exists(), weights.read_bytes()) == (False, content)


def test_of_a_symbolic_link_the_file_that_it_leads_to_is_linked(registry: LocalRegistry, tmp_path: Path) -> None:
    blob, snapshot = tmp_path / "blobs" / "1f3a", tmp_path / "snapshots" / "main"
    for directory in (blob.parent, snapshot):
        directory.mkdir(parents=True)
    blob.write_text("weights")
    (snapshot / "model.safetensors").symlink_to(Path("../../blobs/1f3a"))
    linked = LocalRegistry(registry.path, link=True)
    linked.register(snapshot, Evidence({}, {}), actor="ana")
    stored = linked.model_dir("v1") / "model.safetensors"
    assert (stored.is_symlink(), stored.samefile(blob), stored.read_text()) == (False, True, "weights")
    assert linked.verify("v1") == []


def test_a_model_that_is_refused_keeps_its_modes_though_it_was_to_be_linked(
    registry: LocalRegistry, make: Maker
) -> None:
    linked = LocalRegistry(registry.path, link=True)
    with pytest.raises(InputError, match="is about another model"):
        linked.register(make.model("a"), make.evidence("b"), actor="ana")
    weights = make.model("a") / "model.safetensors"
    assert weights.stat().st_mode & stat.S_IWUSR
    assert weights.stat().st_nlink == 1


def test_a_file_that_may_not_be_written_is_linked_without_being_opened_for_it(
    registry: LocalRegistry, make: Maker, opened_for_writing: list[str]
) -> None:
    weights = make.model("a") / "model.safetensors"
    weights.chmod(0o444)
    opened_for_writing.clear()
    linked = LocalRegistry(registry.path, link=True)
    linked.register(make.model("a"), Evidence({}, {}), actor="ana")
    assert (linked.model_dir("v1") / weights.name).samefile(weights)
    assert [path for path in opened_for_writing if path.endswith(".safetensors")] == []


@pytest.fixture
def opened_for_writing() -> Iterator[list[str]]:
    """The files that are opened for writing; root, whom no mode stops, would not notice otherwise."""
    found: list[str] = []
    watching = True

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if watching and event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR):
            found.append(str(arguments[0]))

    # An audit hook cannot be taken away again.
    sys.addaudithook(watch)
    yield found
    watching = False


@pytest.mark.skipif(sys.platform != "linux", reason="NOT TESTED: a file that cannot be read, also by root")
@pytest.mark.parametrize("link", [False, True])
def test_a_model_that_cannot_be_read_is_no_fault_of_the_registry(
    registry: LocalRegistry, tmp_path: Path, link: bool
) -> None:
    model = tmp_path / "trained"
    model.mkdir()
    # Reading its first byte is an input/output error.
    (model / "model.safetensors").symlink_to("/proc/self/mem")
    with pytest.raises(
        InputError, match=rf"^cannot read {model}/model\.safetensors: Input/output error; fix that file"
    ):
        LocalRegistry(registry.path, link=link).register(model, Evidence({}, {}), actor="ana")
    assert registry.list_versions() == []
    assert {path.name for path in registry.path.iterdir()} == {INDEX_JSON, ".lock"}


def test_what_is_not_linked_is_a_file_of_its_own(registry: LocalRegistry, make: Maker) -> None:
    source = make.model("a")
    version = registry.register(source, Evidence({}, {}), actor="ana").version
    weights = next(source.glob("*.safetensors"))
    assert not (registry.model_dir(version) / weights.name).samefile(weights)
