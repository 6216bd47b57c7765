"""An endpoint that lasts as long as a `with` block, for trying a version out."""

import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab_lens.config_deployment import Deployment
from lab_lens.endpoints.base import EndpointError
from lab_lens.endpoints.local import ADMIN_JSON, LOCK_FILE, STATE_JSON, LocalEndpoint

LOG_FILE = "serving.log"
_POLL_SECONDS = 0.05
_STOP_SECONDS = 45.0
_START_SECONDS = 60.0
_logger = logging.getLogger(__name__)


@contextmanager
def temporary_endpoint(directory: Path, limits: Deployment, *, device: str) -> Iterator[LocalEndpoint]:
    """Run an endpoint on a free port of this machine; nothing of it is left afterwards, even when we are killed.

    Args:
        directory: receives the logs, and while it runs what is deployed.
        limits: how long to wait for readiness and for an answer.
        device: `auto`, `cpu`, `cuda` or `mps`.

    Raises:
        EndpointError: it did not start, with the end of its log.
    """
    directory.mkdir(parents=True, exist_ok=True)
    _forget(directory)
    log = directory / LOG_FILE
    command = [sys.executable, "-m", "lab_lens.serving.supervisor", "--state", str(directory), "--device", device]
    with log.open("wb") as output:
        # It stops when our end of its standard input closes.
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module, no shell
            [*command, "--port", "0", "--exit-with-parent"],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_until_it_runs(process, directory / ADMIN_JSON, log)
        yield LocalEndpoint(directory, limits)
    finally:
        _stop(process)
        _forget(directory)


def _forget(directory: Path) -> None:
    """Remove all but the logs: what an endpoint there had deployed is of no use to the next one."""
    for name in (ADMIN_JSON, STATE_JSON, LOCK_FILE):
        (directory / name).unlink(missing_ok=True)


def _wait_until_it_runs(process: subprocess.Popen[bytes], told: Path, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not told.is_file():
        if process.poll() is not None or time.monotonic() > deadline:
            tail = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
            raise EndpointError(f"the endpoint of {told.parent} did not start: {''.join(tail) or 'its log is empty'}")
        time.sleep(_POLL_SECONDS)


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
