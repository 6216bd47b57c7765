"""Run the application: bind first, say where, load the model meanwhile, and leave no process behind."""

import logging
import os
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import uvicorn

from lab_lens import artifacts
from lab_lens.errors import EXIT_DONE, InputError
from lab_lens.serving.app import Routes, Slot, Summarizer, create_app
from lab_lens.serving.settings import read_settings
from lab_lens.storage.location import SCHEME

GRACE_SECONDS = 5
_logger = logging.getLogger(__name__)


def run_server(
    model: Path | str,
    *,
    device: str = "auto",
    host: str = "127.0.0.1",
    port: int = 8080,
    routes: Routes | None = None,
    ready_file: Path | None = None,
    exit_with_parent: bool = False,
) -> None:
    """Serve a model directory until the process is told to stop.

    Args:
        model: the model directory, with its training manifest, or where such a one lies in Cloud Storage
            (`gs://bucket/prefix`); it is fetched after the socket is bound.
        device: `auto`, `cpu`, `cuda` or `mps`.
        host: address to listen on.
        port: port to listen on; 0 takes a free one.
        routes: paths of health and predict.
        ready_file: receives `{"port": ..., "pid": ...}` as soon as the socket is bound, before the model is loaded.
        exit_with_parent: stop when standard input closes, which happens when the process that holds its other end dies.

    Raises:
        InputError: the address cannot be bound, the model cannot be loaded, or the device is unusable.
    """
    uri = str(model) if str(model).startswith(SCHEME) else ""
    if not uri:
        read_settings(Path(model))
    slot = Slot()
    app = create_app(slot, routes)
    server = uvicorn.Server(
        uvicorn.Config(app, access_log=False, log_config=None, timeout_graceful_shutdown=GRACE_SECONDS)
    )
    with (
        bind(host, port) as listener,
        _place_for(model, uri) as directory,
        ThreadPoolExecutor(1, "load-model") as executor,
    ):
        bound_port = listener.getsockname()[1]
        _logger.info("serving %s on http://%s:%d", model, host, bound_port)
        if ready_file is not None:
            artifacts.write_json(ready_file, {"port": bound_port, "pid": os.getpid()})
        if exit_with_parent:
            threading.Thread(target=exit_when_stdin_closes, args=(server,), daemon=True).start()
        loading = executor.submit(_load, uri, directory, device)
        loading.add_done_callback(lambda done: _take(done, slot, server))
        with suppress(KeyboardInterrupt):  # Ctrl-C is how a person stops a server
            server.run(sockets=[listener])
    loading.result()


def bind(host: str, port: int) -> socket.socket:
    """Listen on an address; port 0 takes a free one.

    Raises:
        InputError: it cannot be bound.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        raise InputError(
            f"cannot listen on {host}:{port}: {error}; give another --port, or 0 for a free one"
        ) from error


@contextmanager
def _place_for(model: Path | str, uri: str) -> Iterator[Path]:
    """The model's directory; for one that is fetched, a temporary one."""
    if not uri:
        yield Path(model)
        return
    with tempfile.TemporaryDirectory(prefix="lab-lens-model-") as fetched:
        yield Path(fetched)


def _load(uri: str, directory: Path, device: str) -> Summarizer:
    """Load a model directory, fetched into it from `uri` if that names a place."""
    if uri:
        from lab_lens.serving.gcs import fetch_model

        fetch_model(uri, directory)
    # torch takes seconds to import; the health route answers 503 meanwhile.
    from lab_lens.serving.model import ServedModel

    return ServedModel(directory, read_settings(directory), device)


def _take(done: Future[Summarizer], slot: Slot, server: uvicorn.Server) -> None:
    if done.exception() is not None:
        server.should_exit = True
        return
    slot.model = done.result()
    _logger.info("ready: model sha256 %s", slot.model.model_hash[:12])


def exit_when_stdin_closes(server: uvicorn.Server) -> None:
    """Stop a server when standard input closes, which happens when the process that holds its other end dies."""
    # os.read, since a thread that waits in sys.stdin holds a lock that the interpreter needs at its end.
    while os.read(sys.stdin.fileno(), 1):
        pass
    server.should_exit = True
    time.sleep(2 * GRACE_SECONDS)
    os._exit(EXIT_DONE)
