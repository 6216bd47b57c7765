"""Findings that no lexicon knows, where a note denies them: "no nipple retraction" makes "nipple retraction" a concept.

Without them, a summary that drops the "no" of a rare finding would pass unseen.
"""

from collections.abc import Iterator

from lab_lens.metrics.facts.assertion import ENDS, Trigger
from lab_lens.metrics.facts.lexicon import Entry, Lexicon, Mention, lexicon_of
from lab_lens.metrics.facts.tokens import Tokens
from lab_lens.metrics.facts.vocabulary import word_set

_DENYING = word_set("no without denies denied deny negative absence free")
_LONGEST_TERM = 3
_SHORTEST_WORD = 4
# A phrase with one of these is no finding: "no change", "no other issues", "without difficulty".
_NOT_A_FINDING = word_set("""
    able additional adverse aide answer any anyone assistance assistant benefit certain chance change code complaint
    complication concern consent contact contraindication cost day difference difficulty doubt driver effect episode
    event evidence exposure family follow further good help history idea incident indication interest issue known lack
    late longer medication month more much need night one option other past plan prior problem progress question reason
    recent regard relief respect restriction result sign significant support symptom then thing time treatment trouble
    visit week well year improvement intervention interruption recurrence activity appointment exception limitation
    record information contrast insurance surgery services service specific particular real major obvious
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
        for term in _terms(tokens, trigger, known)
    }
    return lexicon_of(Entry(term, "finding", " ".join(term), False, "") for term in sorted(terms))


def _terms(tokens: Tokens, trigger: Trigger, known: set[int]) -> Iterator[tuple[str, ...]]:
    words: list[str] = []
    for index in range(trigger.phrase_after, min(trigger.after, trigger.phrase_after + _LONGEST_TERM)):
        word = tokens.words[index]
        if index in known or not word.isalpha() or word in _BETWEEN or word in ENDS:
            break
        words.append(word)
    if words and not _NOT_A_FINDING.intersection(words) and _is_noun(words[-1]):
        yield tuple(words)


def _is_noun(word: str) -> bool:
    return len(word) >= _SHORTEST_WORD and not word.endswith(("ing", "ly", "ed"))
