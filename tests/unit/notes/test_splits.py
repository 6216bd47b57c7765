from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab_lens.config import Splits
from lab_lens.errors import InputError
from lab_lens.notes.splits import SPLIT_NAMES, assign_splits

SEED = 20260101


def patients(count):
    return [f"patient-{number}" for number in range(count)]


def test_a_patient_is_in_one_split_whatever_the_row():
    rows = patients(200) * 3
    splits = {}
    for subject, split in zip(rows, assign_splits(rows, Splits(), SEED), strict=True):
        assert splits.setdefault(subject, split) == split


def test_new_patients_and_another_order_move_nobody():
    before = dict(zip(patients(200), assign_splits(patients(200), Splits(), SEED), strict=True))
    more = patients(400)[::-1]
    after = dict(zip(more, assign_splits(more, Splits(), SEED), strict=True))
    assert {subject: after[subject] for subject in before} == before


def test_shares_of_patients_are_near_the_fractions():
    shares = Counter(assign_splits(patients(20_000), Splits(), SEED))
    # Five standard deviations of a binomial share.
    assert shares["train"] / 20_000 == pytest.approx(0.70, abs=0.017)
    assert shares["val"] / 20_000 == pytest.approx(0.15, abs=0.013)


def test_the_assignment_is_the_same_in_every_release():
    letters = "".join(
        {"train": "r", "val": "v", "test": "t"}[split] for split in assign_splits(patients(30), Splits(), SEED)
    )
    assert letters == "rrrrvvrrrrrrrrrrtrrtttrtrttrvr"


def test_another_seed_is_another_split():
    assert assign_splits(patients(100), Splits(), 1) != assign_splits(patients(100), Splits(), 2)


@given(st.sets(st.text(min_size=1, max_size=5), min_size=3, max_size=40), st.integers(0, 50))
def test_three_patients_or_more_fill_three_splits(subjects, seed):
    rare = Splits(train_fraction=0.98, val_fraction=0.01, test_fraction=0.01)
    assert set(assign_splits(sorted(subjects), rare, seed)) == set(SPLIT_NAMES)


def test_only_patients_of_empty_splits_are_moved():
    few = patients(12)
    usual = dict(zip(patients(400), assign_splits(patients(400), Splits(), SEED), strict=True))
    small = dict(zip(few, assign_splits(few, Splits(), SEED), strict=True))
    empty = set(SPLIT_NAMES) - {usual[subject] for subject in few}
    assert sum(usual[subject] != small[subject] for subject in few) == len(empty)


@pytest.mark.parametrize(("rows", "told"), [(["a"] * 9, "has 1 patient,"), (["a", "b"], "has 2 patients,")])
def test_fewer_than_three_patients_are_refused(rows, told):
    with pytest.raises(InputError, match=told) as refusal:
        assign_splits(rows, Splits(), SEED)
    assert "at least 3 are needed" in str(refusal.value)
