"""An endpoint on this machine: the supervisor of `lab_lens.serving`, told by its directory."""

import http.client
import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from lab_lens.config_deployment import Deployment
from lab_lens.endpoints.base import EndpointError, Prediction, Release, Reply, SplitChangedError

SCHEME = "local:"
# Says where the endpoint is and proves that the reader may deploy: for nobody but this user.
ADMIN_JSON = "supervisor.json"
# What is deployed, and how traffic is split.
STATE_JSON = "endpoint.json"
# Held while a supervisor runs.
LOCK_FILE = ".lock"
_HOST = "127.0.0.1"
_ASIDE_SECONDS = 30.0
# The supervisor lets a version answer the requests that it has before it is taken down.
_DRAIN_SECONDS = 150.0
_PREDICTIONS = TypeAdapter(tuple[Prediction, ...])
_SPLIT = TypeAdapter(dict[str, int])
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Door:
    """Where a supervisor listens, and what it wants to be shown."""

    port: int
    admin_port: int
    token: str
    pid: int


_DOOR = TypeAdapter(_Door)


@dataclass(frozen=True)
class _Answer:
    status: int
    body: bytes


class LocalEndpoint:
    """The endpoint that `lab-lens serve --endpoint-dir DIR` runs.

    Args:
        directory: its directory.
        limits: how long to wait for readiness and for an answer.
    """

    reaches_idle = True

    def __init__(self, directory: Path, limits: Deployment) -> None:
        # Kept in histories, which are read from other directories too.
        self.location = f"{SCHEME}{directory.resolve()}"
        self._directory = directory
        self._limits = limits

    def port(self) -> int:
        """The port for clients.

        Raises:
            EndpointError: nothing runs there.
        """
        return self._door().port

    def split(self) -> dict[str, int]:
        """The share of each deployed version in percent."""
        return self._split_of(self._admin("GET", "/split"))

    def deploy(self, release: Release) -> None:
        """Bring a version up without traffic.

        Raises:
            EndpointError: it ended, with the end of its log; was not ready in time; or another model has its name.
        """
        wanted = {
            "model": str(release.directory().resolve()),
            "content_hash": release.content_hash,
            "ready_seconds": self._limits.ready_timeout_seconds,
        }
        seconds = self._limits.ready_timeout_seconds + _ASIDE_SECONDS
        self._split_of(self._admin("PUT", f"/versions/{release.version}", wanted, timeout_seconds=seconds))

    def shift(self, split: Mapping[str, int], *, expected: Mapping[str, int]) -> None:
        """Move traffic in one step.

        Raises:
            SplitChangedError: the split is not the expected one.
            EndpointError: the shares are wrong, or a version that had no traffic cannot answer.
        """
        self._split_of(self._admin("PUT", "/split", {"split": dict(split), "expected": dict(expected)}), expected)

    def undeploy(self, version: str) -> None:
        """Take a version down after its last request.

        Raises:
            EndpointError: it has traffic.
        """
        self._split_of(self._admin("DELETE", f"/versions/{version}", timeout_seconds=_DRAIN_SECONDS))

    def is_healthy(self, version: str) -> bool:
        """Whether a version's health route answers 200."""
        return self._admin("GET", f"/versions/{version}/health").status == http.client.OK

    def model_hash(self, version: str) -> str:
        """Content hash of the model that a version loaded.

        Raises:
            EndpointError: it does not say.
        """
        answer = _json(self._admin("GET", f"/versions/{version}/model"), "/model")
        if not (isinstance(answer, dict) and isinstance(answer.get("model_hash"), str)):
            raise EndpointError("the served model does not say its hash")
        return str(answer["model_hash"])

    def predict(self, version: str, texts: Sequence[str]) -> Reply:
        """Ask one version to summarize notes.

        Raises:
            EndpointError: it refuses, fails, or answers something else than the contract says.
        """
        body = json.dumps({"instances": [{"text": text} for text in texts]}).encode()
        began = time.monotonic()
        answer = _json(self._ask(version, body), "/predict")
        seconds = time.monotonic() - began
        try:
            predictions = _PREDICTIONS.validate_python(answer["predictions"])
        except (KeyError, TypeError, ValidationError):
            # Its cause would show the answer, which may repeat a note.
            raise EndpointError("the answer of /predict is not a list of predictions") from None
        if len(predictions) != len(texts):
            raise EndpointError(f"{len(texts)} notes got {len(predictions)} predictions")
        return Reply(predictions, seconds)

    def predict_status(self, version: str, body: bytes) -> int:
        """The HTTP status that a raw predict request to one version gets."""
        return self._ask(version, body).status

    def _ask(self, version: str, body: bytes) -> _Answer:
        path = f"/versions/{version}/predict"
        return self._request("POST", path, body, timeout_seconds=self._limits.request_timeout_seconds)

    def _admin(
        self, method: str, path: str, content: Mapping[str, Any] | None = None, *, timeout_seconds: float | None = None
    ) -> _Answer:
        body = b"" if content is None else json.dumps(content).encode()
        return self._request(method, path, body, timeout_seconds=timeout_seconds or _ASIDE_SECONDS)

    def _split_of(self, answer: _Answer, expected: Mapping[str, int] | None = None) -> dict[str, int]:
        """The split that the supervisor tells; what it refuses is raised."""
        try:
            told = json.loads(answer.body)
            if answer.status == http.client.OK:
                return _SPLIT.validate_python(told["split"])
            refusal = str(told["error"])
            present = told.get("present")
        except (ValueError, KeyError, TypeError):
            raise EndpointError(
                f"{self.location} answered HTTP {answer.status}, and not as a supervisor does"
            ) from None
        if present is not None and expected is not None:
            raise SplitChangedError(expected, _SPLIT.validate_python(present))
        raise EndpointError(refusal)

    def _door(self) -> _Door:
        path = self._directory / ADMIN_JSON
        try:
            return _DOOR.validate_json(path.read_bytes())
        except FileNotFoundError:
            raise EndpointError(
                f"no endpoint runs in {self._directory}; start it with `lab-lens serve --endpoint-dir "
                f"{self._directory}`, or leave deployment.endpoint empty to try a version out"
            ) from None
        except (OSError, ValidationError) as error:
            raise EndpointError(f"{path} cannot be used: {error.__class__.__name__}") from error

    def _request(self, method: str, path: str, body: bytes, *, timeout_seconds: float) -> _Answer:
        door = self._door()
        headers = {"Authorization": f"Bearer {door.token}", "Content-Type": "application/json"}
        # http.client and not urllib: it ignores proxy settings, and a note must not reach a proxy.
        connection = http.client.HTTPConnection(_HOST, door.admin_port, timeout=timeout_seconds)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return _Answer(response.status, response.read())
        except (OSError, http.client.HTTPException) as error:
            told = f"{path.rsplit('/', 1)[-1]} got no answer: {error.__class__.__name__}"
            raise EndpointError(f"{told}; does the endpoint in {self._directory} still run?") from error
        finally:
            connection.close()


def _json(answer: _Answer, path: str) -> Any:
    if answer.status != http.client.OK:
        raise EndpointError(f"{path} answered HTTP {answer.status}")
    try:
        return json.loads(answer.body)
    except ValueError:
        raise EndpointError(f"{path} answered something that is not JSON") from None
