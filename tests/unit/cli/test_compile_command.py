import json
from pathlib import Path

import pytest
import yaml
from command_line import Lens


def test_compile_writes_the_pipeline_and_says_where(lens: Lens, tmp_path: Path) -> None:
    ended = lens("compile", "--out", "deep/pipeline.yaml")
    assert (ended.status, ended.err) == (0, "")
    assert ended.out == f"pipeline: {Path('deep', 'pipeline.yaml')}\n"
    written = yaml.safe_load((tmp_path / "deep" / "pipeline.yaml").read_text(encoding="utf-8"))
    assert written["pipelineInfo"]["name"] == "lab-lens-model-development"


def test_compile_without_options_writes_the_document_of_the_local_runner(lens: Lens, tmp_path: Path) -> None:
    from pipelines.compile import compile_pipeline

    assert lens("compile", "--out", "pipeline.yaml").status == 0
    expected = compile_pipeline(tmp_path / "expected.yaml")
    assert (tmp_path / "pipeline.yaml").read_bytes() == expected.read_bytes()


def test_compile_takes_images_machines_and_target(lens: Lens, tmp_path: Path) -> None:
    (tmp_path / "spot.yaml").write_text("resources: {preset: l4, training: {strategy: spot}}", encoding="utf-8")
    digests = {
        family: f"ghcr.io/clinic/lab-lens-{family}@sha256:{'0' * 64}" for family in ("trainer", "evaluator", "ops")
    }
    (tmp_path / "digests.json").write_text(json.dumps(digests), encoding="utf-8")
    ended = lens("compile", "--config", "spot.yaml", "--digests", "digests.json", "--target", "vertex")
    assert (ended.status, ended.err) == (0, "")
    written = yaml.safe_load((tmp_path / "pipeline.yaml").read_text(encoding="utf-8"))
    training = written["deploymentSpec"]["executors"]["exec-train-model"]["container"]
    assert training["image"] == digests["ops"]
    assert json.loads(training["args"][1])["image"] == digests["trainer"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--images", "ghcr.io/Clinic"), '--images is "ghcr.io/Clinic"; names of repositories have no capital letters'),
        (("--tag", "v1"), "--tag v1 needs --images PREFIX"),
        (("--images", "ghcr.io/clinic", "--digests", "x.json"), "--digests names whole references"),
        (("--digests", "nowhere.json"), "no such file: nowhere.json"),
        (("--target", "cloud"), "--target: invalid choice: 'cloud'"),
    ],
)
def test_compile_refuses_wrong_options_and_writes_nothing(
    lens: Lens, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    ended = lens("compile", *arguments)
    assert ended.status == 2
    assert words in " ".join(ended.problems)
    assert not (tmp_path / "pipeline.yaml").exists()


def test_compile_lists_every_machine_that_vertex_does_not_have(lens: Lens, tmp_path: Path) -> None:
    tasks = {name: {"accelerator_count": 3} for name in ("train_model", "generate_summaries")}
    settings = {"resources": {"preset": "l4", "tasks": tasks}}
    (tmp_path / "config.json").write_text(json.dumps(settings), encoding="utf-8")
    ended = lens("compile", "--config", "config.json", "--target", "vertex")
    assert ended.status == 2
    assert [problem.split(" is ")[0] for problem in ended.problems] == [
        "resources.tasks.generate_summaries.accelerator_count",
        "resources.tasks.train_model.accelerator_count",
    ]


def test_compile_refuses_a_directory_and_says_which_file_it_could_be(lens: Lens, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    ended = lens("compile", "--out", "out")
    assert ended.status == 2
    assert ended.problems == [f"--out out is a directory; give a file, such as {Path('out', 'pipeline.yaml')}"]
