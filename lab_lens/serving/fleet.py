"""The versions behind one port, their shares of the traffic, and the file that brings them back after a restart."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import httpx
from pydantic import TypeAdapter, ValidationError

from lab_lens import artifacts
from lab_lens.endpoints.base import EndpointError, SplitChangedError, require_split, serving, words_of
from lab_lens.endpoints.local import STATE_JSON
from lab_lens.errors import InputError
from lab_lens.serving.child import Child, Served

LOGS = "logs"
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _State:
    versions: tuple[Served, ...] = ()
    split: dict[str, int] = field(default_factory=dict)
    schema_version: int = artifacts.SCHEMA_VERSION


_STATE = TypeAdapter(_State)


class Fleet:
    """Versions and the split between them.

    Args:
        directory: keeps `endpoint.json` and the logs.
        device: `auto`, `cpu`, `cuda` or `mps`.
        client: for requests to the versions.

    Raises:
        InputError: the directory cannot be written, or its `endpoint.json` is damaged.
    """

    def __init__(self, directory: Path, *, device: str, client: httpx.AsyncClient) -> None:
        self._path = directory / STATE_JSON
        self._logs = directory / LOGS
        self._device = device
        self._client = client
        state = read_state(directory)
        self._known = {served.version: served for served in state.versions}
        self._children: dict[str, Child] = {}
        self._split = {version: state.split.get(version, 0) for version in self._known}
        # Smooth weighted round robin: what each version is ahead of the others, in percent.
        self._credit: dict[str, int] = defaultdict(int)
        self._changing: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def restore(self, ready_seconds: float) -> None:
        """Bring up what was deployed when the last process ended; it has its shares at once, and answers when ready."""
        for served in self._known.values():
            self._children[served.version] = self._child(served, ready_seconds)
            self._children[served.version].keep_alive()

    def split(self) -> dict[str, int]:
        """The share of each version in percent."""
        return dict(self._split)

    def child(self, version: str) -> Child | None:
        """A deployed version."""
        return self._children.get(version)

    async def deploy(self, served: Served, ready_seconds: float) -> None:
        """Bring a version up without traffic.

        Raises:
            EndpointError: another model has this name.
            ChildError: it did not come up; nothing is left of it.
        """
        async with self._changing[served.version]:
            if known := self._known.get(served.version):
                if known.content_hash != served.content_hash:
                    raise EndpointError(
                        f"{served.version} is deployed with another model (sha256 {known.content_hash[:12]}, not "
                        f"{served.content_hash[:12]}); undeploy that first"
                    )
                return
            child = self._child(served, ready_seconds)
            await child.start()
            try:
                self._keep({**self._known, served.version: served}, {**self._split, served.version: 0})
            except BaseException:
                await child.stop()
                raise
            self._children[served.version] = child

    def shift(self, split: Mapping[str, int], expected: Mapping[str, int]) -> None:
        """Move traffic in one step.

        Raises:
            SplitChangedError: the split is not the expected one.
            EndpointError: the shares are wrong, or a version that had no traffic cannot answer.
        """
        if serving(self._split) != serving(expected):
            raise SplitChangedError(expected, self._split)
        require_split(split, self._split)
        # One that had traffic may get more even while it is started again: whoever asks for that trusts no other.
        down = [name for name in serving(split) if not (self._split[name] or self._children[name].ready)]
        if down:
            raise EndpointError(f"traffic was not moved: {', '.join(down)} cannot answer at the moment")
        self._keep(self._known, {version: split.get(version, 0) for version in self._known})
        self._credit.clear()
        _logger.info("traffic: %s", words_of(self._split))

    async def undeploy(self, version: str, drain_seconds: float) -> None:
        """Take a version down after its last request.

        Raises:
            EndpointError: it has traffic.
        """
        async with self._changing[version]:
            if version not in self._known:
                return
            if self._split[version]:
                raise EndpointError(f"{version} has traffic ({self._split[version]} %); shift that first")
            self._keep(
                {name: served for name, served in self._known.items() if name != version},
                {name: share for name, share in self._split.items() if name != version},
            )
            child = self._children.pop(version)
            await child.drain(drain_seconds)
            await child.stop()

    async def close(self) -> None:
        """Stop every version; what is deployed stays known."""
        await asyncio.gather(*(child.stop() for child in self._children.values()))

    def choose(self, without: frozenset[str] = frozenset()) -> Child | None:
        """The version whose turn it is, among those that have traffic and can answer; None when there is none.

        Smooth weighted round robin, as nginx does it: in any 100 requests each version has its share exactly.

        Args:
            without: versions that failed this request already.
        """
        shares = {
            version: share
            for version, share in serving(self._split).items()
            if version not in without and self._children[version].ready
        }
        if not shares:
            return None
        for version, share in shares.items():
            self._credit[version] += share
        chosen = max(shares, key=lambda version: self._credit[version])
        self._credit[chosen] -= sum(shares.values())
        return self._children[chosen]

    def _child(self, served: Served, ready_seconds: float) -> Child:
        return Child(
            served, device=self._device, working_dir=self._logs, ready_seconds=ready_seconds, client=self._client
        )

    def _keep(self, known: Mapping[str, Served], split: Mapping[str, int]) -> None:
        """Write what is deployed and how it is split, and only then act on it."""
        artifacts.write_json(self._path, asdict(_State(tuple(known.values()), dict(split))))
        self._known, self._split = dict(known), dict(split)


def read_state(directory: Path) -> _State:
    """What was deployed in a directory; nothing where there is no file.

    Raises:
        InputError: it is damaged, or was written by a newer lab-lens.
    """
    path = directory / STATE_JSON
    if not path.is_file():
        return _State()
    try:
        state = _STATE.validate_python(artifacts.read_json(path))
    except ValidationError as error:
        raise InputError(f"{path} is damaged; remove it, and deploy again what it is to serve") from error
    if state.schema_version > artifacts.SCHEMA_VERSION:
        raise InputError(f"{path} was written by a newer lab-lens; use that, or give another --endpoint-dir")
    return state
