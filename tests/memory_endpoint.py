"""An endpoint that lives in this process: the contract's rules and nothing else, for tests that need thousands of them.

It passes the same suite as the others, `endpoint_contract`.
"""

from collections.abc import Mapping, Sequence

from lab_lens.endpoints.base import (
    EndpointError,
    Prediction,
    Release,
    Reply,
    SplitChangedError,
    require_split,
    serving,
)


class MemoryEndpoint:
    """Versions that answer with their own hash and a summary of their own.

    Args:
        reaches_idle: whether a version without traffic can be asked.

    Attributes:
        broken: content hashes of versions that come up but answer wrongly.
        dead: content hashes of versions that never come up.
        slow: content hashes of versions that take a second for an answer, and not 10 ms.
    """

    location = "memory:"

    def __init__(self, *, reaches_idle: bool = True) -> None:
        self.reaches_idle = reaches_idle
        self.broken: set[str] = set()
        self.dead: set[str] = set()
        self.slow: set[str] = set()
        self._hashes: dict[str, str] = {}
        self._shares: dict[str, int] = {}

    def split(self) -> dict[str, int]:
        return dict(self._shares)

    def deploy(self, release: Release) -> None:
        present = self._hashes.get(release.version)
        if present not in (None, release.content_hash):
            raise EndpointError(f"{release.version} is deployed with another model")
        if release.content_hash in self.dead:
            raise EndpointError(f"{release.version} did not come up")
        self._hashes[release.version] = release.content_hash
        self._shares.setdefault(release.version, 0)

    def shift(self, split: Mapping[str, int], *, expected: Mapping[str, int]) -> None:
        if serving(self._shares) != serving(expected):
            raise SplitChangedError(expected, self._shares)
        require_split(split, self._shares)
        self._shares = {version: split.get(version, 0) for version in self._shares}

    def undeploy(self, version: str) -> None:
        if self._shares.get(version):
            raise EndpointError(f"{version} has traffic")
        self._shares.pop(version, None)
        self._hashes.pop(version, None)

    def is_healthy(self, version: str) -> bool:
        return version in self._hashes and self._hashes[version] not in self.broken

    def model_hash(self, version: str) -> str:
        return self._asked(version)

    def predict(self, version: str, texts: Sequence[str]) -> Reply:
        served = self._asked(version)
        said = "" if served in self.broken else f"summary by {served[:8]}"
        answers = tuple(Prediction(said, -1.0, len(text), 3, False, served) for text in texts)
        return Reply(answers, 1.0 if served in self.slow else 0.01)

    def predict_status(self, version: str, body: bytes) -> int:
        self._asked(version)
        return 200 if b'"text"' in body else 400

    def _asked(self, version: str) -> str:
        if version not in self._hashes:
            raise EndpointError(f"{version} is not deployed")
        if not (self.reaches_idle or self._shares[version]):
            raise EndpointError(f"{version} has no traffic and cannot be asked")
        return self._hashes[version]
