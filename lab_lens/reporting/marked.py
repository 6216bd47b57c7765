"""Texts with marked passages, side by side. These are patients' texts: only pages that people asked for show them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

# The weightiest first: where passages overlap, the mark looks like the weightiest of them.
_MARK_STYLES = ("contradicted", "unsupported", "omitted")


@dataclass(frozen=True)
class Mark:
    """A passage of a text.

    Args:
        start, end: half-open range of characters.
        tag: short text that stands behind the passage, such as "C2"; it says without colour what the mark means.
        style: contradicted, unsupported or omitted.
    """

    start: int
    end: int
    tag: str
    style: str


@dataclass(frozen=True)
class Piece:
    """A stretch of text: marked where it has a tag, plain where not."""

    text: str
    tag: str = ""
    style: str = ""


@dataclass(frozen=True)
class MarkedText:
    """One text and what is marked in it."""

    name: str
    text: str
    marks: Sequence[Mark] = ()

    @property
    def pieces(self) -> list[Piece]:
        """The text in order; overlapping marks are one piece with all their tags."""
        found: list[Piece] = []
        at = 0
        for start, end, marks in _merged(self.marks):
            found.append(Piece(self.text[at:start]))
            style = min((mark.style for mark in marks), key=_MARK_STYLES.index)
            tags = dict.fromkeys(mark.tag for mark in marks)
            found.append(Piece(self.text[start:end], " ".join(tags), style))
            at = end
        found.append(Piece(self.text[at:]))
        return [piece for piece in found if piece.text]


@dataclass(frozen=True)
class SideBySide:
    """Texts beside each other, with a list of what the tags mean, behind a line to click on."""

    title: str
    texts: Sequence[MarkedText]
    legend: Sequence[str] = ()
    kind: ClassVar[str] = "side_by_side"


def _merged(marks: Sequence[Mark]) -> list[tuple[int, int, list[Mark]]]:
    """Disjoint ranges in order, each with the marks in it."""
    found: list[tuple[int, int, list[Mark]]] = []
    for mark in sorted(marks, key=lambda mark: (mark.start, mark.end)):
        if found and mark.start < found[-1][1]:
            start, end, together = found[-1]
            found[-1] = (start, max(end, mark.end), [*together, mark])
        else:
            found.append((mark.start, mark.end, [mark]))
    return found
