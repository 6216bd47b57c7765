"""Sides of the body: attached to the concept that they qualify, or facts of their own with the part of the body."""

from typing import NamedTuple

from lab_lens.metrics.facts.concepts import ConceptMention
from lab_lens.metrics.facts.tokens import Tokens
from lab_lens.metrics.facts.vocabulary import word_set

_SIDES = {"left": "left", "right": "right", "bilateral": "bilateral", "bilaterally": "bilateral"}
_SIDES |= {"leftward": "left", "rightward": "right"}
# Letters that hold a side and a part of the body; they count only in capitals.
_ABBREVIATED = {
    "rll": ("right", "lower lobe"),
    "rml": ("right", "middle lobe"),
    "rul": ("right", "upper lobe"),
    "lll": ("left", "lower lobe"),
    "lul": ("left", "upper lobe"),
    "ruq": ("right", "upper quadrant"),
    "rlq": ("right", "lower quadrant"),
    "luq": ("left", "upper quadrant"),
    "llq": ("left", "lower quadrant"),
    "rue": ("right", "upper extremity"),
    "rle": ("right", "lower extremity"),
    "lue": ("left", "upper extremity"),
    "lle": ("left", "lower extremity"),
    "lvh": ("left", "ventricular"),
    "lvef": ("left", "ventricular"),
    "rca": ("right", "coronary artery"),
    "lca": ("left", "coronary artery"),
}
_SIGNS = frozenset({*_SIDES, *_ABBREVIATED})
_NOT_A_SIDE_BEFORE = word_set("all that's that alright patient he she they i we you and has had having")
_NOT_A_SIDE_AFTER = word_set("""
    the hospital against ama now away here there after before him me my his her a an at for to with work home out
    over alone untreated in as is on by when it so up handed hand-dominant from of off because but if this that and
    or
""")
_LINKS = word_set("in of on to at over involving with along affecting from within")
_ARTICLES = word_set("the his her a an their my your both")
_ENDS = word_set("""
    and or but with without in of on to at for from by was is are were has had have that which who status showed
    shows the his her a an as than due after before no not noted he she patient today currently his since during
    while when showing given started demonstrating x show reveal demonstrate significant acute chronic
""")
_LONGEST_SITE = 4
_REACH_BACK = 4


class Side(NamedTuple):
    """A side at tokens [first, after), with the part of the body that it names, or "" where it names none."""

    side: str
    site: str
    first: int
    after: int


def sides_of(tokens: Tokens) -> list[Side]:
    """Every mention of a side, in order."""
    found: list[Side] = []
    for index in tokens.among(_SIGNS):
        word = tokens.words[index]
        if word in _SIDES and _is_side(tokens, index):
            site = _site(tokens, index + 1)
            found.append(Side(_SIDES[word], " ".join(site), index, index + 1 + len(site)))
        elif word in _ABBREVIATED and tokens.raw(index).isupper():
            side, part = _ABBREVIATED[word]
            found.append(Side(side, part, index, index + 1))
    return found


def attach(tokens: Tokens, sides: list[Side], concepts: list[ConceptMention]) -> tuple[dict[int, Side], list[Side]]:
    """Give every side to the concept that it qualifies.

    Returns:
        The side of a concept by the concept's position in `concepts`, and the sides that belong to none.
    """
    owned: dict[int, Side] = {}
    alone: list[Side] = []
    firsts = {concept.first: position for position, concept in enumerate(concepts)}
    afters = {concept.after: position for position, concept in enumerate(concepts)}
    for side in sides:
        owner = _within(side, firsts)
        if owner is None:
            owner = _behind(tokens, side, firsts)
        if owner is None:
            owner = _ahead(tokens, side, afters)
        if owner is not None and owner not in owned:
            owned[owner] = _shortened(tokens, side, concepts[owner])
        elif side.site:
            alone.append(side)
    return owned, alone


def _within(side: Side, firsts: dict[int, int]) -> int | None:
    """The concept that starts inside the noun phrase: "left knee pain", "left sided weakness"."""
    return next((firsts[index] for index in range(side.first, side.after) if index in firsts), None)


def _behind(tokens: Tokens, side: Side, firsts: dict[int, int]) -> int | None:
    """The concept right after the phrase: "RLL pneumonia"."""
    is_same = side.after < len(tokens.words) and tokens.sentences[side.after] == tokens.sentences[side.first]
    return firsts.get(side.after) if is_same else None


def _ahead(tokens: Tokens, side: Side, afters: dict[int, int]) -> int | None:
    """The concept before the side: "pain in the left knee", "edema bilaterally"."""
    words, index, links = tokens.words, side.first, 0
    while (
        side.first - index < _REACH_BACK and index > 0 and tokens.sentences[index - 1] == tokens.sentences[side.first]
    ):
        if index in afters:
            return afters[index] if links or side.side == "bilateral" or side.first == index else None
        if words[index - 1] in _LINKS:
            links += 1
        elif words[index - 1] not in _ARTICLES:
            return None
        index -= 1
    return afters.get(index) if links else None


def _shortened(tokens: Tokens, side: Side, concept: ConceptMention) -> Side:
    """The side with only the part of its site that is not the concept itself."""
    if side.first < concept.first < side.after:
        site = tokens.words[side.first + 1 : concept.first]
        return Side(side.side, " ".join(word for word in site if word != "sided"), side.first, concept.first)
    return side


def _is_side(tokens: Tokens, index: int) -> bool:
    words = tokens.words
    if words[index] not in {"left", "right"}:
        return True
    after = words[index + 1] if index + 1 < len(words) else "."
    before = words[index - 1] if index else ""
    if after in _NOT_A_SIDE_AFTER or (before in _NOT_A_SIDE_BEFORE and before not in {"and", "has", "had"}):
        return False
    return after[0].isalpha() or before in _ARTICLES | _LINKS


def _site(tokens: Tokens, start: int) -> list[str]:
    words = tokens.words
    end = min(start + _LONGEST_SITE, len(words))
    site: list[str] = []
    for index in range(start, end):
        word = words[index]
        if (
            not word.isalpha()
            or word in _ENDS
            or word in _SIDES
            or tokens.sentences[index] != tokens.sentences[start - 1]
        ):
            break
        site.append(word)
    return site
