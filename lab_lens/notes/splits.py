"""Splits by patient: deterministic, and stable when new patients arrive."""

from collections import Counter
from collections.abc import Sequence

from lab_lens.artifacts import sha256_text
from lab_lens.config import Splits
from lab_lens.errors import InputError

SPLIT_NAMES = ("train", "val", "test")
# Test and validation first: a model can learn from a patient less, but nothing can be said without a held-out one.
_FILL_ORDER = ("test", "val", "train")


def assign_splits(subject_ids: Sequence[str], splits: Splits, seed: int) -> list[str]:
    """Assign every row the split of its patient.

    A patient's place in [0, 1) is the seeded SHA-256 of the subject id, and the split is the interval that it lies in.
    It depends on nothing else: new patients never move old ones, and row order does not matter. The one exception is
    data so small (below some 30 patients, or a tiny fraction) that an interval stays empty: the patient whose place is
    nearest to it is then moved there, so that at least three patients always give three splits. Such a patient can
    move back when more patients arrive.

    Args:
        subject_ids: n patients, repeated where one has several rows.
        splits: share of the patients (not of the rows) that each split gets.
        seed: part of the hash; another seed is another split.

    Returns:
        n names out of SPLIT_NAMES.

    Raises:
        InputError: fewer than three patients.
    """
    places = {subject: _place(subject, seed) for subject in sorted(set(subject_ids))}
    if len(places) < len(SPLIT_NAMES):
        raise InputError(
            f"the data has {len(places)} patient{'s' if len(places) != 1 else ''}, and at least {len(SPLIT_NAMES)} are "
            "needed: no patient may be in two of train, val and test; check data.columns.subject_id"
        )
    bounds = _bounds(splits)
    assigned = {subject: _split_at(place, bounds) for subject, place in places.items()}
    for name in _FILL_ORDER:
        if name not in assigned.values():
            assigned[_nearest(bounds[name], places, assigned)] = name
    return [assigned[subject] for subject in subject_ids]


def _place(subject: str, seed: int) -> float:
    # 52 bits: every value is exact in a double and below 1.
    return int(sha256_text(f"{seed}:{subject}")[:13], 16) / 2**52


def _bounds(splits: Splits) -> dict[str, tuple[float, float]]:
    val_start = splits.train_fraction
    test_start = splits.train_fraction + splits.val_fraction
    return {"train": (0.0, val_start), "val": (val_start, test_start), "test": (test_start, 1.0)}


def _split_at(place: float, bounds: dict[str, tuple[float, float]]) -> str:
    return next(name for name in reversed(SPLIT_NAMES) if place >= bounds[name][0])


def _nearest(bound: tuple[float, float], places: dict[str, float], assigned: dict[str, str]) -> str:
    low, high = bound
    patients = Counter(assigned.values())
    movable = [subject for subject in places if patients[assigned[subject]] > 1]
    return min(movable, key=lambda subject: (max(low - places[subject], places[subject] - high), subject))
