from hypothesis import given
from hypothesis import strategies as st

from lab_lens.engine.batching import batch_by_length

LENGTHS = st.lists(st.integers(0, 60), max_size=40)
BUDGET = st.integers(1, 200)


@given(LENGTHS, BUDGET)
def test_every_item_stands_in_exactly_one_batch(lengths: list[int], budget: int) -> None:
    batches = batch_by_length(lengths, budget)
    assert all(batches)
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))


@given(LENGTHS, BUDGET)
def test_a_padded_batch_keeps_within_the_budget_unless_it_is_one_long_item(lengths: list[int], budget: int) -> None:
    for batch in batch_by_length(lengths, budget):
        assert len(batch) == 1 or len(batch) * max(lengths[index] for index in batch) <= budget


@given(LENGTHS, BUDGET)
def test_items_come_longest_first_and_equals_in_their_order(lengths: list[int], budget: int) -> None:
    order = [index for batch in batch_by_length(lengths, budget) for index in batch]
    assert order == sorted(range(len(lengths)), key=lambda index: (-lengths[index], index))


@given(LENGTHS, BUDGET)
def test_a_batch_is_closed_only_when_the_next_item_would_not_fit(lengths: list[int], budget: int) -> None:
    batches = batch_by_length(lengths, budget)
    for batch in batches[:-1]:
        assert (len(batch) + 1) * max(1, lengths[batch[0]]) > budget
