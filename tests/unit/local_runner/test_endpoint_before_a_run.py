"""A run whose release could not find its endpoint is refused before anything is trained."""

from pathlib import Path

import pytest

from lab_lens.config import Config, with_overrides
from lab_lens.errors import InputError
from local_runner.preflight import check_request
from local_runner.request import RunRequest

VERTEX = "vertex://my-project/europe-west4/summarizer"
IMAGE = "europe-west4-docker.pkg.dev/my-project/lab-lens/lab-lens-serving:v1"


def problems_of(tmp_path: Path, endpoint: str, registry: str, image: str = "") -> list[str]:
    request = RunRequest(
        data="synthetic",
        out=tmp_path / "run",
        registry=registry,
        tracking_uri="",
        run_name="r",
        actor="ana",
        base_model="scratch:tiny",
    )
    settings = {"deployment.endpoint": endpoint, "deployment.vertex.serving_image": image}
    with pytest.raises(InputError) as refused:
        check_request(request, with_overrides(Config(), settings), "native")
    return [problem for problem in refused.value.problems if "deployment.endpoint" in problem]


def test_vertex_ai_cannot_serve_from_a_directory_nor_without_an_image(tmp_path: Path) -> None:
    place, image = problems_of(tmp_path, VERTEX, str(tmp_path / "registry"))
    assert "cannot serve from the registry" in place
    assert "give deployment.vertex.serving_image" in image
    assert len(problems_of(tmp_path, VERTEX, str(tmp_path / "registry"), IMAGE)) == 1


def test_an_endpoint_of_this_machine_must_be_running(tmp_path: Path) -> None:
    (problem,) = problems_of(tmp_path, f"local:{tmp_path / 'endpoint'}", str(tmp_path / "registry"))
    assert problem.startswith(f"deployment.endpoint local:{tmp_path / 'endpoint'}: ")
