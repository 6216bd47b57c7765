"""From a text to its statements: clauses, as the content words they hold and whether each is negated."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from lab_lens.metrics.statements.numbers import NUMBERS, joined
from lab_lens.metrics.statements.words import (
    FEMALE,
    MALE,
    NEGATING_BACKWARDS,
    NOTHING_FOUND,
    Word,
    read_token,
)

# "U T I" and "I-T", as speech recognition and copy editors write abbreviations.
_SPELLED = re.compile(r"\b[A-Z](?:[ -][A-Z])+\b(?!['\u2019])")
_ENUMERATOR = re.compile(r"(?m)(?:^|(?<=[.;] ))[ \t]*\(?\d{1,2}[.)](?=\s|$)")
# A statement ends at a full stop that ends a word, a blank line, or before a line that begins an item or a sentence.
_STOP = r"[.;?!]+(?=[\s\"')\]]|$)|\n(?=[ \t\r]*(?:\n|[-*\u2022]|[A-Z]))"
_NUMBER = r"\d+(?:[.,/:]\d+)*(?:(?:st|nd|rd|th|s)\b)?"
_TOKEN = re.compile(rf"[A-Za-z]+(?:['\u2019][A-Za-z]+)*|{_STOP}|{_NUMBER}|[,:]")
_LONGEST_NUMBER_WORDS = 6


class Term(NamedTuple):
    """A content word, number or named thing, and whether the statement denies it."""

    name: str
    negated: bool


class Statement(NamedTuple):
    """What one clause says, and whether it asks."""

    terms: tuple[Term, ...]
    asks: bool


class Reading(NamedTuple):
    """The statements of a text that have content, and the sexes that it speaks of ("m", "f")."""

    statements: tuple[Statement, ...]
    sexes: frozenset[str]


def read_statements(text: str) -> Reading:
    """Read the statements of a summary, reference or note."""
    compact = _SPELLED.sub(lambda match: re.sub("[ -]", "", match.group()), text)
    tokens: list[str] = _TOKEN.findall(_ENUMERATOR.sub("\n", compact))
    words = {token.lower() for token in set(tokens)}
    sexes = frozenset(sex for sex, known in (("m", MALE), ("f", FEMALE)) if not words.isdisjoint(known))
    statements = (Statement(tuple(_terms(clause)), asks) for clause, asks in _clauses(tokens))
    return Reading(tuple(statement for statement in statements if statement.terms), sexes)


def _clauses(tokens: Sequence[str]) -> Iterator[tuple[list[Word], bool]]:
    """Words of each clause, and whether a question mark ends it."""
    clause: list[Word] = []
    opens = False
    for token in tokens:
        for word in read_token(token):
            if word.starts or (opens and word.starts_after):
                if clause:
                    yield clause, word.text == "?"
                clause = [] if word.kind == "stop" else [word]
            else:
                clause.append(word)
            opens = word.opens
    if clause:
        yield clause, False


def _terms(clause: Sequence[Word]) -> Iterator[Term]:
    negated_from = _negated_backwards(clause)
    negated = only_next = False
    past = 0
    for at, word in enumerate(clause):
        if at < past or (word.kind == "empty" and not word.phrases):
            continue
        past, name = _named_thing(clause, at) if word.phrases else (at, "")
        if name or word.kind == "content":
            denied = negated or only_next or at >= negated_from
            yield Term(name or word.stem, denied and name != NOTHING_FOUND)
            only_next = False
        elif word.kind == "number":
            past, value = _number(clause, at)
            yield Term(value, negated=False)
        elif word.kind == "negation":
            # "Non" denies the word it belongs to, everything else all that follows in the clause.
            negated, only_next = (negated, True) if word.text == "non" else (True, only_next)


def _negated_backwards(clause: Sequence[Word]) -> int:
    """Where the words begin that the last one denies, as in "Allergies: none"; past the end where it does not."""
    if clause[-1].text not in NEGATING_BACKWARDS:
        return len(clause)
    return max((at + 1 for at, word in enumerate(clause) if word.kind == "comma"), default=0)


def _named_thing(clause: Sequence[Word], at: int) -> tuple[int, str]:
    """Where the words of a known name end that begins here, and what it names; `at` and "" where there is none."""
    for stems, thing in clause[at].phrases:
        end = at + 1
        for stem in stems:
            if end == len(clause) or clause[end].stem != stem:
                break
            end += 1
        else:
            return end, thing
    return at, ""


def _number(clause: Sequence[Word], at: int) -> tuple[int, str]:
    """Where the words of a number end, and its value: "fifty two", "nineteen eighty four", "3.50"."""
    if clause[at].text not in NUMBERS:
        return at + 1, clause[at].stem
    total, end = NUMBERS[clause[at].text], at + 1
    for word in clause[end : end + _LONGEST_NUMBER_WORDS]:
        longer = joined(total, word.text)
        if longer is None:
            break
        total, end = longer, end + 1
    return end, str(total)
