"""Writers of a Cloud Storage registry that die, lose answers, or work at the same time."""

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from cloud_registry_site import (
    BUCKET,
    DONE,
    LOCATION,
    OPERATIONS,
    CloudPlace,
    open_quickly,
    require_nothing_superfluous,
    require_whole,
)
from loopback.cutting import CuttingCloudStorage
from loopback.server import HttpRequest, HttpResponse
from registry_place import Maker

from lab_lens.errors import InputError
from lab_lens.registry.base import Registry, pointers_after
from lab_lens.registry.gcs import CloudStorageRegistry

Making = Callable[[Registry], Maker]
WRITERS = 16


@pytest.fixture
def place(cloud: CuttingCloudStorage) -> CloudPlace:
    return CloudPlace(cloud, open_quickly)


@pytest.fixture
def filled(cloud: CuttingCloudStorage, place: CloudPlace, making: Making) -> Callable[[], Maker]:
    """Give the bucket what a registry with three released versions leaves in it."""
    make = making(place.open())
    make.release("a", "b", "c")
    content = dict(cloud.store.buckets[BUCKET])

    def fill() -> Maker:
        cloud.store.buckets[BUCKET] = dict(content)
        return make

    return fill


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_an_answer_that_is_lost_is_no_other_writer_and_nothing_is_done_twice(
    cloud: CuttingCloudStorage, place: CloudPlace, filled: Callable[[], Maker], operation: str
) -> None:
    work, (action, pointers) = OPERATIONS[operation], DONE[operation]
    make = filled()
    writes = _numbers_of_writes(cloud, lambda: work(place.open(), make))
    for at in writes:
        filled()
        before = place.open().history()
        cloud.cut(at, performed=True, lasting=False)
        work(CloudStorageRegistry(LOCATION), make)
        cloud.mend()
        assert [entry.action for entry in place.open().history()[len(before) :]] == [action]
        assert place.open().pointers() == pointers
        require_whole(place.open())
        require_nothing_superfluous(place)


def _numbers_of_writes(cloud: CuttingCloudStorage, work: Callable[[], object]) -> list[int]:
    """The numbers of the requests that write the index; those of files are written before anybody knows of them."""
    first = len(cloud.requests)
    work()
    made = [request for request in cloud.requests[first:] if cloud.counts(request)]
    return [
        number
        for number, request in enumerate(made, start=1)
        if request.method == "POST" and b"registry_index.json" in request.body
    ]


def test_a_change_of_which_the_answer_never_comes_is_not_called_undone(
    cloud: CuttingCloudStorage, place: CloudPlace, filled: Callable[[], Maker]
) -> None:
    make = filled()
    (at,) = _numbers_of_writes(cloud, lambda: OPERATIONS["promote"](place.open(), make))
    cloud.cut(at, performed=True, lasting=True)
    with pytest.raises(InputError, match="so it may be there or not; look at `lab-lens registry history`, and repeat"):
        OPERATIONS["promote"](place.open(), make)
    cloud.mend()


def test_many_writers_at_once_lose_nothing_and_leave_one_history(place: CloudPlace, making: Making) -> None:
    makes = [making(place.open()) for _ in range(WRITERS)]
    for number, make in enumerate(makes):
        make.evidence(f"w{number}")

    def write(number: int) -> str:
        registry = CloudStorageRegistry(LOCATION)
        make = makes[number]
        stored = registry.register(make.model(f"w{number}"), make.evidence(f"w{number}"), actor=f"writer {number}")
        registry.promote(stored.version, actor=f"writer {number}", reason="r", decision_hash="h")
        return stored.version

    with ThreadPoolExecutor(WRITERS) as pool:
        names = list(pool.map(write, range(WRITERS)))
    registry = place.open()
    assert sorted(names) == sorted(f"v{number}" for number in range(1, WRITERS + 1))
    history = registry.history()
    assert len(history) == 2 * WRITERS
    assert {(entry.action, entry.who) for entry in history} == {
        (action, f"writer {number}") for action in ("registered", "promoted") for number in range(WRITERS)
    }
    for number, entry in enumerate(history):
        assert entry.from_version == pointers_after(history[:number]).production
    require_whole(registry)
    require_nothing_superfluous(place)


def test_of_writers_with_the_same_model_all_get_the_same_version(place: CloudPlace, making: Making) -> None:
    make = making(place.open())
    evidence = make.evidence("a")

    def write(_: int) -> str:
        return CloudStorageRegistry(LOCATION).register(make.model("a"), evidence, actor="ana").version

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(write, range(4))) == {"v1"}
    assert [entry.action for entry in place.open().history()] == ["registered"]
    CloudStorageRegistry(LOCATION).prune(9, actor="ana", reason="r")
    require_nothing_superfluous(place)


class _Meddler(CuttingCloudStorage):
    """Calls `meddle` once, just before the first model file is written, or each time before the index is."""

    meddle: Callable[[], None] | None = None
    before = b"model.safetensors"
    again = False

    def answer(self, request: HttpRequest) -> HttpResponse:
        meddle = self.meddle
        if meddle is not None and request.path.startswith("/upload/") and self.before in request.body:
            self.meddle = None
            meddle()
            self.meddle = meddle if self.again else None
        return super().answer(request)


@pytest.fixture
def meddled(monkeypatch: pytest.MonkeyPatch, cloud: CuttingCloudStorage) -> Iterator["_Meddler"]:
    with _Meddler(BUCKET) as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
        yield server


def test_an_upload_that_was_given_up_for_dead_never_becomes_a_version(meddled: _Meddler, making: Making) -> None:
    def prune() -> None:
        CloudStorageRegistry(LOCATION, upload_hours=0).prune(0, actor="ben", reason="space")

    meddled.meddle = prune
    with pytest.raises(InputError, match=r"v1 took so long to upload to .* that it was given up for dead; repeat this"):
        making(open_quickly()).register("a")
    assert open_quickly().list_versions() == []
    assert making(open_quickly()).register("a") == "v1"
    assert open_quickly().verify("v1") == []


def test_pruning_never_touches_an_upload_that_is_at_work(meddled: _Meddler, making: Making) -> None:
    registry = open_quickly()
    making(registry).release("x", "y", "z")
    # Its files are there, and no version names them.
    meddled.before = b"/version.json"
    meddled.meddle = lambda: open_quickly().prune(0, actor="ben", reason="space") and None
    assert making(open_quickly()).register("a") == "v4"
    assert [version.version for version in registry.list_versions()] == ["v2", "v3", "v4"]
    require_whole(registry)


def test_a_model_that_changes_while_it_is_registered_is_refused(meddled: _Meddler, making: Making) -> None:
    make = making(open_quickly())
    make.evidence("a")
    meddled.before = b"registry_index.json"
    meddled.meddle = lambda: (make.model("a") / "model.safetensors").write_text("other") and None
    with pytest.raises(InputError, match=r"model\.safetensors changed while it was being registered; repeat this when"):
        make.register("a")
    assert open_quickly().list_versions() == []


def test_a_name_that_another_writer_takes_meanwhile_is_refused(meddled: _Meddler, making: Making) -> None:
    meddled.meddle = lambda: making(open_quickly()).register("b", "1.0") and None
    with pytest.raises(InputError, match=r"v1\.0 exists in .* with another model; choose another name"):
        making(open_quickly()).register("a", "1.0")
    assert [entry.action for entry in open_quickly().history()] == ["registered"]


def test_a_number_that_was_given_to_an_upload_is_given_to_nobody_else(meddled: _Meddler, making: Making) -> None:
    names: list[str] = []
    refused: list[str] = []

    def meddle() -> None:
        names.append(making(open_quickly()).register("b"))
        with pytest.raises(InputError) as caught:
            making(open_quickly()).register("c", "v1")
        refused.append(str(caught.value))

    meddled.meddle = meddle
    assert making(open_quickly()).register("a") == "v1"
    assert names == ["v2"]
    assert "version v1 of gs://hospital-models/team/registry is being registered by ana since " in refused[0]


def test_a_writer_that_loses_every_race_says_so(
    meddled: _Meddler, making: Making, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lab_lens.registry.gcs_store._ATTEMPTS", 3)
    registry = open_quickly()
    making(registry).release("a")
    meddled.before, meddled.again = b"registry_index.json", True
    meddled.meddle = lambda: open_quickly().record("held", actor="ben", reason="r") and None
    with pytest.raises(InputError, match="3 times another writer changed the registry first; nothing was changed"):
        registry.promote("v1", actor="ana", reason="r", decision_hash="h")
    meddled.meddle = None
    assert [entry.who for entry in registry.history()] == ["ana", "ana", "ben", "ben", "ben"]


def test_a_dead_upload_goes_with_the_next_registration(
    place: CloudPlace, cloud: CuttingCloudStorage, making: Making
) -> None:
    cloud.cut(8, performed=True, lasting=True)
    with pytest.raises(InputError):
        making(open_quickly()).register("a")
    cloud.mend()
    assert place.index()["cloud"]["uploads"]
    long_ago = (datetime.now(UTC) - timedelta(hours=25)).isoformat(timespec="seconds")
    index = place.index()
    index["cloud"]["uploads"][0]["started"] = long_ago
    place.write_index(json.dumps(index).encode())
    assert making(open_quickly()).register("b") == "v1"
    require_nothing_superfluous(place)


def test_two_threads_may_share_a_registry(place: CloudPlace, making: Making) -> None:
    registry = CloudStorageRegistry(LOCATION)
    making(registry).release("a")
    threads = [threading.Thread(target=lambda: registry.record("held", actor="ana", reason="r")) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [entry.action for entry in registry.history()][2:] == ["held"] * 4
