import pytest

from lab_lens.reporting.html import Bullets, Heading, Link, Paragraph, Status, Table, Verdict
from lab_lens.reporting.markdown import escaped, render_markdown


@pytest.mark.parametrize(
    "hostile",
    [
        "<img src=x onerror=alert(1)>",
        "[click](javascript:alert(1))",
        "![](https://example.org/track.png)",
        "a | b | c",
        "`code` *bold* __strong__ ~~gone~~",
        "&lt;script&gt;",
        "@everyone",
        "# heading",
        "\\| escaped by hand",
    ],
)
def test_no_character_of_a_value_is_markup(hostile: str) -> None:
    shown = escaped(hostile)
    # A character reference is the only thing that may hold any of these.
    assert not set(shown.replace("&#", "").replace(";", "")) & set("<>[]|`*_~\\@!&:#")


@pytest.mark.parametrize("start", ["- item", "+ item", "1. item", "12) item", "---", "===", "> quoted", "# title"])
def test_a_line_begins_no_list_and_no_heading(start: str) -> None:
    assert escaped(start).startswith("&#")


@pytest.mark.parametrize("number", ["-0.070", "0.100 (0.080 to 0.120)", "12.5 s"])
def test_numbers_stay_readable(number: str) -> None:
    assert escaped(number) == number


def test_a_value_stays_on_its_line() -> None:
    assert escaped("first\n\n| second |\r\nthird") == "first &#124; second &#124; third"


def test_ordinary_sentences_stay_readable() -> None:
    assert escaped("ROUGE-L is 0.312 (0.29 to 0.33), at least 0.15.") == (
        "ROUGE-L is 0.312 (0.29 to 0.33), at least 0.15."
    )


def test_every_block_has_its_place() -> None:
    table = Table("Rules", ["Rule", "Value"], [["floor|x", Status("fail")], [Link("page", "pages/a.html"), None]])
    blocks = [Verdict("hold", "Not released", "2 rules said no."), Heading("Why"), Bullets(["one", "two"])]
    text = render_markdown([*blocks, Paragraph("Said."), table])
    assert text == (
        "### ✗ Not released\n\n2 rules said no.\n\n#### Why\n\n- one\n- two\n\nSaid.\n\n"
        "| Rule | Value |\n| :-- | :-- |\n| floor&#124;x | ✗ fail |\n| page | \N{EN DASH} |\n"
    )


def test_numbers_are_shown_as_on_the_pages() -> None:
    table = Table("Metrics", ["Count", "Share"], [[12345, 0.25]])
    assert render_markdown([table]).splitlines()[-1] == "| 12,345 | 0.250 |"
