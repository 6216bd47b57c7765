"""Batches of similar length within a token budget, so that little work is spent on padding."""

from collections.abc import Sequence

MAX_BATCH_TOKENS = {"cpu": 16_384, "mps": 16_384, "cuda": 65_536}


def batch_by_length(lengths: Sequence[int], max_batch_tokens: int) -> list[list[int]]:
    """Group indices of similar length, longest first, so that a batch that does not fit fails at once.

    Args:
        lengths: tokens of each item.
        max_batch_tokens: items times longest item of a batch; a single longer item is a batch of its own.

    Returns:
        Batches of indices into `lengths`; every index stands in exactly one batch.
    """
    batches: list[list[int]] = []
    longest = 0
    for index in sorted(range(len(lengths)), key=lambda item: (-lengths[item], item)):
        if batches and (len(batches[-1]) + 1) * longest <= max_batch_tokens:
            batches[-1].append(index)
        else:
            batches.append([index])
            longest = max(lengths[index], 1)
    return batches
