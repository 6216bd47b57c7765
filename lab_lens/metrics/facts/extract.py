"""All facts of a text."""

from dataclasses import dataclass

from lab_lens.metrics.facts.assertion import Assertion, Trigger, assertion_of, triggers_of
from lab_lens.metrics.facts.concepts import concepts_of
from lab_lens.metrics.facts.denials import denied_terms
from lab_lens.metrics.facts.laterality import Side, attach, sides_of
from lab_lens.metrics.facts.lexicon import Lexicon, Mention, clinical_lexicon
from lab_lens.metrics.facts.measurements import quantities_of, values_of
from lab_lens.metrics.facts.medications import Order, orders_of
from lab_lens.metrics.facts.questions import answered, may_ask
from lab_lens.metrics.facts.times import TimeFact, times_of
from lab_lens.metrics.facts.tokens import Tokens, tokenize
from lab_lens.metrics.facts.types import Fact, Kind, Polarity


def extract_facts(text: str) -> tuple[Fact, ...]:
    """Clinical facts of a discharge note, a dialogue or a summary.

    Linear in the length of the text, deterministic, and never raises whatever the text.

    Returns:
        Facts by their start; text[fact.start:fact.end] is what was read. Empty where nothing was found.
    """
    return facts_of(read(text))


@dataclass(frozen=True, slots=True)
class Reading:
    """A text with what the lexicon names in it, and the triggers of negation and doubt."""

    tokens: Tokens
    mentions: list[Mention]
    triggers: dict[int, list[Trigger]]

    def denied_terms(self) -> Lexicon:
        """What this text denies beyond the lexicon."""
        return denied_terms(self.tokens, self.mentions, self.triggers)


def read(text: str) -> Reading:
    """Tokenize a text and look up its words."""
    tokens = tokenize(text)
    return Reading(tokens, list(clinical_lexicon().find(tokens)), triggers_of(tokens))


def facts_of(reading: Reading, further: Lexicon | None = None) -> tuple[Fact, ...]:
    """As `extract_facts`, of a text that was read already, with further findings beside the lexicon's."""
    tokens, mentions = reading.tokens, reading.mentions
    if further is not None:
        mentions = _with_further(tokens, mentions, further)
    times = times_of(tokens)
    taken = {index: time.after for time in times for index in range(time.first, time.after)}
    mentions = [mention for mention in mentions if mention.first not in taken]
    orders = orders_of(tokens, mentions, taken)
    taken |= {index: order.after for order in orders for index in range(order.first, order.after)}
    builder = _Builder(tokens, reading.triggers)
    facts = builder.times(times, orders)
    facts += builder.medications(orders)
    values = values_of(tokens, [mention for mention in mentions if mention.first not in taken], taken)
    values += quantities_of(tokens, taken)
    facts += [builder.fact(v.kind, v.concept, v.attributes, v.first, v.after, "affirmed") for v in values]
    facts += builder.concepts([mention for mention in mentions if mention.first not in taken])
    return tuple(sorted(facts, key=lambda fact: (fact.start, fact.end, fact.kind, fact.concept)))


def _with_further(tokens: Tokens, mentions: list[Mention], further: Lexicon) -> list[Mention]:
    known = {index for mention in mentions for index in range(mention.first, mention.after)}
    added = [found for found in further.find(tokens) if not known.intersection(range(found.first, found.after))]
    return sorted([*mentions, *added], key=lambda mention: mention.first) if added else mentions


_MEANS = frozenset({"on", "by", "via", "with", "per"})


class _Builder:
    """Turns what was read from one text into facts."""

    def __init__(self, tokens: Tokens, triggers: dict[int, list[Trigger]]) -> None:
        self._tokens = tokens
        self._triggers = triggers
        self._may_ask = may_ask(tokens)

    def fact(
        self, kind: Kind, concept: str, attributes: dict[str, str | float], first: int, after: int, polarity: Polarity
    ) -> Fact:
        """A fact at tokens [first, after)."""
        return Fact(kind, concept, attributes, polarity, self._tokens.starts[first], self._tokens.ends[after - 1])

    def times(self, times: list[TimeFact], orders: list[Order]) -> list[Fact]:
        """Dates, durations and ages; a duration inside or right after an order belongs to its drug."""
        drugs = {index: order.ingredient for order in orders for index in range(order.after, order.after + 2)}
        drugs |= {index: order.ingredient for order in orders for index in range(order.first, order.after)}
        facts = []
        for time in times:
            attributes = time.attributes
            if time.kind == "duration" and "role" not in attributes and time.first in drugs:
                attributes = {**attributes, "of": drugs[time.first]}
            if time.kind == "age":
                context = self._asserted(time.first, time.after).attributes.get("context")
                attributes = {**attributes, "context": "family"} if context == "family" else attributes
            facts.append(self.fact(time.kind, time.concept, attributes, time.first, time.after, "affirmed"))
        return facts

    def medications(self, orders: list[Order]) -> list[Fact]:
        """One fact an order, or one for each dose where a dose was changed."""
        facts = []
        for order in orders:
            said = self._asserted(order.first, order.first + 1)
            # "As needed for pain" and "take aspirin if ..." doubt the pain, not the drug.
            is_denied = said.polarity == "negated"
            family = {"context": "family"} if said.attributes.get("context") == "family" else {}
            attributes = {**order.attributes, **family}
            # A combination of two strengths is one dose; further doses are an earlier or later one of the same drug.
            doses: list[dict[str, str | float]] = [{"dose": dose.text} for dose in order.doses] or [{}]
            facts += [
                self.fact(
                    "medication",
                    order.ingredient,
                    attributes | dose,
                    order.first,
                    order.after,
                    "negated" if is_denied else "affirmed",
                )
                for dose in doses
            ]
        return facts

    def concepts(self, mentions: list[Mention]) -> list[Fact]:
        """Diagnoses, procedures and findings with their sides, and sides that belong to none of them."""
        concepts = concepts_of(self._tokens, mentions)
        owned, alone = attach(self._tokens, sides_of(self._tokens), concepts)
        facts = []
        for position, concept in enumerate(concepts):
            said = self._asserted(concept.first, concept.after)
            attributes = {**said.attributes, **_side_attributes(owned.get(position))}
            polarity: Polarity = "negated" if concept.negated else said.polarity
            if concept.kind == "procedure" and self._is_means(concept.first):
                polarity = "affirmed"
            side = owned.get(position)
            first = min(concept.first, side.first) if side else concept.first
            after = max(concept.after, side.after) if side else concept.after
            facts.append(self.fact(concept.kind, concept.concept, attributes, first, after, polarity))
        facts += [
            self.fact("laterality", side.site, {"side": side.side}, side.first, side.after, "affirmed")
            for side in alone
        ]
        return facts

    def _is_means(self, first: int) -> bool:
        """Whether a procedure is how something was found: "no fracture on CT" does not deny the CT."""
        words = self._tokens.words[max(0, first - 2) : first]
        return bool(_MEANS.intersection(words))

    def _asserted(self, first: int, after: int) -> Assertion:
        said = assertion_of(self._tokens, self._triggers, first, after)
        return answered(self._tokens, first, said) if self._may_ask else said


def _side_attributes(side: Side | None) -> dict[str, str | float]:
    if side is None:
        return {}
    return {"side": side.side, "site": side.site} if side.site else {"side": side.side}
