"""Whether a text supports a fact, contradicts it, or says nothing of it.

Any mention of a text can support a fact: a value, a dose or a polarity changes over a stay, and each was true once.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from lab_lens.metrics.facts.attributes import disagreements, is_same_time, missing
from lab_lens.metrics.facts.interpretation import is_implied
from lab_lens.metrics.facts.sided import compare_sides, site_of
from lab_lens.metrics.facts.tokens import Tokens, words_of
from lab_lens.metrics.facts.types import Fact

Status = Literal["supported", "contradicted", "absent"]
_CONCEPTS = frozenset({"diagnosis", "procedure", "finding"})


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a text says of a fact.

    Attributes:
        differs: what the text says otherwise, or does not say, of the concept; empty where it lacks the concept.
        evidence: the fact of the text that supports or contradicts best; None where the text lacks the concept.
    """

    status: Status
    differs: str = ""
    evidence: Fact | None = None


def key_of(fact: Fact) -> tuple[str, str, str, frozenset[tuple[str, str | float]]]:
    """What a fact says, wherever it stands."""
    return (fact.kind, fact.concept, fact.polarity, frozenset(fact.attributes.items()))


class Evidence:
    """The facts of a text, indexed so that another text's facts can be held against them."""

    def __init__(self, tokens: Tokens, facts: Iterable[Fact]) -> None:
        self.facts = tuple(facts)
        self._tokens = tokens
        self._by_concept: dict[tuple[str, str], list[Fact]] = defaultdict(list)
        for fact in self.facts:
            self._by_concept[_family(fact), fact.concept].append(fact)
        self._identical: dict[object, Fact] = {}
        for fact in self.facts:
            self._identical.setdefault(key_of(fact), fact)
        self._sided = [fact for fact in self.facts if "side" in fact.attributes]
        self._narrower: dict[frozenset[str], list[Fact]] | None = None
        self._sentences: list[frozenset[str]] | None = None

    def distinct(self) -> list[Fact]:
        """Facts that say different things, the first mention of each."""
        return list(self._identical.values())

    def judge(self, fact: Fact) -> Judgement:
        """Hold a fact of another text against this one."""
        identical = self._identical.get(key_of(fact))
        if identical is not None:
            return Judgement("supported", "", identical)
        if fact.kind == "laterality":
            return self._on_side(fact, [])
        mentions = self._mentions(fact)
        if not mentions:
            return self._unnamed(fact)
        judgement = _judged(fact, mentions)
        if judgement.status != "supported" or "side" not in fact.attributes:
            return judgement
        return self._on_side(fact, [mention for mention in mentions if _polarity_allows(fact, mention)])

    def _on_side(self, fact: Fact, mentions: list[Fact]) -> Judgement:
        sidedness, evidence = compare_sides(fact, mentions, self._sided)
        if sidedness == "same":
            return Judgement("supported", "", evidence)
        if sidedness == "other":
            return Judgement("contradicted", "side", evidence)
        words = (site_of(fact) or frozenset(words_of(fact.concept))) | {str(fact.attributes["side"])}
        if any(words <= sentence for sentence in self._by_sentence()):
            return Judgement("supported", "", mentions[0] if mentions else None)
        return Judgement("absent", "side" if mentions else "", mentions[0] if mentions else None)

    def _mentions(self, fact: Fact) -> list[Fact]:
        exact = self._by_concept.get((_family(fact), fact.concept), [])
        return exact + self._more_specific(fact) if fact.kind in _CONCEPTS or fact.kind == "medication" else exact

    def _more_specific(self, fact: Fact) -> list[Fact]:
        """Mentions whose concept says what this one says, and more: "type 2 diabetes" of "diabetes"."""
        if self._narrower is None:
            self._narrower = defaultdict(list)
            for (family, concept), facts in self._by_concept.items():
                if family in {"concept", "medication"}:
                    self._narrower[_words(family, concept)] += facts
        family = _family(fact)
        wanted = _words(family, fact.concept)
        return [
            other
            for words, facts in self._narrower.items()
            if wanted < words
            for other in facts
            if _family(other) == family
        ]

    def _unnamed(self, fact: Fact) -> Judgement:
        """A concept that the text does not name may be implied, or stand in other order: "fracture of the left hip"."""
        if fact.kind not in _CONCEPTS:
            return Judgement("absent")
        if is_implied(fact, self.facts, f" {' '.join(self._tokens.words)} "):
            return Judgement("supported")
        words = frozenset(words_of(fact.concept))
        is_scattered = len(words) > 1 and fact.polarity != "negated" and any(words <= s for s in self._by_sentence())
        return Judgement("supported" if is_scattered else "absent")

    def _by_sentence(self) -> list[frozenset[str]]:
        if self._sentences is None:
            groups: dict[int, set[str]] = defaultdict(set)
            for sentence, word in zip(self._tokens.sentences, self._tokens.words, strict=True):
                groups[sentence].add(word)
            self._sentences = [frozenset(words) for words in groups.values()]
        return self._sentences


def _judged(fact: Fact, mentions: list[Fact]) -> Judgement:
    if fact.kind in {"date", "duration"}:
        return _judged_time(fact, mentions)
    asserted = [mention for mention in mentions if _polarity_allows(fact, mention)]
    if not asserted:
        return Judgement("contradicted", "polarity", mentions[0])
    compatible, nearest, fewest = [], asserted[0], ["?"] * 99
    for mention in asserted:
        differing = disagreements(fact, mention)
        if not differing:
            compatible.append(mention)
        elif len(differing) < len(fewest):
            nearest, fewest = mention, differing
    if not compatible:
        return Judgement("contradicted", fewest[0], nearest)
    unsaid = missing(fact, compatible)
    if not unsaid:
        return Judgement("supported", "", compatible[0])
    # What no compatible mention says, another mention may say otherwise.
    others = [mention for mention in asserted if unsaid[0] in disagreements(fact, mention)]
    return Judgement("contradicted", unsaid[0], others[0]) if others else Judgement("absent", unsaid[0], compatible[0])


def _judged_time(fact: Fact, mentions: list[Fact]) -> Judgement:
    same = [mention for mention in mentions if is_same_time(fact, mention)]
    if same:
        return Judgement("supported", "", same[0])
    for name in ("of", "role"):
        rivals = [
            mention
            for mention in mentions
            if name in fact.attributes and fact.attributes[name] == mention.attributes.get(name)
        ]
        if rivals:
            return Judgement("contradicted", fact.kind, rivals[0])
    return Judgement("absent")


def _polarity_allows(fact: Fact, mention: Fact) -> bool:
    """Whether a mention may stand for a fact of this polarity.

    A warning ("return if you have fever"), a family history or an unanswered question says nothing of the patient; a
    probable diagnosis may be told as one, a merely possible one may not.
    """
    context = mention.attributes.get("context")
    if fact.attributes.get("context") or context == "question":
        return True
    if fact.polarity == "negated":
        return mention.polarity == "negated"
    if fact.polarity == "uncertain":
        return mention.polarity != "negated"
    if context in {"hypothetical", "family"}:
        return False
    return mention.polarity == "affirmed" or mention.attributes.get("certainty") == "probable"


def _family(fact: Fact) -> str:
    return "concept" if fact.kind in _CONCEPTS else fact.kind


@lru_cache(maxsize=1 << 16)
def _words(family: str, concept: str) -> frozenset[str]:
    return frozenset(concept.split("/")) if family == "medication" else frozenset(words_of(concept))
