"""One served version: the serving app in a process of its own, started again when it dies."""

import asyncio
import json
import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from lab_lens.errors import LabLensError

HOST = "127.0.0.1"
_POLL_SECONDS = 0.05
_STOP_SECONDS = 10.0
_HEALTH_SECONDS = 5.0
_FIRST_WAIT_SECONDS = 0.5
_LONGEST_WAIT_SECONDS = 30.0
# A version that was up for so long did not die of what it died of before.
_STEADY_SECONDS = 60.0
_LOG_TAIL_LINES = 4
_logger = logging.getLogger(__name__)


class ChildError(LabLensError):
    """A version did not come up."""


@dataclass(frozen=True)
class Served:
    """What a version is: its name, where its model files lie on this machine, and their content hash."""

    version: str
    model: str
    content_hash: str


class Child:
    """A version and its process.

    Args:
        served: the version.
        device: `auto`, `cpu`, `cuda` or `mps`.
        working_dir: receives `<version>.log` and, while it starts, `<version>.json`.
        ready_seconds: how long one start may take.
        client: for requests to it.

    Attributes:
        served: the version.
        ready: whether it can answer.
        restarts: how often it was started again.
    """

    def __init__(
        self, served: Served, *, device: str, working_dir: Path, ready_seconds: float, client: httpx.AsyncClient
    ) -> None:
        self.served = served
        self.ready = False
        self.restarts = 0
        self._device = device
        self._ready_seconds = ready_seconds
        self._client = client
        self._log = working_dir / f"{served.version}.log"
        self._ready_file = working_dir / f"{served.version}.json"
        self._process: asyncio.subprocess.Process | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._port = 0
        self._requests = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def pid(self) -> int | None:
        """The process; None when there is none."""
        return self._process.pid if self._process else None

    def url(self, path: str) -> str:
        """Address of one of its routes."""
        return f"http://{HOST}:{self._port}{path}"

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Count a request: `drain` waits for it."""
        self._requests += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._requests -= 1
            if not self._requests:
                self._idle.set()

    async def start(self) -> None:
        """Start it, wait until it can answer, and from then on start it again whenever it dies.

        Raises:
            ChildError: it ended, with the end of its log, was not ready in time, or loaded another model than was
                registered; no process is left.
        """
        await self._launch()
        self.keep_alive()

    def keep_alive(self) -> None:
        """Start it whenever it is not there."""
        self._watcher = asyncio.create_task(self._watch())

    async def drain(self, seconds: float) -> None:
        """Wait until the requests that it has are answered, but not longer than that."""
        try:
            await asyncio.wait_for(self._idle.wait(), seconds)
        except TimeoutError:
            _logger.warning("%s still had %d requests after %g s", self.served.version, self._requests, seconds)

    async def stop(self) -> None:
        """Stop it for good; a second call does nothing."""
        self.ready = False
        if self._watcher is not None:
            self._watcher.cancel()
            with suppress(asyncio.CancelledError):
                await self._watcher
            self._watcher = None
        await self._end()

    async def _watch(self) -> None:
        wait = _FIRST_WAIT_SECONDS
        while True:
            began = time.monotonic()
            if self._process is not None:
                await self._process.wait()
                self.ready = False
                self.restarts += 1
                if time.monotonic() - began > _STEADY_SECONDS:
                    wait = _FIRST_WAIT_SECONDS
                _logger.warning("%s died; it is started again in %g s", self.served.version, wait)
                await asyncio.sleep(wait)
            wait = min(2 * wait, _LONGEST_WAIT_SECONDS)
            try:
                await self._launch()
            except (ChildError, OSError) as error:
                _logger.warning("%s did not come up again: %s", self.served.version, error)
                await asyncio.sleep(wait)

    async def _launch(self) -> None:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        self._ready_file.unlink(missing_ok=True)
        with self._log.open("ab") as log:
            # It stops when our end of its standard input closes, even when that is because we were killed; and Ctrl-C
            # in our terminal is not for it, since it has requests to answer until we stop it.
            self._process = await asyncio.create_subprocess_exec(
                *self._command(), stdin=asyncio.subprocess.PIPE, stdout=log, stderr=log, start_new_session=True
            )
        try:
            await self._wait_until_ready(self._process)
            await self._require_model()
        except BaseException:
            await self._end()
            raise
        self.ready = True
        _logger.info("%s is ready", self.served.version)

    def _command(self) -> list[str]:
        serving = [sys.executable, "-m", "lab_lens.serving", "--model", self.served.model, "--device", self._device]
        address = ["--host", HOST, "--port", "0", "--ready-file", str(self._ready_file)]
        return [*serving, *address, "--health-route", "/health", "--predict-route", "/predict", "--exit-with-parent"]

    async def _wait_until_ready(self, process: asyncio.subprocess.Process) -> None:
        deadline = time.monotonic() + self._ready_seconds
        while not await self._answers():
            if process.returncode is not None:
                raise ChildError(f"the server ended with exit code {process.returncode}; its log: {self._log_tail()}")
            if time.monotonic() > deadline:
                raise ChildError(
                    f"the server was not ready after {self._ready_seconds:g} s; its log: {self._log_tail()}; raise "
                    "deployment.ready_timeout_seconds if the model is large"
                )
            await asyncio.sleep(_POLL_SECONDS)

    async def _answers(self) -> bool:
        if not self._ready_file.is_file():
            return False
        self._port = int(json.loads(self._ready_file.read_bytes())["port"])
        try:
            answer = await self._client.get(self.url("/health"), timeout=_HEALTH_SECONDS)
        except httpx.TransportError:
            return False  # bound but not answering yet, or just ended; the caller sees which
        return answer.status_code == httpx.codes.OK

    async def _require_model(self) -> None:
        """Check that the loaded model is the registered one.

        Raises:
            ChildError: its files were changed, or it does not say.
        """
        try:
            answer = await self._client.get(self.url("/model"), timeout=_HEALTH_SECONDS)
            loaded = str(answer.json()["model_hash"])
        except (httpx.TransportError, ValueError, KeyError, TypeError) as error:
            raise ChildError(f"the server does not say what it loaded: {error.__class__.__name__}") from error
        if loaded != self.served.content_hash:
            raise ChildError(
                f"{self.served.model} holds another model (sha256 {loaded[:12]}) than was registered as "
                f"{self.served.version} (sha256 {self.served.content_hash[:12]}): its files were changed; see "
                "`lab-lens registry verify`"
            )

    async def _end(self) -> None:
        process, self._process = self._process, None
        self.ready = False
        self._ready_file.unlink(missing_ok=True)
        if process is None or process.returncode is not None:
            return
        if process.stdin is not None:
            process.stdin.close()
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), _STOP_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()

    def _log_tail(self) -> str:
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        return " | ".join([line.strip() for line in lines if line.strip()][-_LOG_TAIL_LINES:]) or "empty"
