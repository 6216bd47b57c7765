from lab_lens.reporting.html import Heading, Notice, render_page
from lab_lens.reporting.marked import Mark, MarkedText, SideBySide

TEXT = "No fever. Aspirin 81 mg daily."


def test_pieces_are_the_whole_text_in_order_with_the_marked_ones_tagged():
    marked = MarkedText("Summary", TEXT, [Mark(10, 23, "C2", "contradicted"), Mark(0, 8, "U1", "unsupported")])
    assert "".join(piece.text for piece in marked.pieces) == TEXT
    assert [(piece.text, piece.tag, piece.style) for piece in marked.pieces if piece.tag] == [
        ("No fever", "U1", "unsupported"),
        ("Aspirin 81 mg", "C2", "contradicted"),
    ]


def test_overlapping_marks_are_one_piece_that_looks_like_the_weightiest():
    marks = [Mark(10, 17, "O3", "omitted"), Mark(10, 23, "U1", "unsupported"), Mark(18, 29, "C2", "contradicted")]
    (piece,) = [piece for piece in MarkedText("Summary", TEXT, marks).pieces if piece.tag]
    assert (piece.text, piece.tag, piece.style) == ("Aspirin 81 mg daily", "O3 U1 C2", "contradicted")


def test_a_text_without_marks_is_one_plain_piece_and_an_empty_one_has_none():
    assert [piece.text for piece in MarkedText("Note", TEXT).pieces] == [TEXT]
    assert MarkedText("Note", "").pieces == []


def test_marks_are_told_by_tag_and_border_not_by_colour_alone_and_everything_is_escaped():
    text = MarkedText("<Note>", "<script>x</script> fever", [Mark(0, 18, "C1", "contradicted")])
    page = render_page("<t>", [Heading("h"), Notice("<b>now</b>"), SideBySide("<s>", [text], ["C1 <i>"])])
    assert '<mark class="contradicted">&lt;script&gt;x&lt;/script&gt;<b> C1</b></mark> fever' in page
    assert "<script>" not in page
    assert "<b>now" not in page
    assert "C1 &lt;i&gt;" in page
    borders = [line for line in page.splitlines() if line.startswith("mark.")]
    assert len({line.split("border")[1].split("var")[0] for line in borders}) == 3
