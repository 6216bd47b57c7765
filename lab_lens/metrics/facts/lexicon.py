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


class _Branch(NamedTuple):
    """Entries with one first word: those of this word alone, and the others by their second word, the longest first."""

    alone: tuple[Entry, ...]
    longer: dict[str, tuple[Entry, ...]]


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Entries by their first word."""

    branches: dict[str, _Branch]
    first_words: frozenset[str]

    def find(self, tokens: Tokens) -> Iterator[Mention]:
        """The longest entry at each place, from left to right, without overlaps and never across sentences."""
        words, sentences, branches = tokens.words, tokens.sentences, self.branches
        free = 0
        for first in tokens.among(self.first_words):
            if first < free:
                continue
            alone, longer = branches[words[first]]
            following = longer.get(words[first + 1]) if longer and first + 1 < len(words) else None
            for entry in following + alone if following else alone:
                after = first + len(entry.words)
                if tuple(words[first:after]) != entry.words or sentences[after - 1] != sentences[first]:
                    continue
                if entry.spelling and entry.spelling != tokens.text[tokens.starts[first] : tokens.ends[after - 1]]:
                    continue
                yield Mention(entry, first, after)
                free = after
                break


def lexicon_of(entries: Iterable[Entry]) -> Lexicon:
    """Index entries; of equal phrases the first given counts."""
    known: set[tuple[str, ...]] = set()
    alone: dict[str, list[Entry]] = {}
    longer: dict[str, dict[str, list[Entry]]] = {}
    for entry in entries:
        key = (*entry.words, entry.spelling)
        if not entry.words or key in known:
            continue
        known.add(key)
        first = entry.words[0]
        if len(entry.words) == 1:
            alone.setdefault(first, []).append(entry)
        else:
            longer.setdefault(first, {}).setdefault(entry.words[1], []).append(entry)
    branches = {
        word: _Branch(
            tuple(alone.get(word, ())),
            {second: tuple(sorted(group, key=_shorter)) for second, group in longer.get(word, {}).items()},
        )
        for word in alone.keys() | longer.keys()
    }
    return Lexicon(branches, frozenset(branches))


def _shorter(entry: Entry) -> int:
    return -len(entry.words)


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
