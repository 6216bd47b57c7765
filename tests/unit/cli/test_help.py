import argparse
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import Lens

import lab_lens
from lab_lens.cli.main import build_parser

ROOT = Path(lab_lens.__file__).parent.parent
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
HEAVY = ("torch", "transformers", "mlflow", "kfp", "pandas", "numpy", "matplotlib", "sklearn", "pydantic")


def _parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in dict.fromkeys(action.choices.values()):
                yield from _parsers(inner)


PARSERS = {parser.prog: parser for parser in _parsers(build_parser())}
every_command = pytest.mark.parametrize("prog", PARSERS)


def _example(prog: str) -> list[str]:
    """The last line of a help text, as a shell would split it."""
    *_, title, example = PARSERS[prog].format_help().rstrip().splitlines()
    assert title == "example:"
    return shlex.split(example)


def test_every_stage_has_its_command() -> None:
    stages = {path.stem.replace("_", "-") for path in (ROOT / "lab_lens" / "stages").glob("[a-z]*.py")} - {"notify"}
    assert {f"lab-lens {stage}" for stage in stages} < set(PARSERS)


@every_command
def test_help_ends_with_an_example_that_the_parser_accepts(
    prog: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    command, *arguments = _example(prog)
    assert command == "lab-lens"
    parsed = build_parser().parse_args(arguments)
    assert parsed.run.__module__.startswith("lab_lens.cli.")
    assert " ".join([command, *arguments]).startswith(prog), "the example shows another command"


def _commands_of(page: Path) -> list[str]:
    """Commands in a page's code; those with optional parts in brackets are patterns and cannot be run."""
    lines = [line.strip() for line in page.read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if line.startswith("lab-lens ") and "[" not in line]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_in_the_documentation_is_accepted(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for command in _commands_of(page):
        _, *arguments = shlex.split(command.split(" > ")[0], comments=True)
        build_parser().parse_args(arguments)


def test_the_documentation_shows_commands() -> None:
    assert sum(len(_commands_of(page)) for page in PAGES) > 10


@every_command
def test_settings_files_of_examples_exist(prog: str) -> None:
    assert [word for word in _example(prog) if word.startswith("configs/") and not (ROOT / word).is_file()] == []


@every_command
def test_every_argument_is_explained(prog: str) -> None:
    silent = [action.dest for action in PARSERS[prog]._actions if not action.help and not action.choices]
    assert silent == []


@pytest.mark.parametrize("group", [(), ("registry",), ("config",), ("mlflow",)])
def test_a_command_without_its_sub_command_shows_its_help_and_ends_with_2(group: tuple[str, ...], lens: Lens) -> None:
    ended = lens(*group)
    assert ended.status == 2
    assert ended.out == ""
    assert ended.err == PARSERS[" ".join(["lab-lens", *group])].format_help()


def test_an_option_is_never_abbreviated(lens: Lens) -> None:
    ended = lens("config", "show", "--conf", "settings.json")
    assert (ended.status, ended.err) == (
        2,
        "lab-lens: error: unrecognized arguments: --conf settings.json; see lab-lens --help\n",
    )


@pytest.mark.parametrize("names", [("train", "train-model"), ("tune", "tune-hyperparameters")])
def test_a_short_name_stands_for_a_long_one(names: tuple[str, str]) -> None:
    short, long = (build_parser().parse_args([name, "--data", "d"]) for name in names)
    assert short.run is long.run


def test_help_loads_no_heavy_library() -> None:
    script = f"""
import sys
from lab_lens.cli.main import main
for arguments in (["--help"], ["run", "--help"], ["train-model", "--help"], ["registry", "list", "--help"]):
    try:
        main(arguments)
    except SystemExit as ended:
        assert ended.code == 0
loaded = [name for name in {HEAVY!r} if name in sys.modules]
sys.exit(f"loaded: {{loaded}}" if loaded else 0)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
