"""Releases from a registry in Cloud Storage to an endpoint of Vertex AI, with Google's own clients over a real wire.

Faults meet every request of a release, and kills every change that it makes. Whatever happens: traffic points to a
version that is deployed, production is not lost, the outcome stands in the history, and the next try completes the
release with nothing left over.
"""

import itertools
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest
from loopback.vertex_release import Interruption, answer_lost, forbidden, unavailable
from vertex_release_site import Hospital, hospital

from lab_lens.errors import LabLensError

pytestmark = pytest.mark.integration
_LOOKS = {"GetEndpoint", "ListEndpoints", "GetModel", "ListModels", "ListModelVersions", "ListOperations", "Predict"}


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Hospital]:
    with hospital(tmp_path, released="v1") as found:
        yield found


def requests_of(running: Hospital, version: str) -> list[str]:
    """Methods that a release calls, in their order."""
    start = running.site.server.count
    assert running.release(version).healthy
    return [call.rpc for call in running.site.server.calls[start:]]


def first_of_rows(names: list[str]) -> list[int]:
    """Numbers, from 1, of the first request of each row of equal ones."""
    lengths = [len(list(row)) for _, row in itertools.groupby(names)]
    return [1 + start for start in itertools.accumulate(lengths[:-1], initial=0)]


def other(version: str) -> str:
    return "v2" if version == "v1" else "v1"


@pytest.mark.parametrize("fault", [unavailable, answer_lost, forbidden])
def test_a_fault_at_any_request_loses_nothing_and_the_next_try_completes_the_release(
    running: Hospital, fault: Interruption
) -> None:
    numbers = first_of_rows(requests_of(running, "v2"))
    present = "v2"
    for number in numbers:
        wanted, known = other(present), len(running.outcomes())
        running.site.server.interrupt(running.site.server.count + number, fault)
        expected = released_in_the_end(running, wanted)
        assert running.outcomes()[known:] == expected, number
        running.require_only(wanted)
        present = wanted


def released_in_the_end(running: Hospital, wanted: str) -> list[str]:
    """Release a version, twice where it must be; gives what the history must have got of it."""
    before = running.registry.production()
    healthy = warned = False
    with suppress(LabLensError):
        result = running.release(wanted)
        healthy, warned = result.healthy, bool(result.warnings)
    assert running.registry.production() == (wanted if healthy else before)
    if healthy and not warned:
        return [f"promoted {wanted}"]
    assert running.release(wanted).healthy
    return [f"{'promoted' if healthy else 'deploy_failed'} {wanted}", f"promoted {wanted}"]


class Killer:
    """Kills a process at the n-th request that it meets, before the request is performed or after it."""

    def __init__(self, number: int, *, after: bool) -> None:
        self.killed = False
        self._number = number
        self._after = after
        self._aimed = threading.Event()
        self._child: BaseProcess | None = None

    def aim(self, child: BaseProcess) -> None:
        """Say whom; until then a request that is due waits."""
        self._child = child
        self._aimed.set()

    def meet(self, perform: Callable[[], Any]) -> Any:
        """Let a request pass, unless it is due."""
        self._number -= 1
        return perform() if self._number else self.strike(perform)

    def strike(self, perform: Callable[[], Any]) -> Any:
        """Kill at this request."""
        if self._after:
            perform()
        self._aimed.wait()
        assert self._child is not None
        self.killed = True
        self._child.kill()
        raise ConnectionAbortedError


@pytest.mark.parametrize("after", [False, True], ids=["before it is performed", "after it was performed"])
def test_a_process_that_is_killed_at_any_change_of_vertex_ai_leaves_what_the_next_one_completes(
    running: Hospital, after: bool
) -> None:
    changes = [at for at, name in enumerate(requests_of(running, "v2"), start=1) if name not in _LOOKS]
    present = "v2"
    for number in changes:
        killer = Killer(number, after=after)
        server = running.site.server
        server.interrupt(server.count + number, lambda perform, killer=killer: killer.strike(perform))
        present = killed_and_completed(running, other(present), killer)


@pytest.mark.parametrize("after", [False, True], ids=["before it is performed", "after it was performed"])
def test_a_process_that_is_killed_at_any_change_of_the_registry_leaves_what_the_next_one_completes(
    running: Hospital, after: bool
) -> None:
    present, number = "v1", 0
    while True:
        number += 1
        killer = Killer(number, after=after)
        running.cloud.interrupt = killer.meet
        present = killed_and_completed(running, other(present), killer)
        if not killer.killed:
            break
    assert number >= 4, "two shifts and the promotion are three writes"


@pytest.mark.parametrize("after", [False, True], ids=["before it is performed", "after it was performed"])
def test_a_first_release_that_is_killed_at_any_change_is_completed(tmp_path: Path, after: bool) -> None:
    with hospital(tmp_path / "whole") as running:
        names = requests_of(running, "v1")
    for number in [at for at, name in enumerate(names, start=1) if name not in _LOOKS]:
        with hospital(tmp_path / str(number)) as running:
            killer = Killer(number, after=after)
            running.site.server.interrupt(number, lambda perform, killer=killer: killer.strike(perform))
            killed_and_completed(running, "v1", killer)
            assert killer.killed


def killed_and_completed(running: Hospital, wanted: str, killer: Killer) -> str:
    """Release a version in a process that is killed, then in this one; gives the version."""
    before, known = running.registry.production(), len(running.outcomes())
    child = running.child(wanted)
    child.start()
    killer.aim(child)
    child.join()
    running.cloud.interrupt = None
    assert child.exitcode == (-signal.SIGKILL if killer.killed else 0)
    assert running.registry.production() in (before, wanted)
    assert running.release(wanted).healthy
    assert set(running.outcomes()[known:]) == {f"promoted {wanted}"}
    running.require_only(wanted)
    return wanted
