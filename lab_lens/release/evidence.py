"""What the reports of validation and fairness say, read strictly: a rule must never run on a half-understood report."""

from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from lab_lens.artifacts import read_json
from lab_lens.errors import InputError


class _Part(BaseModel):
    # Reports hold more than the rules need; what the rules need must be there and of the right type.
    model_config = ConfigDict(extra="ignore", frozen=True)


class Measured(_Part):
    """An estimate with its interval; bounds are None, with a reason, where they could not be computed."""

    estimate: float
    low: float | None
    high: float | None
    label: str = ""
    reason: str = ""


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
    decoding_hash: str | None = None
    metrics: dict[str, Measured] = {}
    comparison: dict[str, Comparison] = {}


class Provenance(_Part):
    """Hashes of what a report is about; None where its predictions did not tell."""

    model_hash: str | None = None
    data_hash: str | None = None
    decoding_hash: str | None = None


class ValidationEvidence(Provenance):
    """What the rules need of `validation_report.json`."""

    schema_version: Literal[1]
    examples: int
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


class AttributeEvidence(_Part):
    """One slice attribute; flagged: a slice is worse by more than the report's policy allows, and beyond chance."""

    status: Literal["compared", "insufficient_evidence", "absent"]
    reason: str = ""
    comparisons: tuple[Gap, ...] = ()
    flagged: bool


class BiasEvidence(Provenance):
    """What the rules need of `bias_report.json`."""

    schema_version: Literal[1]
    metric: str
    attributes: dict[str, AttributeEvidence]


class SensitivityEvidence(Provenance):
    """What the rules need of `sensitivity_report.json`."""


_Evidence = TypeVar("_Evidence", bound=_Part)


def read_evidence(path: Path, kind: type[_Evidence]) -> _Evidence:
    """Read a report.

    Raises:
        InputError: the file cannot be read, or lacks what the rules need; every such field is named.
    """
    value: Any = read_json(path)
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        fields = ", ".join(sorted({".".join(map(str, problem["loc"])) or "(all)" for problem in error.errors()}))
        raise InputError(
            f"{path} is not a report that this version can judge by: missing or unexpected {fields}; "
            "run the stage that writes it again"
        ) from None
