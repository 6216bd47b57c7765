from pathlib import Path

import yaml
from command_line import Lens


def test_compile_writes_the_pipeline_and_says_where(lens: Lens, tmp_path: Path) -> None:
    ended = lens("compile", "--out", "deep/pipeline.yaml")
    assert (ended.status, ended.err) == (0, "")
    assert ended.out == f"pipeline: {Path('deep', 'pipeline.yaml')}\n"
    written = yaml.safe_load((tmp_path / "deep" / "pipeline.yaml").read_text(encoding="utf-8"))
    assert written["pipelineInfo"]["name"] == "lab-lens-model-development"


def test_compile_refuses_a_directory_and_says_which_file_it_could_be(lens: Lens, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    ended = lens("compile", "--out", "out")
    assert ended.status == 2
    assert ended.problems == [f"--out out is a directory; give a file, such as {Path('out', 'pipeline.yaml')}"]
