"""The examples that people should read first, by id and score; with their texts only where these are asked for."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from lab_lens.metrics.scores import SystemScores, Texts
from lab_lens.reporting.html import Block, Cell, Heading, Paragraph, Table
from lab_lens.reporting.marked import Mark, MarkedText, SideBySide

TEXT_NOTICE = (
    "this page holds text of patients (protected health information): notes, references and summaries. It was made so "
    "because validation.show_text or --show-text asked for it; keep it where notes may be kept."
)
_SHOWN = 10
_READ = 5
_DISAGREEING = ("contradicted_facts", "unsupported_facts")
_COLUMNS = {
    "rougeL": "ROUGE-L",
    "fact_precision": "Fact precision",
    "fact_recall": "Fact recall",
    "contradicted_facts": "Contradicted",
    "unsupported_facts": "Unsupported",
    "omitted_facts": "Omitted",
    "summary_words": "Words",
}
_SAID = {
    "contradicted": "the {source} says otherwise",
    "unsupported": "the {source} does not say it",
    "omitted": "the {source} says it, the summary does not",
}


@dataclass(frozen=True)
class ExampleTexts:
    """Texts and findings of the rows of a table of scores; only for pages that may show them."""

    texts: Texts
    scores: SystemScores


def example_blocks(scores: pd.DataFrame, shown: ExampleTexts | None) -> list[Block]:
    """Worst and best examples by ROUGE-L and by their facts.

    Args:
        scores: one row an example: example_id and those scores that were computed.
        shown: their texts, or None: no text is shown.
    """
    groups = _groups(scores)
    blocks: list[Block] = [Heading("Examples to read first")]
    blocks += [_table(title, scores.iloc[rows]) for title, rows in groups.items()]
    if not groups:
        blocks.append(Paragraph("No score was computed by which examples could be ordered."))
    if shown is not None:
        read = dict.fromkeys(row for rows in groups.values() for row in rows[:_READ])
        blocks.append(Heading("Their texts"))
        blocks.append(Paragraph(_HOW_TO_READ_MARKS))
        blocks += [_texts(str(scores["example_id"].iloc[row]), row, shown) for row in read]
    return blocks


_HOW_TO_READ_MARKS = (
    "C in a box: the summary contradicts the note; both places bear the same number. U, doubly underlined: the note "
    "does not say it. O, dotted: the reference says it and the summary does not. What the marks miss, and where they "
    "are wrong, is measured in the documentation of the facts; they do not replace reading."
)


def _groups(scores: pd.DataFrame) -> dict[str, list[int]]:
    groups: dict[str, list[int]] = {}
    if set(_DISAGREEING) <= set(scores.columns):
        disagreeing = scores[list(_DISAGREEING)].sum(axis=1)
        worst = disagreeing[disagreeing > 0].sort_values(ascending=False, kind="stable")
        groups["Most facts that the note contradicts or lacks"] = worst.index[:_SHOWN].tolist()
    if "rougeL" in scores.columns:
        ordered = scores["rougeL"].sort_values(kind="stable").index.tolist()
        groups["Lowest ROUGE-L"] = ordered[:_SHOWN]
        groups["Highest ROUGE-L"] = ordered[::-1][:_SHOWN]
    return groups


def _table(title: str, rows: pd.DataFrame) -> Table:
    names = [name for name in _COLUMNS if name in rows.columns]
    cells: list[list[Cell]] = [
        [str(row["example_id"]), *(_cell(row[name]) for name in names)] for _, row in rows.iterrows()
    ]
    return Table(title, ["Example", *(_COLUMNS[name] for name in names)], cells)


def _cell(value: Any) -> Cell:
    if pd.isna(value):
        return None
    return int(value) if float(value).is_integer() and value > 1 else float(value)


def _texts(example_id: str, row: int, shown: ExampleTexts) -> SideBySide:
    texts, findings = shown.texts, shown.scores.findings
    marks: dict[str, list[Mark]] = {"summary": [], "note": [], "reference": []}
    legend: list[str] = []
    for number, finding in enumerate(findings[row] if findings else (), start=1):
        tag = f"{finding.problem[0].upper()}{number}"
        places = {"summary": finding.summary_span, finding.source: finding.source_span}
        for name, span in places.items():
            if span is not None:
                marks[name].append(Mark(*span, tag, finding.problem))
        differs = f" ({finding.differs})" if finding.differs else ""
        legend.append(f"{tag} {finding.kind}{differs}: {_SAID[finding.problem].format(source=finding.source)}")
    given = {"note": texts.notes, "summary": texts.summaries, "reference": texts.references}
    columns = [
        MarkedText(name.capitalize(), list_of[row], marks[name])
        for name, list_of in given.items()
        if list_of is not None
    ]
    return SideBySide(f"Example {example_id}", columns, legend)
