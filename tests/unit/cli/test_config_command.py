import json
from pathlib import Path

import pytest
import yaml
from command_line import Lens

import lab_lens
from lab_lens.config import Config, load_config

CONFIGS = Path(lab_lens.__file__).parent.parent / "configs"


def test_show_prints_the_defaults_when_no_file_is_given(lens: Lens) -> None:
    ended = lens("config", "show")
    assert ended.status == 0
    assert ended.err == ""
    assert json.loads(ended.out) == Config().model_dump(mode="json")


@pytest.mark.parametrize("name", ["default.json", "demo.json", "aci_bench.json"])
def test_what_show_prints_is_the_same_configuration_again(name: str, lens: Lens, tmp_path: Path) -> None:
    shown = lens("config", "show", "--config", str(CONFIGS / name))
    assert shown.status == 0
    (tmp_path / "shown.json").write_text(shown.out, encoding="utf-8")
    assert load_config(tmp_path / "shown.json").sha256() == load_config(CONFIGS / name).sha256()


def test_show_prints_what_looks_like_markup_as_it_is(lens: Lens, tmp_path: Path) -> None:
    name = "[bold]trial[/bold] :100: [/]"
    (tmp_path / "c.json").write_text(json.dumps({"tracking": {"experiment": name}}), encoding="utf-8")
    assert json.loads(lens("config", "show", "--config", "c.json").out)["tracking"]["experiment"] == name


def test_validate_gives_equal_settings_an_equal_hash_whatever_the_file_looks_like(lens: Lens, tmp_path: Path) -> None:
    settings = {"seed": 3, "training": {"epochs": 2}}
    (tmp_path / "a.json").write_text(json.dumps(settings), encoding="utf-8")
    (tmp_path / "b.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    ended = lens("config", "validate", "a.json", "b.yaml")
    assert ended.status == 0
    first, second = ended.out.splitlines()
    assert first.startswith("a.json: valid, hash ")
    assert second == first.replace("a.json", "b.yaml")


def test_validate_tells_every_problem_of_every_file_and_names_the_good_ones(lens: Lens, tmp_path: Path) -> None:
    (tmp_path / "good.json").write_text("{}", encoding="utf-8")
    (tmp_path / "bad.json").write_text('{"seed": "x", "decoding": {"beams": 4}}', encoding="utf-8")
    ended = lens("config", "validate", "bad.json", "good.json", "nowhere.yaml")
    assert ended.status == 2
    assert ended.out.startswith("good.json: valid")
    assert len(ended.problems) == 3
    for words in ("bad.json: seed", "bad.json: unknown setting decoding.beams", "config file not found: nowhere.yaml"):
        assert sum(problem.startswith(words) for problem in ended.problems) == 1
