import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import run_records

from lab_lens.registry.base import HistoryEntry
from lab_lens.reporting.demo_report import DemoExample, write_demo_report

HISTORY = [
    HistoryEntry("2026-01-02T10:00:00+00:00", "promoted", "demo", "smoke test passed", None, "v1"),
    HistoryEntry("2026-01-02T10:04:00+00:00", "promoted", "demo", "smoke test passed", "v1", "v2"),
    HistoryEntry("2026-01-02T10:05:00+00:00", "rolled_back", "demo", "on request", "v2", "v1"),
]
EXAMPLE = DemoExample("A synthetic <note>.", "The reference.", {"trained": "Good words.", "undertrained": "the the"})


@pytest.fixture
def runs(tmp_path: Path) -> list[dict[str, Any]]:
    return [
        run_records.write_run(tmp_path / name, verdict, score) | {"run_name": name}
        for name, verdict, score in (("one", "promote", 0.31), ("two", "hold", 0.09))
    ]


def page_of(tmp_path: Path, runs: list[dict[str, Any]], history: list[HistoryEntry]) -> str:
    html = write_demo_report(runs, history, [EXAMPLE], tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<note>" not in html
    return unescape(html)


def headlines(page: str) -> list[str]:
    return re.findall(r'class="headline">(.*?)<', page)


def test_the_page_tells_release_refusal_and_rollback(tmp_path: Path, runs: list[dict[str, Any]]) -> None:
    page = page_of(tmp_path, runs, HISTORY)
    assert headlines(page) == [
        "What was good was released, what was not was refused, and a rollback worked",
        "Released as v2",
        "Not released",
    ]
    for said in (
        "Rollback: production returned from v2 to v1.",
        "2 rules refused it",
        "was forced into production as v2, and then production was returned to v1",
        "A candidate that was trained: 0.310; A candidate that was stopped too early: 0.090",
        'href="two/report.html"',
        "2026-01-02 10:05:00",
        "A synthetic <note>.",
        "The reference.",
        "the the",
    ):
        assert said in page


def test_a_demo_that_went_wrong_is_told_as_such(tmp_path: Path, runs: list[dict[str, Any]]) -> None:
    page = page_of(tmp_path, [runs[1], runs[0]], HISTORY[:1])
    assert headlines(page)[0] == "The demo did not go as it should"
    assert "A candidate that was trained should have ended with promote." in page
    assert "Nothing was rolled back." in page
    assert "was forced into production" not in page
