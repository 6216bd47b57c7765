"""Whether a text affirms, denies or doubts a concept, and whether it speaks of the patient at all.

NegEx (Chapman et al. 2001, "A simple algorithm for identifying negated findings and diseases in discharge summaries")
with the contexts of ConText (Harkema et al. 2009): a trigger reaches over the concepts of its sentence, forwards or
backwards, until a word that ends its scope; phrases that only look like a negation are triggers that do nothing.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal, cast

from lab_lens.metrics.facts.tokens import Tokens, words_of
from lab_lens.metrics.facts.types import Polarity
from lab_lens.metrics.facts.vocabulary import data_lines, word_set

Effect = Literal["negated", "possible", "probable", "hypothetical", "family", "nothing"]
Reach = Literal["before", "after"]

_Phrase = tuple[tuple[str, ...], Effect, Reach]

ENDS = word_set("""
    but however although though yet except aside apart which who because since due secondary despite while whereas
    until was were is are has had have presented presents present presenting started starts treated given received
    underwent admitted found showed shows show revealed reveal demonstrated reports reported noted note complains
    complained endorses endorse endorsed positive he she they he's she's with when therefore so than after before
    begun began remained remains continued continue developed develops improved discharged requires required admits
    states stated having consider considering recommend recommended known this consistent concerning suspicious
    likely probably possible compatible suggestive
""")
# "The mother also noticed a rash" tells of the patient.
_TELLING = word_set(
    "reports reported notes noticed notice states stated says said denies denied describes endorses brought"
)
_TELLING_REACH = 2
_FINITE = word_set("was were is are has had have")
_ADVERBS = 3
_SECTION_MARKS = frozenset({";", ":"})
_LONGEST_SCOPE = 40
# With the words of the trigger itself.
_LONGEST_REACH = 50


@dataclass(frozen=True, slots=True)
class Trigger:
    """An occurrence of a trigger and the tokens [first, after) that its scope covers."""

    effect: Effect
    first: int
    after: int
    phrase_first: int
    phrase_after: int


@dataclass(frozen=True, slots=True)
class Assertion:
    """What is said of a concept: polarity, and the attributes `certainty` and `context` where they are not plain."""

    polarity: Polarity
    attributes: dict[str, str | float]


def triggers_of(tokens: Tokens) -> dict[int, list[Trigger]]:
    """Every trigger that has an effect, by the sentence it stands in."""
    single, longer, first_words = _phrases()
    found: dict[int, list[Trigger]] = {}
    free = 0
    for index, word in enumerate(tokens.words):
        if word not in first_words or index < free:
            continue
        following = tokens.words[index + 1] if index + 1 < len(tokens.words) else ""
        candidates = longer.get((word, following), ()) + single.get(word, ())
        for phrase, effect, reach in _longest(tokens, index, candidates):
            after = index + len(phrase)
            if phrase[0] == ":" and _goes_on(tokens, after):
                continue
            if effect == "family" and _TELLING.intersection(tokens.words[after : after + _TELLING_REACH]):
                continue
            free = after
            if effect != "nothing":
                scope = _forwards(tokens, index + 1, after) if reach == "before" else _backwards(tokens, index)
                found.setdefault(tokens.sentences[index], []).append(Trigger(effect, *scope, index, after))
    return found


def assertion_of(tokens: Tokens, triggers: dict[int, list[Trigger]], first: int, after: int) -> Assertion:
    """What the sentence says of the concept at tokens [first, after)."""
    group = triggers.get(tokens.sentences[first])
    if not group:
        return Assertion("affirmed", {})
    # No scope reaches further, and a sentence can be as long as the text.
    nearest = bisect_left(group, first - _LONGEST_REACH, key=_begin)
    last = bisect_right(group, after + _LONGEST_REACH, key=_begin)
    effects = {trigger.effect for trigger in group[nearest:last] if trigger.first <= first and after <= trigger.after}
    attributes: dict[str, str | float] = {}
    polarity: Polarity = "affirmed"
    if "negated" in effects:
        polarity = "negated"
    elif effects & {"possible", "probable", "hypothetical"}:
        polarity = "uncertain"
        attributes["certainty"] = "probable" if "probable" in effects and "possible" not in effects else "possible"
    for context in ("hypothetical", "family"):
        if context in effects:
            attributes["context"] = context
    return Assertion(polarity, attributes)


def _begin(trigger: Trigger) -> int:
    return trigger.phrase_first


def _longest(tokens: Tokens, index: int, phrases: tuple[_Phrase, ...]) -> list[_Phrase]:
    """The longest phrases at a token; one phrase may reach both ways."""
    found: list[_Phrase] = []
    for phrase, effect, reach in phrases:
        if found and len(phrase) < len(found[0][0]):
            break
        if tuple(tokens.words[index : index + len(phrase)]) == phrase:
            found.append((phrase, effect, reach))
    return found


def _goes_on(tokens: Tokens, index: int) -> bool:
    """Whether the sentence goes on at a token: "CT: no fracture" does not deny the CT, "Cough: no." the cough."""
    return index < tokens.sentence_end(index - 1) and tokens.words[index] not in {".", ",", ";"}


def _forwards(tokens: Tokens, start: int, after: int) -> tuple[int, int]:
    """The tokens from `start` on that a trigger before `after` covers: to a word that ends scopes, or its sentence."""
    words = tokens.words
    end = min(tokens.sentence_end(after - 1), after + _LONGEST_SCOPE)
    for index in range(after, end):
        word = words[index]
        # "Has not actually had any cough"
        goes_on = index - after < _ADVERBS and words[index + 1 : index + 2] == ["any"]
        is_end = word in ENDS and index > after and not goes_on
        if is_end or word in _SECTION_MARKS or (word == "." and _is_wide_gap(tokens, index)):
            return (start, index)
    return (start, end)


def _is_wide_gap(tokens: Tokens, stop: int) -> bool:
    """Whether two blanks follow a full stop: a sentence ends there, whatever letter the next one begins with."""
    return tokens.text[tokens.ends[stop] : tokens.ends[stop] + 2].isspace() and len(tokens.text) > tokens.ends[stop] + 1


def _backwards(tokens: Tokens, stop: int) -> tuple[int, int]:
    """The tokens before a trigger that it covers: back to a comma-free clause's begin."""
    words, sentence = tokens.words, tokens.sentences[stop]
    first = stop
    while first > 0 and stop - first < _LONGEST_SCOPE and tokens.sentences[first - 1] == sentence:
        word = words[first - 1]
        if (word in ENDS and word not in _FINITE) or word in _SECTION_MARKS or word in {",", "and"}:
            break
        first -= 1
    return (first, stop)


@cache
def _phrases() -> tuple[dict[str, tuple[_Phrase, ...]], dict[tuple[str, str], tuple[_Phrase, ...]], frozenset[str]]:
    """Triggers of one word by that word, longer ones by their first two, and all first words."""
    single: dict[str, tuple[_Phrase, ...]] = {}
    longer: dict[tuple[str, str], list[_Phrase]] = {}
    for phrase in _written_triggers():
        words = phrase[0]
        if len(words) == 1:
            single[words[0]] = (*single.get(words[0], ()), phrase)
        else:
            longer.setdefault((words[0], words[1]), []).append(phrase)
    by_two = {words: tuple(sorted(group, key=lambda item: -len(item[0]))) for words, group in longer.items()}
    return single, by_two, frozenset(single) | {first for first, _ in by_two}


def _written_triggers() -> Iterator[_Phrase]:
    """Lines of the data file: effect, reach ("before" a concept or "after" it), phrases."""
    for line in data_lines("triggers.tsv"):
        effect, reach, phrases = line.split("\t")
        for phrase in phrases.split("|"):
            yield words_of(phrase), cast(Effect, effect), cast(Reach, reach)
