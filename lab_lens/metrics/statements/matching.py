"""What of one text other texts say as well: each content word is found, contradicted, or missing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

from lab_lens.metrics.statements.reading import read_statements
from lab_lens.metrics.statements.words import NOTHING_FOUND

# How a text speaks of something: bits, since a text may both affirm and deny.
AFFIRMED, NEGATED = 1, 2
# Words with another ending count as the same: "dermatologist" and "dermatology", but neither "heart" and "hear" nor
# "prednisone" and "prednisolone".
_SHARED_LETTERS = 5
_SHARED_PART = 0.75
_PAIRS_REMEMBERED = 1 << 16


class Overlap(NamedTuple):
    """Of the content words of a text: how many others say the same, and how many they only say otherwise."""

    total: int
    found: int
    contradicted: int


@dataclass(frozen=True)
class Content:
    """What a text says, each thing once.

    Args:
        terms: AFFIRMED, NEGATED or both, by content word, number or named thing.
        sexes: those that its pronouns and nouns speak of, "m" and "f".
    """

    terms: dict[str, int]
    sexes: frozenset[str]

    @classmethod
    def of(cls, text: str) -> "Content":
        """Read a text; what it asks, it may have meant either way, since answers are not looked for."""
        reading = read_statements(text)
        terms: dict[str, int] = {}
        for statement in reading.statements:
            for name, negated in statement.terms:
                polarity = AFFIRMED | NEGATED if statement.asks else NEGATED if negated else AFFIRMED
                terms[name] = terms.get(name, 0) | polarity
        return cls(terms, reading.sexes)

    @cached_property
    def denies(self) -> bool:
        """Whether it says of anything that it is absent."""
        return any(polarity & NEGATED for polarity in self.terms.values())

    @cached_property
    def decades(self) -> frozenset[str]:
        """The decades of its two-digit numbers: 85 is in the 80s."""
        return frozenset(f"{name[0]}0s" for name in self.terms if len(name) == 2 and name.isdigit())

    @cached_property
    def by_beginning(self) -> dict[str, list[str]]:
        """Its terms by the letters that similar words must share."""
        found: dict[str, list[str]] = {}
        for name in self.terms:
            found.setdefault(name[:_SHARED_LETTERS], []).append(name)
        return found

    def polarity_of(self, name: str) -> int:
        """How it speaks of a thing; 0: not at all."""
        exact = self.terms.get(name, 0)
        if exact:
            return exact
        if name == NOTHING_FOUND:
            return AFFIRMED if self.denies else 0
        if name in self.decades:
            return AFFIRMED
        polarity = 0
        for other in self.by_beginning.get(name[:_SHARED_LETTERS], ()):
            polarity |= self.terms[other] if _similar(name, other) else 0
        return polarity

    def overlap(self, others: Sequence["Content"]) -> Overlap:
        """How much of this text the others, taken together, say as well."""
        total = found = contradicted = 0
        for name, polarity in self._claims():
            told = 0
            for other in others:
                told |= other.polarity_of(name)
            total += 1
            found += bool(told & polarity)
            contradicted += bool(told) and not told & polarity
        return Overlap(total, found, contradicted)

    def _claims(self) -> Iterator[tuple[str, int]]:
        for name, polarity in self.terms.items():
            yield from ((name, bit) for bit in (AFFIRMED, NEGATED) if polarity & bit)


@lru_cache(maxsize=_PAIRS_REMEMBERED)
def _similar(one: str, other: str) -> bool:
    """Whether two stems look like forms of one word; numbers and names of several words must be equal."""
    if not (one.isalpha() and other.isalpha()):
        return False
    shared = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        shared += 1
    shorter, longer = sorted((len(one), len(other)))
    return shared >= _SHARED_LETTERS and (shared == shorter or shared >= _SHARED_PART * longer)
