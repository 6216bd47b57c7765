"""How far a slice lies from the rest of the notes, and whether chance among patients explains it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab_lens.metrics.uncertainty import FloatArray, resampled_sums

BoolArray = NDArray[np.bool_]

PERMUTATIONS = 2000
# z(0.975) + z(0.80): what a two-sided test at the 5 % level finds with a power of 80 %.
DETECTABLE_STANDARD_ERRORS = 2.8
_MAX_CELLS_AT_ONCE = 2_000_000
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Difference:
    """Mean of a slice minus mean of the rest, in the units of the values.

    Attributes:
        low: lower end of the percentile bootstrap interval over patients.
        high: its upper end.
        p_value: of the two-sided permutation test over patients, in (0, 1].
        detectable: the smallest true difference that this many patients would show in four of five studies at the
            5 % level, before any correction for several comparisons; None where it cannot be estimated.
    """

    difference: float
    low: float
    high: float
    p_value: float
    detectable: float | None


@dataclass(frozen=True)
class _Rows:
    """n rows, patient by patient: scores, whether in the slice, and the patient's number; arrays of shape (n,)."""

    values: FloatArray
    in_slice: BoolArray
    codes: NDArray[np.int_]


@dataclass(frozen=True)
class _Patients:
    """Sums of values and counts of rows of p patients, on the slice's side and in all; arrays of shape (p,)."""

    slice_sums: FloatArray
    slice_counts: FloatArray
    sums: FloatArray
    counts: FloatArray

    @property
    def on_both_sides(self) -> BoolArray:
        return (self.slice_counts > 0) & (self.slice_counts < self.counts)


def compare_with_rest(
    values: FloatArray,
    in_slice: BoolArray,
    patients: Sequence[str],
    *,
    resamples: int,
    confidence: float,
    seed: int,
    permutations: int = PERMUTATIONS,
) -> Difference:
    """Compare the rows of a slice with all other rows.

    The permutation test exchanges the labels of whole patients; a patient with rows on both sides keeps as many on
    each, exchanged among that patient's own rows. Its statistic is the difference over its cluster-robust standard
    error, which keeps the level in large samples also where the two sides vary unequally (Chung and Romano 2013,
    Annals of Statistics 41).

    Args:
        values: shape (n,), one score a row, finite.
        in_slice: shape (n,), at least one True and one False.
        patients: n patient ids; rows of one patient are not independent.
        resamples: bootstrap resamples of patients.
        confidence: of the interval, in (0, 1).
        seed: equal seeds give equal results.
        permutations: random relabelings.
    """
    rows = _by_patient(values, in_slice, patients)
    table = _per_patient(rows)
    low, high = _bootstrap_interval(table, resamples, confidence, seed)
    return Difference(
        difference=float(_difference(table.slice_sums, table.slice_counts, table)[0]),
        low=low,
        high=high,
        p_value=_permutation_p_value(table, rows, permutations, np.random.default_rng(seed)),
        detectable=_detectable(table),
    )


def detectable_difference(values: FloatArray, in_slice: BoolArray, patients: Sequence[str]) -> float | None:
    """Smallest true difference found with 80 % power at the 5 % level: 2.8 pooled standard errors over patients.

    Returns:
        None where a side is empty or fewer than three patients are there, so that no spread can be estimated.
    """
    return _detectable(_per_patient(_by_patient(values, in_slice, patients)))


def _detectable(table: _Patients) -> float | None:
    sides = ((table.slice_sums, table.slice_counts), (table.sums - table.slice_sums, table.counts - table.slice_counts))
    present = [(sums[counts > 0], counts[counts > 0]) for sums, counts in sides]
    sizes = [len(counts) for _, counts in present]
    if min(sizes) == 0 or sum(sizes) < 3:
        return None
    squares = sum(float(np.square(sums - counts * sums.sum() / counts.sum()).sum()) for sums, counts in present)
    rows_per_patient = float(table.counts.sum()) / sum(sizes)
    spread = np.sqrt(squares / (sum(sizes) - 2)) / rows_per_patient
    return float(DETECTABLE_STANDARD_ERRORS * spread * np.sqrt(1.0 / sizes[0] + 1.0 / sizes[1]))


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values that bound the false discovery rate (Benjamini and Hochberg 1995), in the order given."""
    count = len(p_values)
    order = sorted(range(count), key=lambda index: p_values[index], reverse=True)
    adjusted = [1.0] * count
    smallest = 1.0
    for position, index in enumerate(order):
        smallest = min(smallest, p_values[index] * (count / (count - position)))
        adjusted[index] = smallest
    return adjusted


def _by_patient(values: FloatArray, in_slice: BoolArray, patients: Sequence[str]) -> _Rows:
    codes = np.unique(np.asarray(patients), return_inverse=True)[1]
    order = np.argsort(codes, kind="stable")
    return _Rows(values[order], in_slice[order], codes[order])


def _per_patient(rows: _Rows) -> _Patients:
    return _Patients(
        slice_sums=_totals(rows.codes, rows.values * rows.in_slice),
        slice_counts=_totals(rows.codes, rows.in_slice),
        sums=_totals(rows.codes, rows.values),
        counts=_totals(rows.codes, np.ones(len(rows.codes))),
    )


def _totals(codes: NDArray[np.int_], values: FloatArray | BoolArray) -> FloatArray:
    return np.bincount(codes, values.astype(np.float64)).astype(np.float64)


def _difference(slice_sums: FloatArray, slice_counts: FloatArray, table: _Patients) -> FloatArray:
    """Differences in mean of labelings: arrays of shape (..., p) give shape (k,), with k = 1 for one labeling."""
    sums, counts = np.atleast_2d(slice_sums).sum(axis=1), np.atleast_2d(slice_counts).sum(axis=1)
    difference: FloatArray = sums / counts - (table.sums.sum() - sums) / (table.counts.sum() - counts)
    return difference


def _bootstrap_interval(table: _Patients, resamples: int, confidence: float, seed: int) -> tuple[float, float]:
    """Percentile interval; resamples that drew no row of a side say nothing about the difference and are left out."""
    columns = np.column_stack([table.slice_sums, table.slice_counts, table.sums, table.counts])
    drawn = resampled_sums(columns, resamples, seed)
    drawn = drawn[(drawn[:, 1] > 0) & (drawn[:, 1] < drawn[:, 3])]
    differences = drawn[:, 0] / drawn[:, 1] - (drawn[:, 2] - drawn[:, 0]) / (drawn[:, 3] - drawn[:, 1])
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(differences, [tail, 1.0 - tail])
    return float(low), float(high)


def _permutation_p_value(table: _Patients, rows: _Rows, permutations: int, rng: np.random.Generator) -> float:
    """Share of labelings at least as extreme; the observed one counts, so p is never 0 (Phipson and Smyth 2010)."""
    observed = abs(float(_studentized(table.slice_sums[None], table.slice_counts[None], table)[0]))
    as_extreme = 0
    for size in _chunks(permutations, len(rows.codes)):
        relabeled = _studentized(*_relabel(table, rows, size, rng), table)
        as_extreme += int((np.abs(relabeled) >= observed * (1.0 - 1e-9)).sum())
    return (1 + as_extreme) / (1 + permutations)


def _relabel(table: _Patients, rows: _Rows, size: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Slice sums and counts, each of shape (size, p), of random labelings."""
    mixed = table.on_both_sides
    labels = rng.permuted(np.tile(table.slice_counts[~mixed] > 0, (size, 1)), axis=1)
    sums = np.empty((size, len(mixed)))
    counts = np.empty_like(sums)
    sums[:, ~mixed], counts[:, ~mixed] = labels * table.sums[~mixed], labels * table.counts[~mixed]
    counts[:, mixed] = table.slice_counts[mixed]
    if mixed.any():
        sums[:, mixed] = _relabel_within_patients(mixed, rows, size, rng)
    return sums, counts


def _relabel_within_patients(mixed: BoolArray, rows: _Rows, size: int, rng: np.random.Generator) -> FloatArray:
    kept = mixed[rows.codes]
    values, in_slice, codes = rows.values[kept], rows.in_slice[kept], rows.codes[kept]
    # Rows stand patient by patient; whole codes plus a fraction sort within a patient and never across.
    shuffled = values[np.argsort(codes + rng.random((size, len(codes))), axis=1)] * in_slice
    sums: FloatArray = np.add.reduceat(shuffled, np.flatnonzero(np.diff(codes, prepend=-1)), axis=1)
    return sums


def _studentized(slice_sums: FloatArray, slice_counts: FloatArray, table: _Patients) -> FloatArray:
    """Difference over its cluster-robust standard error: labelings of shape (k, p) give shape (k,)."""
    rest_sums, rest_counts = table.sums - slice_sums, table.counts - slice_counts
    slice_n, rest_n = slice_counts.sum(axis=1, keepdims=True), rest_counts.sum(axis=1, keepdims=True)
    slice_residuals = (slice_sums - slice_counts * slice_sums.sum(axis=1, keepdims=True) / slice_n) / slice_n
    rest_residuals = (rest_sums - rest_counts * rest_sums.sum(axis=1, keepdims=True) / rest_n) / rest_n
    error = np.sqrt(np.square(slice_residuals - rest_residuals).sum(axis=1))
    difference = _difference(slice_sums, slice_counts, table)
    studentized: FloatArray = np.where(np.abs(difference) < _ROUNDING, 0.0, difference / np.maximum(error, _ROUNDING))
    return studentized


def _chunks(total: int, width: int) -> Iterator[int]:
    """Split `total` rows of `width` cells into sizes that fit the memory."""
    size = max(1, _MAX_CELLS_AT_ONCE // max(width, 1))
    for start in range(0, total, size):
        yield min(size, total - start)
