"""Findings that no lexicon knows, where a note denies them: "no nipple retraction" makes "nipple retraction" a concept.

Without them, a summary that drops the "no" of a rare finding would pass unseen.
"""

from collections.abc import Iterator

from lab_lens.metrics.facts.assertion import ENDS, Trigger, assertion_of
from lab_lens.metrics.facts.lexicon import Entry, Lexicon, Mention, lexicon_of
from lab_lens.metrics.facts.questions import answered
from lab_lens.metrics.facts.tokens import Tokens
from lab_lens.metrics.facts.vocabulary import word_set

_DENYING = word_set("no without denies denied deny negative absence free")
_ANY = frozenset({"any"})
_OR = frozenset({"or", "nor"})
# They lead to the finding: "no evidence of glorping", "any known allergies".
_SIGNS = word_set("evidence sign symptom history")
_LEADING = _SIGNS | word_set("any a an known obvious associated other new")
_LONGEST_TERM = 3
# A sentence can be as long as the text.
_LONGEST_LIST = 40
_SHORTEST_WORD = 4
# A phrase with one of these is no finding: "no change", "no other issues", "without difficulty".
_NOT_A_FINDING = word_set("""
    able additional adverse aide answer any anyone assistance assistant benefit certain chance change code complaint
    complication concern consent contact contraindication cost day difference difficulty doubt driver effect episode
    event evidence exposure family follow further good help history idea incident indication interest issue known lack
    late longer medication month more much need night one option other past plan prior problem progress question reason
    recent regard relief respect restriction result sign significant support symptom then thing time treatment trouble
    visit week well year improvement intervention interruption recurrence activity appointment exception limitation
    blood pressure test work exercise sport hobby food water doctor medicine med meds pill drug child kid stuff way kind
    type sort place part area point idea hearing adjustment handout therapy antibiotic allergy gymnastics pulse record
    information contrast insurance surgery services service specific particular real major obvious
""")
_BETWEEN = word_set("""
    the a an and or but of in on at to for from by as with during after before than that this these it she he they his
    her their your you i we is are was were be been have has had do does did not very too so also there here when
    while if
""")


def denied_terms(tokens: Tokens, mentions: list[Mention], triggers: dict[int, list[Trigger]]) -> Lexicon:
    """What the text denies beyond the lexicon, as a lexicon of findings for it and for what is held against it."""
    known = {index for mention in mentions for index in range(mention.first, mention.after)}
    terms = {
        term
        for group in triggers.values()
        for trigger in group
        if trigger.effect == "negated" and tokens.words[trigger.phrase_first] in _DENYING
        for term in _terms(tokens, trigger.phrase_after, trigger.after, known)
    }
    terms |= {
        term
        for index in tokens.among(_ANY)
        if _is_denied(tokens, triggers, index)
        for term in _terms(tokens, index + 1, min(tokens.sentence_end(index), index + _LONGEST_LIST), known)
    }
    return lexicon_of(Entry(term, "finding", " ".join(term), False, "") for term in sorted(terms))


def _is_denied(tokens: Tokens, triggers: dict[int, list[Trigger]], index: int) -> bool:
    """Whether "any" stands in a denial ("I don't see any exudates"), or in a question whose answer is no."""
    return answered(tokens, index, assertion_of(tokens, triggers, index, index + 1)).polarity == "negated"


def _terms(tokens: Tokens, start: int, end: int, known: set[int]) -> Iterator[tuple[str, ...]]:
    """The phrase at `start`, and another after its "or", each of so many words at most."""
    after = start
    while after < end:
        after = _after_fillers(tokens, after, end)
        first, after = after, _after_phrase(tokens, after, min(end, after + _LONGEST_TERM), known)
        words = tokens.words[first:after]
        is_whole = after == end or after not in known
        if words and is_whole and not _NOT_A_FINDING.intersection(words) and _is_noun(words[-1]):
            yield tuple(words)
        if after >= end or tokens.words[after] not in _OR:
            return
        after += 1


def _after_fillers(tokens: Tokens, index: int, end: int) -> int:
    """The index after words that lead to a finding: "any", "evidence of", "known"."""
    while index < end and tokens.words[index] in _LEADING:
        is_sign = tokens.words[index] in _SIGNS
        if is_sign and tokens.words[index + 1 : index + 2] != ["of"]:
            break
        index += 1 + is_sign
    return index


def _after_phrase(tokens: Tokens, index: int, end: int, known: set[int]) -> int:
    while index < end:
        word = tokens.words[index]
        if index in known or not word.isalpha() or word in _BETWEEN or word in ENDS:
            break
        index += 1
    return index


def _is_noun(word: str) -> bool:
    return len(word) >= _SHORTEST_WORD and not word.endswith(("ing", "ly", "ed"))
