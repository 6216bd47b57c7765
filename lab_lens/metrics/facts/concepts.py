"""Diagnoses, procedures, signs and symptoms: from the lexicon, or by the Greek and Latin endings of unknown words."""

from functools import lru_cache
from itertools import compress, count
from typing import NamedTuple

from lab_lens.metrics.facts.lexicon import Mention
from lab_lens.metrics.facts.tokens import WORDS_REMEMBERED, Tokens
from lab_lens.metrics.facts.types import Kind
from lab_lens.metrics.facts.vocabulary import word_set

_SUFFIXES: tuple[tuple[str, Kind], ...] = (
    ("itis", "diagnosis"),
    ("osis", "diagnosis"),
    ("emia", "diagnosis"),
    ("aemia", "diagnosis"),
    ("oma", "diagnosis"),
    ("pathy", "diagnosis"),
    ("penia", "diagnosis"),
    ("plegia", "diagnosis"),
    ("paresis", "diagnosis"),
    ("ectasis", "diagnosis"),
    ("ectasia", "diagnosis"),
    ("lithiasis", "diagnosis"),
    ("malacia", "diagnosis"),
    ("megaly", "diagnosis"),
    ("thorax", "diagnosis"),
    ("uria", "finding"),
    ("algia", "finding"),
    ("dynia", "finding"),
    ("rrhea", "finding"),
    ("rrhagia", "finding"),
    ("pnea", "finding"),
    ("phagia", "finding"),
    ("ectomy", "procedure"),
    ("otomy", "procedure"),
    ("ostomy", "procedure"),
    ("plasty", "procedure"),
    ("scopy", "procedure"),
    ("graphy", "procedure"),
    ("centesis", "procedure"),
    ("desis", "procedure"),
    ("pexy", "procedure"),
    ("rrhaphy", "procedure"),
)
_LAST_LETTERS = tuple(suffix for suffix, _ in _SUFFIXES)
_NOT_CLINICAL = word_set("""
    diagnosis prognosis apoptosis photography geography biography demography telegraphy homeopathy empathy sympathy
    apathy symbiosis antipathy osmosis roma aroma diploma coma telepathy naturopathy academia bohemia hypnosis
    anatomy euthymia euthyroid dichotomy osteopathy topography autonomy bulimia euvolemia euglycemia osteopathic
""")
_SHORTEST = 7
_FEVERS = frozenset({"fever", "febrile"})


class ConceptMention(NamedTuple):
    """A concept at tokens [first, after)."""

    kind: Kind
    concept: str
    negated: bool
    first: int
    after: int


def concepts_of(tokens: Tokens, mentions: list[Mention]) -> list[ConceptMention]:
    """Concepts of the lexicon's mentions, and words with a clinical ending between them, in order."""
    found = [
        ConceptMention(entry.kind, entry.concept, entry.negated, first, after)
        for entry, first, after in mentions
        if entry.kind in {"diagnosis", "procedure", "finding"}
    ]
    # "Fever to 101.2" names a finding and a value.
    fevers = [first for entry, first, _ in mentions if entry.concept == "temperature" and entry.words[0] in _FEVERS]
    found += [ConceptMention("finding", "fever", False, first, first + 1) for first in fevers]
    unknown = list(compress(count(), map(_kind_by_ending, tokens.words)))
    if unknown:
        taken = {index for mention in mentions for index in range(mention.first, mention.after)}
        found += [_by_ending(tokens, index) for index in unknown if index not in taken]
    return sorted(found, key=lambda mention: mention.first)


def _by_ending(tokens: Tokens, index: int) -> ConceptMention:
    word = tokens.words[index]
    return ConceptMention(_kind_by_ending(word) or "diagnosis", word, False, index, index + 1)


@lru_cache(maxsize=WORDS_REMEMBERED)
def _kind_by_ending(word: str) -> Kind | None:
    if not word.endswith(_LAST_LETTERS) or len(word) < _SHORTEST or word in _NOT_CLINICAL:
        return None
    return next(kind for suffix, kind in _SUFFIXES if word.endswith(suffix))
