"""The contract of an endpoint, wherever it runs: versions side by side behind one address, and their share of traffic.

The rules of the contract, which `tests/endpoint_contract.py` checks on every implementation:

- a version is deployed without traffic; clients notice nothing of it;
- the shares of the deployed versions are whole percents that add up to 100, or all are 0: the endpoint serves nobody;
- traffic is moved in one step, from the split that the caller expects, or not at all;
- a version with traffic cannot be undeployed;
- a call that failed can be repeated, and a call that was done already does nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lab_lens.errors import LabLensError
from lab_lens.registry.base import Registry

ALL_TRAFFIC = 100


class EndpointError(LabLensError):
    """An endpoint did not start, does not answer, or answers something that breaks the contract."""


class SplitChangedError(EndpointError):
    """Traffic was not moved, since somebody else had moved it meanwhile; `present` is the split as it is."""

    def __init__(self, expected: Mapping[str, int], present: Mapping[str, int]) -> None:
        self.present = dict(present)
        super().__init__(
            f"traffic was moved by somebody else meanwhile: expected {words_of(expected)}, found {words_of(present)}; "
            "find out who did it, then repeat this"
        )


@dataclass(frozen=True)
class Release:
    """A registered version, as an endpoint needs it to serve it.

    Attributes:
        version: its name.
        content_hash: of its model files; the served model must say the same.
        uri: where the registry keeps the model files, as a path or `gs://bucket/prefix`.
        directory: gives a directory on this machine with the model files; from elsewhere they are fetched and checked.
    """

    version: str
    content_hash: str
    uri: str
    directory: Callable[[], Path]


@dataclass(frozen=True)
class Prediction:
    """One summary that an endpoint gave; fields as in `engine.generate.Generation`.

    `model_hash` is the content hash of the model that made it: where an endpoint has no route but that of predictions,
    only they can say what is served. "" where it was not said.
    """

    summary: str
    log_probability: float
    input_tokens: int
    output_tokens: int
    truncated: bool
    model_hash: str = ""


@dataclass(frozen=True)
class Reply:
    """What one version answered.

    Attributes:
        predictions: one a note, in their order.
        seconds: from the sending of the request that this version answered to the end of its answer.
    """

    predictions: tuple[Prediction, ...]
    seconds: float


class Endpoint(Protocol):
    """Versions side by side. Every method raises EndpointError when the endpoint cannot do what it is asked.

    Attributes:
        location: where it is, as `open_endpoint` takes it.
        reaches_idle: whether questions reach a version that has no traffic; where they do not, a version can only be
            asked while it has some.
    """

    location: str
    reaches_idle: bool

    def split(self) -> dict[str, int]:
        """The share of each deployed version in percent, those without traffic included; empty: nothing is deployed.

        Deployed means: a whole deployment that was not undeployed, whoever made it.
        """
        ...

    def deploy(self, release: Release) -> None:
        """Bring a version up without traffic, and return when it can answer.

        What is deployed already, with the same content hash, is left as it is, whatever its share. A failure leaves
        nothing of this deployment behind, nor an endpoint that was only made for it.

        Raises:
            EndpointError: it did not come up in `deployment.ready_timeout_seconds`, or another model is deployed
                under this name.
        """
        ...

    def shift(self, split: Mapping[str, int], *, expected: Mapping[str, int]) -> None:
        """Move traffic in one step; requests under way are answered by the version that has them.

        Args:
            split: the wanted share of each version in percent; a version that is not named gets 0. Empty, or all 0:
                the endpoint serves nobody.
            expected: the split that the caller saw; versions without traffic do not count.

        Raises:
            SplitChangedError: the present split is another one; nothing was moved.
            EndpointError: a version is not deployed or not able to answer, or the shares are wrong (`require_split`).
        """
        ...

    def undeploy(self, version: str) -> None:
        """Take a version down, after the requests under way; one that is not deployed is no error.

        Raises:
            EndpointError: it has traffic.
        """
        ...

    def is_healthy(self, version: str) -> bool:
        """Whether a version can take requests; False for one that is not deployed."""
        ...

    def model_hash(self, version: str) -> str:
        """Content hash of the model that a version serves, as the served model says itself."""
        ...

    def predict(self, version: str, texts: Sequence[str]) -> Reply:
        """Ask one version, and no other, for a prediction a note."""
        ...

    def predict_status(self, version: str, body: bytes) -> int:
        """The HTTP status that a raw predict request to one version gets."""
        ...


def release_of(registry: Registry, version: str) -> Release:
    """A registered version, as an endpoint needs it.

    Raises:
        InputError: it is not registered.
    """
    metadata = registry.show(version)
    name = metadata.version
    return Release(name, metadata.content_hash, registry.model_uri(name), lambda: registry.model_dir(name))


def serving(split: Mapping[str, int]) -> dict[str, int]:
    """The versions of a split that have traffic; two splits are the same when these are equal."""
    return {version: share for version, share in sorted(split.items()) if share}


def require_split(split: Mapping[str, int], deployed: Mapping[str, int]) -> None:
    """Check that a split can be wanted.

    Args:
        split: the wanted shares in percent.
        deployed: the present split, whose versions are the deployed ones.

    Raises:
        EndpointError: naming every share that is not from 0 to 100 and every version with traffic that is not
            deployed, or a sum that is neither 100 nor 0.
    """
    problems = [f"{share} % for {version}" for version, share in split.items() if not 0 <= share <= ALL_TRAFFIC]
    problems += [f"{version} is not deployed" for version in serving(split) if version not in deployed]
    if sum(split.values()) not in (0, ALL_TRAFFIC):
        problems.append(f"the shares add up to {sum(split.values())} %, not to 100 or 0")
    if problems:
        raise EndpointError(f"traffic was not moved: {'; '.join(problems)}")


def words_of(split: Mapping[str, int]) -> str:
    """A split as people read it, such as `v1 90 %, v2 10 %`."""
    return ", ".join(f"{version} {share} %" for version, share in serving(split).items()) or "no traffic"
