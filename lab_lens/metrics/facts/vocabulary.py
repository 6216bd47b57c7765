"""Word lists of the rules, in code and in the data files of this package."""

from importlib.resources import files

_DATA = files(__package__).joinpath("data")


def data_lines(name: str) -> list[str]:
    """The lines of a data file of this package."""
    return _DATA.joinpath(name).read_text(encoding="utf-8").splitlines()


def word_list(text: str) -> tuple[str, ...]:
    """The words of a text, in order."""
    return tuple(text.split())


def word_set(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())
