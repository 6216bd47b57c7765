"""Templates into text: `{slot}` takes a fact, `[a|b]` one of several wordings."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from random import Random
from typing import TypeVar

_INNERMOST = re.compile(r"\[([^\[\]]*\|[^\[\]]*)\]")
_SPACES = re.compile(r" {2,}")
_NEEDS_AN = re.compile(r"\b(?:([Aa]) (?=8|11\b|18\b)|(a) (?=[aei][a-z]))")

Item = TypeVar("Item")


def seeded(*parts: object) -> Random:
    """A generator that depends on these parts alone, on every platform and for every number of patients."""
    return Random(":".join(map(str, parts)))  # noqa: S311 - made-up patients need repeatability, not secrecy


def one_of(rng: Random, weighted: Sequence[tuple[Item, float]]) -> Item:
    """One item, drawn by weight."""
    return rng.choices([item for item, _ in weighted], [weight for _, weight in weighted])[0]


def fill(template: str, facts: Mapping[str, str], rng: Random) -> str:
    """The template with wordings chosen and facts filled in; facts may be templates themselves."""
    text = template
    while "{" in text or _INNERMOST.search(text):
        text = _INNERMOST.sub(lambda match: rng.choice(match[1].split("|")), text)
        text = text.format_map(facts) if "{" in text else text
    return _NEEDS_AN.sub(r"\1\2n ", _SPACES.sub(" ", text)).strip()


def listed(items: Sequence[str], last: str = "and") -> str:
    """'a', 'a and b', 'a, b and c'."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"


def sentence(text: str) -> str:
    """With a capital first letter and a full stop."""
    text = capitalized(text.strip())
    return text + ("" if text.endswith((".", "!", "?")) else ".")


def capitalized(text: str) -> str:
    """With a capital first letter, the rest as it is."""
    return text[:1].upper() + text[1:]


def weeks(number: int) -> str:
    """'1 week', '2 weeks'."""
    return f"{number} week{'s' if number > 1 else ''}"


def since(onset: str, joint: str) -> str:
    """' for 3 days' for a duration, ' 3 hours ago' for a moment, '' for neither."""
    if not onset:
        return ""
    if onset.endswith(" ago"):
        return f" {onset}"
    return f" for {onset}" if onset.startswith("1 ") else f" {joint} {onset}"


def day_text(day: date) -> str:
    """'2151-7-16', as MIMIC-III writes its shifted dates."""
    return f"{day.year}-{day.month}-{day.day}"
