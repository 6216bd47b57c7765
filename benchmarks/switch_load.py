"""Requests that are served while production changes: `python benchmarks/switch_load.py [--switches N] [--clients N]`.

Two versions of a tiny model take turns in production behind one supervised endpoint of this machine, by rollouts
(canary, steps) and returns, while clients ask without a pause. Prints what they got, and how the median answer time
during the switches compares with that before them.
"""

import argparse
import http.client
import json
import shutil
import statistics
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from lab_lens.config import Config, Decoding, Model
from lab_lens.config_deployment import Deployment
from lab_lens.endpoints.rollout import return_traffic, roll_out
from lab_lens.endpoints.temporary import temporary_endpoint
from lab_lens.engine.checkpoint import save_model
from lab_lens.engine.scratch import build_scratch
from lab_lens.notes.synthetic import synthetic_examples
from lab_lens.registry.base import Evidence
from lab_lens.registry.local import LocalRegistry

CONFIG = Config(
    model=Model(base_model="scratch:tiny", max_input_tokens=128, max_target_tokens=16, scratch_vocabulary_tokens=600),
    decoding=Decoding(num_beams=1, min_new_tokens=4),
)
SETTINGS = Deployment(latency_requests=1, keep_previous=True)
QUIET_SECONDS = 10.0
BODY = json.dumps({"instances": [{"text": "chest pain and fever"}]}).encode()


class Clients:
    """Threads that ask until they are told to stop."""

    def __init__(self, port: int, number: int) -> None:
        self.served: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self.seconds: list[float] = []
        self._port = port
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(number)]

    def start(self) -> None:
        """Begin to ask."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ask no more, after the last answer."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            began = time.perf_counter()
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=120)
            try:
                connection.request("POST", "/predict", BODY, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                answer.read()
                version = answer.headers.get("X-Lab-Lens-Version", "")
                (self.served if answer.status == http.client.OK else self.failures)[version or str(answer.status)] += 1
            except (OSError, http.client.HTTPException) as error:
                self.failures[error.__class__.__name__] += 1
            finally:
                connection.close()
            self.seconds.append(time.perf_counter() - began)


def main() -> None:
    """Switch under load and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--switches", type=int, default=20)
    parser.add_argument("--clients", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        registry = two_versions(Path(folder))
        with temporary_endpoint(Path(folder) / "endpoint", SETTINGS, device="cpu") as endpoint:
            assert roll_out(endpoint, registry, "v1", SETTINGS, actor="benchmark").healthy
            clients = Clients(endpoint.port(), options.clients)
            clients.start()
            time.sleep(QUIET_SECONDS)
            quiet = len(clients.seconds)
            for switch in range(options.switches):
                if switch % 2:
                    result = return_traffic(endpoint, registry, SETTINGS, actor="benchmark", reason="switch")
                else:
                    result = roll_out(endpoint, registry, "v2", SETTINGS, actor="benchmark")
                assert result.healthy, result.reasons
            clients.stop()
    served = ", ".join(f"{version} {number:,}" for version, number in sorted(clients.served.items()))
    ratio = statistics.median(clients.seconds[quiet:]) / statistics.median(clients.seconds[:quiet])
    print("| switches | clients | requests served | failures | median answer time, during / before |")
    print("|---|---|---|---|---|")
    print(
        f"| {options.switches} | {options.clients} | {clients.served.total():,} ({served}) | "
        f"{clients.failures.total()} | {ratio:.2f} |"
    )


def two_versions(folder: Path) -> LocalRegistry:
    """A registry with v1 and v2: the same random weights, and a file that makes them two models."""
    examples = synthetic_examples(40, 7, "brief")
    texts = [*examples["input_text"], *examples["target_summary"]]
    model, tokenizer = build_scratch(
        CONFIG.model.base_model,
        texts,
        vocabulary_tokens=CONFIG.model.scratch_vocabulary_tokens,
        max_positions=CONFIG.model.max_input_tokens,
        seed=CONFIG.seed,
    )
    manifest = {"schema_version": 1, "base_model": "scratch:tiny", "config": CONFIG.model_dump(mode="json")}
    save_model(model, tokenizer, manifest, folder / "first")
    shutil.copytree(folder / "first", folder / "second")
    (folder / "second" / "README.md").write_text("the second version")
    registry = LocalRegistry(folder / "registry")
    for name in ("first", "second"):
        registry.register(folder / name, Evidence({}, {}), actor="benchmark")
    return registry


if __name__ == "__main__":
    main()
