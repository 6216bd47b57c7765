"""HTML pages that need nothing but themselves: no script, no network, images inline, every value escaped."""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal
from urllib.parse import urlsplit

from lab_lens.artifacts import write_text
from lab_lens.reporting.marked import SideBySide

if TYPE_CHECKING:
    from jinja2 import Template

StatusName = Literal["promote", "hold", "rollback", "pass", "fail", "unknown", "waived"]

# A symbol and a word carry every status, so that neither colour nor the symbol is needed to read it.
STATUS_SYMBOLS: dict[str, str] = {
    "promote": "✓",
    "pass": "✓",
    "waived": "○",
    "unknown": "?",
    "hold": "✗",
    "fail": "✗",
    "rollback": "↩",
}
_TONES = {
    "promote": "good",
    "pass": "good",
    "waived": "noted",
    "unknown": "open",
    "hold": "bad",
    "fail": "bad",
    "rollback": "bad",
}
_MINIMUM_HEADINGS_FOR_CONTENTS = 4
_DIGEST = re.compile(r"[0-9a-f]{32,}")
_NOTHING = "\N{EN DASH}"


@dataclass(frozen=True)
class Status:
    """A table cell or fact that shows a status as symbol, word and colour; `text` replaces the word."""

    status: StatusName
    text: str = ""

    @property
    def symbol(self) -> str:
        """One character that names the status without colour."""
        return STATUS_SYMBOLS[self.status]

    @property
    def tone(self) -> str:
        """The colour class: good, bad, open or noted."""
        return _TONES[self.status]

    @property
    def word(self) -> str:
        """What is written beside the symbol."""
        return self.text or self.status


@dataclass(frozen=True)
class Link:
    """A link to a page beside this one.

    Raises:
        ValueError: `href` is not a relative path; a report never leads out of its directory tree.
    """

    text: str
    href: str

    def __post_init__(self) -> None:
        parts = urlsplit(self.href)
        if parts.scheme or parts.netloc or self.href.startswith(("/", "\\")):
            raise ValueError(f"a report may link to relative paths only, not to {self.href!r}")


Cell = str | int | float | Status | Link | None


@dataclass(frozen=True)
class Heading:
    """Starts a section; a page with four or more sections gets a table of contents."""

    text: str
    kind: ClassVar[str] = "heading"


@dataclass(frozen=True)
class Paragraph:
    """Running text."""

    text: str
    kind: ClassVar[str] = "paragraph"


@dataclass(frozen=True)
class Notice:
    """A warning in a frame that must not be overlooked."""

    text: str
    kind: ClassVar[str] = "notice"


@dataclass(frozen=True)
class Bullets:
    """A list of sentences or links."""

    items: Sequence[str | Link]
    kind: ClassVar[str] = "bullets"


@dataclass(frozen=True)
class Verdict:
    """A banner that answers the page's question in words."""

    status: StatusName
    headline: str
    text: str = ""
    kind: ClassVar[str] = "verdict"

    @property
    def mark(self) -> Status:
        """The status as the template draws it."""
        return Status(self.status)


@dataclass(frozen=True)
class Facts:
    """Names and values; a value may be a Status or a Link."""

    pairs: Sequence[tuple[str, Cell]]
    kind: ClassVar[str] = "facts"


@dataclass(frozen=True)
class Table:
    """A table whose first column names its row; columns of numbers are aligned right; None is shown as a dash.

    Raises:
        ValueError: a row has more or fewer cells than there are columns.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    caption: str = ""
    kind: ClassVar[str] = "table"

    def __post_init__(self) -> None:
        wrong = [index for index, row in enumerate(self.rows) if len(row) != len(self.columns)]
        if wrong:
            raise ValueError(f"table {self.title!r} has {len(self.columns)} columns; rows {wrong} have not")

    @property
    def numeric(self) -> list[bool]:
        """For each column, whether every cell that says something is a number."""
        return [_holds_numbers([row[index] for row in self.rows]) for index in range(len(self.columns))]


@dataclass(frozen=True)
class Figure:
    """A PNG image; `alt` says in words what it shows."""

    title: str
    png: bytes
    alt: str
    caption: str = ""
    kind: ClassVar[str] = "figure"

    @property
    def data_uri(self) -> str:
        """The image as a data URI."""
        return "data:image/png;base64," + base64.b64encode(self.png).decode("ascii")


@dataclass(frozen=True)
class Passage:
    """A longer text, line breaks kept, behind a line to click on when `folded`. Never a patient's text."""

    title: str
    text: str
    folded: bool = True
    kind: ClassVar[str] = "passage"


Block = Heading | Paragraph | Notice | Bullets | Verdict | Facts | Table | Figure | Passage | SideBySide


def format_number(value: float) -> str:
    """Three decimals below 10, one above, and powers of ten where three decimals would show a small number as zero."""
    if 0.0 < abs(value) < 0.0005:
        return f"{value:.1e}"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:,.1f}"


def render_page(title: str, blocks: Sequence[Block], *, subtitle: str = "") -> str:
    """One self-contained HTML page; equal input gives equal bytes."""
    headings = [block.text for block in blocks if isinstance(block, Heading)]
    contents = headings if len(headings) >= _MINIMUM_HEADINGS_FOR_CONTENTS else []
    return _template().render(title=title, subtitle=subtitle, blocks=blocks, contents=contents)


def write_page(path: Path, title: str, blocks: Sequence[Block], subtitle: str = "") -> Path:
    """Write `render_page` atomically and return `path`."""
    return write_text(path, render_page(title, blocks, subtitle=subtitle))


@cache
def _template() -> "Template":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["cell_text"] = _cell_text
    environment.tests["status"] = lambda value: isinstance(value, Status)
    environment.tests["digest"] = lambda value: isinstance(value, str) and bool(_DIGEST.fullmatch(value))
    environment.tests["link"] = lambda value: isinstance(value, Link)
    return environment.get_template("page.html.jinja")


def _cell_text(value: str | float | None) -> str:
    if value is None or value == "":
        return _NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return format_number(value) if isinstance(value, float) else value


def _holds_numbers(cells: Sequence[Cell]) -> bool:
    said = [cell for cell in cells if cell not in (None, "", _NOTHING)]
    return bool(said) and all(_is_number(cell) for cell in said)


def _is_number(cell: Cell) -> bool:
    if not isinstance(cell, str):
        return isinstance(cell, (int, float))
    try:
        float(cell.replace(",", "").replace("\N{MINUS SIGN}", "-").removesuffix("%").removesuffix(" s"))
    except ValueError:
        return False
    return True
