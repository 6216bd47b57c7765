"""What schemas cannot know: whether the commands of a script exist in this repository and take these arguments."""

import contextlib
import functools
import importlib.util
import io
import re
import subprocess
import sys
from collections.abc import Sequence

from definitions import ROOT, Script
from shell_commands import commands_of, make_targets, program_of

from lab_lens.cli.main import build_parser
from lab_lens.errors import InputError

# Parts of this repository that scripts and files name.
_PATH = re.compile(r"(?<![\w/.$}*-])((?:configs|tests|docs|containers|pipelines|benchmarks|\.github)/[\w./-]*\w)")
_OTHERS_MODULES = {"pip", "venv", "pytest"}


def command_problems(script: Script) -> list[str]:
    """Commands that would fail on any machine."""
    problems = []
    for command in commands_of(script):
        program = program_of(command)
        if program == "lab-lens":
            problems += _command_line_problems(command[1:])
        elif program == "make":
            targets = [word for word in command[1:] if "=" not in word and not word.startswith("-")]
            problems += [f"make has no target {target}" for target in targets if target not in make_targets()]
        elif program in {"python", "python3"} and "-m" in command:
            problems += _module_problems(command[command.index("-m") + 1 :])
        elif "/" in command[0] and command[0].startswith(".github/"):
            problems += _program_problems(command[0])
    return [f"{script.where}: {problem}" for problem in problems]


def path_problems(name: str, text: str) -> list[str]:
    """Paths of this repository that a file names and that do not exist."""
    named = dict.fromkeys(_PATH.findall(text))
    return [f"{name}: no such path: {path}" for path in named if not any(ROOT.glob(path))]


def _command_line_problems(arguments: Sequence[str]) -> list[str]:
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            build_parser().parse_args(arguments)
    except SystemExit as ended:
        # --help and --version print, and end with 0.
        return [] if ended.code == 0 else [f"lab-lens {' '.join(arguments)} ends with {ended.code}"]
    except InputError as error:
        return [f"lab-lens {' '.join(arguments)}: {problem}" for problem in error.problems]
    return []


def _module_problems(words: Sequence[str]) -> list[str]:
    module, *arguments = words
    if module.split(".")[0] in _OTHERS_MODULES:
        return []
    try:
        found = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        found = None
    if found is None:
        return [f"there is no module {module}"]
    options = [word for word in arguments if word.startswith("--")]
    known = _help(module)
    return [f"{module} has no option {option}" for option in options if option not in known]


@functools.cache
def _help(module: str) -> frozenset[str]:
    """Options that a module's help names."""
    done = subprocess.run(
        [sys.executable, "-m", module, "--help"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    return frozenset(re.findall(r"--[a-z][a-z-]*", done.stdout))


def _program_problems(path: str) -> list[str]:
    program = ROOT / path
    if not program.is_file():
        return [f"there is no program {path}"]
    return [] if program.stat().st_mode & 0o100 else [f"{path} is not executable"]
