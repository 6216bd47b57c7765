"""Numbers as texts write them, in digits or in words: "1,200", "12th", "80s", "fifty two", "nineteen eighty four"."""

import re


def _values(words: str, start: int, step: int = 1) -> dict[str, int]:
    return {word: start + step * place for place, word in enumerate(words.split())}


_TEENS = """
    three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen
"""
_ORDINAL_TEENS = """
    first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth
    sixteenth seventeenth eighteenth nineteenth
"""
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_TEN, _HUNDRED, _THOUSAND = 10, 100, 1000
# "One" is left out: it is a pronoun more often than a number.
NUMBERS: dict[str, int] = {
    "zero": 0,
    "two": 2,
    "twice": 2,
    **_values(_TEENS, 3),
    **_values(_ORDINAL_TEENS, 1),
    **_values(_TENS, 20, 10),
    **_values(_TENS.replace("y", "ieth"), 20, 10),
    "hundred": _HUNDRED,
    "thousand": _THOUSAND,
}
DECADES: dict[str, str] = {word: f"{value}s" for word, value in _values(_TENS.replace("y", "ies"), 20, 10).items()}
_DECADE = re.compile(r"\d0s")


def canonical(number: str) -> str:
    """ "1,200" is "1200", "3.50" is "3.5", "12th" is "12"; a decade, such as "80s", stays."""
    number = number.replace(",", "")
    if not _DECADE.fullmatch(number):
        number = number.rstrip("stndrh")
    return number.rstrip("0").rstrip(".") if number.count(".") == 1 else number


def joined(total: int, word: str) -> int | None:
    """The number that a spelled number and the next word make together; None where they are not one number."""
    value = NUMBERS.get(word)
    if value is None:
        return None
    if value in {_HUNDRED, _THOUSAND}:
        return total * value
    if value < _TEN <= total and total % _TEN == 0:
        return total + value
    if total in {19, 20} and _TEN <= value < _HUNDRED:
        return total * _HUNDRED + value
    return total + value if total >= _HUNDRED > value and total % _HUNDRED == 0 else None
