import os

from lab_lens.metrics.processes import by_rows


def lengths(texts, others, extra):
    return os.getpid(), [len(text) + len(other) + extra for text, other in zip(texts, others, strict=True)]


def test_few_rows_are_one_piece_in_this_process():
    texts = ["a", "bb", "ccc"]
    (found,) = by_rows(lengths, [texts, texts], 1, processes=4)
    assert found == (os.getpid(), [3, 5, 7])
