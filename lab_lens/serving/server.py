"""Run the application: bind first, say where, load the model meanwhile, and leave no process behind."""

import logging
import os
import socket
import sys
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import uvicorn

from lab_lens import artifacts
from lab_lens.errors import EXIT_DONE, InputError
from lab_lens.serving.app import Routes, Slot, Summarizer, create_app
from lab_lens.serving.settings import DecodingSettings, read_settings

_GRACE_SECONDS = 5
_logger = logging.getLogger(__name__)


def run_server(
    model: Path,
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
        model: the model directory, with its training manifest.
        device: `auto`, `cpu`, `cuda` or `mps`.
        host: address to listen on.
        port: port to listen on; 0 takes a free one.
        routes: paths of health and predict.
        ready_file: receives `{"port": ..., "pid": ...}` as soon as the socket is bound, before the model is loaded.
        exit_with_parent: stop when standard input closes, which happens when the process that holds its other end dies.

    Raises:
        InputError: the address cannot be bound, the model cannot be loaded, or the device is unusable.
    """
    settings = read_settings(model)
    slot = Slot()
    app = create_app(slot, routes)
    server = uvicorn.Server(
        uvicorn.Config(app, access_log=False, log_config=None, timeout_graceful_shutdown=_GRACE_SECONDS)
    )
    with _bind(host, port) as listener, ThreadPoolExecutor(1, "load-model") as executor:
        bound_port = listener.getsockname()[1]
        _logger.info("serving %s on http://%s:%d", model, host, bound_port)
        if ready_file is not None:
            artifacts.write_json(ready_file, {"port": bound_port, "pid": os.getpid()})
        if exit_with_parent:
            threading.Thread(target=_exit_when_stdin_closes, args=(server,), daemon=True).start()
        loading = executor.submit(_load, model, settings, device)
        loading.add_done_callback(lambda done: _take(done, slot, server))
        with suppress(KeyboardInterrupt):  # Ctrl-C is how a person stops a server
            server.run(sockets=[listener])
    loading.result()


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        raise InputError(
            f"cannot listen on {host}:{port}: {error}; give another --port, or 0 for a free one"
        ) from error


def _load(model: Path, settings: DecodingSettings, device: str) -> Summarizer:
    # torch takes seconds to import; the health route answers 503 meanwhile.
    from lab_lens.serving.model import ServedModel

    return ServedModel(model, settings, device)


def _take(done: Future[Summarizer], slot: Slot, server: uvicorn.Server) -> None:
    if done.exception() is not None:
        server.should_exit = True
        return
    slot.model = done.result()
    _logger.info("ready: model sha256 %s", slot.model.model_hash[:12])


def _exit_when_stdin_closes(server: uvicorn.Server) -> None:
    # os.read, since a thread that waits in sys.stdin holds a lock that the interpreter needs at its end.
    while os.read(sys.stdin.fileno(), 1):
        pass
    server.should_exit = True
    time.sleep(2 * _GRACE_SECONDS)
    os._exit(EXIT_DONE)
