"""The contract on Cloud Storage, and what only a bucket can get wrong."""

import json
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from cloud_registry_site import BUCKET, LOCATION, CloudPlace, open_quickly
from loopback.cutting import CuttingCloudStorage
from loopback.gcs_store import Preconditions
from registry_contract import RegistryContract
from registry_place import Maker, Place

from lab_lens import artifacts
from lab_lens.errors import InputError
from lab_lens.registry.base import Evidence, Registry
from lab_lens.registry.gcs import CloudStorageRegistry

Making = Callable[[Registry], Maker]


class TestCloudStorageRegistryContract(RegistryContract):
    @pytest.fixture
    def place(self, cloud: CuttingCloudStorage) -> Place:
        return CloudPlace(cloud)


@pytest.fixture
def place(cloud: CuttingCloudStorage) -> CloudPlace:
    return CloudPlace(cloud)


@pytest.fixture
def registry(cloud: CuttingCloudStorage) -> CloudStorageRegistry:
    return open_quickly()


def test_a_version_lies_where_its_address_says(
    registry: CloudStorageRegistry, place: CloudPlace, making: Making
) -> None:
    making(registry).register("a")
    folder = place.folder("v1")
    assert registry.model_uri("v1") == f"{LOCATION}/{folder}/model"
    assert folder.startswith("v1-")
    assert set(place.snapshot()) == {
        "registry_index.json",
        f"{folder}/version.json",
        f"{folder}/decision.json",
        f"{folder}/validation_report.json",
        f"{folder}/golden.json",
        f"{folder}/model/model.safetensors",
        f"{folder}/model/tokenizer/vocab.json",
        f"{folder}/model/empty.txt",
    }


def test_a_file_too_large_for_one_request_goes_up_in_pieces_and_comes_back(
    registry: CloudStorageRegistry, cloud: CuttingCloudStorage, tmp_path: Path
) -> None:
    model = tmp_path / "large"
    model.mkdir()
    (model / "model.safetensors").write_bytes(bytes(range(256)) * (9 * 4096))
    stored = registry.register(model, Evidence({}, {}), actor="ana")
    assert any(request.path.startswith("/resume/") for request in cloud.requests)
    assert artifacts.sha256_files(registry.model_dir("v1", tmp_path / "cache")) == stored.file_hashes
    assert registry.verify("v1") == []


def test_of_two_projects_in_one_bucket_neither_sees_the_other(cloud: CuttingCloudStorage, making: Making) -> None:
    places = ["", "/a", "/a-b", "/a/b"]
    registries = [open_quickly(f"gs://{BUCKET}{place}") for place in places]
    for number, registry in enumerate(registries):
        making(registry).release(*(f"{number}{one}" for one in "abc"))
        registry.prune(0, actor="ana", reason="space")
    for registry in registries:
        assert [version.version for version in registry.list_versions()] == ["v2", "v3"]
        assert [registry.verify(version) for version in ("v2", "v3")] == [[], []]
        assert len(registry.history()) == 7


def test_what_lies_beside_a_registry_is_never_touched(
    registry: CloudStorageRegistry, cloud: CuttingCloudStorage, making: Making
) -> None:
    strange = ["team/registry/notes.txt", "team/registry/v1-000000000000/model/theirs", "team/registry/v1/model/x"]
    for name in strange:
        cloud.store.put(BUCKET, name, b"mine", {}, Preconditions())
    making(registry).release("a", "b", "c")
    registry.prune(0, actor="ana", reason="space")
    assert {cloud.content(BUCKET)[name] for name in strange} == {b"mine"}


def test_an_index_that_was_lost_is_not_an_empty_registry(
    registry: CloudStorageRegistry, place: CloudPlace, cloud: CuttingCloudStorage, making: Making
) -> None:
    making(registry).release("a")
    folder = place.folder("v1")
    cloud.store.delete(BUCKET, "team/registry/registry_index.json", None, Preconditions())
    for use in (registry.pointers, lambda: making(registry).register("b")):
        with pytest.raises(InputError, match=f"has lost its registry_index.json although {folder} exist"):
            use()


@pytest.mark.parametrize("holdings", [None, 3, {"folders": {}}, {"folders": {"v1": {"name": "x"}}}])
def test_an_index_whose_holdings_are_damaged_is_refused(
    registry: CloudStorageRegistry, place: CloudPlace, making: Making, holdings: object
) -> None:
    making(registry).release("a")
    place.write_index(json.dumps({**json.loads(place.read_index()), "cloud": holdings}).encode())
    with pytest.raises(InputError, match=r"is damaged at: cloud|versions and folders differ"):
        registry.promote("v1", actor="ana", reason="r", decision_hash="")


def test_an_object_that_was_copied_back_is_intact_and_one_of_other_bytes_is_not(
    registry: CloudStorageRegistry, place: CloudPlace, making: Making
) -> None:
    making(registry).register("a")
    path = f"{place.folder('v1')}/model/model.safetensors"
    place.write("v1", "model/model.safetensors", place.snapshot()[path])
    assert registry.verify("v1") == []
    place.write("v1", "model/model.safetensors", b"b")
    assert registry.verify("v1") == ["model/model.safetensors was changed after registration"]


@pytest.mark.parametrize("died", ["before", "after"], ids=["after an upload died", "nothing else happened"])
def test_versions_that_an_older_index_does_not_know_are_named_and_left_alone(
    registry: CloudStorageRegistry,
    place: CloudPlace,
    cloud: CuttingCloudStorage,
    making: Making,
    caplog: pytest.LogCaptureFixture,
    died: str,
) -> None:
    make = making(registry)
    make.release("a", "b", "c")
    backup = json.loads(place.read_index())
    if died == "before":
        cloud.fail(403, times=99, method="POST", part="vocab.json")
        with pytest.raises(InputError):
            make.register("e")
        cloud.recover()
        backup = json.loads(place.read_index())
        backup["cloud"]["uploads"][0]["started"] = "2020-01-01T00:00:00+00:00"
    folder = place.folder(make.register("d"))
    newer = {path: data for path, data in place.snapshot().items() if path.startswith(folder)}
    place.write_index(json.dumps(backup).encode())
    make.register("f")
    registry.prune(1, actor="ana", reason="space")
    assert newer.items() <= place.snapshot().items()
    assert f"does not know {folder}; they are left alone. Was an older index restored?" in caplog.text


def test_an_upload_that_became_a_version_after_the_index_was_saved_is_left_alone(
    registry: CloudStorageRegistry, place: CloudPlace, making: Making
) -> None:
    making(registry).release("a", "b", "c")
    index = json.loads(place.read_index())
    making(registry).register("d")
    newer = {path: data for path, data in place.snapshot().items() if path.startswith(place.folder("v4"))}
    upload = {
        "folder": place.folder("v4"),
        "kept_free": True,
        "content_hash": registry.show("v4").content_hash,
        "started": "2020-01-01T00:00:00+00:00",
        "actor": "ana",
    }
    index["cloud"]["uploads"] = [upload]
    place.write_index(json.dumps(index).encode())
    registry.prune(0, actor="ana", reason="space")
    assert place.index()["cloud"]["uploads"] == []
    assert newer.items() <= place.snapshot().items()


# Copies on this machine


def test_a_copy_is_fetched_once_and_used_again_while_it_is_intact(
    registry: CloudStorageRegistry, cloud: CuttingCloudStorage, making: Making, tmp_path: Path
) -> None:
    making(registry).register("a")
    copy = registry.model_dir("v1", tmp_path / "cache")
    assert copy == tmp_path / "cache" / registry.show("v1").content_hash
    before = len(cloud.requests)
    assert registry.model_dir("v1", tmp_path / "cache") == copy
    assert not any("model.safetensors" in request.path for request in cloud.requests[before:])
    assert not (copy / "model.safetensors").stat().st_mode & 0o222


def test_a_copy_that_was_changed_is_fetched_again(
    registry: CloudStorageRegistry, making: Making, tmp_path: Path
) -> None:
    making(registry).register("a")
    copy = registry.model_dir("v1", tmp_path / "cache")
    (copy / "model.safetensors").chmod(0o644)
    (copy / "model.safetensors").write_text("tampered")
    (copy / "extra").write_text("x")
    assert artifacts.sha256_files(registry.model_dir("v1", tmp_path / "cache")) == registry.show("v1").file_hashes


def test_a_copy_goes_to_this_users_cache_unless_one_is_named(
    registry: CloudStorageRegistry, making: Making, tmp_path: Path
) -> None:
    making(registry).register("a")
    assert registry.model_dir("v1").parent == tmp_path / ".cache" / "lab-lens" / "models"


def test_stored_files_that_were_changed_never_become_a_copy(
    registry: CloudStorageRegistry, place: CloudPlace, making: Making, tmp_path: Path
) -> None:
    making(registry).register("a")
    place.write("v1", "model/model.safetensors", b"b")
    with pytest.raises(InputError, match="the model files of v1 are not those that were registered"):
        registry.model_dir("v1", tmp_path / "cache")
    place.delete("v1", "model/model.safetensors")
    with pytest.raises(InputError, match=r"model/model\.safetensors is missing; restore it from a backup"):
        registry.model_dir("v1", tmp_path / "cache")
    assert [item.suffix for item in (tmp_path / "cache").iterdir()] == [".lock"]


def test_a_cache_that_cannot_be_written_is_told(registry: CloudStorageRegistry, making: Making, tmp_path: Path) -> None:
    making(registry).register("a")
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match=r"cannot keep a copy of v1 in .*; free space, fix permissions"):
        registry.model_dir("v1", tmp_path / "file" / "cache")


# What the service refuses


@pytest.mark.parametrize(
    ("method", "part", "said", "lacking"),
    [
        ("POST", "registry_index.json", "", "storage.objects.create"),
        ("POST", "registry_index.json", "ana does not have storage.objects.delete access", "storage.objects.delete"),
        ("GET", "registry_index.json", "", "storage.objects.get"),
        ("GET", "b/hospital-models/o", "ana does not have storage.objects.list access", "storage.objects.list"),
    ],
)
def test_a_permission_that_is_missing_is_named_and_nothing_changes(
    cloud: CuttingCloudStorage, place: CloudPlace, making: Making, method: str, part: str, said: str, lacking: str
) -> None:
    before = place.snapshot()
    cloud.fail(403, times=99, method=method, part=part, message=said)
    with pytest.raises(InputError, match=f"permission denied; ask for roles/storage.objectUser .*: {lacking}$"):
        making(open_quickly()).register("a")
    assert place.snapshot() == before


def test_a_permission_that_is_missing_in_the_middle_leaves_nothing_that_counts(
    cloud: CuttingCloudStorage, registry: CloudStorageRegistry, making: Making
) -> None:
    cloud.fail(403, times=99, method="POST", part="model.safetensors")
    with pytest.raises(InputError, match=r"storage\.objects\.create$"):
        making(registry).register("a")
    assert (registry.list_versions(), registry.history()) == ([], [])
    cloud.recover()
    assert making(registry).register("a") == "v1"


def test_a_bucket_that_does_not_exist_is_told_with_the_cure(cloud: CuttingCloudStorage, making: Making) -> None:
    registry = open_quickly("gs://not-there/x")
    for use in (registry.pointers, registry.list_versions, lambda: making(registry).register("a")):
        with pytest.raises(
            InputError, match=r"bucket not-there does not exist; make it .`gcloud storage buckets create"
        ):
            use()


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_failures_that_pass_are_not_noticed(
    cloud: CuttingCloudStorage, making: Making, place: CloudPlace, method: str
) -> None:
    registry = CloudStorageRegistry(LOCATION)
    cloud.fail(503, method=method, part="registry_index.json")
    assert making(registry).release("a") == ["v1"]
    assert len(registry.history()) == 2


def test_a_service_that_stays_away_is_told(cloud: CuttingCloudStorage, making: Making) -> None:
    cloud.fail(503, times=999)
    with pytest.raises(InputError, match=r"Cloud Storage does not answer as it should \(503\); try again later"):
        open_quickly().pointers()


def test_a_service_that_cannot_be_reached_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{port}")
    with pytest.raises(InputError, match="Cloud Storage cannot be reached"):
        open_quickly().pointers()


def test_credentials_that_are_missing_are_told_with_the_cure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    with pytest.raises(InputError, match="no valid Google Cloud credentials; run `gcloud auth application-default"):
        open_quickly().pointers()


@pytest.mark.parametrize("location", ["gs://", "gs://B/x", "gs://bucket/../x", "gs://bucket/a//b"])
def test_a_location_that_is_none_is_refused_before_anything_is_asked(location: str) -> None:
    with pytest.raises(InputError, match="is no place in Cloud Storage"):
        CloudStorageRegistry(location)


def test_bytes_that_were_corrupted_on_the_way_are_refused(
    cloud: CuttingCloudStorage, registry: CloudStorageRegistry, place: CloudPlace, making: Making, tmp_path: Path
) -> None:
    making(registry).register("a")
    cloud.corrupted.add(f"team/registry/{place.folder('v1')}/model/model.safetensors")
    with pytest.raises(InputError, match="bytes were corrupted on the way"):
        registry.model_dir("v1", tmp_path / "cache")
