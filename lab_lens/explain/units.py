"""The parts of a note that are taken away: sentences and sections, as far as the model reads them."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from lab_lens.notes.sections import PREAMBLE, Section, split_sections
from lab_lens.notes.sentences import Span, split_sentences

THIRDS = ("first third", "middle third", "last third")


@dataclass(frozen=True)
class Unit:
    """A named part of a note; its label holds no text of the note, unless in the fixed names of sections.

    Args:
        label: what a plot calls it.
        spans: half-open character ranges of the note, ordered and disjoint.
    """

    label: str
    spans: tuple[Span, ...]


def seen_characters(tokenizer: Any, text: str, max_input_tokens: int) -> int:
    """How many characters from the start of a note survive the encoder's truncation.

    Args:
        tokenizer: a fast tokenizer, which knows the offsets of its tokens.
        text: the note.
        max_input_tokens: limit of the encoder's input, special tokens included.
    """
    encoded = tokenizer(text, truncation=True, max_length=max_input_tokens, return_offsets_mapping=True)
    return max((end for _, end in encoded["offset_mapping"]), default=0)


def sentence_units(text: str, seen_chars: int, max_units: int) -> list[Unit]:
    """Split the part of a note that the model reads into sentences, labelled by section.

    Args:
        text: the whole note.
        seen_chars: of `seen_characters`; what begins after it is left out, a sentence that it cuts ends there.
        max_units: more sentences than this are grouped, evenly and never across sections (each section keeps one).
    """
    sections = [(section, _sentences_of(section, seen_chars)) for section in split_sections(text)]
    total = sum(len(spans) for _, spans in sections)
    size = max(1, math.ceil(total / max_units))
    return [unit for section, spans in sections for unit in _grouped(section, spans, size)]


def section_units(text: str, seen_chars: int) -> tuple[list[Unit], list[str]]:
    """The recognized sections that the model reads, and the names of those that it never sees.

    Sections of one name are one unit; what stands before the first header is a unit named "preamble"; a section that
    the truncation cuts ends there. Both lists are empty when no header was recognized.
    """
    sections = [section for section in split_sections(text) if section.text.strip()]
    if all(section.name == PREAMBLE for section in sections):
        return [], []
    spans: dict[str, list[Span]] = {}
    for section in sections:
        spans.setdefault(section.name, []).extend(_clipped(section.start, section.end, seen_chars))
    units = [Unit(name, tuple(parts)) for name, parts in spans.items() if parts]
    return units, [name for name, parts in spans.items() if not parts]


def third_units(text: str) -> list[Unit]:
    """Three parts of about equal length in characters, cut between sentences where there are enough of them.

    Args:
        text: the note as far as the model reads it.
    """
    edges = [0, *(_nearest_boundary(text, len(text) * part // 3) for part in (1, 2)), len(text)]
    spans = [Span(start, end) for start, end in pairwise(edges)]
    return [Unit(name, (span,)) for name, span in zip(THIRDS, spans, strict=True) if span.end > span.start]


def without(text: str, units: Sequence[Unit]) -> str:
    """The note with the spans of `units` removed and everything else as it was."""
    removed = sorted((span.start, span.end) for unit in units for span in unit.spans)
    kept, position = [], 0
    for start, end in removed:
        kept.append(text[position:start])
        position = max(position, end)
    return "".join([*kept, text[position:]])


def section_title(name: str) -> str:
    """A section's name as people write it."""
    return name.replace("_", " ").capitalize()


def _sentences_of(section: Section, seen_chars: int) -> list[Span]:
    found = split_sentences(section.text)
    clipped = (_clipped(section.start + span.start, section.start + span.end, seen_chars) for span in found)
    return [span for spans in clipped for span in spans]


def _clipped(start: int, end: int, seen_chars: int) -> list[Span]:
    """The seen part of a range: one span, or none."""
    return [Span(start, min(end, seen_chars))] if start < seen_chars else []


def _grouped(section: Section, spans: Sequence[Span], size: int) -> Iterator[Unit]:
    for first in range(0, len(spans), size):
        group = tuple(spans[first : first + size])
        number = f"sentence {first + 1}" if len(group) == 1 else f"sentences {first + 1}-{first + len(group)}"
        where = f"chars {group[0].start}-{group[-1].end}"
        yield Unit(f"{section_title(section.name)}, {number} ({where})", group)


def _nearest_boundary(text: str, offset: int) -> int:
    starts = [span.start for span in split_sentences(text)][1:]
    return min(starts, key=lambda start: abs(start - offset), default=offset)
