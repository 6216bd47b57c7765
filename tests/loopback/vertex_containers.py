"""Containers for the loopback Vertex AI: the real serving application, in this process or in a child of it."""

import hashlib
import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from lab_lens.serving.app import Slot, create_app


@dataclass
class Summaries:
    """A model that summarizes every note by its own hash."""

    model_hash: str
    decoding_hash: str = "d0"
    broken: bool = False

    def summarize(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        if self.broken:
            raise RuntimeError("out of memory")
        summary = f"summary by {self.model_hash[:8]}"
        known = {"log_probability": -1.0, "output_tokens": 3, "truncated": False}
        return [{"summary": summary, "input_tokens": len(text.split()), **known} for text in texts]


class AppContainer:
    """The serving application in this process.

    Args:
        model: what it serves.
    """

    def __init__(self, model: Summaries) -> None:
        self.model = model
        self.requests = 0
        self._client = TestClient(create_app(Slot(model)), raise_server_exceptions=False)

    def post(self, body: bytes) -> tuple[int, bytes]:
        """The answer to a predict request."""
        self.requests += 1
        answer = self._client.post("/predict", content=body)
        return answer.status_code, answer.content


class ChildContainer:
    """The serving image's own command in a child process, with the model where Vertex AI says that it lies.

    Args:
        artifact_uri: `gs://` address of the model, which the child fetches from the loopback Cloud Storage.
        working_dir: receives its log and address.
    """

    def __init__(self, artifact_uri: str, working_dir: Path) -> None:
        working_dir.mkdir(parents=True, exist_ok=True)
        told = working_dir / "serving.json"
        command = [sys.executable, "-m", "lab_lens.serving", "--device", "cpu", "--port", "0", "--host", "127.0.0.1"]
        with (working_dir / "serving.log").open("wb") as log:
            self._process = subprocess.Popen(
                [*command, "--ready-file", str(told), "--exit-with-parent"],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "AIP_STORAGE_URI": artifact_uri, "OMP_NUM_THREADS": "1"},
            )
        while not told.is_file():
            if self._process.poll() is not None:
                raise RuntimeError((working_dir / "serving.log").read_text())
            time.sleep(0.05)
        self._port = int(json.loads(told.read_text())["port"])
        while self._ask("GET", "/health", b"")[0] != http.client.OK:
            if self._process.poll() is not None:
                raise RuntimeError((working_dir / "serving.log").read_text())
            time.sleep(0.05)

    def post(self, body: bytes) -> tuple[int, bytes]:
        """The answer to a predict request."""
        return self._ask("POST", "/predict", body)

    def stop(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.terminate()
        self._process.wait(10)

    def _ask(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


def content_hash(seed: str) -> str:
    """A content hash for a test."""
    return hashlib.sha256(seed.encode()).hexdigest()
