"""Every call of a release and of a return made to fail, and the process killed at each of them."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from endpoint_faults import MODES, Faults, KilledError, Mode, faulty_endpoint, faulty_registry
from memory_endpoint import MemoryEndpoint
from release_site import content, make_registry, memory_endpoint

from lab_lens.config_deployment import Deployment
from lab_lens.endpoints.base import serving
from lab_lens.endpoints.result import RolloutResult
from lab_lens.endpoints.rollout import return_traffic, roll_out
from lab_lens.errors import InputError, LabLensError
from lab_lens.registry.local import LocalRegistry

pytestmark = pytest.mark.integration
SETTINGS = Deployment(latency_requests=1, step_percents=(100,))
Act = Callable[[object, object], RolloutResult]


def release_v2(endpoint: object, registry: object) -> RolloutResult:
    return roll_out(endpoint, registry, "v2", SETTINGS, actor="ana")  # type: ignore[arg-type]


def return_to_v1(endpoint: object, registry: object) -> RolloutResult:
    return return_traffic(endpoint, registry, SETTINGS, actor="ana", reason="r", to="v1")  # type: ignore[arg-type]


class Site:
    """A registry and an endpoint as they were before, again and again, and what must hold at every moment."""

    def __init__(self, path: Path, production: tuple[str, ...], broken: tuple[str, ...], reaches_idle: bool) -> None:
        self._path = path
        self._template = make_registry(path / "template")
        self._broken = broken
        self._reaches_idle = reaches_idle
        self._production = production
        for version in production:
            self._template.promote(version, actor="ana", reason="good", decision_hash="")
        self.runs = 0
        self.astray: dict[str, int] = {}

    def fresh(self) -> tuple[LocalRegistry, MemoryEndpoint]:
        self.runs += 1
        path = self._path / f"run-{self.runs}"
        shutil.copytree(self._template.path, path)
        registry = LocalRegistry(path)
        endpoint = memory_endpoint(registry, *self._broken, reaches_idle=self._reaches_idle)
        if self._production:
            endpoint.deploy(release(registry, self._production[-1]))
            endpoint.shift({self._production[-1]: 100}, expected={})
        if self.astray:
            endpoint.deploy(release(registry, "v2"))
            endpoint.shift(self.astray, expected={self._production[-1]: 100})
        return registry, endpoint

    def require_sound(self, registry: LocalRegistry, endpoint: MemoryEndpoint) -> None:
        """Clients are served by versions that are deployed and were found good, production is one of them."""
        split = serving(endpoint.split())
        assert sum(split.values()) == (100 if self._production else sum(split.values()))
        canary = SETTINGS.canary_percent if not self._reaches_idle and self._production else 0
        for version in self._broken:
            assert split.get(version, 0) <= canary or not self._production
        production = registry.production()
        assert production is not None or not self._production
        if production:
            assert production in endpoint.split()
            assert production not in self._broken


def release(registry: LocalRegistry, version: str):  # type: ignore[no-untyped-def]
    from lab_lens.endpoints.base import release_of

    return release_of(registry, version)


def every_fault(site: Site, act: Act, mode: Mode):  # type: ignore[no-untyped-def]
    """Act with a fault at the first call, the second, ... until there are no more; yield what each left behind."""
    at = 0
    while True:
        at += 1
        registry, endpoint = site.fresh()
        faults = Faults(at, mode, lambda r=registry, e=endpoint: site.require_sound(r, e))  # type: ignore[misc]
        outcome: RolloutResult | BaseException
        try:
            outcome = act(faulty_endpoint(endpoint, faults), faulty_registry(registry, faults))
        except (LabLensError, KilledError) as error:
            outcome = error
        if not faults.struck:
            break
        site.require_sound(registry, endpoint)
        yield registry, endpoint, outcome, faults.calls[at - 1]
    assert at > 20


@pytest.mark.parametrize("mode", ["refused", "lost"])
@pytest.mark.parametrize("reaches_idle", [True, False])
@pytest.mark.parametrize(("act", "production"), [(release_v2, ("v1",)), (release_v2, ()), (return_to_v1, ("v1", "v2"))])
def test_a_call_that_fails_leaves_traffic_with_production_and_an_outcome_in_the_history(
    tmp_path: Path, act: Act, production: tuple[str, ...], reaches_idle: bool, mode: Mode
) -> None:
    site = Site(tmp_path, production, (), reaches_idle)
    target = "v1" if act is return_to_v1 else "v2"
    for registry, endpoint, outcome, call in every_fault(site, act, mode):
        now = registry.production()
        assert serving(endpoint.split()) == ({now: 100} if now else {}), call
        if isinstance(outcome, RolloutResult):
            assert now == (target if outcome.healthy else (production or (None,))[-1]), call
            ended = {"promoted", "rolled_back"} if outcome.healthy else {"deploy_failed"}
            assert registry.history()[-1].action in ended, call
        if act is return_to_v1 and now == target:
            continue
        assert act(endpoint, registry).healthy, call
        assert (registry.production(), endpoint.split()) == (target, {target: 100}), call


@pytest.mark.parametrize("reaches_idle", [True, False])
@pytest.mark.parametrize("mode", MODES)
def test_a_version_that_is_no_good_never_gets_more_than_the_canary_share_whatever_fails(
    tmp_path: Path, mode: Mode, reaches_idle: bool
) -> None:
    site = Site(tmp_path, ("v1",), ("v2",), reaches_idle)
    for registry, endpoint, _, call in every_fault(site, release_v2, mode):
        assert registry.production() == "v1", call
        assert not release_v2(endpoint, registry).healthy, call
        assert (registry.production(), endpoint.split()) == ("v1", {"v1": 100}), call
        assert registry.history()[-1].action == "deploy_failed", call


@pytest.mark.parametrize("reaches_idle", [True, False])
@pytest.mark.parametrize("mode", ["killed before", "killed after"])
@pytest.mark.parametrize("production", [("v1",), ()], ids=["v1 in production", "first version"])
def test_a_killed_release_is_completed_by_the_next_or_undone_by_another(
    tmp_path: Path, production: tuple[str, ...], mode: Mode, reaches_idle: bool
) -> None:
    site = Site(tmp_path, production, (), reaches_idle)
    for turn, (registry, endpoint, _, call) in enumerate(every_fault(site, release_v2, mode)):
        version = ("v2", "v3")[turn % 2]
        result = roll_out(endpoint, registry, version, SETTINGS, actor="ben")
        assert result.healthy, call
        assert (registry.production(), endpoint.split()) == (version, {version: 100}), call


@pytest.mark.parametrize("mode", ["killed before", "killed after"])
def test_a_killed_release_is_undone_by_an_operator(tmp_path: Path, mode: Mode) -> None:
    site = Site(tmp_path, ("v1",), (), reaches_idle=False)
    for registry, endpoint, _, call in every_fault(site, release_v2, mode):
        try:
            result = return_to_v1(endpoint, registry)
        except InputError:
            # Nothing had been moved yet.
            assert serving(endpoint.split()) == {"v1": 100}, call
        else:
            assert result.healthy, call
        assert (registry.production(), serving(endpoint.split())) == ("v1", {"v1": 100}), call


@pytest.mark.parametrize("reaches_idle", [True, False])
@pytest.mark.parametrize("mode", ["killed before", "killed after"])
def test_a_killed_return_is_completed_by_the_same_command(tmp_path: Path, mode: Mode, reaches_idle: bool) -> None:
    site = Site(tmp_path, ("v1", "v2"), (), reaches_idle)
    for registry, endpoint, _, call in every_fault(site, return_to_v1, mode):
        if registry.production() == "v2":
            assert return_to_v1(endpoint, registry).healthy, call
        assert (registry.production(), serving(endpoint.split())) == ("v1", {"v1": 100}), call


@pytest.mark.parametrize("reaches_idle", [True, False])
@pytest.mark.parametrize("mode", MODES)
def test_a_hold_that_fails_loses_nothing_and_is_completed_by_the_same_command(
    tmp_path: Path, mode: Mode, reaches_idle: bool
) -> None:
    site = Site(tmp_path, ("v1",), (), reaches_idle)
    # A release of v2 was cut off.
    site.astray = {"v1": 90, "v2": 10}
    for registry, endpoint, outcome, call in every_fault(site, return_to_v1, mode):
        assert registry.production() == "v1", call
        assert serving(endpoint.split()) in (site.astray, {"v1": 100}), call
        if isinstance(outcome, RolloutResult):
            ended = "held" if outcome.healthy else "deploy_failed"
            assert ended in {entry.action for entry in registry.history()[-2:]}, call
        if serving(endpoint.split()) != {"v1": 100}:
            assert return_to_v1(endpoint, registry).healthy, call
        assert (registry.production(), serving(endpoint.split())) == ("v1", {"v1": 100}), call


def test_the_faults_are_real(tmp_path: Path) -> None:
    site = Site(tmp_path, ("v1",), (), reaches_idle=True)
    seen = [call for *_, call in every_fault(site, release_v2, "refused")]
    assert {"deploy", "shift", "undeploy", "split", "record", "promote", "predict", "verify"} <= set(seen)
    assert content(site.fresh()[0], "v1")
