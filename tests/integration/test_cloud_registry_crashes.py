"""Writers of a Cloud Storage registry that die at every request in turn, and a view in Vertex AI that is cut off."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

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
from registry_place import Maker
from vertex_registry_site import VertexSite, judged

from lab_lens.errors import InputError
from lab_lens.registry.base import HistoryEntry, Registry
from lab_lens.registry.gcs import CloudStorageRegistry

pytestmark = pytest.mark.integration
Making = Callable[[Registry], Maker]
TESTS = Path(__file__).parents[1]
TIMES = pytest.mark.parametrize("performed", [False, True], ids=["before it is performed", "after it was performed"])


@pytest.fixture
def place(cloud: CuttingCloudStorage) -> CloudPlace:
    return CloudPlace(cloud, open_quickly)


@pytest.fixture
def fill(cloud: CuttingCloudStorage, place: CloudPlace, making: Making) -> Callable[[], Maker]:
    """Give the bucket what a registry with three released versions leaves in it."""
    make = making(place.open())
    make.release("a", "b", "c")
    make.evidence("d")
    content = dict(cloud.store.buckets[BUCKET])

    def filled() -> Maker:
        cloud.store.buckets[BUCKET] = dict(content)
        return make

    return filled


@TIMES
@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_a_writer_may_lose_its_connection_at_every_request(
    cloud: CuttingCloudStorage, place: CloudPlace, fill: Callable[[], Maker], operation: str, performed: bool
) -> None:
    make = fill()
    for at in range(1, _requests_of(cloud, lambda: OPERATIONS[operation](place.open(), make)) + 1):
        fill()
        before = place.open().history()
        cloud.cut(at, performed=performed, lasting=True)
        died = _dies(lambda: OPERATIONS[operation](place.open(), make))
        cloud.mend()
        _require_recovery(place, make, operation, before, died=died)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked children")
@TIMES
@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_a_writer_may_be_killed_at_every_request(
    cloud: CuttingCloudStorage,
    place: CloudPlace,
    fill: Callable[[], Maker],
    children: subprocess.Popen[str],
    operation: str,
    performed: bool,
) -> None:
    kills = 0
    while True:
        make = fill()
        before = place.open().history()
        pid = _ask(children, {"operation": operation, "url": cloud.url, "models": str(make.root)})
        cloud.cut(kills + 1, performed=performed, lasting=False, dying=lambda pid=pid: os.kill(pid, signal.SIGKILL))
        status = _ask(children, {})
        cloud.mend()
        _require_recovery(place, make, operation, before, died=bool(status))
        if status == 0:
            break
        assert status == -signal.SIGKILL
        kills += 1
    assert kills >= 2


@pytest.fixture(scope="module")
def children() -> Iterator[subprocess.Popen[str]]:
    """The program that forks children, one an operation."""
    program = Path(__file__).with_name("cloud_registry_children.py")
    paths = os.pathsep.join(filter(None, [str(TESTS), str(TESTS.parent), os.environ.get("PYTHONPATH", "")]))
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    with subprocess.Popen(
        [sys.executable, str(program)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**environment, "PYTHONPATH": paths},
    ) as running:
        yield running
        assert running.stdin is not None
        running.stdin.close()
        running.wait(timeout=30)


def _ask(children: subprocess.Popen[str], asked: dict[str, str]) -> int:
    """Say something, and give the number that comes back."""
    assert children.stdin is not None
    assert children.stdout is not None
    print(json.dumps(asked), file=children.stdin, flush=True)
    return int(children.stdout.readline())


def _require_recovery(
    place: CloudPlace, make: Maker, operation: str, before: list[HistoryEntry], *, died: bool
) -> None:
    """The registry is whole, and what was cut off is done or can be repeated; then nothing superfluous is left."""
    action, pointers = DONE[operation]
    registry = place.open()
    require_whole(registry)
    added = registry.history()[len(before) :]
    assert registry.history()[: len(before)] == before
    assert [entry.action for entry in added] in ([], [action])
    if died and not added:
        OPERATIONS[operation](registry, make)
    assert registry.pointers() == pointers
    assert [entry.action for entry in registry.history()[len(before) :]] == [action]
    require_whole(registry)
    # What is left of dead uploads goes when they are given up for dead.
    CloudStorageRegistry(LOCATION, upload_hours=0).prune(9, actor="ana", reason="r")
    require_nothing_superfluous(place)


def _requests_of(cloud: CuttingCloudStorage, work: Callable[[], object]) -> int:
    cloud.cut(0, performed=False, lasting=False)
    work()
    return cloud.mend()


def _dies(work: Callable[[], object]) -> bool:
    try:
        work()
    except InputError:
        return True
    return False


@TIMES
def test_a_registration_that_is_cut_off_is_made_up_for_and_shown_once(
    site: VertexSite, making: Making, performed: bool
) -> None:
    make = making(site.open())
    make.release("a")
    # Else every version would add calls.
    site.models.page_size = 100
    at, calls = 0, 0
    while calls >= at:
        at += 1
        weights = f"w{at}"
        site.server.cut(at, performed=performed, lasting=True)
        version = site.open().register(make.model(weights), judged(make, weights), actor="ana").version
        calls = site.server.mend()
        assert version == f"v{at + 1}"
        site.open().sync()
        (shown,) = [item for item in site.models.versions(site.model) if version in item.version_aliases]
        assert set(shown.version_aliases) == {version, "candidate"}
        assert len(site.models.evaluations(f"{site.model}@{shown.version_id}")) == 1
        assert len(site.models.slices(site.models.evaluations(f"{site.model}@{shown.version_id}")[0].name)) == 2
        assert site.models.alias(site.model, "default") == "1"
    assert at > 8
