"""What the reports of validation and fairness say, read strictly: a rule must never run on a half-understood report."""

from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from lab_lens.artifacts import read_report
from lab_lens.errors import InputError


class _Part(BaseModel):
    # Reports hold more than the rules need; what the rules need must be there, of the right type, and finite.
    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class Measured(_Part):
    """An estimate with its interval; what is None could not be computed, for `reason`.

    Args:
        n_examples, n_clusters: rows and patients that it comes from; None where the report does not tell.
        computed: whether the metric was computed; where it was and there is no estimate, the summaries have nothing
            that it measures. False where it failed or is turned off, and where the report does not tell.
    """

    estimate: float | None
    low: float | None
    high: float | None
    label: str = ""
    reason: str = ""
    n_examples: int | None = None
    n_clusters: int | None = None
    computed: bool = False

    @model_validator(mode="after")
    def _bounds_are_in_order(self) -> "Measured":
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError("the lower bound is above the upper one")
        return self

    def mirrored(self) -> "Measured":
        """The same seen from the other side: a rise of something that is better lower is a loss."""
        low, high, estimate = (None if value is None else -value for value in (self.high, self.low, self.estimate))
        return self.model_copy(update={"estimate": estimate, "low": low, "high": high})


class Comparison(_Part):
    """The candidate minus another system; `relative` is None where the other scores 0."""

    difference: Measured
    relative: Measured | None


class Baseline(_Part):
    """The candidate against an answer that needs no model, by metric; None where that could not be made."""

    label: str
    comparison: dict[str, Comparison] | None
    reason: str = ""


class ChampionEvidence(_Part):
    """The production model on the same rows; a version of None: it was not measured, for `reason`."""

    version: str | None
    reason: str = ""
    model_hash: str | None = None
    decoding_hash: str | None = None
    metrics: dict[str, Measured] = {}
    comparison: dict[str, Comparison | None] = {}


class Provenance(_Part):
    """Hashes of what a report is about; None where its predictions did not tell."""

    model_hash: str | None = None
    data_hash: str | None = None
    decoding_hash: str | None = None
    predictions_hash: str | None = None


class ValidationEvidence(Provenance):
    """What the rules need of `validation_report.json`; `settings` as in `lab_lens.release.settings`."""

    schema_version: Literal[1]
    examples: int
    settings: dict[str, Any] | None = None
    metrics: dict[str, Measured]
    baselines: dict[str, Baseline]
    champion: ChampionEvidence


class Gap(_Part):
    """The mean of a slice minus that of the rest, in metric points; negative: the slice is served worse."""

    slice: str
    versus: str
    difference: float
    low: float | None
    high: float | None
    p_adjusted: float


class SliceEvidence(_Part):
    """One slice by itself; `enough`: it has the examples and patients that a judgement needs."""

    slice: str
    enough: bool
    recorded: bool = True
    n_examples: int
    metrics: dict[str, Measured] = {}


class AttributeEvidence(_Part):
    """One slice attribute; flagged: a slice is worse by more than the report's policy allows, and beyond chance."""

    status: Literal["compared", "insufficient_evidence", "absent"]
    reason: str = ""
    slices: tuple[SliceEvidence, ...] = ()
    comparisons: tuple[Gap, ...] = ()
    flagged: bool


class BiasEvidence(Provenance):
    """What the rules need of `bias_report.json`; `settings` as in `lab_lens.release.settings`."""

    schema_version: Literal[1]
    metric: str
    n_examples: int | None = None
    settings: dict[str, Any] | None = None
    attributes: dict[str, AttributeEvidence]


class SensitivityEvidence(Provenance):
    """What the rules need of `sensitivity_report.json`."""


_Evidence = TypeVar("_Evidence", bound=_Part)


def read_evidence(path: Path, kind: type[_Evidence]) -> _Evidence:
    """Read a report.

    Raises:
        InputError: the file cannot be read, was changed since its stage wrote it, or lacks what the rules need; every
            such field is named.
    """
    value: Any = read_report(path)
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        fields = ", ".join(sorted({".".join(map(str, problem["loc"])) or "(all)" for problem in error.errors()}))
        raise InputError(
            f"{path} is not a report that this version can judge by: missing or unexpected {fields}; "
            "run the stage that writes it again"
        ) from None
