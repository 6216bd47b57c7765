"""Clients that ask an endpoint again and again, and count what they get."""

import http.client
import json
import threading
from collections import Counter
from types import TracebackType
from typing import Self

_BODY = json.dumps({"instances": [{"text": "chest pain and fever"}]}).encode()
_PAUSE_SECONDS = 0.05
_HEADERS = {"Content-Type": "application/json"}


class ClientLoad:
    """Asks for summaries in a few threads while the `with` block lasts.

    Args:
        port: of the endpoint on this machine.
        clients: how many ask at once, each shortly after its answer.

    Attributes:
        served: answers with a summary, by the version that gave them.
        failures: what went wrong, by its kind; empty when every request was served.
    """

    def __init__(self, port: int, clients: int = 2) -> None:
        self.served: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self._port = port
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask_on, daemon=True) for _ in range(clients)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, version: str, seconds: float = 60.0) -> bool:
        """Wait until a version has answered."""
        waiting = threading.Event()
        for _ in range(int(seconds * 20)):
            if self.served[version]:
                return True
            waiting.wait(0.05)
        return False

    def _ask_on(self) -> None:
        while not self._stop.wait(_PAUSE_SECONDS):
            try:
                version = self._ask()
            except (OSError, http.client.HTTPException, ValueError, KeyError, IndexError) as error:
                self.failures[error.__class__.__name__] += 1
            else:
                self.served[version] += 1

    def _ask(self) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=120)
        try:
            connection.request("POST", "/predict", _BODY, _HEADERS)
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != 200 or not json.loads(body)["predictions"][0]["summary"]:
                raise ValueError(f"HTTP {answer.status}")
            return str(answer.headers["X-Lab-Lens-Version"])
        finally:
            connection.close()
