"""Commands in shell scripts, with variables and arrays filled in as far as a reader could."""

import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from definitions import ROOT, Script

_ARRAY = re.compile(r"(\w+)\+?=\(([^()]*)\)")
_ASSIGNED = re.compile(r"(?:^|[\s;])(\w+)=([A-Za-z0-9_./-]+)(?=[\s;]|$)")
_VARIABLE = re.compile(r"\$\{(\w+)[^}]*\}|\$(\w+)")
_WHOLE_ARRAY = re.compile(r"\$\{(\w+)\[@\]\}")
_SEPARATORS = set("|;&<>()")
# A number, a name, a path: most options take it.
_ANYTHING = "1"
# What the gate answers, where a script reads it from a file.
_KNOWN = {"verdict": "hold", "VERDICT": "hold"}
_KEYWORDS = {"if", "then", "else", "elif", "do", "while", "until", "!", "{", "export", "time"}


def commands_of(script: Script) -> list[list[str]]:
    """Every simple command of a script, as words; redirections and what follows them are left out."""
    text = script.text.replace("\\\n", " ")
    arrays: dict[str, list[str]] = {}
    for name, content in _ARRAY.findall(text):
        arrays.setdefault(name, []).extend(shlex.split(content))
    values = {
        **dict(_ASSIGNED.findall(text)),
        **_KNOWN,
        **{name: value for name, value in script.values.items() if value},
    }
    found = [command for line in text.splitlines() for command in _split(line)]
    return [_filled(command, values, arrays) for command in found]


def _split(line: str) -> list[list[str]]:
    """A line's commands."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.commenters, lexer.whitespace_split = "#", True
    commands: list[list[str]] = [[]]
    try:
        for word in lexer:
            if set(word) <= _SEPARATORS:
                commands.append([])
            elif commands[-1] or word not in _KEYWORDS:
                commands[-1].append(word)
    except ValueError:
        # A line in the middle of a quotation begins no command.
        return []
    return [command for command in commands if command]


def _filled(words: Sequence[str], values: Mapping[str, str], arrays: Mapping[str, Sequence[str]]) -> list[str]:
    filled: list[str] = []
    for word in words:
        whole = _WHOLE_ARRAY.fullmatch(word)
        if whole:
            filled += [_value(item, values) for item in arrays.get(whole[1], [])]
        else:
            filled.append(_value(word, values))
    return filled


def _value(word: str, values: Mapping[str, str], depth: int = 0) -> str:
    text = _VARIABLE.sub(lambda found: values.get(found[1] or found[2], _ANYTHING), word)
    return _value(text, values, depth + 1) if depth < 3 and text != word else text


def program_of(command: Sequence[str]) -> str:
    """The name of a command's program, without its directory."""
    return command[0].rsplit("/", 1)[-1]


def make_targets(makefile: Path = ROOT / "Makefile") -> set[str]:
    """Names of a Makefile's targets."""
    return set(re.findall(r"^([A-Za-z][\w-]*):(?!=)", makefile.read_text(encoding="utf-8"), re.MULTILINE))
