from pathlib import Path

import pytest
from kfp import dsl

import components
from lab_lens.errors import ContractError
from pipelines.component_docs import COMPONENTS, README, component_readme, main


def test_the_committed_readme_is_the_generated_one() -> None:
    assert README.read_text(encoding="utf-8") == component_readme(), "run `make docs` and commit the file"


def test_every_component_file_is_documented() -> None:
    files = {path.stem for path in Path(components.__file__).parent.glob("*.py")} - {"__init__", "images"}
    assert {component.python_func.__name__ for component in COMPONENTS} == files


def test_check_ends_with_status_1_and_says_what_to_do_when_the_file_differs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    readme = tmp_path / "README.md"
    assert main(["--check"], readme) == 1
    assert main([], readme) == 0
    assert main(["--check"], readme) == 0
    capsys.readouterr()
    readme.write_text(readme.read_text(encoding="utf-8").replace("Dataset", "Model", 1), encoding="utf-8")
    assert main(["--check"], readme) == 1
    assert "run `make docs`" in capsys.readouterr().err


def test_a_parameter_without_words_cannot_be_documented() -> None:
    @dsl.component(base_image="lab-lens-ops", install_kfp_package=False)
    def silent(told: str, untold: str):
        """Say something.

        Args:
            told: what it is.
        """

    with pytest.raises(ContractError, match="component silent lacks untold"):
        component_readme([silent])


def test_a_bar_in_a_description_does_not_end_its_cell() -> None:
    row = next(line for line in component_readme().splitlines() if line.startswith("| `base_model` |"))
    assert row.replace("\\|", "").count("|") == 5
