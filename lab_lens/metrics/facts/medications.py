"""Medications with dose, route and frequency, read from the words around a drug's name."""

from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

from lab_lens.metrics.facts.lexicon import Mention
from lab_lens.metrics.facts.numbers import UNITS, Number, dose_text, number_at, number_before, unit_at
from lab_lens.metrics.facts.tokens import Tokens, words_of
from lab_lens.metrics.facts.vocabulary import data_lines, word_set

_DOSE_UNITS = word_set("mg g mcg ng unit ml meq mmol puff spray drop patch %")
_MASSES = word_set("mg g mcg unit meq mmol")
_COUNTED = frozenset({"tablet", "capsule"})
_FILLERS = word_set("""
    ( ) , : - . sig one two of at a the dose from to increased decreased tablet tab tabs capsule cap extended
    release delayed xl er xr sr cr ec dr la hcl hydrochloride sodium tartrate succinate sulfate chloride calcium
    potassium maleate besylate inhaler nebs neb solution suspension cream ointment injection injections pill elixir
    liquid powder film coated enteric chewable syrup was were is started on up down titrated continued home dosing
    initiated daily dose oral mg/ml total for increase decrease reduced changed her his your will be switched
    resumed restarted given and then take taking she he patient it um uh you know i i'm so like it's think that
    we're go gonna wan na ahead want okay actually i'll concentrate soln soluble disintegrating rapid dissolve spray
    aerosol hfa hour hr release immediate also now currently starting
""")
_REACH = 24
_STRANGERS = 2
_BEFORE_DRUG = frozenset({"of", "dose", "tablet", "low", "high", "standing", "home"})


class Dose(NamedTuple):
    """An amount with its unit at tokens [first, after)."""

    text: str
    first: int
    after: int


@dataclass
class Order:
    """What an author wrote of one drug; `doses` has several members where a dose was changed."""

    ingredient: str
    first: int
    after: int
    doses: list[Dose] = field(default_factory=list)
    attributes: dict[str, str | float] = field(default_factory=dict)


def orders_of(tokens: Tokens, mentions: list[Mention], taken: dict[int, int]) -> list[Order]:
    """Every medication in order.

    Args:
        mentions: of the whole lexicon, in order.
        taken: for tokens that belong to a date or duration, the index after it; these are not doses.
    """
    drugs = _combined(tokens, [mention for mention in mentions if _is_drug(tokens, mention)])
    begins = [drug.first for drug in drugs]
    free = 0
    for position, order in enumerate(drugs):
        limit = begins[position + 1] if position + 1 < len(begins) else len(tokens.words)
        _read_before(tokens, order, free)
        end = _read_after(tokens, order, limit, taken)
        free = max(end, order.after)
    return drugs


def _is_drug(tokens: Tokens, mention: Mention) -> bool:
    """Electrolytes are tests, unless a dose such as "potassium 20 mEq" says otherwise."""
    if mention.entry.kind == "medication":
        return True
    if (
        mention.entry.concept not in {"potassium", "calcium", "magnesium", "iron", "sodium"}
        or len(mention.entry.words[0]) < 4
    ):
        return False
    number = number_at(tokens, mention.after)
    unit, after = unit_at(tokens, number.after) if number else ("", 0)
    return unit in _MASSES and tokens.words[after : after + 1] != ["/"]


def _combined(tokens: Tokens, mentions: list[Mention]) -> list[Order]:
    """Orders of single drugs and of combinations such as "fluticasone-salmeterol"."""
    orders: list[Order] = []
    for mention in mentions:
        joined = orders and tokens.text[tokens.ends[orders[-1].after - 1] : tokens.starts[mention.first]]
        if orders and joined in {"-", "/", "\u2013"}:
            parts = {*orders[-1].ingredient.split("/"), *mention.entry.concept.split("/")}
            orders[-1] = Order("/".join(sorted(parts)), orders[-1].first, mention.after)
        else:
            orders.append(Order(mention.entry.concept, mention.first, mention.after))
    return orders


def _read_before(tokens: Tokens, order: Order, free: int) -> None:
    """What stands before the drug: "25 mg of metoprolol", "40 mg IV furosemide", "IV vancomycin"."""
    words, index, routes = tokens.words, order.first, _routes()
    sentence = tokens.sentences[order.first]
    while index > free and tokens.sentences[index - 1] == sentence:
        word = words[index - 1]
        if word in routes:
            order.attributes.setdefault("route", routes[word])
        elif word not in _BEFORE_DRUG:
            break
        index -= 1
    if index - 1 < free or tokens.sentences[index - 1] != sentence or UNITS.get(words[index - 1]) not in _DOSE_UNITS:
        return
    number = number_before(tokens, index - 1)
    if number and number.first >= free and tokens.sentences[number.first] == sentence:
        order.doses.append(Dose(dose_text(number, UNITS[words[index - 1]]), number.first, index))
        order.first = number.first


def _read_after(tokens: Tokens, order: Order, limit: int, taken: dict[int, int]) -> int:
    """Read dose, route and frequency up to a word that cannot belong to them; returns the index after the last part."""
    index, last, strangers = order.after, order.after, 0
    limit = min(limit, order.after + _REACH)
    while index < limit and strangers <= _STRANGERS and tokens.words[index] != ";":
        if index in taken:
            index = taken[index]
            continue
        after = _part(tokens, order, index, limit)
        if after > index:
            index = last = after
            strangers = 0
        elif _is_new_line(tokens, index):
            break
        else:
            strangers += tokens.words[index] not in _FILLERS
            index += 1
    order.after = max(order.after, last)
    return last


def _is_new_line(tokens: Tokens, index: int) -> bool:
    """Whether another sentence or list item starts here; one that starts with a dose or frequency is a wrapped line."""
    return tokens.sentences[index] != tokens.sentences[index - 1] or tokens.words[index - 1] in {"?", "!"}


def _part(tokens: Tokens, order: Order, index: int, limit: int) -> int:
    """Read one dose, count, route or frequency at `index`; returns the index after it, or `index`."""
    if tokens.words[index - 1] == "." and tokens.sentences[index] != tokens.sentences[index - 1]:
        return index
    for direction in _directions().get(tokens.words[index], ()):
        after = index + len(direction.words)
        if after <= limit and tuple(tokens.words[index:after]) == direction.words:
            order.attributes.setdefault(direction.attribute, direction.meaning)
            return after
    number = number_at(tokens, index, ranges=tokens.words[index - 1] != "from")
    if number is None or number.after > limit:
        return index
    return _amount(tokens, order, number)


def _amount(tokens: Tokens, order: Order, number: Number) -> int:
    """Read a dose, or how many tablets; returns the index after it, or where the number starts."""
    words = tokens.words
    second = None
    after = number.after
    if words[after : after + 1] in (["/"], ["-"]):
        other = number_at(tokens, after + 1, ranges=False)
        if other and other.after < len(words) and UNITS.get(words[other.after]) in _DOSE_UNITS:
            second, after = other.low, other.after
    unit, end = unit_at(tokens, after)
    base = unit.partition("/")[0]
    if base in _COUNTED:
        order.attributes.setdefault("count", number.low)
        return end
    if base not in _DOSE_UNITS or (base == "%" and order.doses):
        return number.first
    order.doses.append(Dose(dose_text(number, unit, second), number.first, end))
    return end


class _Direction(NamedTuple):
    words: tuple[str, ...]
    attribute: str
    meaning: str


@cache
def _directions() -> dict[str, tuple[_Direction, ...]]:
    """How a drug is taken: phrases by their first word, the longest first. Frequencies are doses a day."""
    groups: dict[str, list[_Direction]] = {}
    for line in data_lines("directions.tsv"):
        attribute, meaning, phrases = line.split("\t")
        for words in map(words_of, phrases.split("|")):
            groups.setdefault(words[0], []).append(_Direction(words, attribute, meaning))
    return {word: tuple(sorted(group, key=lambda item: -len(item.words))) for word, group in groups.items()}


@cache
def _routes() -> dict[str, str]:
    """Routes of one word, which may stand before a drug as well."""
    directions = (direction for group in _directions().values() for direction in group)
    return {d.words[0]: d.meaning for d in directions if d.attribute == "route" and len(d.words) == 1}
