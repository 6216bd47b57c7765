"""A compiled pipeline with images that can be pulled, and the command line that submits it to servers on loopback."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from loopback.kubeflow import KubeflowServer
from loopback.vertex import VertexServer

IMAGES = "us-central1-docker.pkg.dev/my-project/lab-lens"
PLACE = ("--project", "my-project", "--region", "us-central1")


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it said."""

    status: int
    out: str
    err: str

    @property
    def problems(self) -> list[str]:
        """What each line of standard error says; every line must be an error's."""
        prefix = "lab-lens: error: "
        assert all(line.startswith(prefix) for line in self.err.splitlines()), self.err
        return [line.removeprefix(prefix) for line in self.err.splitlines()]

    def said(self, name: str) -> str:
        """The value of a line `name: value`."""
        (value,) = [line.split(": ", 1)[1] for line in self.out.splitlines() if line.startswith(f"{name}: ")]
        return value


Lens = Callable[..., Ended]


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from pipelines.compile import CompileOptions, compile_pipeline
    from pipelines.image_references import ImageReferences

    options = CompileOptions(images=ImageReferences.from_prefix(IMAGES, "v1"))
    return compile_pipeline(tmp_path_factory.mktemp("template") / "pipeline.yaml", options)


@pytest.fixture
def lens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Lens:
    """Runs `lab-lens` in an empty directory."""
    from lab_lens.cli.main import main

    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> Ended:
        capsys.readouterr()
        status = main(arguments)
        captured = capsys.readouterr()
        return Ended(status, captured.out, captured.err)

    return call


@pytest.fixture
def vertex(monkeypatch: pytest.MonkeyPatch) -> Iterator[VertexServer]:
    """Vertex AI, and the bucket `my-bucket`."""
    with VertexServer() as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
        server.buckets.add("my-bucket")
        yield server
        assert server.defects == []


@pytest.fixture
def submit(lens: Lens, vertex: VertexServer, template: Path) -> Lens:
    """`lab-lens submit` to Vertex AI with all that it needs, and more arguments."""

    def call(*more: str) -> Ended:
        needed = ("--staging-bucket", "gs://my-bucket/lab-lens", "--data", "gs://my-bucket/notes.csv")
        compiled = () if "--template" in more else ("--template", str(template))
        fast = ("--poll-seconds", "0.01", "--api-endpoint", vertex.url, "--actor", "tester")
        return lens("submit", *PLACE, *needed, *compiled, *fast, *more)

    return call


@pytest.fixture
def kubeflow() -> Iterator[KubeflowServer]:
    with KubeflowServer() as server:
        yield server
        assert server.defects == []


@pytest.fixture
def submit_to_cluster(lens: Lens, kubeflow: KubeflowServer, template: Path) -> Lens:
    """`lab-lens submit --kubeflow` with all that it needs, and more arguments."""

    def call(*more: str) -> Ended:
        needed = ("--data", "/data/notes.csv", "--registry", "/data/registry", "--checkpoints", "/data/checkpoints")
        fast = ("--poll-seconds", "0.01", "--actor", "tester", "--template", str(template))
        return lens("submit", "--kubeflow", kubeflow.url, *needed, *fast, *more)

    return call
