"""Where two mentions of one concept agree, and what the one says that the other does not."""

import math
from collections.abc import Iterable

from lab_lens.metrics.facts.types import Fact

_OF_MEDICATION = ("dose", "frequency", "route")
_TESTS = frozenset({"lab", "vital", "measurement"})
# Months and years are no multiples of days and weeks: 4 weeks are about a month.
_LONG_UNITS = frozenset({"month", "mo", "mos", "year", "yr", "yrs"})
_TIME_TOLERANCE = 0.09
_OPPOSITE_LEVELS = ({"high", "low"}, {"high", "normal"}, {"low", "normal"})
# Conversions between the units in which one quantity is given: (factor, offset) of unit to base unit.
_BASE_UNITS = {
    "f": ("c", 5 / 9, -160 / 9),
    "lb": ("kg", 0.45359237, 0.0),
    "inch": ("cm", 2.54, 0.0),
    "mm": ("cm", 0.1, 0.0),
    "g": ("mg", 1000.0, 0.0),
    "mcg": ("mg", 0.001, 0.0),
    "l": ("ml", 1000.0, 0.0),
    "g/l": ("g/dl", 0.1, 0.0),
}
_BARE_TEMPERATURE_C = 45.0


def disagreements(fact: Fact, mention: Fact) -> list[str]:
    """Names of attributes that both state, and state differently."""
    if fact.kind in _TESTS:
        return _test_disagreements(fact, mention)
    if fact.kind == "age":
        return [] if _is_same_age(fact, mention) else ["value"]
    if fact.kind != "medication":
        return []
    differing = []
    for name in _OF_MEDICATION:
        one, other = fact.attributes.get(name), mention.attributes.get(name)
        if one is not None and other is not None and one != other and not _is_same_dose(name, fact, mention):
            differing.append(name)
    return differing


def missing(fact: Fact, mentions: Iterable[Fact]) -> list[str]:
    """Names of attributes that the fact states and none of these mentions does.

    The route is left out: it follows from drug and form, and authors leave it out.
    """
    names = [name for name in _required(fact) if name in fact.attributes]
    return [name for name in names if not any(name in mention.attributes for mention in mentions)]


def _required(fact: Fact) -> tuple[str, ...]:
    if fact.kind == "medication":
        return ("dose", "frequency")
    return ("value",) if fact.kind in _TESTS else ()


def is_same_time(fact: Fact, mention: Fact) -> bool:
    """Whether two dates or two durations can be the same."""
    one, other = fact.attributes, mention.attributes
    if fact.kind == "date":
        parts = [part for part in ("year", "month", "day", "value") if part in one]
        shared = [part for part in parts if part in other]
        return bool(shared) and all(one[part] == other[part] for part in shared) and len(shared) == len(parts)
    roles = {one.get("role"), other.get("role")} - {None}
    if len(roles) > 1 and "after" in roles:
        return False
    drugs = {one.get("of"), other.get("of")} - {None}
    if len(drugs) > 1 or (drugs and "after" in roles):
        return False
    return _overlap(fact, mention)


def _overlap(fact: Fact, mention: Fact) -> bool:
    units = {str(fact.attributes["unit"]), str(mention.attributes["unit"])}
    tolerance = _TIME_TOLERANCE if len(units & _LONG_UNITS) == 1 and len(units) == 2 else 1e-3
    starts_before_end = _number(fact, "low") <= _number(mention, "high") * (1 + tolerance)
    return starts_before_end and _number(mention, "low") <= _number(fact, "high") * (1 + tolerance)


def _test_disagreements(fact: Fact, mention: Fact) -> list[str]:
    one, other = fact.attributes, mention.attributes
    if "value" not in one or "value" not in other:
        levels = {one.get("level"), other.get("level")} - {None}
        return ["level"] if levels in _OPPOSITE_LEVELS and "value" not in other else []
    if (
        one.get("diastolic") is not None
        and other.get("diastolic") is not None
        and one["diastolic"] != other["diastolic"]
    ):
        return ["value"]
    differing = [] if _is_same_value(fact, mention) else ["value"]
    units = {one.get("unit"), other.get("unit")} - {None}
    if len(units) > 1 and not _are_convertible(units):
        differing.append("unit")
    return differing


def _is_same_value(fact: Fact, mention: Fact) -> bool:
    """Equal, or equal once the mention is rounded to as many decimals as the fact has: "Hgb 10" of 10.2.

    The reverse is invented precision: "Hgb 10.2" of 10 differs.
    """
    low, high = _number(fact, "value"), _number(fact, "high")
    for value in _numbers(mention):
        half = 0.5 * 10.0 ** -_number(fact, "decimals")
        converted = _converted(value, fact, mention)
        if low - half - 1e-9 <= converted <= (high if not math.isnan(high) else low) + half + 1e-9 and (
            converted != value or _number(fact, "decimals") <= _number(mention, "decimals") or value == low
        ):
            return True
    return False


def _numbers(mention: Fact) -> list[float]:
    return [_number(mention, name) for name in ("value", "high") if name in mention.attributes]


def _number(fact: Fact, name: str) -> float:
    return float(fact.attributes.get(name, math.nan))


def _converted(value: float, fact: Fact, mention: Fact) -> float:
    """`value` of the mention in the unit of the fact."""
    to, given = _unit(fact), _unit(mention)
    if to == given or not to or not given:
        return value
    _, factor, offset = _BASE_UNITS.get(given, (given, 1.0, 0.0))
    base = value * factor + offset
    _, back, shift = _BASE_UNITS.get(to, (to, 1.0, 0.0))
    return (base - shift) / back


def _unit(fact: Fact) -> str:
    unit = str(fact.attributes.get("unit", ""))
    if fact.concept == "temperature" and not unit and "value" in fact.attributes:
        return "c" if _number(fact, "value") < _BARE_TEMPERATURE_C else "f"
    return unit


def _are_convertible(units: set[str | float | None]) -> bool:
    if "degree" in units or "k" in units:
        return True
    return len({_BASE_UNITS.get(str(unit), (str(unit),))[0] for unit in units}) == 1


def _is_same_age(fact: Fact, mention: Fact) -> bool:
    """Equal, or the decade of the other: "in his 70s" of 72. A birthday may fall into a stay."""
    one, other = _number(fact, "value"), _number(mention, "value")
    if "group" in fact.attributes or "group" in mention.attributes:
        return one // 10 == other // 10
    return one == other or (one < 2.0 and abs(one - other) < 0.1)


def _is_same_dose(name: str, fact: Fact, mention: Fact) -> bool:
    """Two tablets of 25 mg are 50 mg."""
    if name != "dose":
        return False
    amounts = [str(item.attributes["dose"]).partition(" ") for item in (fact, mention)]
    counts = [item.attributes.get("count", 1.0) for item in (fact, mention)]
    if amounts[0][2] != amounts[1][2] or any("-" in amount for amount, _, _ in amounts):
        return False
    totals = [
        {float(amount), float(amount) * float(count)} for (amount, _, _), count in zip(amounts, counts, strict=True)
    ]
    return bool(totals[0] & totals[1])
