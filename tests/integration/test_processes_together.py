import os

import pytest

from lab_lens.metrics.processes import ROWS_WORTH_A_PROCESS, by_rows, shared_processes


def lengths(texts, others, extra):
    return os.getpid(), [len(text) + len(other) + extra for text, other in zip(texts, others, strict=True)]


def fail(texts):
    raise ValueError("no")


TEXTS = [f"{number:x}" for number in range(2 * ROWS_WORTH_A_PROCESS)]


@pytest.mark.integration
def test_many_rows_are_shared_out_and_come_back_in_order():
    with shared_processes(2):
        twice = [by_rows(lengths, [TEXTS, TEXTS], 1, processes=2) for _ in range(2)]
    for pieces in twice:
        assert [value for _, values in pieces for value in values] == [2 * len(text) + 1 for text in TEXTS]
    workers = {process for pieces in twice for process, _ in pieces}
    assert len(workers) <= 2
    assert os.getpid() not in workers


@pytest.mark.integration
def test_a_failure_in_a_process_arrives():
    with pytest.raises(ValueError, match="no"):
        by_rows(fail, [TEXTS], processes=2)
