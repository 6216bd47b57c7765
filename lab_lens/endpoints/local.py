"""An endpoint on this machine: the serving app in a child process on a free loopback port."""

import http.client
import json
import logging
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pydantic import TypeAdapter, ValidationError

from lab_lens import artifacts
from lab_lens.config import Deployment
from lab_lens.endpoints.base import EndpointError, Prediction

LOG_FILE = "serving.log"
_READY_FILE = "serving.json"
_HOST = "127.0.0.1"
_POLL_SECONDS = 0.05
_STOP_SECONDS = 10.0
_HEALTH_TIMEOUT_SECONDS = 5.0
_LOG_TAIL_LINES = 4
_PREDICTIONS = TypeAdapter(list[Prediction])
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Reply:
    status: int
    body: bytes


class LocalEndpoint:
    """Serves a model directory while the `with` block lasts.

    Args:
        model: the model directory.
        device: `auto`, `cpu`, `cuda` or `mps`.
        limits: how long to wait for readiness and for an answer.
        working_dir: receives `serving.log`.
    """

    def __init__(self, model: Path, *, device: str, limits: Deployment, working_dir: Path) -> None:
        self._model = model
        self._device = device
        self._limits = limits
        self._log = working_dir / LOG_FILE
        self._ready_file = working_dir / _READY_FILE
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start the server and wait until it is healthy.

        Raises:
            EndpointError: it ended, with the end of its log, or was not ready in time; no process is left.
        """
        self.stop()
        self._ready_file.parent.mkdir(parents=True, exist_ok=True)
        self._ready_file.unlink(missing_ok=True)
        with self._log.open("wb") as log:
            # The server stops when our end of its standard input closes, even when that is because we were killed.
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module, no shell
                self._command(), stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT
            )
        try:
            self._wait_until_healthy(self._process)
        except BaseException:
            self.stop()
            raise
        _logger.info("serving on http://%s:%d", _HOST, self._port)

    def stop(self) -> None:
        """Stop the server; a second call does nothing."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._ready_file.unlink(missing_ok=True)

    def is_healthy(self) -> bool:
        """Whether the health route answers 200."""
        return self._request("GET", "/health", timeout_seconds=_HEALTH_TIMEOUT_SECONDS).status == http.client.OK

    def model_hash(self) -> str:
        """Content hash of the model that the server loaded.

        Raises:
            EndpointError: the server does not say.
        """
        answer = self._json("GET", "/model")
        if not (isinstance(answer, dict) and isinstance(answer.get("model_hash"), str)):
            raise EndpointError("the served model does not say its hash")
        return str(answer["model_hash"])

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """Summarize notes.

        Raises:
            EndpointError: the server refuses, fails, or answers something else than the contract says.
        """
        body = json.dumps({"instances": [{"text": text} for text in texts]}).encode()
        answer = self._json("POST", "/predict", body)
        try:
            predictions = _PREDICTIONS.validate_python(answer["predictions"])
        except (KeyError, TypeError, ValidationError):
            # Its cause would show the answer, which may repeat a note.
            raise EndpointError("the answer of /predict is not a list of predictions") from None
        if len(predictions) != len(texts):
            raise EndpointError(f"{len(texts)} notes got {len(predictions)} predictions")
        return predictions

    def predict_status(self, body: bytes) -> int:
        """The HTTP status that a raw predict request gets."""
        return self._request("POST", "/predict", body).status

    def _command(self) -> list[str]:
        serving = [sys.executable, "-m", "lab_lens.serving", "--model", str(self._model), "--device", self._device]
        address = ["--host", _HOST, "--port", "0", "--ready-file", str(self._ready_file)]
        return [*serving, *address, "--health-route", "/health", "--predict-route", "/predict", "--exit-with-parent"]

    def _wait_until_healthy(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + self._limits.ready_timeout_seconds
        while not self._is_ready():
            if process.poll() is not None:
                raise EndpointError(
                    f"the server ended with exit code {process.returncode}; its log: {self._log_tail()}"
                )
            if time.monotonic() > deadline:
                raise EndpointError(
                    f"the server was not ready after {self._limits.ready_timeout_seconds:g} s; its log: "
                    f"{self._log_tail()}; raise deployment.ready_timeout_seconds if the model is large"
                )
            time.sleep(_POLL_SECONDS)

    def _is_ready(self) -> bool:
        if not self._ready_file.is_file():
            return False
        self._port = int(artifacts.read_json(self._ready_file)["port"])
        try:
            return self.is_healthy()
        except EndpointError:
            return False  # bound but not answering yet, or just ended; the caller sees which

    def _log_tail(self) -> str:
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        return " | ".join([line.strip() for line in lines if line.strip()][-_LOG_TAIL_LINES:]) or "empty"

    def _json(self, method: str, path: str, body: bytes | None = None) -> Any:
        reply = self._request(method, path, body)
        if reply.status != http.client.OK:
            raise EndpointError(f"{path} answered HTTP {reply.status}")
        try:
            return json.loads(reply.body)
        except ValueError:
            raise EndpointError(f"{path} answered something that is not JSON") from None

    def _request(
        self, method: str, path: str, body: bytes | None = None, *, timeout_seconds: float | None = None
    ) -> _Reply:
        timeout = timeout_seconds or self._limits.request_timeout_seconds
        # http.client and not urllib: it ignores proxy settings, and a note must not reach a proxy.
        connection = http.client.HTTPConnection(_HOST, self._port, timeout=timeout)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
            response = connection.getresponse()
            return _Reply(response.status, response.read())
        except (OSError, http.client.HTTPException) as error:
            raise EndpointError(f"{path} got no answer: {error.__class__.__name__}") from error
        finally:
            connection.close()
