"""`python -m lab_lens.serving.supervisor --state DIR`: one port, and the versions behind it as processes.

The port stays while versions come and go: which of them answers is decided for each request.
"""

import argparse
import asyncio
import json
import logging
import os
import secrets
import signal
import socket
import sys
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import httpx
import uvicorn
from filelock import FileLock, Timeout
from starlette.applications import Starlette

from lab_lens.endpoints.base import ALL_TRAFFIC
from lab_lens.endpoints.local import ADMIN_JSON, LOCK_FILE
from lab_lens.errors import EXIT_DONE, InputError, LabLensError
from lab_lens.serving.child import HOST, Served
from lab_lens.serving.fleet import Fleet
from lab_lens.serving.front import Front
from lab_lens.serving.server import bind, exit_when_stdin_closes

# A request under way when the endpoint is told to stop gets so long.
_GRACE_SECONDS = 30
_TOKEN_BYTES = 32
_READY_SECONDS = 600.0
_logger = logging.getLogger(__name__)


def run_supervisor(
    directory: Path,
    *,
    device: str = "auto",
    host: str = HOST,
    port: int = 8080,
    first: Served | None = None,
    exit_with_parent: bool = False,
) -> None:
    """Serve the versions that are deployed to a directory's endpoint until the process is told to stop.

    Args:
        directory: keeps what is deployed, how traffic is split, and the logs; after a restart all is as it was.
        device: `auto`, `cpu`, `cuda` or `mps`, for every version.
        host: address for clients. What is deployed is decided on this machine alone, whatever this is.
        port: port for clients; 0 takes a free one.
        first: gets all of the traffic when nothing is deployed yet.
        exit_with_parent: stop when standard input closes.

    Raises:
        InputError: the address cannot be bound, the directory cannot be used or is in use, or `first` did not come up.
    """
    problems: list[LabLensError] = []
    with _alone(directory), bind(host, port) as public, bind(HOST, 0) as admin:
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        # Notes must not pass through a proxy that the environment names; and a connection that is kept may be closed by
        # its other end just when it is used again, which would look like a version that died.
        client = httpx.AsyncClient(trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))
        fleet = Fleet(directory, device=device, client=client)

        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            fleet.restore(_READY_SECONDS)
            beginning = asyncio.create_task(_begin(fleet, first, server, problems))
            try:
                yield
            finally:
                beginning.cancel()
                with suppress(asyncio.CancelledError):
                    await beginning
                await fleet.close()
                await client.aclose()

        app = Front(fleet, client, token).app(_port(admin), lifespan)
        server = uvicorn.Server(
            uvicorn.Config(app, access_log=False, log_config=None, timeout_graceful_shutdown=_GRACE_SECONDS)
        )
        if exit_with_parent:
            threading.Thread(target=exit_when_stdin_closes, args=(server,), daemon=True).start()
        _logger.info("serving on http://%s:%d, versions and logs in %s", host, _port(public), directory)
        with (
            suppress(KeyboardInterrupt),
            _interrupted_by_sigterm(),
            _told(directory, _port(public), _port(admin), token),
        ):
            server.run(sockets=[public, admin])
    if problems:
        raise problems[0]


async def _begin(fleet: Fleet, first: Served | None, server: uvicorn.Server, problems: list[LabLensError]) -> None:
    if first is None or fleet.split():
        return
    try:
        await fleet.deploy(first, _READY_SECONDS)
        fleet.shift({first.version: ALL_TRAFFIC}, {})
    except LabLensError as error:
        problems.append(InputError(f"{first.version} did not come up: {error}"))
        server.should_exit = True


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Hold the directory.

    Raises:
        InputError: it cannot be written, or another supervisor holds it.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with FileLock(directory / LOCK_FILE, timeout=0):
            yield
    except Timeout:
        raise InputError(f"an endpoint runs in {directory} already; stop that, or give another directory") from None
    except OSError as error:
        raise InputError(f"cannot write to {directory}: {error}; give another directory") from error


@contextmanager
def _interrupted_by_sigterm() -> Iterator[None]:
    """Let SIGTERM end a block like Ctrl-C: uvicorn raises it again once it has shut down, and it would end us there."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _told(directory: Path, port: int, admin_port: int, token: str) -> Iterator[None]:
    """Keep the file that says where the endpoint is, readable by this user alone."""
    path = directory / ADMIN_JSON
    temporary = directory / f".{ADMIN_JSON}"
    temporary.unlink(missing_ok=True)
    handle = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump({"port": port, "admin_port": admin_port, "token": token, "pid": os.getpid()}, file)
    temporary.replace(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _port(listener: socket.socket) -> int:
    return int(listener.getsockname()[1])


def main(arguments: Sequence[str]) -> int:
    """Run the supervisor; returns the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    # It would log the address of every request.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    parser = argparse.ArgumentParser("python -m lab_lens.serving.supervisor", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="directory of the endpoint")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    parser.add_argument("--host", default=HOST, help="address for clients")
    parser.add_argument("--port", type=int, default=8080, help="port for clients; 0: a free one")
    parser.add_argument("--exit-with-parent", action="store_true", help="stop when standard input closes")
    options = parser.parse_args(arguments)
    try:
        run_supervisor(
            options.state,
            device=options.device,
            host=options.host,
            port=options.port,
            exit_with_parent=options.exit_with_parent,
        )
    except InputError as error:
        _logger.error("%s", error)  # noqa: TRY400 - the message says it all, a traceback would hide it
        return error.exit_code
    return EXIT_DONE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
