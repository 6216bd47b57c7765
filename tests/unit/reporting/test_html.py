import base64
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab_lens.reporting.html import (
    Bullets,
    Cell,
    Facts,
    Figure,
    Heading,
    Link,
    Paragraph,
    Passage,
    Status,
    Table,
    Verdict,
    render_page,
    write_page,
)

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)


class Page(HTMLParser):
    """The text and the tags of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def cells(*values: Cell) -> Page:
    return Page(render_page("T", [Table("t", [f"c{i}" for i in range(len(values))], [values])]))


def whole_page() -> str:
    return render_page(
        "Title",
        [
            Verdict("hold", "Not released", "Two rules said no."),
            Heading("One"),
            Paragraph("Some text."),
            Bullets(["a sentence", Link("a page", "pages/a%20b.html")]),
            Heading("Two"),
            Facts([("Notes", 75), ("Status", Status("waived"))]),
            Table("Rules", ["rule", "value"], [["floor", 0.31234], ["ceiling", None]], "a caption"),
            Heading("Three"),
            Figure("Loss", PNG, "loss falls from 4 to 1", "by step"),
            Heading("Four"),
            Passage("A note", "first line\nsecond line"),
            Passage("A summary", "one line", folded=False),
        ],
        subtitle="Sub",
    )


def test_a_page_loads_nothing_and_runs_no_script() -> None:
    html = whole_page()
    page = Page(html)
    assert not {"script", "iframe", "object", "embed", "base", "form"} & {tag for tag, _ in page.tags}
    sources = [value for _, attributes in page.tags for name, value in attributes.items() if name in ("src", "href")]
    assert all(re.match(r"(data:|#section-\d|pages/)", source or "") for source in sources)
    assert "@import" not in html
    assert "url(" not in html
    policy = next(meta for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    assert policy["content"] == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def test_a_page_can_be_read_without_colour_pictures_or_eyes() -> None:
    page = Page(whole_page())
    assert page.all("html") == [{"lang": "en"}]
    assert [image["alt"] for image in page.all("img")] == ["loss falls from 4 to 1"]
    assert {header["scope"] for header in page.all("th")} == {"col", "row"}
    assert "✗" in page.text
    assert "hold" in page.text
    assert "○" in page.text
    assert "waived" in page.text
    ids = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    targets = {str(link["href"]).removeprefix("#") for link in page.all("a") if str(link["href"]).startswith("#")}
    assert len(targets) == 4
    assert targets <= ids


@given(st.text(st.characters(exclude_categories=["C"]), min_size=1))
def test_every_value_is_shown_as_text_and_never_as_markup(text: str) -> None:
    hostile = f"<img src=x onerror=alert(1)>{text}\"'&"
    html = render_page(
        hostile,
        [
            Heading(hostile),
            Paragraph(hostile),
            Bullets([hostile, Link(hostile, "a.html")]),
            Verdict("fail", hostile, hostile),
            Facts([(hostile, hostile)]),
            Table(hostile, [hostile], [[hostile], [Status("fail", hostile)]], hostile),
            Figure(hostile, PNG, hostile, hostile),
            Passage(hostile, hostile),
        ],
        subtitle=hostile,
    )
    page = Page(html)
    assert [set(image) for image in page.all("img")] == [{"src", "alt"}]
    assert page.all("img")[0]["alt"] == hostile
    assert page.text.count(hostile) == 20


@pytest.mark.parametrize(
    "href", ["https://x.org", "//x.org/a", "/etc/passwd", "javascript:alert(1)", "data:text/html,x"]
)
def test_a_report_cannot_lead_elsewhere(href: str) -> None:
    with pytest.raises(ValueError, match="relative paths only"):
        Link("x", href)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.31234, "0.312"),
        (-0.02, "-0.020"),
        (0.0, "0.000"),
        (0.00001, "1.0e-05"),
        (1234.56, "1,234.6"),
        (1234, "1,234"),
        (True, "yes"),
        (None, "\N{EN DASH}"),
        ("", "\N{EN DASH}"),
        ("0.5", "0.5"),
    ],
)
def test_cells_show_numbers_as_people_read_them(value: Cell, shown: str) -> None:
    assert f"{shown}\n" in cells("row", value).text


def test_columns_of_numbers_are_aligned_right_and_gaps_do_not_change_that() -> None:
    table = Table("t", ["name", "score", "mixed"], [["a", 0.1, 1], ["b", None, "n/a"], ["c", "-1,234.5", 2]])
    assert table.numeric == [False, True, False]


def test_a_row_of_wrong_length_is_refused() -> None:
    with pytest.raises(ValueError, match=r"2 columns; rows \[1\]"):
        Table("t", ["a", "b"], [[1, 2], [1]])


def test_a_table_without_rows_says_so() -> None:
    assert "No rows." in Page(render_page("T", [Table("t", ["a"], [])])).text


def test_the_same_blocks_give_the_same_bytes_and_replace_the_file_whole(tmp_path: Path) -> None:
    assert whole_page() == whole_page()
    path = tmp_path / "new" / "page.html"
    write_page(path, "First", [Paragraph("long " * 1000)])
    write_page(path, "Second", [Paragraph("short")], subtitle="sub")
    assert path.read_text(encoding="utf-8") == render_page("Second", [Paragraph("short")], subtitle="sub")
    assert [item.name for item in path.parent.iterdir()] == ["page.html"]
