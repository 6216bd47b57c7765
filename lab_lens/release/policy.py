"""The policy's rules: pure functions from measured numbers to results.

What decides each of them, and why:

- A floor or a ceiling is held against the estimate: a limit that people set, knowing the usual noise; or against the
  bound of its interval, where the rule asks for proof.
- A lead over an answer without a model must be clear: the lower bound of its interval is above the rule's limit.
- A degradation is judged by the estimate of the loss on the same rows, or by its bound (docs/decisions/0009).
- A disparity needs size and evidence: more than the policy allows, and an adjusted p-value below 0.05.

What could not be measured is unknown, never passed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from lab_lens.config import Config
from lab_lens.config_policy import SAME_ROWS, Ceiling, Disparity, Floor, Lead, NonInferiority, Policy, Waiver
from lab_lens.errors import InputError
from lab_lens.release.evidence import (
    AttributeEvidence,
    BiasEvidence,
    Gap,
    Measured,
    Provenance,
    ValidationEvidence,
)
from lab_lens.release.rivals import lead_rule, non_inferiority_rule, obstacle_to_comparison
from lab_lens.release.rules import Question, RuleResult, shown
from lab_lens.release.scores import BIAS_AGAIN, clear_misses, label_by_slice, threshold_rule, unjudged_attribute
from lab_lens.release.settings import bias_settings, differences, validation_settings

SIGNIFICANCE_LEVEL = 0.05
_NEEDED = ("model_hash", "data_hash", "decoding_hash")


@dataclass(frozen=True)
class Release:
    """What a release is judged on.

    Args:
        others: further reports by name, which must not be about another model or other rows.
        config: its policy decides; the reports must be made under its settings of validation and fairness.
        production: the version in production; None: this is the first release.
        production_hash: hash of the files of that version; None: it is not known.
    """

    validation: ValidationEvidence
    bias: BiasEvidence
    others: Mapping[str, Provenance]
    config: Config
    production: str | None = None
    production_hash: str | None = None


def evaluate_rules(release: Release) -> list[RuleResult]:
    """Evaluate every rule of the policy, and apply its waivers.

    Raises:
        InputError: a waiver names a rule that does not exist.
    """
    policy = release.config.policy
    results = [
        same_rows_rule(release),
        *(_evaluate(rule, policy, release) for rule in policy.all_rules() if not isinstance(rule, Disparity)),
        *_fairness_rules(policy, release),
    ]
    return apply_waivers(results, policy.waivers)


def _evaluate(rule: Floor | Ceiling | Lead | NonInferiority, policy: Policy, release: Release) -> RuleResult:
    if isinstance(rule, Floor | Ceiling):
        return threshold_rule(rule, release.validation, release.bias, policy)
    if isinstance(rule, Lead):
        return lead_rule(rule, release.validation)
    return non_inferiority_rule(rule, release.validation, release.production, release.production_hash)


def same_rows_rule(release: Release) -> RuleResult:
    """All reports are about one model, one test set and one way of decoding, and made under this configuration.

    Validation and fairness must tell all three and their settings, and count the same examples; other reports may be
    silent, but not contradict. The file of predictions must be one where reports tell it.
    """
    reports: dict[str, Provenance] = {"validation": release.validation, "bias": release.bias}
    everyone = {**reports, **release.others}
    question = Question(
        SAME_ROWS, f"model, test data and decoding of the reports: {', '.join(everyone)}", direction="=="
    )
    differing: list[str] = []
    missing: list[str] = []
    for field in (*_NEEDED, "predictions_hash"):
        told = {getattr(report, field) for report in everyone.values()} - {None}
        if len(told) > 1:
            differing.append(f"The reports have different values of {field}.")
        if field in _NEEDED:
            missing += [
                f"The {name} report has no {field}." for name, item in reports.items() if not getattr(item, field)
            ]
    otherwise, untold = _other_settings(release)
    differing += _counted_otherwise(release) + otherwise
    missing += untold
    step = "run the stages again on one predictions directory, with its generation.json and this configuration"
    if differing:
        return question.failed(" ".join(differing), step)
    if missing:
        return question.unknown(" ".join(missing), step)
    return question.passed("All reports are about the same model, rows and decoding, and made under these settings.")


def _counted_otherwise(release: Release) -> list[str]:
    counted, others = release.validation.examples, release.bias.n_examples
    return [] if others in (None, counted) else [f"Validation counts {counted} examples, fairness {others}."]


def _other_settings(release: Release) -> tuple[list[str], list[str]]:
    """Settings of the reports that are not those of this decision, and reports that do not tell theirs."""
    reports = {
        "validation": (release.validation.settings, validation_settings(release.config)),
        "bias": (release.bias.settings, bias_settings(release.config)),
    }
    otherwise: list[str] = []
    untold: list[str] = []
    for name, (told, asked) in reports.items():
        if told is None:
            untold.append(f"The {name} report does not tell its settings.")
        else:
            otherwise += differences(name, told, asked)
    return otherwise, untold


def _fairness_rules(policy: Policy, release: Release) -> list[RuleResult]:
    """A rule for each attribute; one of its own replaces what the policy asks of all."""
    own = {rule.slices: rule for rule in policy.of_kind(Disparity)}
    found = release.bias.attributes
    return [
        fairness_rule(
            own.get(name) or Disparity(slices=name, margin=policy.max_disparity),
            found.get(name),
            release.bias.metric,
            policy,
        )
        for name in dict.fromkeys([*release.config.fairness.slices, *found, *own])
    ]


def fairness_rule(rule: Disparity, attribute: AttributeEvidence | None, metric: str, policy: Policy) -> RuleResult:
    """No slice of the attribute is served worse than the rest by more than the rule allows, beyond chance."""
    what = f"{label_by_slice(metric)} of the worst-served {rule.slices} slice minus the rest"
    question = Question(rule.name, what, 0.0 - rule.margin, blocking=rule.severity == "block")
    if attribute is None:
        return question.unknown("The bias report did not examine it.", BIAS_AGAIN)
    if attribute.status != "compared" or not attribute.comparisons:
        return unjudged_attribute(question, attribute, policy)
    gaps = [(gap, _beyond(gap, rule.margin)) for gap in attribute.comparisons]
    gap, beyond = min(gaps, key=lambda item: (not item[1], item[0].difference))
    measured = Measured(estimate=gap.difference, low=gap.low, high=gap.high)
    reason = (
        f"{gap.slice} against {gap.versus}: {shown(measured)}, adjusted p {gap.p_adjusted:.3g}. "
        f"A slice worse by more than {rule.margin:g} with p below {SIGNIFICANCE_LEVEL:g} fails."
    )
    if beyond:
        return question.failed(reason, "follow the bias report's advice on notes of this slice", measured)
    # A rule of its own may allow more than the report flags by.
    if attribute.flagged and rule.margin <= policy.max_disparity:
        return question.failed(f"{reason} The report's own, stricter policy flagged it.", BIAS_AGAIN, measured)
    return question.passed(reason, measured)


def _beyond(gap: Gap, allowed: float) -> bool:
    return gap.difference < -allowed and gap.p_adjusted < SIGNIFICANCE_LEVEL


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


def failures_of_production(release: Release, rules: Sequence[RuleResult]) -> list[str]:
    """Floors and ceilings that today's production itself misses beyond doubt, a sentence each.

    None where the reports do not agree, or do not measure today's production on the candidate's terms; a rule that
    carries a waiver says nothing of production either.

    Args:
        rules: the results of this release.
    """
    consistent = any(rule.rule == SAME_ROWS and rule.status == "pass" for rule in rules)
    if release.production is None or not consistent:
        return []
    if obstacle_to_comparison(release.validation, release.production, release.production_hash):
        return []
    policy = release.config.policy
    waived = {waiver.rule for waiver in policy.waivers}
    limits = [rule for rule in policy.all_rules() if isinstance(rule, Floor | Ceiling) and rule.name not in waived]
    return clear_misses(limits, release.validation.champion, release.validation.examples)
