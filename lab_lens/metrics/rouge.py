"""ROUGE F1 (Lin 2004): the figures of the `rouge_score` package, several times as fast.

The package fills a table of (reference tokens x summary tokens) in Python for every longest common subsequence (LCS).
Here a row of that table is one integer whose set bits mark where the row increases (Hyyrö 2004, "Bit-parallel
LCS-length computation revisited"), so a row costs a few integer operations. Tokens come from the package itself.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Literal

from lab_lens.notes.sentences import split_sentences

if TYPE_CHECKING:
    from rouge_score.tokenizers import DefaultTokenizer

Tokens = tuple[str, ...]
SentenceRule = Literal["sentences", "lines"]
_WORDS_REMEMBERED = 1 << 16


@dataclass(frozen=True)
class RougeVariant:
    """Which ROUGE; figures of different variants must not be compared, since points lie between them.

    Args:
        stemmed: whether tokens are reduced to their Porter stems.
        units: what ROUGE-Lsum goes through: the sentences that we find, or the lines that a text happens to have,
            which is how `rouge_score` is used in most papers.
    """

    stemmed: bool = True
    units: SentenceRule = "sentences"

    def labels(self) -> dict[str, str]:
        """What each figure is, by name of the metric."""
        f1 = "stemmed F1" if self.stemmed else "F1, not stemmed"
        plain = {"rouge1": f"ROUGE-1 ({f1})", "rouge2": f"ROUGE-2 ({f1})", "rougeL": f"ROUGE-L ({f1})"}
        return {**plain, "rougeLsum": f"ROUGE-Lsum ({f1}, by {self.units.removesuffix('s')})"}


STEMMED = RougeVariant()


@dataclass(frozen=True)
class TokenizedText:
    """A text as ROUGE sees it: lower-case tokens of the letters a-z and digits, whole and by sentence or line."""

    tokens: Tokens
    sentences: tuple[Tokens, ...]


def tokenize(text: str, variant: RougeVariant = STEMMED) -> TokenizedText:
    """Tokenize as `rouge_score` does with `use_stemmer` as the variant says; sentences by our own splitter."""
    parts = text.split("\n") if variant.units == "lines" else _sentences(text)
    tokens = words_of(text, stemmed=variant.stemmed)
    return TokenizedText(tokens, tuple(words_of(part, stemmed=variant.stemmed) for part in parts))


def words_of(text: str, *, stemmed: bool) -> Tokens:
    """Lower-case words of the letters a-z and digits, in their order, as `rouge_score` sees them."""
    # White space separates tokens whatever stands around it, so words can be tokenized one by one and remembered.
    return tuple(chain.from_iterable(_word_tokens(word, stemmed) for word in text.split()))


def rouge_n(reference: TokenizedText, summary: TokenizedText, n: int) -> float:
    """F1 of n-gram overlap, 0 to 1."""
    expected, given = _ngrams(reference.tokens, n), _ngrams(summary.tokens, n)
    return _f1((expected & given).total(), expected.total(), given.total())


def rouge_l(reference: TokenizedText, summary: TokenizedText) -> float:
    """F1 of the longest common subsequence of the whole texts (sentence-level ROUGE-L), 0 to 1."""
    return rouge_l_to_each(summary.tokens, [reference.tokens])[0]


def rouge_l_to_each(summary: Tokens, references: Sequence[Tokens]) -> list[float]:
    """`rouge_l` of one summary to each of several references; words as `words_of` gives them."""
    bits = _positions(summary)
    full = (1 << len(summary)) - 1
    found: list[float] = []
    for reference in references:
        unmatched = full
        for token in reference:
            if token in bits:
                matches = unmatched & bits[token]
                unmatched = ((unmatched + matches) | (unmatched - matches)) & full
        found.append(_f1(len(summary) - unmatched.bit_count(), len(reference), len(summary)))
    return found


def rouge_lsum(reference: TokenizedText, summary: TokenizedText) -> float:
    """F1 of the union of sentence-wise LCS (summary-level ROUGE-L, section 3.2 of Lin 2004), 0 to 1.

    As in ROUGE 1.5.5 and `rouge_score`, a token counts at most as often as it occurs in either text.
    """
    left = Counter(chain(*reference.sentences)) & Counter(chain(*summary.sentences))
    columns = [(sentence, _positions(sentence)) for sentence in summary.sentences]
    hits = 0
    for expected in reference.sentences:
        common: set[int] = set()
        for sentence, positions in columns:
            common |= _lcs_indices(expected, sentence, positions)
        for index in sorted(common):
            token = expected[index]
            hits += left[token] > 0
            left[token] -= 1
    return _f1(hits, sum(map(len, reference.sentences)), sum(map(len, summary.sentences)))


def _f1(hits: int, expected: int, given: int) -> float:
    # Equal to the harmonic mean of hits/expected and hits/given.
    return 2.0 * hits / (expected + given) if hits else 0.0


def _ngrams(tokens: Tokens, n: int) -> Counter[Tokens]:
    return Counter(tokens[start : start + n] for start in range(len(tokens) - n + 1))


def _positions(tokens: Sequence[str]) -> dict[str, int]:
    bits: dict[str, int] = {}
    for column, token in enumerate(tokens):
        bits[token] = bits.get(token, 0) | 1 << column
    return bits


def _lcs_rows(reference: Sequence[str], positions: dict[str, int], columns: int) -> list[tuple[int, int]]:
    """Rows of the LCS table as (index into the reference, bits); bit j is set where LCS(i, j + 1) > LCS(i, j).

    Rows whose token the summary lacks equal the row above and are left out. The first row is (-1, 0).
    """
    full = (1 << columns) - 1
    unmatched = full
    rows = [(-1, 0)]
    for index, token in enumerate(reference):
        if token in positions:
            matches = unmatched & positions[token]
            unmatched = ((unmatched + matches) | (unmatched - matches)) & full
            rows.append((index, full ^ unmatched))
    return rows


def _lcs_indices(reference: Sequence[str], summary: Sequence[str], positions: dict[str, int]) -> set[int]:
    """Reference indices of one LCS; among equally long ones that which `rouge_score` reads from its table."""
    rows = _lcs_rows(reference, positions, len(summary))
    length = rows[-1][1].bit_count()
    row, column = len(rows) - 1, len(summary)
    found: set[int] = set()
    while length:
        index = rows[row][0]
        if reference[index] == summary[column - 1]:
            found.add(index)
            row, column, length = row - 1, column - 1, length - 1
        elif (rows[row - 1][1] & ((1 << column) - 1)).bit_count() < length:
            column -= 1
        else:
            row -= 1
    return found


def _sentences(text: str) -> list[str]:
    return [text[span.start : span.end] for span in split_sentences(text)]


@lru_cache(maxsize=_WORDS_REMEMBERED)
def _word_tokens(word: str, stemmed: bool) -> Tokens:
    return tuple(_tokenizer(stemmed).tokenize(word))


@cache
def _tokenizer(stemmed: bool) -> "DefaultTokenizer":
    from rouge_score.tokenizers import DefaultTokenizer

    return DefaultTokenizer(use_stemmer=stemmed)
