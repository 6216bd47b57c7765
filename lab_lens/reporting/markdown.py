"""Blocks of a report as GitHub-flavoured Markdown, for the pages that CI systems show; values can never be markup."""

import re
from collections.abc import Sequence

from lab_lens.reporting.html import Bullets, Cell, Heading, Link, Paragraph, Status, Table, Verdict, format_number

MarkdownBlock = Heading | Paragraph | Bullets | Verdict | Table
# What can begin markup in a line, a table's cell or HTML. As a character reference it is shown and means nothing.
_MARKUP = re.compile(r"[!\"#$&'*:<>@\[\\\]^_`{|}~]")
# What makes a list of a line that begins with it, and a rule or a heading of a line that consists of it.
_LINE_MARKUP = re.compile(r"^(?:(?:[-+]|\d+[.)])(?=\s|$)|[-=]+$)")
_NOTHING = "\N{EN DASH}"


def escaped(text: str) -> str:
    """Text on one line that Markdown and HTML show as it is."""
    flat = _MARKUP.sub(lambda found: f"&#{ord(found[0])};", " ".join(text.split()))
    return _LINE_MARKUP.sub(lambda found: "".join(f"&#{ord(character)};" for character in found[0]), flat)


def render_markdown(blocks: Sequence[MarkdownBlock]) -> str:
    """Blocks one below the other; equal input gives equal text."""
    return "\n\n".join(_block(block) for block in blocks) + "\n"


def _block(block: MarkdownBlock) -> str:
    match block:
        case Heading():
            return f"#### {escaped(block.text)}"
        case Paragraph():
            return escaped(block.text)
        case Bullets():
            return "\n".join(f"- {_cell(item)}" for item in block.items)
        case Verdict():
            headline = f"### {block.mark.symbol} {escaped(block.headline)}"
            return f"{headline}\n\n{escaped(block.text)}" if block.text else headline
        case Table():
            return _table(block)


def _table(table: Table) -> str:
    rows = [[escaped(name) for name in table.columns], [":--"] * len(table.columns)]
    rows += [[_cell(cell) for cell in row] for row in table.rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cell(cell: Cell) -> str:
    match cell:
        case None | "":
            return _NOTHING
        case Status():
            return f"{cell.symbol} {escaped(cell.word)}"
        case Link():
            return escaped(cell.text)
        case str():
            return escaped(cell)
        case int():
            return f"{cell:,}"
        case float():
            return escaped(format_number(cell))
