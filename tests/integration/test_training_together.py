"""Two machines of a Vertex custom job, played by two processes on this one: gloo, loopback, a shared directory."""

import json
import math
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from loopback.server import wait_until

from components.train_model import train_model
from lab_lens.config import Config, with_overrides
from lab_lens.notes.examples import load_examples

pytestmark = pytest.mark.integration
SECONDS = 240
Machine: TypeAlias = "subprocess.Popen[str]"


@pytest.fixture
def settings(tiny_config: Config) -> str:
    return with_overrides(tiny_config, {"training.batch_size": 4, "training.epochs": 2}).to_json()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def artifact(path: Path, kind: str) -> dict[str, Any]:
    schema = {"schemaTitle": f"system.{kind}", "schemaVersion": "0.0.1"}
    return {"artifacts": [{"name": "", "type": schema, "uri": str(path), "metadata": {}}]}


def executor_input(prepared: Path, out: Path, parameters: dict[str, str]) -> str:
    return json.dumps(
        {
            "inputs": {
                "parameterValues": {"device": "cpu", "checkpoints": str(out / "checkpoints"), **parameters},
                "artifacts": {name: artifact(prepared, "Dataset") for name in ("train", "val")},
            },
            "outputs": {
                "artifacts": {
                    "model": artifact(out / "model", "Model"),
                    "metrics": artifact(out / "metrics", "Metrics"),
                    "curves": artifact(out / "curves", "HTML"),
                },
                "outputFile": str(out / "executor_output.json"),
            },
        }
    )


@contextmanager
def machines_that_train(prepared: Path, out: Path, config: str, **parameters: str) -> Iterator[list[Machine]]:
    """Run the component's own command as each of two machines would."""
    container = train_model.component_spec.implementation.container
    given = executor_input(prepared, out, {"config": config, **parameters})
    command = [*container.command, *map(str, container.args)]
    command[command.index("--executor_input") + 1] = given
    address = [f"127.0.0.1:{free_port()}"]
    pools = {"workerpool0": address, "workerpool1": address}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    machines = []
    for pool in pools:
        spec = json.dumps({"cluster": pools, "environment": "cloud", "task": {"type": pool, "index": 0}})
        environment = {**os.environ, "CLUSTER_SPEC": spec, "PATH": path}
        machines.append(
            subprocess.Popen(
                command,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        )
    try:
        yield machines
    finally:
        for machine in machines:
            with suppress(ProcessLookupError):
                os.killpg(machine.pid, signal.SIGKILL)
            machine.communicate()


def train_together(prepared: Path, out: Path, config: str, **parameters: str) -> list[tuple[int, str]]:
    """Train to the end; returns exit status and output of each machine."""
    with machines_that_train(prepared, out, config, **parameters) as machines:
        outputs = [machine.communicate(timeout=SECONDS)[0] for machine in machines]
    return [(machine.returncode, output) for machine, output in zip(machines, outputs, strict=True)]


def metrics_of(out: Path) -> dict[str, float]:
    written = json.loads((out / "executor_output.json").read_text(encoding="utf-8"))
    reported: dict[str, float] = written["artifacts"]["metrics"]["artifacts"][0]["metadata"]
    return reported


def test_two_machines_train_one_model_and_one_of_them_writes_it(
    prepared_dir: Path, settings: str, tmp_path: Path
) -> None:
    ended = train_together(prepared_dir, tmp_path, settings)
    assert [status for status, _ in ended] == [0, 0], ended
    for rank, (_, output) in enumerate(ended):
        assert f"process {rank + 1} of 2" in output
    assert [output.count("best model:") for _, output in ended] == [1, 0]
    # Two epochs; a step takes 4 examples on each of 2 machines.
    steps = 2 * math.ceil(len(load_examples(prepared_dir / "train.csv")) / 8)
    evaluated = [int(step) for step in re.findall(r"step (\d+): loss", ended[0][1])]
    assert evaluated == [steps // 2, steps]
    manifest = json.loads((tmp_path / "model" / "training_manifest.json").read_text(encoding="utf-8"))
    assert metrics_of(tmp_path)["steps"] == manifest["training"]["steps"] == steps
    assert [path.name for path in sorted(tmp_path.iterdir())] == [
        "checkpoints",
        "curves.html",
        "executor_output.json",
        "model",
    ]
    assert list((tmp_path / "model").glob("*.safetensors"))
    assert list((tmp_path / "checkpoints").iterdir()) == []


def test_a_trained_model_is_adopted_by_one_machine_while_the_other_waits(
    prepared_dir: Path, tiny_model_dir: Path, settings: str, tmp_path: Path
) -> None:
    ended = train_together(prepared_dir, tmp_path, settings, trained_model=str(tiny_model_dir))
    assert [status for status, _ in ended] == [0, 0], ended
    assert [output.count("training skipped") for _, output in ended] == [1, 0]
    assert metrics_of(tmp_path) == {"training_skipped": 1.0}


def test_when_the_leader_fails_no_machine_ends_well_and_none_waits_for_ever(
    prepared_dir: Path, settings: str, tmp_path: Path
) -> None:
    ended = train_together(prepared_dir, tmp_path, settings, trained_model=str(tmp_path / "nothing"))
    assert all(status != 0 for status, _ in ended), ended
    assert "model directory not found" in ended[0][1]


def test_machines_that_were_taken_away_continue_from_their_last_checkpoint(
    prepared_dir: Path, tiny_config: Config, tmp_path: Path
) -> None:
    config = with_overrides(
        tiny_config, {"training.batch_size": 4, "training.epochs": 3, "training.early_stopping_patience": 9}
    ).to_json()
    with machines_that_train(prepared_dir, tmp_path, config):
        wait_until(lambda: bool(list(tmp_path.glob("checkpoints/*/checkpoint-*/trainer_state.json"))), SECONDS)
    (folder,) = (tmp_path / "checkpoints").iterdir()
    # A kill in the middle of writing leaves such a one, which both machines must pass over.
    (folder / "checkpoint-9999").mkdir()
    ended = train_together(prepared_dir, tmp_path, config)
    assert [status for status, _ in ended] == [0, 0], ended
    metrics = metrics_of(tmp_path)
    assert 0 < metrics["resumed_from_step"] < metrics["steps"]
    assert [output.count("checkpoint-9999 was not written to its end: removed") for _, output in ended] == [1, 0]
