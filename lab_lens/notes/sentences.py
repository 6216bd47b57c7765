"""Sentences of clinical text, with offsets: abbreviations, doses, decimals, lists and hard-wrapped lines.

A rule-based splitter in the manner of Punkt's abbreviation and collocation rules (Kiss and Strunk 2006), without a
model: the same text gives the same sentences on every machine.
"""

import re
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Span:
    """A half-open range [start, end) of characters."""

    start: int
    end: int


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# A name, number or example follows these, never a new sentence.
_BINDING = _words("""
    dr drs mr mrs ms prof st vs nos fig figs approx ca cf e.g i.e eg ie al dept ext pt pts hx dx tx sx rx w.r.t resp
""")
# Doses, times and months may end a sentence: they do when a capitalized word follows.
_MEASURES = _words("""
    mg mcg ug g gm kg ml l dl meq mmol cc cm mm hr hrs min sec yr yrs mo wk wks oz lb lbs
    tab tabs cap caps inj susp sol p.o po i.v iv i.m im s.c sc sq s.l sl p.r pr
    q q.d qd q.o.d qod b.i.d bid t.i.d tid q.i.d qid q.h.s qhs h.s hs p.r.n prn a.c ac p.c pc q.a.m q.p.m
    a.m am p.m pm d.c u.s etc jr sr inc jan feb mar apr jun jul aug sep sept oct nov dec
""")
_STARTERS = _words("he she they it we i his her their the this that these patient pt on no in at there")
_TERMINAL = re.compile(r"[.!?]+[\"'\u201d\u2019)\]]*(?=\s)")
_LAST_WORD = re.compile(r"[\w.'/&-]*\Z")
_NEXT_WORD = re.compile(r"\s*([\"'\u201c\u2018(\[*_-]*)(\w*)")
# Bullets, enumerators, 'Label: ' and speakers such as [doctor], but not de-identified words such as [**Hospital1 18**].
_ITEM = re.compile(
    r"[ \t]*(?:[-*\u2022\u00b7\u2013\u2014#]|[+>][ \t]|\(?\d{1,2}[.)][ \t]|[A-Za-z][.)][ \t]|\[(?!\*\*)"
    r"|[A-Z][A-Za-z/& -]{1,40}:(?:\s|$))"
)
_ENUMERATOR = re.compile(r"\(?(?:\d{1,2}|[A-Za-z])[.)]?\Z")
# A line at least this long that stops without a full stop was wrapped by an editor.
_WRAPPED_CHARS = 55
# Enough for a word and an enumerator; whole sentences would make a text without line breaks take quadratic time.
_CONTEXT_CHARS = 40


def split_sentences(text: str) -> list[Span]:
    """Split text into sentences, list items and header lines.

    Returns:
        Ordered, disjoint spans without white space at their ends; together they cover every other character.
    """
    spans: list[Span] = []
    start = 0
    for end in [*_boundaries(text), len(text)]:
        piece = text[start:end]
        if piece.strip():
            spans.append(Span(start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip())))
        start = end
    return spans


def _boundaries(text: str) -> list[int]:
    """Offsets at which one sentence ends and the next begins."""
    found: list[int] = []
    block_start = 0
    for block_end in [*_line_boundaries(text), len(text)]:
        sentence_start = block_start
        for mark in _TERMINAL.finditer(text, block_start, block_end):
            before = text[max(sentence_start, mark.start() - _CONTEXT_CHARS) : mark.start()]
            after = text[mark.end() : min(mark.end() + _CONTEXT_CHARS, block_end)]
            if _ends_sentence(before, mark.group(), after):
                sentence_start = mark.end()
                found.append(sentence_start)
        found.append(block_end)
        block_start = block_end
    return found


def _line_boundaries(text: str) -> list[int]:
    found: list[int] = []
    offset = 0
    lines = text.splitlines(keepends=True)
    for line, following in pairwise(lines):
        offset += len(line)
        if not _continues(line.strip(), following):
            found.append(offset)
    return found


def _continues(line: str, following: str) -> bool:
    """Whether `following` goes on with the sentence of `line`: it does where an editor only wrapped the line."""
    stripped = following.strip()
    is_short = len(line) < _WRAPPED_CHARS
    if not line or not stripped or _ITEM.match(following) or line.endswith(":") or (is_short and line.isupper()):
        return False
    return stripped[0].islower() or (not is_short and line[-1] not in ".!?;")


def _ends_sentence(before: str, mark: str, after: str) -> bool:
    """Whether `mark` ends its sentence: `before` holds the sentence's last characters so far, `after` the next ones."""
    if not before.strip():
        return False
    if mark[0] in "!?" or before[-1].isspace():
        # ' . ' with a blank before it is tokenized text, where case tells nothing.
        return True
    if _ENUMERATOR.fullmatch(before.strip()):
        return False
    return _full_stop_ends(_last_word(before), *_next_word(after))


def _full_stop_ends(last_word: str, opening: str, word: str) -> bool:
    if last_word == "no":
        # 'No. 5', but 'Smoker: no. Alcohol: no.'
        return not word[:1].isdigit()
    if last_word in _BINDING:
        return False
    if last_word in _MEASURES:
        return word[:1].isupper() and not word[1:].isupper()
    if len(last_word) == 1 and last_word.isalpha():
        # 'J. Smith' or 'hepatitis C. He': only a usual first word tells them apart.
        return word.lower() in _STARTERS
    return not word[:1].islower() or bool(opening) or len(last_word) > 3


def _last_word(before: str) -> str:
    match = _LAST_WORD.search(before)
    return match.group().strip(".'").lower() if match else ""


def _next_word(after: str) -> tuple[str, str]:
    match = _NEXT_WORD.match(after)
    return (match.group(1), match.group(2)) if match else ("", "")
