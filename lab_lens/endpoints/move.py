"""One version's way to all of the traffic, step by step, and the way back from any place on it."""

import logging
from collections.abc import Callable, Collection, Mapping

from lab_lens.config_deployment import Deployment
from lab_lens.endpoints.base import (
    ALL_TRAFFIC,
    Endpoint,
    EndpointError,
    Release,
    SplitChangedError,
    release_of,
    serving,
    words_of,
)
from lab_lens.endpoints.result import Account, Step, UnhealthyError
from lab_lens.endpoints.shares import gathered, with_share, without
from lab_lens.endpoints.smoke import SmokeCheck, SmokeResult, read_golden, smoke_test
from lab_lens.errors import LabLensError
from lab_lens.registry.base import DEPLOY_FAILED, SHIFTING, Registry, ever_registered

_RETURN_ATTEMPTS = 3
_logger = logging.getLogger(__name__)


class Move:
    """Moves traffic to one version.

    Whatever happens to the process: traffic is with the versions that had it, or with this one, which was tested
    before; and each shift stands in the registry's history before it is made. So another process can always go on, or
    undo it.

    Args:
        endpoint: where.
        registry: which version is in production, and the history.
        release: the version.
        settings: the bounds of the smoke test.
        account: who does it, and why.
        proven: the version was in production before: that its golden note has another summary now, as after an upgrade
            of a library, is a warning then.

    Attributes:
        release: the version, as the endpoint needs it.
        account: who does it, and why; changes with what is done.
        home: the split to return to on a failure: production, if it is deployed, and what others deployed.
        before: the split at the beginning.
        steps: the smoke tests that were made.
        confirming: whether the registry is being told that the version is in production.
        problems: what went wrong besides, such as on the way back, a sentence each.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        registry: Registry,
        release: Release,
        settings: Deployment,
        account: Account,
        *,
        proven: bool = False,
    ) -> None:
        self._endpoint = endpoint
        self._registry = registry
        self._production = registry.production()
        self.release = release
        self._settings = settings
        self.account = account
        self._golden = read_golden(registry, release.version, binding=not proven)
        self._ours = ever_registered(registry.history())
        self.before = serving(endpoint.split())
        self._seen = self.before
        self.home = self._find_home()
        self.steps: list[Step] = []
        self.problems: list[str] = []
        self.confirming = False

    @property
    def version(self) -> str:
        """The version that is on its way."""
        return self.release.version

    def undo_leftovers(self) -> None:
        """Return the traffic of our versions that are neither production nor this one: their rollout was cut off.

        Raises:
            EndpointError: production does not answer as it should, so nothing can be returned to it.
        """
        production = self._production
        others = (self._seen.keys() & self._ours) - {production, self.version}
        if production is None or production == self.version or not others or production not in self._endpoint.split():
            return
        self._account_for(f"undoes a rollout that was cut off, of {', '.join(sorted(others))}")
        target = gathered(self._seen, production, self._ours)
        if self._endpoint.reaches_idle or production in self._seen:
            self._require_serving({production: ALL_TRAFFIC})
        self._shift(target)
        self._require_serving(target)
        for version in others:
            self._undeploy(version)

    def advance(self, shares: Collection[int]) -> None:
        """Deploy the version, and give it growing shares of the traffic, each only after it passed a smoke test.

        What another process has done of it already is not done again, but tested again.

        Raises:
            EndpointError: it is unhealthy, or traffic could not be moved.
        """
        self._enter()
        for share in shares:
            if self._seen.get(self.version, 0) < share:
                self._shift(with_share(self.home, self.version, share))
                self._test(share)

    def gather(self) -> None:
        """Deploy the version, and give it the traffic of our other versions; what others deployed keeps its share.

        Raises:
            EndpointError: it is unhealthy, or traffic could not be moved.
        """
        self._enter()
        wanted = gathered(self._seen, self.version, self._ours)
        if wanted != self._seen:
            self._shift(wanted)
            self._test(wanted[self.version])
        self._require_split(wanted)

    def require_all_traffic(self) -> None:
        """Check that the endpoint itself says that the version has all of the traffic.

        Raises:
            SplitChangedError: it has not.
        """
        self._require_split({self.version: ALL_TRAFFIC})

    def _require_split(self, wanted: Mapping[str, int]) -> None:
        if (present := serving(self._endpoint.split())) != wanted:
            raise SplitChangedError(wanted, present)

    def retire(self) -> None:
        """Take down the registry's versions that are not needed any more; one that cannot be is noted."""
        self._noting("versions that are not needed could not be looked for", self._retire_unneeded)

    def with_problems(self, reason: str) -> str:
        """A reason, with what went wrong besides."""
        return "; ".join([reason, *self.problems])

    def is_confirmed(self) -> bool:
        """Whether the registry has come to name the version as production, though an error told otherwise."""
        return self.confirming and self._production != self.version == self._registry.production()

    def undo(self, reasons: Collection[str], *, overruled: bool = False) -> None:
        """Return the traffic, see that it is served, take the version down, and record why; problems are noted.

        Args:
            reasons: why the version has failed.
            overruled: somebody else has moved traffic meanwhile. What they gave the version it keeps, if it passes its
                smoke test there.
        """
        if not (overruled and self._may_stay()):
            self._noting("traffic could not be returned", self._return_home)
        self._noting("the versions that have the traffic again do not serve as they should", self._require_home)
        self._noting(f"{self.version} could not be taken down", self._take_down)
        self._registry.record(
            DEPLOY_FAILED,
            actor=self.account.actor,
            run_id=self.account.run_id,
            reason=self.with_problems("; ".join(reasons)),
            version=self.version,
        )

    def _find_home(self) -> dict[str, int]:
        if self._production == self.version:
            return self.before
        if self._production in self._endpoint.split():
            return gathered(self.before, str(self._production), self._ours)
        return without(self.before, self.version)

    def _retire_unneeded(self) -> None:
        keep = {self.version, self._registry.previous() if self._settings.keep_previous else None}
        for version, share in self._endpoint.split().items():
            if not share and version in self._ours - keep:
                self._undeploy(version)

    def _undeploy(self, version: str) -> None:
        self._noting(f"{version} could not be taken down", lambda: self._endpoint.undeploy(version))

    def _take_down(self) -> None:
        if self.version not in self.home and not self._endpoint.split().get(self.version):
            self._endpoint.undeploy(self.version)

    def _deploy(self) -> None:
        try:
            self._endpoint.deploy(self.release)
        except EndpointError as error:
            self.steps.append(Step(0, (SmokeCheck("start", passed=False, detail=str(error)),)))
            raise UnhealthyError((f"start: {error}",)) from error

    def _enter(self) -> None:
        self._deploy()
        share = self._seen.get(self.version, 0)
        if self._endpoint.reaches_idle or share:
            self._test(share)

    def _test(self, share: int) -> None:
        result = smoke_test(self._endpoint, self.release, self._golden, self._settings)
        self.steps.append(Step(share, result.checks))
        self._warn(self.version, result)
        if not result.healthy:
            raise UnhealthyError(result.reasons)
        _logger.info("%s passed its smoke test at %d %% of the traffic", self.version, share)

    def _shift(self, split: Mapping[str, int]) -> None:
        """Move traffic from the split that was seen last, if it still is that one, after the history says so."""
        self._record_shift(split)
        self._endpoint.shift(split, expected=self._seen)
        self._seen = serving(split)
        _logger.info("traffic: %s", words_of(split))

    def _record_shift(self, split: Mapping[str, int]) -> None:
        self._registry.record(
            SHIFTING,
            actor=self.account.actor,
            reason=self.account.reason,
            run_id=self.account.run_id,
            version=self.version,
            traffic_before=self._seen,
            traffic_after=serving(split),
            endpoint=self._endpoint.location,
        )

    def _account_for(self, reason: str) -> None:
        self.account = Account(self.account.actor, reason, self.account.run_id)

    def _require_serving(self, split: Mapping[str, int]) -> None:
        """Smoke test our versions of a split that have traffic.

        Raises:
            EndpointError: one of them is unhealthy.
        """
        for version in sorted(serving(split).keys() & self._ours):
            release, golden = release_of(self._registry, version), read_golden(self._registry, version, binding=False)
            result = smoke_test(self._endpoint, release, golden, self._settings)
            self._warn(version, result)
            if not result.healthy:
                raise EndpointError(f"{version}: {'; '.join(result.reasons)}")

    def _may_stay(self) -> bool:
        """Whether the version has no traffic, or passes its smoke test with what it has."""
        try:
            if share := serving(self._endpoint.split()).get(self.version, 0):
                self._test(share)
        except LabLensError as error:
            self._note(f"{self.version} did not pass its smoke test after that", error)
            return False
        return True

    def _return_home(self) -> None:
        """Move traffic back, unless it is not with this version any more: then somebody else has decided."""
        self._account_for(f"returns the traffic that {self.version} had")
        for attempt in range(1, _RETURN_ATTEMPTS + 1):
            try:
                self._return_once()
            except LabLensError:
                if attempt == _RETURN_ATTEMPTS:
                    raise
            else:
                return

    def _return_once(self) -> None:
        self._seen = serving(self._endpoint.split())
        self.home = self._home_now()
        if self._seen == self.home or (self._seen and self.version not in self._seen):
            return
        # A history that cannot be written must not keep traffic with a version that failed.
        self._noting("the return could not be recorded before it", lambda: self._record_shift(self.home))
        self._endpoint.shift(self.home, expected=self._seen)
        self._seen = self.home
        _logger.warning("traffic returned: %s", words_of(self.home))

    def _home_now(self) -> dict[str, int]:
        """The split to return to: another process may have changed production meanwhile, or this one at last."""
        try:
            production = self._registry.production()
        except LabLensError:
            if self.confirming:
                raise
            return self.home
        if production in (None, self._production, *self.home) or production not in self._endpoint.split():
            return self.home
        return gathered(self._seen, str(production), self._ours)

    def _require_home(self) -> None:
        self._require_serving(self._endpoint.split())

    def _noting(self, problem: str, act: Callable[[], None]) -> None:
        try:
            act()
        except LabLensError as error:
            self._note(problem, error)

    def _warn(self, version: str, result: SmokeResult) -> None:
        for warning in result.warnings:
            self._note(f"{version} serves, with a warning", warning)

    def _note(self, problem: str, cause: object) -> None:
        _logger.warning("%s: %s", problem, cause)
        if (told := f"{problem}: {cause}") not in self.problems:
            self.problems.append(told)
