"""The candidate against others on the same notes: against answers that need no model, and against the champion."""

from lab_lens.config_policy import Bound, Lead, NonInferiority
from lab_lens.metrics.catalogue import METRICS
from lab_lens.metrics.comparison import non_inferiority
from lab_lens.release.evidence import Baseline, ChampionEvidence, Comparison, Measured, ValidationEvidence
from lab_lens.release.rules import MORE_PATIENTS, Question, RuleResult, settle, shown
from lab_lens.release.scores import VALIDATE_AGAIN, improve, label_in

_WITH_REGISTRY = "generate summaries and validate again with this registry"


def lead_rule(rule: Lead, validation: ValidationEvidence) -> RuleResult:
    """The candidate is clearly better than every answer that needs no model: the lower bound of its lead decides."""
    label = label_in(validation.metrics, rule.metric)
    what = f"smallest lead in {label} over the answers that need no model, lower bound"
    question = Question(rule.name, what, rule.more_than, ">", "lower", blocking=rule.severity == "block")
    baselines = validation.baselines.values()
    leads = [(baseline, lead) for baseline in baselines if (lead := _lead(rule, baseline)) is not None]
    if not leads:
        return question.unknown("The validation report has no baselines.", VALIDATE_AGAIN)
    baseline, lead = min(leads, key=lambda item: _lower(item[1]))
    over = f"{shown(lead)} over: {baseline.label}."
    limit = f"{rule.more_than:g}"
    if _lower(lead) <= rule.more_than:
        return question.failed(f"{over} It is not clearly above {limit}.", improve(rule.metric), lead)
    missing = [f"{other.label}: {other.reason}." for other in baselines if _lead(rule, other) is None]
    if missing or any(known.low is None for _, known in leads):
        return question.unknown(" ".join([over, *missing]), MORE_PATIENTS, lead)
    return question.passed(f"{over} It is clearly above {limit}.", lead)


def _lead(rule: Lead, baseline: Baseline) -> Measured | None:
    comparison = (baseline.comparison or {}).get(rule.metric)
    found = _gain(rule.metric, comparison.difference) if comparison else None
    return found if found is not None and found.estimate is not None else None


def _lower(measured: Measured) -> float:
    bound = measured.estimate if measured.low is None else measured.low
    return float("-inf") if bound is None else bound


def _gain(metric: str, measured: Measured) -> Measured:
    """A difference as a gain: positive is better, whichever way the metric goes."""
    return measured.mirrored() if METRICS[metric].direction == "lower" else measured


def non_inferiority_rule(
    rule: NonInferiority, validation: ValidationEvidence, production: str | None, production_hash: str | None
) -> RuleResult:
    """The candidate is not worse than the champion by more than the margin.

    On the estimate, the best guess of the loss decides. On the bound, the margin must be proven: a margin within the
    interval is inconclusive, which is unknown.

    Args:
        production, production_hash: today's production version and the hash of its files; None: there is none.
    """
    question = _question(rule, validation)
    champion = validation.champion
    if production is None and champion.version is None:
        return question.passed("First release: there is no champion to compare with.")
    obstacle = obstacle_to_comparison(validation, production, production_hash)
    if obstacle:
        return question.unknown(obstacle, _WITH_REGISTRY)
    comparison = champion.comparison.get(rule.metric)
    if comparison is None:
        return _not_compared(question, rule, validation)
    if rule.unit == "relative" and comparison.relative is None:
        return _against_zero(question, rule, comparison, champion)
    measured = comparison.relative if rule.unit == "relative" else comparison.difference
    return _judged(question, rule, measured or comparison.difference, validation)


def _question(rule: NonInferiority, validation: ValidationEvidence) -> Question:
    """The threshold is that of the gain: a loss of the margin."""
    relation = "relative to" if rule.unit == "relative" else "minus"
    judged = "" if rule.bound == "estimate" else ", bound on the side of a loss"
    turned = ", a rise counting as a loss" if METRICS[rule.metric].direction == "lower" else ""
    what = f"{label_in(validation.metrics, rule.metric)} {relation} the champion's on the same notes{turned}{judged}"
    # Of a gain, the side of the loss is the lower one, whichever way the metric goes.
    bound: Bound = "estimate" if rule.bound == "estimate" else "lower"
    return Question(rule.name, what, 0.0 - rule.margin, ">=", bound, blocking=rule.severity == "block")


def obstacle_to_comparison(validation: ValidationEvidence, production: str | None, production_hash: str | None) -> str:
    """Why the report's comparison says nothing about today's production, or an empty string."""
    champion = validation.champion
    if champion.version != production:
        measured = f"compared with {champion.version}" if champion.version else f"had no champion ({champion.reason})"
        return f"Validation {measured}, while production is {production or 'empty'}."
    if production_hash is not None and champion.model_hash != production_hash:
        told = f"of a model with sha256 {champion.model_hash:.12}" if champion.model_hash else "of an unknown model"
        return f"The champion's summaries are {told}; {production} in the registry has {production_hash:.12}."
    if champion.decoding_hash != validation.decoding_hash:
        return "Candidate and champion were decoded with different settings."
    return ""


def _not_compared(question: Question, rule: NonInferiority, validation: ValidationEvidence) -> RuleResult:
    """No comparison: for want of a figure of the champion alone, such as one that states no facts, or unexplained."""
    own, theirs = (part.metrics.get(rule.metric) for part in (validation, validation.champion))
    if own is None or own.estimate is None or theirs is None or theirs.estimate is not None:
        return question.unknown(f"The validation report does not compare {question.what}.", VALIDATE_AGAIN)
    if not theirs.computed:
        reason = f"Champion {validation.champion.version} was not measured: {theirs.reason or 'no reason is told'}."
        return question.unknown(reason, "remove the cause and run the validation stage again")
    return question.passed(f"Champion {validation.champion.version} has no such figure ({theirs.reason}).")


def _against_zero(
    question: Question, rule: NonInferiority, comparison: Comparison, champion: ChampionEvidence
) -> RuleResult:
    """A champion that scores 0: nothing is a fraction of it."""
    gain = _gain(rule.metric, comparison.difference)
    if gain.estimate is None:
        return question.unknown(f"It could not be computed: {gain.reason}.", VALIDATE_AGAIN)
    if gain.estimate >= 0.0:
        return question.passed(f"Champion {champion.version} scores 0, and the candidate is not worse.")
    return question.unknown(
        f"Champion {champion.version} scores 0, so that no loss is a fraction of it.", f"give {rule.name} unit points"
    )


def _judged(question: Question, rule: NonInferiority, measured: Measured, validation: ValidationEvidence) -> RuleResult:
    gain = _gain(rule.metric, measured)
    if gain.estimate is None:
        return question.unknown(f"It could not be computed: {gain.reason or 'no reason is told'}.", VALIDATE_AGAIN)
    if gain.n_examples not in (None, validation.examples) and METRICS[rule.metric].family == "overlap":
        return question.unknown(
            f"The comparison comes from {gain.n_examples} notes; the report is about {validation.examples}.",
            _WITH_REGISTRY,
        )
    percent = rule.unit == "relative"
    allowed = f"{100 * rule.margin:g} %" if percent else f"{rule.margin:g}"
    reason = f"{shown(gain, percent=percent)} against champion {validation.champion.version}. "
    step = f"keep the champion, or {improve(rule.metric)}"
    if rule.bound != "estimate":
        return _judged_by_bound(question, rule, gain, gain.estimate, f"{reason}A loss of {allowed} must be ruled out")
    reason += f"A loss of {allowed} is allowed."
    if gain.estimate < -rule.margin:
        return question.failed(reason, step, gain)
    return question.passed(reason, gain)


def _judged_by_bound(
    question: Question, rule: NonInferiority, gain: Measured, estimate: float, reason: str
) -> RuleResult:
    if gain.low is None or gain.high is None:
        return question.unknown(f"{reason}, which needs an interval.", MORE_PATIENTS, gain)
    found = non_inferiority(estimate, gain.low, gain.high, margin=rule.margin, patients=gain.n_clusters or 0)
    if found.conclusion == "non_inferior":
        return question.passed(f"{reason}, and is.", gain)
    if found.conclusion == "inferior":
        return question.failed(f"{reason}, and is certain.", f"keep the champion, or {improve(rule.metric)}", gain)
    satisfied = estimate >= -rule.margin
    step = settle(found.patients_needed, gain.n_clusters, satisfied=satisfied, improve=improve(rule.metric))
    return question.unknown(f"Inconclusive: {reason}, and the interval contains it.", step, gain)
