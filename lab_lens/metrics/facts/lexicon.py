"""The phrases that name clinical concepts, read once from the data files of this package, and how they are found."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from lab_lens.metrics.facts.tokens import Tokens, words_of
from lab_lens.metrics.facts.types import Kind
from lab_lens.metrics.facts.vocabulary import data_lines

_NEGATED = "!"


class Entry(NamedTuple):
    """One phrase.

    Attributes:
        words: its normalized words.
        kind: of the fact that it names.
        concept: the canonical name that its synonyms share.
        negated: the phrase itself denies the concept, as "afebrile" does.
        spelling: the phrase counts only as it is written here, since otherwise it is another word ("US", "HIT", "Mg");
            empty where any case will do.
    """

    words: tuple[str, ...]
    kind: Kind
    concept: str
    negated: bool
    spelling: str


class Mention(NamedTuple):
    """An entry found at tokens [first, after)."""

    entry: Entry
    first: int
    after: int


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Entries by their first word (those of one word) or first two (all others), the longest first."""

    by_word: dict[str, tuple[Entry, ...]]
    by_two_words: dict[tuple[str, str], tuple[Entry, ...]]
    first_words: frozenset[str]

    def find(self, tokens: Tokens) -> Iterator[Mention]:
        """The longest entry at each place, from left to right, without overlaps and never across sentences."""
        words, sentences, first_words = tokens.words, tokens.sentences, self.first_words
        free = 0
        for first, word in enumerate(words):
            if word not in first_words or first < free:
                continue
            for entry in self._candidates(words, first):
                after = first + len(entry.words)
                if tuple(words[first:after]) != entry.words or sentences[after - 1] != sentences[first]:
                    continue
                if entry.spelling and entry.spelling != tokens.text[tokens.starts[first] : tokens.ends[after - 1]]:
                    continue
                yield Mention(entry, first, after)
                free = after
                break

    def _candidates(self, words: list[str], first: int) -> tuple[Entry, ...]:
        alone = self.by_word.get(words[first], ())
        if first + 1 == len(words):
            return alone
        longer = self.by_two_words.get((words[first], words[first + 1]), ())
        return longer + alone if longer else alone


def lexicon_of(entries: Iterable[Entry]) -> Lexicon:
    """Index entries; of equal phrases the first given counts."""
    known: set[tuple[str, ...]] = set()
    single: dict[str, tuple[Entry, ...]] = {}
    longer: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        key = (*entry.words, entry.spelling)
        if not entry.words or key in known:
            continue
        known.add(key)
        if len(entry.words) == 1:
            single[entry.words[0]] = (*single.get(entry.words[0], ()), entry)
        else:
            longer.setdefault((entry.words[0], entry.words[1]), []).append(entry)
    by_two_words = {words: tuple(sorted(group, key=lambda e: -len(e.words))) for words, group in longer.items()}
    return Lexicon(single, by_two_words, frozenset(single) | {first for first, _ in by_two_words})


@cache
def clinical_lexicon() -> Lexicon:
    """Every drug, test, diagnosis, procedure and finding. Hand-written names come first, so they win."""
    return lexicon_of(
        [
            *_labs(),
            *_drugs("drug_names.tsv"),
            *_concepts("findings.tsv", "finding"),
            *_concepts("conditions.tsv", "diagnosis"),
            *_concepts("procedures.tsv", "procedure"),
            *_drugs("drugs.tsv"),
            *_icd(),
        ]
    )


def _entries(kind: Kind, concept: str, names: str) -> Iterator[Entry]:
    for name in [concept, *names.split("|")]:
        written = name.removeprefix(_NEGATED)
        yield Entry(
            words_of(written), kind, concept, name.startswith(_NEGATED), written if written != written.lower() else ""
        )


def _concepts(name: str, kind: Kind) -> Iterator[Entry]:
    for line in data_lines(name):
        concept, _, names = line.partition("\t")
        yield from _entries(kind, concept, names)


def _drugs(name: str) -> Iterator[Entry]:
    for line in data_lines(name):
        ingredient, _, names = line.partition("\t")
        yield from _entries("medication", ingredient, names)


def _labs() -> Iterator[Entry]:
    for line in data_lines("labs.tsv"):
        concept, kind, names = line.split("\t")
        yield from _entries("vital" if kind == "vital" else "lab", concept, names)


def _icd() -> Iterator[Entry]:
    for line in data_lines("icd10cm.tsv"):
        yield Entry(words_of(line), "diagnosis", line, False, "")
