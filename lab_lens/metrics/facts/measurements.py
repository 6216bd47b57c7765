"""Laboratory and vital values, and quantities of no known test."""

from typing import NamedTuple

from lab_lens.metrics.facts.lexicon import Mention
from lab_lens.metrics.facts.numbers import UNITS, Number, number_at, number_before, unit_at
from lab_lens.metrics.facts.tokens import Tokens
from lab_lens.metrics.facts.types import Kind
from lab_lens.metrics.facts.vocabulary import word_list, word_set

# Words that may stand between a test and its value.
_BETWEEN = word_set("""
    of was is were be been at to level value count ( ) [ : = , - ~ > < * # elevated low high normal stable a an the
    up down trended peaked fell rose risen improved decreased increased dropped from remained on admission initially
    presentation arrival discharge then with peak nadir about approximately around measured found as his her your
    today repeat last most recent slightly mildly markedly has had reading came back good in now down-trending went
    gone has' which it looks like looked little bit been so returned read controlled well over result above below
    under than greater less more maximum max minimum min initial initially first fasting random um uh you know your
    it's i think see here had has actually also around okay so but really are that's currently hovering running
    ranging between average averaging still only already just worsened downtrended uptrended recovered corrected
    reached spiked percent score resting
""")
_REACH = 10
_CHANGES = {
    **dict.fromkeys(word_list("rose risen increased up uptrended spiked worsened"), "rising"),
    **dict.fromkeys(word_list("fell decreased dropped down downtrended"), "falling"),
}
_LEVELS = {
    **dict.fromkeys(word_list("elevated high"), "high"),
    "low": "low",
    "normal": "normal",
}
_BOUNDS = {
    **dict.fromkeys(word_list("> above over greater more"), ">"),
    **dict.fromkeys(word_list("< below under less"), "<"),
}
_NOTED = frozenset({*_CHANGES, *_LEVELS, *_BOUNDS})
_LETTERS_ONLY = 2
# (lowest, highest) value that a name of one letter can mean: "T 98.6" is a temperature, "T 2" is not.
_LETTER_RANGES = {"t": (90.0, 110.0), "p": (30.0, 220.0), "r": (6.0, 60.0), "k": (1.0, 10.0)}
_CELSIUS = (33.0, 43.0)
_FREE_UNITS = word_set("mg g mcg unit ml l dl meq mmol % cm mm inch foot kg lb mmhg")
_SIGNS = frozenset(spelling for spelling, unit in UNITS.items() if unit in _FREE_UNITS)
_PRESSURE = "blood pressure"


class Value(NamedTuple):
    """A value of a test at tokens [first, after), or the bare mention of a test where `attributes` holds no value."""

    kind: Kind
    concept: str
    attributes: dict[str, str | float]
    first: int
    after: int


def values_of(tokens: Tokens, mentions: list[Mention], taken: dict[int, int]) -> list[Value]:
    """Values of every test of the lexicon; `taken` holds what was read already, and what this reads."""
    tests = [mention for mention in mentions if mention.entry.kind in {"lab", "vital"}]
    begins = {mention.first for mention in mentions if mention.entry.kind in {"lab", "vital", "medication"}}
    found: list[Value] = []
    for mention in tests:
        if taken.keys().isdisjoint(range(mention.first, mention.after)):
            found += _values(tokens, mention, begins, taken)
    return found


def quantities_of(tokens: Tokens, taken: dict[int, int]) -> list[Value]:
    """Numbers with a unit that nothing else has read: "a 4.1 cm mass", "60% stenosis"."""
    found: list[Value] = []
    for index in tokens.among(_SIGNS):
        if index in taken or not index:
            continue
        number = number_before(tokens, index)
        if number is None or index - 1 in taken or not tokens.words[number.first][0].isdigit():
            continue
        unit, after = unit_at(tokens, index)
        found.append(Value("measurement", unit, {**_amount(number), "unit": unit}, number.first, after))
    return found


def _values(tokens: Tokens, mention: Mention, begins: set[int], taken: dict[int, int]) -> list[Value]:
    """The values that follow one test; two where it went "from 3.0 to 2.1"."""
    found: list[Value] = []
    concept, kind = mention.entry.concept, mention.entry.kind
    words, notes = tokens.words, dict[str, str | float]()
    index, end = mention.after, tokens.sentence_end(mention.first)
    last_read = index
    while index < end and index - last_read < _REACH and index not in begins and index not in taken:
        word = words[index]
        # "From 1.1 to 3.0" is a change, "3.0 to 3.5" a range.
        number = number_at(tokens, index, ranges=words[index - 1] != "from")
        if number is None:
            if word not in _BETWEEN and not (found and word == "to"):
                break
            if word in _NOTED:
                _note(notes, word)
            index += 1
            continue
        value = _value(tokens, mention, number, notes)
        if value is None:
            break
        found.append(value)
        taken |= dict.fromkeys(range(number.first, value.after), value.after)
        index = last_read = value.after
        notes = {}
        if not _goes_on(words, index):
            break
    if not found and not _is_letter(mention):
        found.append(Value(kind, concept, notes, mention.first, mention.after))
    return found


def _note(notes: dict[str, str | float], word: str) -> None:
    for name, meanings in (("trend", _CHANGES), ("level", _LEVELS), ("bound", _BOUNDS)):
        if word in meanings:
            notes[name] = meanings[word]


def _goes_on(words: list[str], index: int) -> bool:
    """Whether another value of the same test follows: "from 3.0 to 2.1", "7.1 -> 6.8"."""
    return words[index : index + 1] in (["to"], ["-"], ["down"], ["up"]) or words[index : index + 2] == ["and", "then"]


def _value(tokens: Tokens, mention: Mention, number: Number, notes: dict[str, str | float]) -> Value | None:
    words, concept, kind = tokens.words, mention.entry.concept, mention.entry.kind
    after = number.after
    first = mention.first if number.first - mention.after < _REACH else number.first
    if words[after : after + 1] in (["/"], ["over"]) and not _is_per_unit(words, after):
        return _pressure(tokens, mention, number, first, notes)
    if not _is_plausible(mention, number) or (_is_letter(mention) and number.first > mention.after + 1):
        return None
    unit, end = unit_at(tokens, after)
    if _counts_something(words, after, unit):
        return None
    attributes = {**notes, **_amount(number)}
    if unit:
        attributes["unit"] = unit
    return Value(kind, concept, attributes, first, end)


def _amount(number: Number) -> dict[str, str | float]:
    amount: dict[str, str | float] = {"value": number.low, "decimals": float(number.decimals)}
    return amount | {"high": number.high} if number.high != number.low else amount


def _pressure(
    tokens: Tokens, mention: Mention, number: Number, first: int, notes: dict[str, str | float]
) -> Value | None:
    lower = number_at(tokens, number.after + 1, ranges=False)
    if lower is None or mention.entry.concept != _PRESSURE:
        return None
    attributes = {**notes, "value": number.low, "diastolic": lower.low, "decimals": 0.0}
    return Value(mention.entry.kind, _PRESSURE, attributes, first, lower.after)


def _is_per_unit(words: list[str], slash: int) -> bool:
    return not (slash + 1 < len(words) and words[slash + 1][0].isdigit())


def _is_letter(mention: Mention) -> bool:
    return len(mention.entry.words) == 1 and len(mention.entry.words[0]) <= _LETTERS_ONLY


def _is_plausible(mention: Mention, number: Number) -> bool:
    letter = mention.entry.words[0] if len(mention.entry.words) == 1 else ""
    if letter not in _LETTER_RANGES:
        return True
    low, high = _LETTER_RANGES[letter]
    is_celsius = letter == "t" and _CELSIUS[0] <= number.low <= _CELSIUS[1]
    return low <= number.low <= high or is_celsius


def _counts_something(words: list[str], after: int, unit: str) -> bool:
    """Whether the number is about something else: "sodium 2 g diet", "oxygen saturation on 2 liters"."""
    return (unit in {"l", "tablet", "puff"}) or words[after : after + 1] in (
        ["day"],
        ["week"],
        ["month"],
        ["year"],
        ["hour"],
        ["time"],
    )
