"""Dates, durations and ages."""

import re
from typing import NamedTuple

from lab_lens.metrics.facts.numbers import NUMBER_WORDS, Number, number_at, number_before
from lab_lens.metrics.facts.tokens import Tokens
from lab_lens.metrics.facts.types import Kind

_DAYS = {
    **dict.fromkeys(("minute", "min", "mins"), 1 / 1440),
    **dict.fromkeys(("hour", "hr", "hrs"), 1 / 24),
    **dict.fromkeys(("day",), 1.0),
    **dict.fromkeys(("week", "wk", "wks"), 7.0),
    **dict.fromkeys(("month", "mo", "mos"), 365.0 / 12),
    **dict.fromkeys(("year", "yr", "yrs"), 365.0),
}
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            *("january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul", "august aug"),
            *("september sep sept", "october oct", "november nov", "december dec"),
        ),
        start=1,
    )
    for name in names.split()
}
_MARK_DATE = re.compile(r"\[\*\*(?:(\d{4})-)?(\d{1,2})-(?:/)?(\d{1,2})\*\*\]")
_OLDEST = 90.0
_AGE_UNITS = frozenset({"year", "yr", "yrs", "month", "week", "day", "y", "yo"})
_DATE_CUES = frozenset({"on", "since", "until", "dated", "by", "of", "from", "through", "before", "after"})
_ROLE_CUES = {"admitted": "admission", "admission": "admission", "discharged": "discharge", "discharge": "discharge"}
_ROLE_REACH = 6
# The words at which a date, duration or age is looked for.
_SIGNS = frozenset({*_DAYS, *_MONTHS, *_AGE_UNITS, "/", "-", "pod", "postoperative", "postop", "hospital", "hd"})
_AGE_CUES = frozenset({"aged", "age", "is", "over", "in", "since"})
_SIGNS |= _AGE_CUES


class TimeFact(NamedTuple):
    """A date, duration or age at tokens [first, after)."""

    kind: Kind
    concept: str
    attributes: dict[str, str | float]
    first: int
    after: int


def times_of(tokens: Tokens) -> list[TimeFact]:
    """Every date, duration and age, in order and without overlaps."""
    found: list[TimeFact] = []
    free = 0
    words = tokens.words
    for index in [index for index, word in enumerate(words) if word in _SIGNS or word[0] == "["]:
        if index < free:
            continue
        fact = _at(tokens, index, words[index])
        if fact and fact.first >= free:
            found.append(fact)
            free = fact.after
    return found


def _at(tokens: Tokens, index: int, word: str) -> TimeFact | None:
    if word in _DAYS or word in {"y", "yo"}:
        return _age(tokens, index) or (_duration(tokens, index) if word in _DAYS else None)
    if word.startswith("[**"):
        return _mark(tokens, index)
    if word in _MONTHS:
        return _named_month(tokens, index)
    if word in {"pod", "postoperative", "postop", "hospital", "hd"}:
        return _numbered_day(tokens, index, word)
    if word in _AGE_CUES:
        return _age_in_words(tokens, index, word) or _year(tokens, index, word)
    return _numeric_date(tokens, index)


def _age(tokens: Tokens, index: int) -> TimeFact | None:
    """An age after its number: "75 year old", "64 y/o", "64yo", "22-month-old"."""
    words = tokens.words
    number = number_before(tokens, index)
    after = index + 1
    if words[index] == "y":
        after = _after_letters(words, index)
    elif words[index] != "yo":
        if words[after : after + 1] in (["old"], ["o"]):
            after += 1
        elif words[after : after + 2] == ["of", "age"]:
            after += 2
        else:
            return None
    if not number or (after == index + 1 and words[index] != "yo"):
        return None
    unit = words[index] if words[index] in _DAYS else "year"
    return _age_fact(number.low * _DAYS[unit] / 365.0, number.first, after)


def _after_letters(words: list[str], index: int) -> int:
    """The index after "y/o" or "y.o." that starts at `index`."""
    if words[index + 1 : index + 3] in (["/", "o"], [".", "o"]):
        return index + 4 if words[index + 3 : index + 4] == ["."] and words[index + 1] == "." else index + 3
    return index + 1


def _age_fact(years: float, first: int, after: int) -> TimeFact | None:
    if not 0 < years < 130:
        return None
    # Nobody over 89 has an exact age after de-identification (45 CFR 164.514).
    return TimeFact("age", "age", {"value": _OLDEST if years >= _OLDEST else round(years, 2)}, first, after)


def _age_in_words(tokens: Tokens, index: int, word: str) -> TimeFact | None:
    """An age after its cue: "aged 86", "age of 40", "over 90", "in his 70s", "She is 71,"."""
    words = tokens.words
    at = index + 1
    if word == "in" and words[at : at + 1] in (["his"], ["her"], ["their"]):
        return _decade(tokens, index, at + 1)
    if word in {"age", "aged"} and words[at : at + 1] in (["of"], [":"], ["is"]):
        at += 1
    number = number_at(tokens, at, ranges=False)
    if number is None or word in {"in", "since"} or number.decimals:
        return None
    following = words[number.after] if number.after < len(words) else "."
    if word == "over":
        return _age_fact(_OLDEST, index, number.after) if number.low in {89.0, 90.0} and following != "%" else None
    if word == "is" and not (
        words[index - 1] in {"she", "he", "who", "patient"} and following in {",", ".", ";", "and"}
    ):
        return None
    return _age_fact(number.low, index if word != "is" else at, number.after)


def _decade(tokens: Tokens, index: int, at: int) -> TimeFact | None:
    words = tokens.words
    at += words[at : at + 1] in (["early"], ["mid"], ["late"])
    number = number_at(tokens, at, ranges=False)
    if number is None or number.low % 10 or words[number.after : number.after + 1] not in (["s"], ["'s"], ["\u2019s"]):
        return None
    return TimeFact("age", "age", {"value": number.low, "group": "decade"}, index, number.after + 1)


def _mark(tokens: Tokens, index: int) -> TimeFact | None:
    word = tokens.raw(index)
    if word.lower().startswith("[**age over"):
        return _age_fact(_OLDEST, index, index + 1)
    match = _MARK_DATE.fullmatch(word)
    if not match:
        return None
    year, month, day = match.groups()
    return _date_fact(tokens, int(year) if year else None, int(month), int(day), index, index + 1)


def _named_month(tokens: Tokens, index: int) -> TimeFact | None:
    words = tokens.words
    month = _MONTHS[words[index]]
    if not tokens.raw(index)[0].isupper():
        return None
    first, after, day, year = index, index + 1, None, None
    number = number_at(tokens, after, ranges=False)
    if number and 1 <= number.low <= 31 and not number.decimals:
        day, after = int(number.low), number.after
        after += words[after : after + 1] in (["st"], ["nd"], ["rd"], ["th"])
    elif index and (before := number_at(tokens, index - 1, ranges=False)) and 1 <= before.low <= 31:
        day, first = int(before.low), index - 1
    at = after + (words[after : after + 1] in ([","], ["of"]))
    if at < len(words) and _is_year(words[at]):
        year, after = int(words[at]), at + 1
    is_bare = day is None and year is None
    if is_bare and (
        words[index] in {"may", "mar", "jan", "march"} or words[index - 1 : index] not in (["in"], ["since"], ["last"])
    ):
        return None
    return _date_fact(tokens, year, month, day, first, after)


def _numeric_date(tokens: Tokens, index: int) -> TimeFact | None:
    """A date in digits: "7/29/93", "07/2021", "2021-07-16", and "3/4" after a word such as "on"."""
    words = tokens.words
    mark = words[index]
    if not index or index + 1 >= len(words) or not (words[index - 1].isdecimal() and words[index + 1].isdecimal()):
        return None
    left, right = words[index - 1], words[index + 1]
    first = index - 1
    if index + 3 < len(words) and words[index + 2] == mark and words[index + 3].isdecimal():
        last = words[index + 3]
        if _is_year(left):
            return _date_fact(tokens, int(left), int(right), int(last), first, index + 4)
        year = _full_year(last)
        return _date_fact(tokens, year, int(left), int(right), first, index + 4) if year and mark == "/" else None
    if mark == "/" and _is_year(right):
        return _date_fact(tokens, int(right), int(left), None, first, index + 2)
    if mark == "/" and first and words[first - 1] in _DATE_CUES:
        return _date_fact(tokens, None, int(left), int(right), first, index + 2)
    return None


def _year(tokens: Tokens, index: int, word: str) -> TimeFact | None:
    at = index + 1
    if word not in {"in", "since"} or at >= len(tokens.words) or not _is_year(tokens.words[at]):
        return None
    return _date_fact(tokens, int(tokens.words[at]), None, None, at, at + 1)


def _date_fact(
    tokens: Tokens, year: int | None, month: int | None, day: int | None, first: int, after: int
) -> TimeFact | None:
    if (month is not None and not 1 <= month <= 12) or (day is not None and not 1 <= day <= 31):
        return None
    parts: dict[str, str | float] = {
        name: float(value) for name, value in (("year", year), ("month", month), ("day", day)) if value is not None
    }
    begin = max(0, first - _ROLE_REACH)
    roles = [_ROLE_CUES[word] for word in tokens.words[begin:first] if word in _ROLE_CUES]
    if roles:
        parts["role"] = roles[-1]
    return TimeFact("date", "date", parts, first, after)


def _is_year(word: str) -> bool:
    return len(word) == 4 and word.isdecimal() and word.isascii() and 1900 <= int(word) < 2300


def _full_year(word: str) -> int | None:
    if _is_year(word):
        return int(word)
    if len(word) != 2:
        return None
    return int(word) + (2000 if int(word) < 50 else 1900)


def _numbered_day(tokens: Tokens, index: int, word: str) -> TimeFact | None:
    """A day of the stay: "POD 3", "POD#3", "postoperative day three", "hospital day 2"."""
    words = tokens.words
    at = index + 1
    if word in {"postoperative", "postop", "hospital"}:
        if words[at : at + 1] != ["day"]:
            return None
        at += 1
    at += words[at : at + 1] == ["#"]
    number = number_at(tokens, at, ranges=False)
    if number is None or number.decimals or number.low > 200:
        return None
    concept = "hospital day" if word in {"hospital", "hd"} else "postoperative day"
    return TimeFact("date", concept, {"value": number.low}, index, number.after)


def _duration(tokens: Tokens, index: int) -> TimeFact | None:
    words = tokens.words
    number = number_before(tokens, index) or _one(tokens, index)
    if number is None:
        return None
    before = words[number.first - 1] if number.first else ""
    if before in {"every", "q", "per"} or words[index + 1 : index + 2] == ["old"]:
        return None
    unit = words[index]
    attributes: dict[str, str | float] = {
        "low": number.low * _DAYS[unit],
        "high": number.high * _DAYS[unit],
        "unit": unit,
    }
    if words[index + 1 : index + 2] == ["ago"]:
        attributes["role"] = "ago"
        return TimeFact("duration", "duration", attributes, number.first, index + 2)
    if before in {"in", "within", "after"}:
        attributes["role"] = "after"
    return TimeFact("duration", "duration", attributes, number.first, index + 1)


def _one(tokens: Tokens, index: int) -> Number | None:
    """A week or month without a number: "a week ago", "for a month": the article counts as one there."""
    words = tokens.words
    if index < 1 or words[index - 1] not in {"a", "an", "of"}:
        return None
    first = index - 1
    if words[first] == "of":
        return (
            Number(2.0, 2.0, 0, first - 1, index)
            if words[first - 1] in NUMBER_WORDS and words[first - 1] == "couple"
            else None
        )
    is_meant = words[first - 1] in {"for", "in", "within", "x", "about", "approximately"} or words[
        index + 1 : index + 2
    ] == ["ago"]
    return Number(1.0, 1.0, 0, first, index) if is_meant else None
