"""The training task of a pipeline compiled for Vertex AI: its command as a real process, against a server on loopback.

The server's job is real too: it runs the container's command here. `gs://` paths lie under `/gcs`, as Vertex AI mounts
them, where this machine lets us make that directory; else plain paths stand for them.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from loopback.server import wait_until
from loopback.vertex import VertexServer, job_states

from lab_lens.config import Config, with_overrides
from pipelines.compile import CompileOptions, compile_pipeline
from pipelines.image_references import ImageReferences

pytestmark = pytest.mark.integration
SECONDS = 180
MOUNT = Path("/gcs")
# What Vertex AI gives for placeholders in the inputs of a task.
RUN = {
    "{{$.pipeline_google_cloud_project_id}}": "clinic",
    "{{$.pipeline_google_cloud_location}}": "europe-west4",
    "{{$.pipeline_service_account}}": "trainer@clinic.iam.gserviceaccount.com",
    "{{$.pipeline_network}}": "",
    "{{$.pipeline_encryption_key_name}}": "",
}


@pytest.fixture
def bucket(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The URI of a bucket, and where its files lie."""
    files = tmp_path / "bucket"
    files.mkdir()
    name = f"lab-lens-test-{uuid.uuid4().hex}"
    mounted = MOUNT / name
    try:
        MOUNT.mkdir(exist_ok=True)
        mounted.symlink_to(files)
    except OSError:
        yield str(files), files
        return
    yield f"gs://{name}", mounted
    mounted.unlink()
    with suppress(OSError):  # another test's bucket is still there
        MOUNT.rmdir()


@dataclass
class Machines:
    """Runs the containers of jobs that the server was asked for, as processes of this machine."""

    server: VertexServer
    outputs: list[str] = field(default_factory=list)

    @contextmanager
    def running(self) -> Iterator[None]:
        thread = threading.Thread(target=self._run_first_job)
        thread.start()
        yield
        thread.join(SECONDS)

    def _run_first_job(self) -> None:
        wait_until(lambda: bool(self.server.resources), SECONDS)
        (name,) = self.server.resources
        self.server.set(name, job_states("RUNNING")[0])
        container = self.server.resources[name].job_spec.worker_pool_specs[0].container_spec
        ended = subprocess.run(
            [*container.command, *container.args],
            check=False,
            env=environment(CLUSTER_SPEC=json.dumps(cluster_of_one())),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
        )
        self.outputs.append(ended.stdout)
        status = f"The replica workerpool0-0 exited with a non-zero status of {ended.returncode}."
        states = job_states("FAILED", error=status, code=3) if ended.returncode else job_states("SUCCEEDED")
        self.server.set(name, states[0])


def cluster_of_one() -> dict[str, Any]:
    return {"cluster": {"workerpool0": ["127.0.0.1:2222"]}, "task": {"type": "workerpool0", "index": 0}}


def environment(**more: str) -> dict[str, str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**os.environ, "PATH": path, **more}


@pytest.fixture
def server() -> Iterator[VertexServer]:
    with VertexServer(["job_service"]) as running:
        yield running
    assert running.defects == []


def artifact(uri: str, kind: str) -> dict[str, Any]:
    schema = {"schemaTitle": f"system.{kind}", "schemaVersion": "0.0.1"}
    name = "projects/1/locations/europe-west4/metadataStores/default/artifacts/7"
    return {"artifacts": [{"name": name, "type": schema, "uri": uri, "metadata": {}}]}


def executor_input(bucket: tuple[str, Path], prepared: Path, config: Config) -> str:
    """What Vertex AI fills in for `{{$}}`; the words have quotes, dollars and line ends of their own."""
    uri, files = bucket
    task = "runs/12345/train-model_-6789"
    parameters = {
        "config": config.to_json(),
        "checkpoints": str(files / "checkpoints"),
        "run_name": 'it\'s "the" $HOME $(date) `run`\n%s',
        "tracking_uri": "",
        "device": "cpu",
        "vertex_project": "clinic",
    }
    kinds = {"model": "Model", "metrics": "Metrics", "curves": "HTML"}
    return json.dumps(
        {
            "inputs": {
                "parameterValues": parameters,
                "artifacts": {name: artifact(str(prepared), "Dataset") for name in ("train", "val")},
            },
            "outputs": {
                "artifacts": {name: artifact(f"{uri}/{task}/{name}", kind) for name, kind in kinds.items()},
                "outputFile": str(files / task / "executor_output.json"),
            },
        }
    )


def launcher_command(config: Config, server: VertexServer, given: str, folder: Path) -> list[str]:
    """The compiled task's command, as Vertex AI would start it, but for the address of the API."""
    images = ImageReferences.from_prefix("europe-west4-docker.pkg.dev/clinic/lab-lens", "v1")
    out = compile_pipeline(folder / "pipeline.yaml", CompileOptions(images, config, "vertex"))
    (document,) = yaml.safe_load_all(out.read_text(encoding="utf-8"))
    container = document["deploymentSpec"]["executors"]["exec-train-model"]["container"]
    inputs = document["components"]["comp-exit-handler-1"]["dag"]["tasks"]["train-model"]["inputs"]["parameters"]
    places = {
        f"{{{{$.inputs.parameters['{name}']}}}}": RUN.get(value["runtimeValue"]["constant"], "")
        for name, value in inputs.items()
        if "runtimeValue" in value
    }
    words = [{**places, "{{$}}": given}.get(word, word) for word in [*container["command"], *container["args"]]]
    assert not [word for word in words if word.startswith("{{$")]
    end = words.index("--")
    return [*words[:end], "--api-endpoint", server.url, "--poll-seconds", "0.05", *words[end:]]


@pytest.fixture
def spot(tiny_config: Config) -> Config:
    return with_overrides(tiny_config, {"resources.preset": "l4", "resources.training.strategy": "spot"})


def test_training_as_a_spot_job_writes_the_outputs_of_the_task(
    server: VertexServer, bucket: tuple[str, Path], prepared_dir: Path, spot: Config, tmp_path: Path
) -> None:
    given = executor_input(bucket, prepared_dir, spot)
    command = launcher_command(spot, server, given, tmp_path)
    machines = Machines(server)
    with machines.running():
        ended = subprocess.run(command, check=False, env=environment(), capture_output=True, text=True, timeout=SECONDS)
    assert ended.returncode == 0, (ended.stdout, ended.stderr, machines.outputs)
    task = bucket[1] / "runs/12345/train-model_-6789"
    written = json.loads((task / "executor_output.json").read_text(encoding="utf-8"))
    (model,) = written["artifacts"]["model"]["artifacts"]
    assert model["uri"] == f"{bucket[0]}/runs/12345/train-model_-6789/model"
    assert written["artifacts"]["metrics"]["artifacts"][0]["metadata"]["steps"] > 0
    assert list((task / "model").glob("*.safetensors"))
    assert (task / "curves.html").is_file()
    (request,) = server.requests("CreateCustomJob")
    assert request.parent == "projects/clinic/locations/europe-west4"
    pool = request.custom_job.job_spec.worker_pool_specs[0]
    assert pool.container_spec.image_uri == "europe-west4-docker.pkg.dev/clinic/lab-lens/lab-lens-trainer:v1"
    # What the task was given came through the wire to the letter.
    assert pool.container_spec.args[list(pool.container_spec.args).index("--executor_input") + 1] == given
    assert "https://console.cloud.google.com/vertex-ai/locations/europe-west4/training/" in ended.stdout


def test_a_training_that_fails_in_the_job_fails_the_task(
    server: VertexServer, bucket: tuple[str, Path], tmp_path: Path, spot: Config
) -> None:
    given = executor_input(bucket, tmp_path / "no-examples", spot)
    machines = Machines(server)
    with machines.running():
        command = launcher_command(spot, server, given, tmp_path)
        ended = subprocess.run(command, check=False, env=environment(), capture_output=True, text=True, timeout=SECONDS)
    assert ended.returncode == 1, (ended.stdout, ended.stderr)
    assert "the training job failed: The replica workerpool0-0 exited with a non-zero status" in ended.stderr


def test_a_task_that_is_terminated_cancels_its_job(
    server: VertexServer, bucket: tuple[str, Path], prepared_dir: Path, spot: Config, tmp_path: Path
) -> None:
    server.script("customJobs", job_states("PENDING", "RUNNING"))
    command = launcher_command(spot, server, executor_input(bucket, prepared_dir, spot), tmp_path)
    process = subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        wait_until(lambda: len(server.requests("GetCustomJob")) > 2, SECONDS)
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=SECONDS)
    finally:
        process.kill()
    assert process.returncode == 130, output
    assert [request.name for request in server.requests("CancelCustomJob")] == list(server.resources)
    assert "lab-lens: error: interrupted; the job was told to end" in output
    assert "Traceback" not in output
