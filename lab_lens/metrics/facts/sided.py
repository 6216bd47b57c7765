"""Whether a text puts a concept on the same side of the body."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Literal

from lab_lens.metrics.facts.tokens import words_of
from lab_lens.metrics.facts.types import Fact

Sidedness = Literal["same", "other", "unsaid"]
_BOTH = "bilateral"


def compare_sides(fact: Fact, mentions: Sequence[Fact], sided: Iterable[Fact]) -> tuple[Sidedness, Fact | None]:
    """Hold the side of a fact against a text.

    Args:
        fact: with a side.
        mentions: facts of the text with the same concept.
        sided: every fact of the text that has a side; a side of the same part of the body counts too ("left lower lobe
            pneumonia" of a pneumonia whose chest film shows a left lower lobe consolidation).

    Returns:
        "same", "other" (only the other side is told) or "unsaid", and the fact that says so.
    """
    own = [mention for mention in mentions if "side" in mention.attributes and _is_same_place(fact, mention)]
    here = site_of(fact)
    near = [*own, *(other for other in sided if here and site_of(other) and _overlaps(here, site_of(other)))]
    sides = {str(mention.attributes["side"]): mention for mention in reversed(near)}
    side = str(fact.attributes["side"])
    if side in sides or _BOTH in sides:
        return "same", sides.get(side, sides.get(_BOTH))
    if side == _BOTH and len(sides) == 2:
        return "same", near[0]
    return ("other", near[0]) if near else ("unsaid", None)


def site_of(fact: Fact) -> frozenset[str]:
    """Words of the part of the body that a fact names; empty where it names none."""
    return _words(fact.concept if fact.kind == "laterality" else str(fact.attributes.get("site", "")))


def _is_same_place(fact: Fact, mention: Fact) -> bool:
    """Whether two mentions can mean one place: a knee pain and a pain in the knee can, and a pain of no named part."""
    here, there = _concept_words(fact), _concept_words(mention)
    shared = here & there
    return _overlaps((here | site_of(fact)) - shared, (there | site_of(mention)) - shared)


def _overlaps(here: frozenset[str], there: frozenset[str]) -> bool:
    return here <= there or there <= here


def _concept_words(fact: Fact) -> frozenset[str]:
    return frozenset() if fact.kind == "laterality" else _words(fact.concept)


@lru_cache(maxsize=1 << 14)
def _words(text: str) -> frozenset[str]:
    return frozenset(words_of(text))
