import logging
from types import SimpleNamespace

import pytest

from lab_lens import progress
from lab_lens.progress import report_progress


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time in seconds, as its only item."""
    now = [100.0]
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


def test_lines_come_at_most_every_two_seconds_and_always_at_the_end(
    clock: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        report = report_progress("candidate's summaries")
        for done in range(1, 101):
            clock[0] += 0.125
            report(done, 100)
    assert caplog.messages == [f"candidate's summaries: {done}/100" for done in (16, 32, 48, 64, 80, 96, 100)]


def test_the_end_is_told_however_fast_it_came(clock: list[float], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        report_progress("scoring")(3, 3)
    assert caplog.messages == ["scoring: 3/3"]


def test_a_record_carries_its_numbers_for_handlers_that_draw(
    clock: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        report_progress("scoring")(3, 3)
    assert [getattr(record, "progress", None) for record in caplog.records] == [("scoring", 3, 3)]
