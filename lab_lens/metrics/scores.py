"""What was measured of one system's summaries, by example, in the form from which every corpus figure follows."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lab_lens.metrics.catalogue import METRICS, label_of
from lab_lens.metrics.rouge import STEMMED, RougeVariant
from lab_lens.metrics.uncertainty import Statistic, with_counts

if TYPE_CHECKING:
    from lab_lens.metrics.facts import Finding

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Texts:
    """n summaries, with what they are held against; `notes` is None where there are none."""

    summaries: Sequence[str]
    references: Sequence[str]
    notes: Sequence[str] | None


@dataclass(frozen=True)
class FamilyScores:
    """The scores of one family of metrics for n summaries.

    Args:
        per_example: an array of shape (n,) for each metric; NaN where a summary has nothing to measure.
        sums: for metrics that are no mean over examples: columns of shape (n, k), whose sums their statistic takes.
        details: what else the report tells of the family, as JSON: signatures, counts by kind.
        missing: metrics of the family that were not computed, and why.
        findings: for each summary what its facts disagree in; empty where no facts were read.
    """

    per_example: dict[str, FloatArray]
    sums: dict[str, FloatArray] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    findings: "tuple[tuple[Finding, ...], ...]" = ()


@dataclass(frozen=True)
class SystemScores:
    """All families of one system together; as `FamilyScores`, with the variant of its ROUGE."""

    per_example: dict[str, FloatArray]
    sums: dict[str, FloatArray]
    details: dict[str, Any]
    missing: dict[str, str]
    findings: "tuple[tuple[Finding, ...], ...]" = ()
    variant: RougeVariant = STEMMED

    @classmethod
    def of(cls, families: Sequence[FamilyScores], variant: RougeVariant = STEMMED) -> "SystemScores":
        """The families' scores together."""
        found = cls({}, {}, {}, {}, next((family.findings for family in families if family.findings), ()), variant)
        for family in families:
            found.per_example.update(family.per_example)
            found.sums.update(family.sums)
            found.details.update(family.details)
            found.missing.update(family.missing)
        return found

    @property
    def measured(self) -> list[str]:
        """Names of the metrics that were computed, in the order of the catalogue."""
        return [name for name in METRICS if name in self.per_example]

    def label(self, name: str) -> str:
        """What a figure is, with its variant."""
        return label_of(name, self.variant)

    def columns(self, name: str) -> tuple[FloatArray, Statistic]:
        """Columns to be summed for a metric, and the metric as a function of their sums."""
        columns = self.sums.get(name)
        return (with_counts(self.per_example[name]) if columns is None else columns), METRICS[name].statistic
