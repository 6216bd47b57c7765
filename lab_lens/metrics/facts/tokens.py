"""Words and numbers of a clinical text with their offsets, and the sentence each stands in."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, compress, count

from lab_lens.notes.sentences import split_sentences

# Marks of de-identification are one token each. A hyphen is a token between digits (range) or beside a blank (dash):
# within words it only separates them, so that "Glucose-95" is a name and a number. No branch can backtrack far.
_TOKEN = re.compile(
    r"[A-Za-z]+(?:['\u2019][A-Za-z]{1,2}\b)?"
    r"|\[\*\*[^\]]{0,80}\*\*\]"
    r"|[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?|\.[0-9]+"
    r"|_{2,}"
    r"|(?<=[0-9])[-\u2013](?=[0-9])|(?<![A-Za-z0-9])[-\u2013]|[-\u2013](?![A-Za-z0-9])"
    r"|[^\W_]+|[^\w\s'\u2019\u2013-]"
)
_PIECES = re.compile(f"({_TOKEN.pattern})")
_IRREGULAR = {
    "metastases": "metastasis",
    "diagnoses": "diagnosis",
    "stenoses": "stenosis",
    "thromboses": "thrombosis",
    "ecchymoses": "ecchymosis",
    "emboli": "embolus",
    "vertebrae": "vertebra",
    "abscesses": "abscess",
    "feet": "foot",
    "teeth": "tooth",
    "haemoglobin": "hemoglobin",
    "oedema": "edema",
    "anaemia": "anemia",
    "tumour": "tumor",
    "oesophageal": "esophageal",
    "diarrhoea": "diarrhea",
    "haemorrhage": "hemorrhage",
}
WORDS_REMEMBERED = 1 << 16


@dataclass(frozen=True, slots=True)
class Tokens:
    """The n tokens of a text.

    Attributes:
        text: the text itself.
        words: n normalized words: lower case, singular, without a possessive; numbers and marks as they stand.
        starts: n offsets; token i is text[starts[i]:ends[i]].
        ends: n offsets after the last character.
        sentences: n indices of the sentence that a token stands in, ascending from 0.
    """

    text: str
    words: list[str]
    starts: list[int]
    ends: list[int]
    sentences: list[int]

    def raw(self, index: int) -> str:
        """Token `index` as it is written."""
        return self.text[self.starts[index] : self.ends[index]]

    def among(self, words: frozenset[str]) -> Iterator[int]:
        """Indices of the tokens whose word is one of these, in order."""
        return compress(count(), map(words.__contains__, self.words))

    def sentence_end(self, index: int) -> int:
        """Index after the last token of the sentence of token `index`."""
        return bisect_right(self.sentences, self.sentences[index])

    def sentence_begin(self, index: int) -> int:
        """Index of the first token of the sentence of token `index`."""
        return bisect_left(self.sentences, self.sentences[index])


def tokenize(text: str) -> Tokens:
    """Split a text into tokens. Linear in its length; the same text gives the same tokens everywhere."""
    # What lies between the tokens, and the tokens, in turn: faster than match objects.
    pieces = _PIECES.split(text)
    offsets = list(accumulate(map(len, pieces)))
    starts, ends = offsets[:-1:2], offsets[1::2]
    return Tokens(text, list(map(normal_word, pieces[1::2])), starts, ends, _sentences(text, starts))


def words_of(text: str) -> tuple[str, ...]:
    """The normalized words of a phrase, as the lexicons keep them."""
    return tuple(normal_word(match.group()) for match in _TOKEN.finditer(text))


@lru_cache(maxsize=WORDS_REMEMBERED)
def normal_word(word: str) -> str:
    """Lower case, singular, without a possessive 's."""
    lower = word.lower()
    if lower.endswith(("'s", "\u2019s")):
        return lower[:-2]
    if lower in _IRREGULAR:
        return _IRREGULAR[lower]
    if len(lower) < 4 or lower[-1] != "s" or lower[-2:] in {"ss", "us", "is"} or not lower.isalpha():
        return lower
    if lower.endswith("ies") and len(lower) > 4:
        return lower[:-3] + "y"
    return lower[:-2] if lower.endswith(("sses", "shes", "ches", "xes")) else lower[:-1]


def _sentences(text: str, starts: list[int]) -> list[int]:
    found: list[int] = []
    for sentence, span in enumerate(split_sentences(text)):
        found += [sentence] * (bisect_left(starts, span.end) - len(found))
    return found + [found[-1]] * (len(starts) - len(found)) if found else [0] * len(starts)
