"""Numbers and units as clinicians write them: digits, words, ranges, "One (1)", and doses in one unit of mass."""

from functools import lru_cache
from typing import NamedTuple

from lab_lens.metrics.facts.tokens import WORDS_REMEMBERED, Tokens
from lab_lens.metrics.facts.vocabulary import word_list, word_set

_ONES = word_list("""
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen
""")
_TENS = word_list("twenty thirty forty fifty sixty seventy eighty ninety")
NUMBER_WORDS: dict[str, float] = {word: float(value) for value, word in enumerate(_ONES)}
NUMBER_WORDS |= {word: float(10 * value) for value, word in enumerate(_TENS, start=2)}
NUMBER_WORDS |= {"half": 0.5, "couple": 2.0, "dozen": 12.0, "single": 1.0}
_DIGITS_OR_POINT = frozenset("0123456789.")
_DASHES = frozenset({"-", "\u2013", "to"})

UNITS: dict[str, str] = {
    unit: canonical
    for canonical, spellings in {
        "mg": "mg mgs milligram",
        "g": "g gm gms gram",
        "mcg": "mcg ug µg μg microgram",
        "ng": "ng nanogram",
        "pg": "pg",
        "unit": "unit iu",
        "ml": "ml milliliter cc millilitre",
        "l": "l liter litre",
        "dl": "dl",
        "meq": "meq meqs milliequivalent",
        "mmol": "mmol millimole mmoles",
        "umol": "umol µmol",
        "%": "% percent",
        "mmhg": "mmhg",
        "cm": "cm cms centimeter",
        "mm": "mm millimeter",
        "inch": "inch inche",
        "foot": "foot ft",
        "kg": "kg kgs kilogram kilo",
        "lb": "lb lbs pound",
        "f": "f fahrenheit",
        "c": "c celsius",
        "degree": "degree °",
        "bpm": "bpm",
        "puff": "puff",
        "spray": "spray",
        "drop": "drop gtt",
        "tablet": "tablet tab tabs pill",
        "capsule": "capsule cap caps",
        "patch": "patch",
        "k": "k",
    }.items()
    for unit in spellings.split()
}
_PER = word_set("dl l ml kg hr h hour min minute day d m2 hpf lpf g mg 24h")
_MILLIGRAMS = {"g": 1000.0, "mg": 1.0, "mcg": 0.001}


class Number(NamedTuple):
    """A number, or the two ends of a range, read from tokens [first, after).

    Attributes:
        decimals: digits after the point, as written: how precise the author was.
    """

    low: float
    high: float
    decimals: int
    first: int
    after: int


def number_at(tokens: Tokens, index: int, ranges: bool = True) -> Number | None:
    """The number that starts at token `index`, or None."""
    words = tokens.words
    if index >= len(words) or (words[index][0] not in _DIGITS_OR_POINT and words[index] not in NUMBER_WORDS):
        return None
    one = _plain_number(tokens, index)
    if one is None:
        return None
    after = one.after
    if after + 1 < len(words) and words[after] == "(":
        repeated = _plain_number(tokens, after + 1)
        if repeated and repeated.low == one.low and repeated.after < len(words) and words[repeated.after] == ")":
            after = repeated.after + 1
            one = one._replace(after=after)
    if ranges and after < len(words) and words[after] in _DASHES:
        other = _plain_number(tokens, after + 1)
        if other and other.low > one.low:
            return Number(one.low, other.low, max(one.decimals, other.decimals), index, other.after)
    return one


def number_before(tokens: Tokens, after: int) -> Number | None:
    """The number, or range, whose last token is `after` - 1, or None."""
    last = tokens.words[after - 1] if after else ""
    if not (last[:1].isdigit() or last in NUMBER_WORDS or last in {")", "hundred", "thousand"} or last[:1] == "."):
        return None
    for length in (4, 3, 2, 1):
        if after - length >= 0:
            found = number_at(tokens, after - length)
            if found and found.after == after and _starts_here(tokens, after - length):
                return found
    return None


def unit_at(tokens: Tokens, index: int) -> tuple[str, int]:
    """The unit at token `index`, with its denominator, and the index after it; ("", index) where there is none."""
    words = tokens.words
    if words[index : index + 2] == ["m", "g"]:
        return ("mg", index + 2)
    if index >= len(words) or words[index] not in UNITS:
        return ("", index)
    unit = UNITS[words[index]]
    following = words[index + 1] if index + 1 < len(words) else ""
    if unit == "k" and tokens.starts[index] != tokens.ends[index - 1]:
        # "13K" is thirteen thousand, in "Na-141 K-4.1" it is potassium.
        return ("", index)
    if (unit, following) == ("mm", "hg") or (unit == "degree" and UNITS.get(following) in {"f", "c"}):
        return ("mmhg" if following == "hg" else UNITS[following], index + 2)
    if index + 2 < len(words) and following in {"/", "per"} and words[index + 2] in _PER:
        return (f"{unit}/{words[index + 2]}", index + 3)
    return (unit, index + 1)


def dose_text(number: Number, unit: str, second: float | None = None) -> str:
    """A dose in one spelling: masses in milligrams ("0.5 g" is "500 mg"), two strengths as "250-50 mg"."""
    base, slash, per = unit.partition("/")
    factor = _MILLIGRAMS.get(base, 1.0)
    shown = "mg" if base in _MILLIGRAMS else base
    amounts = [number.low, number.high] if number.high != number.low else [number.low]
    if second is not None:
        amounts = [number.low, second]
    return f"{'-'.join(f'{round(amount * factor, 6):g}' for amount in amounts)} {shown}{slash}{per}"


def digits(text: str) -> float:
    """The value of a numeric token, thousands separators or not."""
    return float(text.replace(",", ""))


def _starts_here(tokens: Tokens, index: int) -> bool:
    """Whether no longer number word, such as 'twenty' of 'twenty five', goes before."""
    return index == 0 or tokens.words[index - 1] not in _TENS or tokens.words[index] not in _ONES


def _plain_number(tokens: Tokens, index: int) -> Number | None:
    words = tokens.words
    if index >= len(words):
        return None
    word = words[index]
    if word[0] in _DIGITS_OR_POINT:
        return _digits_number(word, index) if word != "." else None
    return _with_point(words, _spelled_number(tokens, index)) if word in NUMBER_WORDS else None


def _spelled_number(tokens: Tokens, index: int) -> Number:
    """Words up to thousands: "twenty five", "one hundred and fifty four", "two thousand"."""
    words = tokens.words
    value, after = NUMBER_WORDS[words[index]], index + 1
    if words[index] in _TENS and after < len(words) and words[after] in _ONES[1:10]:
        value, after = value + NUMBER_WORDS[words[after]], after + 1
    following = words[after] if after < len(words) else ""
    if following == "thousand":
        value, after = value * 1000, after + 1
    elif following == "hundred":
        value, after = value * 100, after + 1
        rest = _plain_number(tokens, after + (words[after : after + 1] == ["and"]))
        if rest and rest.low < 100 and not rest.decimals:
            value, after = value + rest.low, rest.after
    return Number(value, value, 0, index, after)


def _with_point(words: list[str], number: Number) -> Number:
    """A spelled decimal: "seven point four" is 7.4."""
    digits_after = words[number.after + 1 : number.after + 2]
    if words[number.after : number.after + 1] != ["point"] or not digits_after or digits_after[0] not in _ONES[:10]:
        return number
    value = number.low + NUMBER_WORDS[digits_after[0]] / 10
    return Number(value, value, 1, number.first, number.after + 2)


def _digits_number(word: str, index: int) -> Number:
    value, decimals = _digits_read(word)
    return Number(value, value, decimals, index, index + 1)


@lru_cache(maxsize=WORDS_REMEMBERED)
def _digits_read(word: str) -> tuple[float, int]:
    return digits(word), len(word.partition(".")[2])
