"""Settings of the release policy: rules that a candidate must satisfy, and exceptions from them."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Annotated, Literal, TypeVar

from pydantic import Field, StringConstraints, model_validator

from lab_lens.config_metrics import MetricName
from lab_lens.config_text import ProblemsError, Section

Severity = Literal["block", "warn"]
Bound = Literal["estimate", "lower", "upper"]
OnUnknown = Literal["warn", "block"]
Points = Annotated[float, Field(ge=0.0, le=1.0)]
# A loss, a gap or a lead of all there is would never, or always, be there.
Margin = Annotated[float, Field(ge=0.0, lt=1.0)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]

BEAT_BASELINES = "beat_baselines"
SAME_ROWS = "artifacts.same_rows"
# Directions and ranges as `lab_lens.metrics.catalogue` has them, which lies above the configuration.
LOWER_IS_BETTER = frozenset(
    {
        *("hallucination_rate", "contradiction_rate", "omission_rate", "repetition_rate"),
        "entailment_contradiction_rate",
    }
)
UNDIRECTED = frozenset({"copy_coverage", "copy_density", "compression_ratio", "summary_words"})
UNBOUNDED = frozenset({"copy_density", "compression_ratio", "summary_words"})
FROM_MINUS_ONE = frozenset({"bertscore_precision", "bertscore_recall", "bertscore_f1"})
# A model that says nothing, or only what is safe, looks good on the first; the others see what is missing.
_SILENCE_WINS = frozenset(
    {
        *("fact_precision", "statement_precision", "bertscore_precision", "entailment_score", "entailed_rate"),
        *LOWER_IS_BETTER,
    }
) - {"omission_rate"}
_SILENCE_LOSES = frozenset(
    {
        *("rouge1", "rouge2", "rougeL", "rougeLsum", "bleu"),
        *(f"{family}_{figure}" for family in ("fact", "statement", "bertscore") for figure in ("recall", "f1")),
        "summary_words",
    }
)


class _Rule(Section):
    severity: Severity = Field("block", description="what a rule that fails or is unknown does")


class Floor(_Rule):
    """A metric must be at least so much: in all, or in every slice of an attribute."""

    type: Literal["floor"] = "floor"
    metric: MetricName
    at_least: float = Field(description="in the metric's unit; most are from 0 to 1")
    bound: Bound = Field("estimate", description="what is held against it: the estimate or its lower bound")
    slices: str | None = Field(None, description="an attribute, each of whose slices must reach it; null: all notes")

    @property
    def name(self) -> str:
        """The rule's id, as waivers and verdicts have it."""
        return _name("floor", self.metric, self.slices, self.bound)


class Ceiling(_Rule):
    """A metric must be at most so much: in all, or in every slice of an attribute."""

    type: Literal["ceiling"] = "ceiling"
    metric: MetricName
    at_most: float = Field(description="in the metric's unit; most are from 0 to 1")
    bound: Bound = Field("estimate", description="what is held against it: the estimate or its upper bound")
    slices: str | None = Field(None, description="an attribute, each of whose slices must keep it; null: all notes")

    @property
    def name(self) -> str:
        """The rule's id, as waivers and verdicts have it."""
        return _name("ceiling", self.metric, self.slices, self.bound)


class NonInferiority(_Rule):
    """A metric must not be worse than the champion's, on the same notes, by more than a margin."""

    type: Literal["non_inferiority"] = "non_inferiority"
    metric: MetricName
    margin: Margin = Field(description="the loss that is allowed")
    unit: Literal["relative", "points"] = Field(
        "relative", description="of the margin: a fraction of the champion's score, or points of the metric"
    )
    bound: Bound = Field(
        "estimate", description="what is held against it: the estimate, or the bound on the side of the loss"
    )

    @property
    def name(self) -> str:
        """The rule's id, as waivers and verdicts have it."""
        return _name("degradation", self.metric, None, self.bound)


class Lead(_Rule):
    """A metric must lie above that of every answer that needs no model, with its whole interval."""

    type: Literal["lead"] = "lead"
    metric: MetricName
    more_than: Margin = Field(0.0, description="points of the metric that the lower bound of the lead must exceed")

    @property
    def name(self) -> str:
        """The rule's id, as waivers and verdicts have it."""
        return BEAT_BASELINES if self.metric == "rougeL" else f"{BEAT_BASELINES}.{self.metric}"


class Disparity(_Rule):
    """No slice of an attribute may be served worse than the rest by more than a margin, beyond chance."""

    type: Literal["disparity"] = "disparity"
    slices: str = Field(min_length=1, description="the attribute")
    margin: Margin = Field(description="points of fairness.metric")

    @property
    def name(self) -> str:
        """The rule's id, as waivers and verdicts have it."""
        return f"fairness.{self.slices}"


Threshold = Floor | Ceiling
AnyRule = Floor | Ceiling | NonInferiority | Lead | Disparity
Rule = Annotated[AnyRule, Field(discriminator="type")]
_Kind = TypeVar("_Kind", bound=_Rule)


class Waiver(Section):
    """An exception from one rule, recorded for ever."""

    rule: Words
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=10)]
    actor: Words


class Policy(Section):
    """What a candidate must show to be released: short forms of the usual rules, and further rules in full."""

    floors: dict[MetricName, Points] = Field(
        {"rougeL": 0.15, "rouge1": 0.20, "bleu": 0.03}, description="a candidate's mean must reach these (0 to 1)"
    )
    max_relative_degradation: Margin = Field(0.02, description="against the champion's ROUGE-L on the same rows")
    max_disparity: Margin = Field(0.05, description="largest gap between a slice and the rest, metric points (0-1)")
    beat_baselines: bool = Field(True, description="ROUGE-L must exceed that of answers that need no model")
    rules: tuple[Rule, ...] = Field(
        (
            NonInferiority(metric="rougeL", margin=0.08, bound="lower"),
            Ceiling(metric="hallucination_rate", at_most=0.30, bound="upper"),
            Ceiling(metric="contradiction_rate", at_most=0.15, bound="upper"),
            NonInferiority(metric="hallucination_rate", margin=0.03, unit="points"),
            NonInferiority(metric="contradiction_rate", margin=0.02, unit="points"),
            Floor(metric="compression_ratio", at_least=1.25),
        ),
        description="further rules: floor, ceiling, non_inferiority, lead, disparity",
    )
    on_absent_attribute: OnUnknown = Field("block", description="a slice attribute that the data does not have")
    on_insufficient_evidence: OnUnknown = Field("warn", description="slices too small to compare")
    waivers: tuple[Waiver, ...] = ()

    @model_validator(mode="after")
    def _rules_make_sense(self) -> "Policy":
        placed = list(self._placed())
        problems = [problem for path, rule in placed for problem in _problems_of_one(path, rule)]
        problems += _repetitions(placed) + _contradictions(placed) + _silence(placed) + _no_quality(placed)
        problems += _waived_bindings(self.waivers)
        if problems:
            raise ProblemsError(problems)
        return self

    def all_rules(self) -> list[AnyRule]:
        """Every rule, the short forms written out, in the order in which a verdict lists them."""
        order: tuple[type[AnyRule], ...] = (Floor, Ceiling, Lead, NonInferiority, Disparity)
        return sorted((rule for _, rule in self._placed()), key=lambda rule: order.index(type(rule)))

    def of_kind(self, kind: type[_Kind]) -> list[_Kind]:
        """The rules of one kind, the short forms written out."""
        return [rule for rule in self.all_rules() if isinstance(rule, kind)]

    def _placed(self) -> Iterator[tuple[str, AnyRule]]:
        """Every rule with the path of the setting that asks for it."""
        for metric, floor in self.floors.items():
            yield f"policy.floors.{metric}", Floor(metric=metric, at_least=floor)
        if self.beat_baselines:
            yield "policy.beat_baselines", Lead(metric="rougeL")
        margin = self.max_relative_degradation
        yield "policy.max_relative_degradation", NonInferiority(metric="rougeL", margin=margin)
        for index, rule in enumerate(self.rules):
            yield f"policy.rules.{index}", rule


def _name(kind: str, metric: str, slices: str | None, bound: Bound) -> str:
    return ".".join([kind, metric, *([slices] if slices else []), *([] if bound == "estimate" else [bound])])


def _problems_of_one(path: str, rule: AnyRule) -> list[str]:
    """What makes a rule on a metric one that says no at the wrong time, or never."""
    if isinstance(rule, Disparity):
        return []
    problems = _direction_problems(rule)
    if isinstance(rule, Threshold):
        problems += _range_problems(rule)
    if isinstance(rule, Threshold | NonInferiority) and rule.bound not in ("estimate", _strict_bound(rule)):
        problems.append(f"bound {rule.bound} favours the candidate; use estimate or {_strict_bound(rule)}")
    return [f"{path}: {problem}" for problem in problems]


def _strict_bound(rule: Threshold | NonInferiority) -> Bound:
    """The bound of the interval on the side on which the rule says no."""
    if isinstance(rule, NonInferiority):
        return "upper" if rule.metric in LOWER_IS_BETTER else "lower"
    return "lower" if isinstance(rule, Floor) else "upper"


def _direction_problems(rule: Floor | Ceiling | NonInferiority | Lead) -> list[str]:
    metric = rule.metric
    if isinstance(rule, Floor):
        wrong = f"a lower {metric} is better: use type ceiling with at_most, in policy.rules"
        return [wrong] if metric in LOWER_IS_BETTER else []
    if isinstance(rule, Ceiling):
        wrong = f"a higher {metric} is better: use type floor with at_least"
        return [] if metric in LOWER_IS_BETTER | UNDIRECTED else [wrong]
    if metric in UNDIRECTED:
        return [f"{metric} is neither better when higher nor when lower: use type floor or ceiling"]
    return []


def _range_problems(rule: Threshold) -> list[str]:
    """A threshold outside the metric's range, or at an end of it where no model could miss it."""
    lowest = -1.0 if rule.metric in FROM_MINUS_ONE else 0.0
    highest = None if rule.metric in UNBOUNDED else 1.0
    field, value = ("at_least", rule.at_least) if isinstance(rule, Floor) else ("at_most", rule.at_most)
    if value < lowest or (highest is not None and value > highest):
        allowed = f"at least {lowest:g}" if highest is None else f"from {lowest:g} to {highest:g}"
        return [f"{field} is {value:g}; {rule.metric} is {allowed}"]
    if value == (lowest if isinstance(rule, Floor) else highest):
        return [f"every model has a {rule.metric} of {field.replace('_', ' ')} {value:g}: leave the rule out"]
    return []


def _repetitions(placed: Iterable[tuple[str, AnyRule]]) -> list[str]:
    placed = list(placed)
    counts = Counter(rule.name for _, rule in placed)
    return [
        f"{', '.join(path for path, rule in placed if rule.name == name)}: rule {name} is asked for {count} times"
        for name, count in counts.items()
        if count > 1
    ]


def _contradictions(placed: Iterable[tuple[str, AnyRule]]) -> list[str]:
    """Floors above ceilings of the same metric, which no model could satisfy both."""
    placed = list(placed)
    floors = [(path, rule) for path, rule in placed if isinstance(rule, Floor)]
    return [
        f"{low}, {high}: no model has a {floor.metric} of at least {floor.at_least:g} and at most {rule.at_most:g}"
        for low, floor in floors
        for high, rule in placed
        if isinstance(rule, Ceiling) and rule.metric == floor.metric and rule.at_most < floor.at_least
    ]


def _silence(placed: Iterable[tuple[str, AnyRule]]) -> list[str]:
    """Rules that a model satisfies by saying nothing need one that it does not."""
    blocking = [
        (path, rule) for path, rule in placed if rule.severity == "block" and isinstance(rule, Floor | Ceiling | Lead)
    ]
    tempting = [path for path, rule in blocking if rule.metric in _SILENCE_WINS]
    if not tempting or any(_hears_silence(rule) for _, rule in blocking):
        return []
    return [
        f"{', '.join(tempting)}: a model that says nothing would satisfy this; add a floor above 0 on a metric that "
        "sees what is missing, such as rougeL or fact_recall, or a ceiling on omission_rate"
    ]


def _hears_silence(rule: AnyRule) -> bool:
    if isinstance(rule, Ceiling):
        return rule.metric == "omission_rate"
    return isinstance(rule, Floor | Lead) and rule.metric in _SILENCE_LOSES


def _no_quality(placed: Iterable[tuple[str, AnyRule]]) -> list[str]:
    """A policy that asks for nothing but not to be worse than others lets any first model in."""
    if any(_asks_for_quality(rule) for _, rule in placed):
        return []
    return [
        "policy: no rule that blocks asks for quality on all notes; add a floor on a metric that is better when "
        "higher, such as rougeL, or set policy.beat_baselines to true"
    ]


def _asks_for_quality(rule: AnyRule) -> bool:
    if rule.severity != "block" or getattr(rule, "slices", None) is not None:
        return False
    if isinstance(rule, Ceiling):
        # A floor on recall, seen from the other side.
        return rule.metric == "omission_rate"
    return isinstance(rule, Floor | Lead) and rule.metric not in UNDIRECTED


def _waived_bindings(waivers: Iterable[Waiver]) -> list[str]:
    return [
        f"policy.waivers.{index}: {SAME_ROWS} cannot be waived, since no figure would then be known to be the "
        "candidate's; make the reports again, or release with --force-reason"
        for index, waiver in enumerate(waivers)
        if waiver.rule == SAME_ROWS
    ]
