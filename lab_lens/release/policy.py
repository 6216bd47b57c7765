"""The policy's rules: pure functions from measured numbers to results.

What decides each of them, and why:

- A floor is reached by the estimate: it is a minimum that people set, knowing the usual noise.
- A lead over an answer without a model must be clear: the lower bound of its interval is above 0.
- A degradation is judged by the estimate of the relative difference on the same rows, with its interval beside it.
- A disparity needs size and evidence: more than the policy allows, and an adjusted p-value below 0.05.

What could not be measured is unknown, never passed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from lab_lens.config import Policy, Waiver
from lab_lens.errors import InputError
from lab_lens.metrics.text import LABELS, SENTENCE_BLEU_LABEL
from lab_lens.release.evidence import (
    AttributeEvidence,
    Baseline,
    BiasEvidence,
    ChampionEvidence,
    Gap,
    Measured,
    Provenance,
    ValidationEvidence,
)
from lab_lens.release.rules import Question, RuleResult, shown

SAME_ROWS = "artifacts.same_rows"
BEAT_BASELINES = "beat_baselines"
DEGRADATION = "degradation.rougeL"
SIGNIFICANCE_LEVEL = 0.05
_METRIC = "rougeL"
_IMPROVE = "train longer or on more notes; the lowest-scoring examples are in the validation stage's predictions table"
_VALIDATE_AGAIN = "generate summaries and validate again with this registry"
_BIAS_AGAIN = "run the bias stage again with this configuration"


def evaluate_rules(
    policy: Policy,
    slices: Sequence[str],
    validation: ValidationEvidence,
    bias: BiasEvidence,
    *,
    others: Mapping[str, Provenance],
    production: str | None,
) -> list[RuleResult]:
    """Evaluate every rule of the policy, and apply its waivers.

    Args:
        slices: attributes that fairness must have examined.
        others: further reports by name, which must not be about another model or other rows.
        production: the version in production; None: this is the first release.

    Raises:
        InputError: a waiver names a rule that does not exist.
    """
    attributes = dict.fromkeys([*slices, *bias.attributes])
    rules = [
        same_rows_rule({"validation": validation, "bias": bias}, others),
        *(floor_rule(name, floor, validation) for name, floor in policy.floors.items()),
        *([baseline_rule(validation)] if policy.beat_baselines else []),
        degradation_rule(policy.max_relative_degradation, validation, production),
        *(fairness_rule(name, bias.attributes.get(name), bias.metric, policy) for name in attributes),
    ]
    return apply_waivers(rules, policy.waivers)


def same_rows_rule(reports: Mapping[str, Provenance], others: Mapping[str, Provenance]) -> RuleResult:
    """All reports are about one model, one test set and one way of decoding.

    Args:
        reports: must tell all three.
        others: may be silent, but not contradict.
    """
    everyone = {**reports, **others}
    question = Question(
        SAME_ROWS, f"model, test data and decoding of the reports: {', '.join(everyone)}", direction="=="
    )
    differing: list[str] = []
    missing: list[str] = []
    for field in ("model_hash", "data_hash", "decoding_hash"):
        told = {getattr(report, field) for report in everyone.values()} - {None}
        if len(told) > 1:
            differing.append(f"The reports have different values of {field}.")
        missing += [f"The {name} report has no {field}." for name in reports if getattr(reports[name], field) is None]
    step = "run the stages again on one predictions directory, with the generation.json that was written there"
    if differing:
        return question.failed(" ".join(differing), step)
    if missing:
        return question.unknown(" ".join(missing), step)
    return question.passed("All reports are about the same model, rows and decoding.")


def floor_rule(metric: str, floor: float, validation: ValidationEvidence) -> RuleResult:
    """The candidate's score reaches the floor."""
    question = Question(f"floor.{metric}", f"{LABELS[metric]} on {validation.examples} held-out notes", floor)
    measured = validation.metrics.get(metric)
    if measured is None:
        return question.unknown("The validation report does not have it.", "run the validation stage again")
    if measured.estimate < floor:
        return question.failed(f"{shown(measured)} is below the floor of {floor:g}.", _IMPROVE, measured)
    doubt = " The interval reaches below it." if measured.low is not None and measured.low < floor else ""
    return question.passed(f"{shown(measured)} reaches the floor of {floor:g}.{doubt}", measured)


def baseline_rule(validation: ValidationEvidence) -> RuleResult:
    """The candidate's ROUGE-L is clearly above that of every answer that needs no model."""
    what = f"smallest lead in {LABELS[_METRIC]} over the answers that need no model"
    question = Question(BEAT_BASELINES, what, 0.0, ">")
    leads = [(baseline, lead) for baseline in validation.baselines.values() if (lead := _lead(baseline))]
    if not leads:
        return question.unknown("The validation report has no baselines.", "run the validation stage again")
    baseline, lead = min(leads, key=lambda item: _lower(item[1]))
    over = f"{shown(lead)} over: {baseline.label}."
    if _lower(lead) <= 0.0:
        return question.failed(f"{over} It is not clearly above 0.", _IMPROVE, lead)
    missing = [f"{other.label}: {other.reason}." for other in validation.baselines.values() if _lead(other) is None]
    if missing or any(known.low is None for _, known in leads):
        return question.unknown(" ".join([over, *missing]), "validate on notes of more patients")
    return question.passed(f"{over} It is clearly above 0.", lead)


def _lower(measured: Measured) -> float:
    return measured.estimate if measured.low is None else measured.low


def _lead(baseline: Baseline) -> Measured | None:
    comparison = (baseline.comparison or {}).get(_METRIC)
    return comparison.difference if comparison else None


def degradation_rule(margin: float, validation: ValidationEvidence, production: str | None) -> RuleResult:
    """The candidate's ROUGE-L is not below the champion's by more than the margin, relative to the champion's."""
    question = Question(DEGRADATION, f"{LABELS[_METRIC]} relative to the champion's on the same notes", 0.0 - margin)
    champion = validation.champion
    if production is None and champion.version is None:
        return question.passed("First release: there is no champion to compare with.")
    obstacle = _comparison_obstacle(validation, production)
    if obstacle:
        return question.unknown(obstacle, _VALIDATE_AGAIN)
    relative = champion.comparison[_METRIC].relative
    if relative is None:
        return question.passed(f"Champion {champion.version} scores 0, and nothing is below that.")
    allowed = f"A loss of {100 * margin:g} % is allowed."
    reason = f"{shown(relative, percent=True)} against champion {champion.version}. {allowed}"
    if relative.estimate < -margin:
        return question.failed(reason, f"keep the champion, or {_IMPROVE}", relative)
    return question.passed(reason, relative)


def _comparison_obstacle(validation: ValidationEvidence, production: str | None) -> str:
    """Why the report's comparison says nothing about today's production, or an empty string."""
    champion = validation.champion
    if champion.version != production:
        measured = f"compared with {champion.version}" if champion.version else f"had no champion ({champion.reason})"
        return f"Validation {measured}, while production is {production or 'empty'}."
    if champion.decoding_hash != validation.decoding_hash:
        return "Candidate and champion were decoded with different settings."
    return "" if _METRIC in champion.comparison else f"The validation report does not compare {LABELS[_METRIC]}."


def fairness_rule(name: str, attribute: AttributeEvidence | None, metric: str, policy: Policy) -> RuleResult:
    """No slice of the attribute is served worse than the rest by more than the policy allows, beyond chance."""
    rule = f"fairness.{name}"
    label = SENTENCE_BLEU_LABEL if metric == "bleu" else LABELS.get(metric, metric)
    question = Question(rule, f"{label} of the worst-served {name} slice minus the rest", 0.0 - policy.max_disparity)
    if attribute is None:
        return question.unknown("The bias report did not examine it.", _BIAS_AGAIN)
    if attribute.status != "compared" or not attribute.comparisons:
        return _not_compared(question, name, attribute, policy)
    gaps = [(gap, _beyond(gap, policy.max_disparity)) for gap in attribute.comparisons]
    gap, beyond = min(gaps, key=lambda item: (not item[1], item[0].difference))
    measured = Measured(estimate=gap.difference, low=gap.low, high=gap.high)
    reason = (
        f"{gap.slice} against {gap.versus}: {shown(measured)}, adjusted p {gap.p_adjusted:.3g}. "
        f"A slice worse by more than {policy.max_disparity:g} with p below {SIGNIFICANCE_LEVEL:g} fails."
    )
    if beyond:
        return question.failed(reason, "follow the bias report's advice on notes of this slice", measured)
    if attribute.flagged:
        return question.failed(f"{reason} The report's own, stricter policy flagged it.", _BIAS_AGAIN, measured)
    return question.passed(reason, measured)


def _beyond(gap: Gap, allowed: float) -> bool:
    return gap.difference < -allowed and gap.p_adjusted < SIGNIFICANCE_LEVEL


def _not_compared(question: Question, name: str, attribute: AttributeEvidence, policy: Policy) -> RuleResult:
    absent = attribute.status == "absent"
    setting = "on_absent_attribute" if absent else "on_insufficient_evidence"
    what_policy_says = policy.on_absent_attribute if absent else policy.on_insufficient_evidence
    reason = f"{attribute.reason or attribute.status.replace('_', ' ')}; policy.{setting} is {what_policy_says}."
    step = f"add notes with {name}, or set policy.{setting}, or waive {question.rule} with a reason"
    return question.unknown(reason[0].upper() + reason[1:], step, blocking=what_policy_says == "block")


def apply_waivers(rules: Sequence[RuleResult], waivers: Sequence[Waiver]) -> list[RuleResult]:
    """Mark what failed or is unknown as waived where a waiver names it; a rule that passes stays passed.

    Raises:
        InputError: a waiver names no rule of this decision.
    """
    known = sorted(rule.rule for rule in rules)
    strangers = [waiver.rule for waiver in waivers if waiver.rule not in known]
    if strangers:
        raise InputError(
            [f"policy.waivers: there is no rule {rule!r}; the rules are {', '.join(known)}" for rule in strangers]
        )
    by_rule = {waiver.rule: waiver for waiver in waivers}
    return [_waived(rule, by_rule.get(rule.rule)) for rule in rules]


def _waived(rule: RuleResult, waiver: Waiver | None) -> RuleResult:
    if waiver is None or rule.status == "pass":
        return rule
    reason = f"Waived by {waiver.actor}: {waiver.reason}. Without that it is {rule.status}: {rule.reason}"
    return replace(rule, status="waived", reason=reason, next_step="")


def clear_floor_failures(policy: Policy, champion: ChampionEvidence) -> list[str]:
    """Floors that the champion itself misses beyond doubt: the upper bound of its interval is below the floor."""
    failures = []
    for name, floor in policy.floors.items():
        measured = champion.metrics.get(name)
        if measured is not None and measured.high is not None and measured.high < floor:
            failures.append(
                f"{LABELS[name]} of champion {champion.version} is {shown(measured)}; the floor is {floor:g}."
            )
    return failures
