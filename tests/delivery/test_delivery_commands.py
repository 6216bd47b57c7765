from pathlib import Path

import pytest
from command_checks import command_problems, path_problems
from definitions import EVERY_FILE, ROOT, Script, every_script, name_of
from shell_commands import commands_of, make_targets, program_of

SCRIPTS = every_script()


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parsing `--out` tries whether its directory could be written."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.where)
def test_every_command_exists_and_takes_its_arguments(script: Script) -> None:
    assert command_problems(script) == []


@pytest.mark.parametrize("path", EVERY_FILE, ids=name_of)
def test_every_path_exists(path: Path) -> None:
    assert path_problems(name_of(path), path.read_text(encoding="utf-8")) == []


def test_the_command_lines_of_the_whole_delivery_are_among_those_checked() -> None:
    called = {command[1] for script in SCRIPTS for command in commands_of(script) if program_of(command) == "lab-lens"}
    assert called >= {
        "prepare-data", "train-model", "generate-summaries", "validate-model", "detect-bias", "analyze-sensitivity",
        "decide-release", "register-model", "deploy-model", "rollback-model", "report", "registry",
        "compile", "upload-template", "submit", "notify",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("lab-lens train-modle --data x", "invalid choice: 'train-modle'"),
        (".venv/bin/lab-lens train-model --data x --epochs 3", "unrecognized arguments: --epochs 3"),
        ("if true; then lab-lens prepare-data --out x; fi", "the following arguments are required: --data"),
        ('m=()\nm+=(--red "$RED")\nlab-lens prepare-data --data x "${m[@]}"', "unrecognized arguments: --red 1"),
        ("lab-lens deploy-model \\\n  --registry $REGISTRY", "the following arguments are required: --version"),
        ("lab-lens train-model --data x --device gpu | tee log", "invalid choice: 'gpu'"),
        ("make chek", "make has no target chek"),
        ("python3 -m containers.scann", "there is no module containers.scann"),
        ("python3 -m containers.scan --digest x", "containers.scan has no option --digest"),
        (".github/registri.sh pull", "there is no program .github/registri.sh"),
        (".github/zizmor.yml", ".github/zizmor.yml is not executable"),
    ],
)  # fmt: skip
def test_a_planted_command_is_found(text: str, problem: str) -> None:
    (found,) = command_problems(Script("planted", text, "bash"))
    assert found.startswith("planted: ")
    assert problem in found


def test_variables_are_filled_in_from_what_is_known() -> None:
    text = 'state=FAILED\nlab-lens notify --state "$state" --config "$CONFIG" --run-name "run-${SHA:0:7}" >> log'
    script = Script("planted", text, "bash", {"CONFIG": "configs/demo.json"})
    (command,) = [found for found in commands_of(script) if program_of(found) == "lab-lens"]
    assert command[1:] == ["notify", "--state", "FAILED", "--config", "configs/demo.json", "--run-name", "run-1"]


def test_a_path_that_does_not_exist_is_found() -> None:
    assert path_problems("planted", "run: x --config configs/dmeo.json\npaths: [docs/**, tests/unit]") == [
        "planted: no such path: configs/dmeo.json"
    ]


def test_targets_are_read_from_the_makefile() -> None:
    assert {"check", "test", "test-unit", "workflow-lint", "install"} <= make_targets()
    assert "INSTALLED" not in make_targets()


def test_the_scripts_of_the_repository_are_known() -> None:
    assert len(SCRIPTS) > 30
    assert {script.shell for script in SCRIPTS} == {"bash", "sh"}
    assert (ROOT / ".github" / "production.sh").is_file()
