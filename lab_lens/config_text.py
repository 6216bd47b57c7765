"""Settings as text: JSON and YAML read without guessing, and what is wrong with them told in words."""

import json
import re
from collections.abc import Sequence
from typing import Annotated, Any, get_args, get_origin

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from lab_lens.errors import InputError

_SHOWN_CHARS = 60
# What stands at the end of a location when the name itself is wrong.
_KEY = "[key]"
# What pydantic wants, where its own words speak of Python.
_REQUIREMENTS = {
    "model_type": "an object of settings",
    "dict_type": "an object",
    "tuple_type": "a list",
    "string_type": "text",
    "string_too_short": "longer text",
    "too_short": "a longer list",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
}


class Section(BaseModel):
    """A part of the configuration: strict, frozen, without infinities."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def read_object(text: str, source: str) -> dict[str, Any]:
    """Parse an object of settings from JSON or YAML text.

    Args:
        text: the text; its names become strings.
        source: what the text is called in errors.

    Raises:
        InputError: it is neither JSON nor YAML, holds no object, or gives a setting twice.
    """
    try:
        values = _parse(text)
    except _RepeatedError as error:
        raise InputError(f"{source}: {error}") from error
    except (json.JSONDecodeError, yaml.YAMLError) as error:
        raise InputError(f"{source} is neither JSON nor YAML: {_place(error)}") from error
    if not isinstance(values, dict):
        raise InputError(f"{source} must hold an object of settings; {{}} gives the defaults")
    return values


class ProblemsError(ValueError):
    """Several problems that one validator found, each a sentence of its own."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(problems))


def problems_of(error: ValidationError, settings: type[BaseModel]) -> list[str]:
    """Tell everything that pydantic and the validators of `settings` found, a sentence each."""
    sentences: list[str] = []
    for problem in error.errors():
        own = problem.get("ctx", {}).get("error")
        sentences += own.problems if isinstance(own, ProblemsError) else [in_words(problem, settings)]
    return sentences


def in_words(problem: Any, settings: type[BaseModel]) -> str:
    """Tell one of pydantic's problems with `settings` as a sentence: path, value, and what is allowed."""
    location, kind, message = problem["loc"], problem["type"], problem["msg"]
    path = ".".join(part for part in _shown_path(settings, location) if part != _KEY)
    if kind in {"union_tag_invalid", "union_tag_not_found"}:
        tags = ", ".join(map(str, _tagged(_at(settings, location))))
        return f"{path}: its type must be one of {tags}"
    if kind == "value_error":
        return f"{path}: {problem['ctx']['error']}".removeprefix(": ")
    if kind == "extra_forbidden":
        return f"unknown setting {path}; allowed here: {', '.join(_allowed(settings, location[:-1]))}"
    if location[-1:] == (_KEY,):
        return f"unknown setting {path}; allowed here: {problem['ctx']['expected']}"
    if kind == "missing":
        return f"{path} is missing"
    requirement = _REQUIREMENTS.get(kind) or message.removeprefix("Input should be ")
    return f"{path} is {_shown(problem['input'])}; it must be {requirement}"


def _allowed(settings: type[BaseModel], location: tuple[str | int, ...]) -> list[str]:
    """Names of the settings at a place."""
    return sorted(_at(settings, location).model_fields)


def _at(settings: type[BaseModel], location: Sequence[str | int]) -> Any:
    """What stands at a place: a section, a container, or sections that are told apart by their `type`."""
    here: Any = settings
    for part in location:
        here = _inside(here, part)
    return here


def _inside(here: Any, part: str | int) -> Any:
    if part in _tagged(here):
        return _tagged(here)[part]
    if isinstance(part, int):  # a position in a list
        return get_args(here)[0]
    return get_args(here)[1] if get_origin(here) is dict else here.model_fields[part].annotation


def _tagged(here: Any) -> dict[str | int, Any]:
    """Sections by the `type` that tells them apart; empty where nothing is told apart."""
    members = get_args(get_args(here)[0]) if get_origin(here) is Annotated else ()
    return {member.model_fields["type"].default: member for member in members}


def _shown_path(settings: type[BaseModel], location: Sequence[str | int]) -> list[str]:
    """A place in the user's words: the file has no step for the `type` that tells sections apart."""
    return [str(part) for index, part in enumerate(location) if part not in _tagged(_at(settings, location[:index]))]


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    # Addresses of webhooks and servers can hold passwords.
    if "://" in text:
        return "an address"
    return text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}..."


def _place(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        return f"{error.problem}: line {error.problem_mark.line + 1} column {error.problem_mark.column + 1}"
    return str(error)


class _RepeatedError(ValueError):
    """A setting is given twice; both formats would silently take the last one."""


def _parse(text: str) -> Any:
    # YAML reads most JSON but not all of it (tabs, escaped emoji), and its messages on broken JSON mislead.
    if not text.lstrip().startswith("{"):
        return _from_yaml(text)
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        try:
            return _from_yaml(text)
        except yaml.YAMLError:
            raise error from None


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise _RepeatedError(f"given twice in one section: {', '.join(repeated)}")
    return dict(pairs)


def _from_yaml(text: str) -> Any:
    return yaml.load(text, _Loader)  # noqa: S506  it is a SafeLoader


class _Loader(yaml.SafeLoader):
    """Safe YAML with unique names, and with numbers such as 2e-5, which YAML 1.1 takes for text."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        _unique([(str(name.value), None) for name, _ in node.value])
        return {str(name): value for name, value in super().construct_mapping(node, deep).items()}


_Loader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"[-+]?\d+[eE][-+]?\d+$"), list("-+0123456789"))
