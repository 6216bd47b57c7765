"""Floors and ceilings: what a candidate must show by itself, on all held-out notes or in every slice of them.

A rule on the estimate compares one number: a minimum that people set, knowing the usual noise. A rule on a bound asks
for proof, and has three outcomes: the whole interval satisfies it (pass), the whole interval misses it (fail), or it
lies within the interval (unknown, with the number of patients that would settle it).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from lab_lens.config_policy import Floor, Policy, Threshold
from lab_lens.metrics.catalogue import LABELS, METRICS, Metric
from lab_lens.metrics.comparison import non_inferiority
from lab_lens.metrics.text import SENTENCE_BLEU_LABEL
from lab_lens.release.evidence import (
    AttributeEvidence,
    BiasEvidence,
    ChampionEvidence,
    Measured,
    ValidationEvidence,
)
from lab_lens.release.rules import MORE_PATIENTS, Question, RuleResult, settle, shown

VALIDATE_AGAIN = "run the validation stage again"
BIAS_AGAIN = "run the bias stage again with this configuration"
_EXAMPLES = "the lowest-scoring examples are in the validation stage's predictions table"
# An example always has these; another metric may have nothing to measure in it, such as no fact.
_OF_EVERY_EXAMPLE = ("overlap", "lengths", "bertscore")
_WORST_FIRST = ("fail", "unknown", "pass")


def threshold_rule(rule: Threshold, validation: ValidationEvidence, bias: BiasEvidence, policy: Policy) -> RuleResult:
    """A metric of the candidate reaches a floor, or keeps a ceiling."""
    if rule.slices is not None:
        return _sliced_rule(rule, rule.slices, bias, policy)
    label = label_in(validation.metrics, rule.metric)
    question = _question(rule, f"{label} on {validation.examples} held-out notes")
    measured = validation.metrics.get(rule.metric)
    if measured is None:
        return question.unknown("The validation report does not have it.", VALIDATE_AGAIN)
    return _judged(question, rule, measured, validation.examples)


def label_in(metrics: Mapping[str, Measured], metric: str) -> str:
    """What a metric is called in a report, which says the variant that was computed."""
    told = metrics.get(metric)
    return (told.label if told else "") or LABELS[metric]


def label_by_slice(metric: str) -> str:
    """What a metric is called where slices are compared: means over examples, so that BLEU is that of sentences."""
    return SENTENCE_BLEU_LABEL if metric == "bleu" else LABELS.get(metric, metric)


def _question(rule: Threshold, subject: str) -> Question:
    judged = "" if rule.bound == "estimate" else f", {rule.bound} bound"
    return Question(
        rule.name,
        f"{subject}{judged}",
        rule.at_least if isinstance(rule, Floor) else rule.at_most,
        ">=" if isinstance(rule, Floor) else "<=",
        rule.bound,
        blocking=rule.severity == "block",
    )


def _judged(question: Question, rule: Threshold, measured: Measured, examples: int) -> RuleResult:
    obstacle = obstacle_of(METRICS[rule.metric], measured, examples)
    if obstacle or measured.estimate is None:
        return question.unknown(obstacle, "remove the cause and run the validation stage again")
    limit = f"the {_noun(rule)} of {_limit(rule):g}"
    misses = [value is not None and _misses(rule, value) for value in (measured.estimate, measured.low, measured.high)]
    if rule.bound != "estimate":
        return _judged_by_bound(question, rule, measured, measured.estimate)
    if misses[0]:
        side = "below" if isinstance(rule, Floor) else "above"
        return question.failed(f"{shown(measured)} is {side} {limit}.", improve(rule.metric), measured)
    doubt = f" The interval reaches {_beyond(rule)} it." if any(misses) else ""
    return question.passed(f"{shown(measured)} {_keeps(rule)} {limit}.{doubt}", measured)


def _judged_by_bound(question: Question, rule: Threshold, measured: Measured, estimate: float) -> RuleResult:
    if measured.low is None or measured.high is None:
        return question.unknown(f"{shown(measured)}; the rule asks for an interval.", MORE_PATIENTS, measured)
    sign = 1.0 if isinstance(rule, Floor) else -1.0
    distances = sorted(sign * (value - _limit(rule)) for value in (measured.low, measured.high))
    found = non_inferiority(sign * (estimate - _limit(rule)), *distances, margin=0.0, patients=measured.n_clusters or 0)
    said = f"{shown(measured)} against the {_noun(rule)} of {_limit(rule):g}:"
    if found.conclusion == "non_inferior":
        return question.passed(f"{said} the whole interval {_keeps(rule)} it.", measured)
    if found.conclusion == "inferior":
        return question.failed(f"{said} the whole interval lies {_beyond(rule)} it.", improve(rule.metric), measured)
    satisfied = not _misses(rule, estimate)
    step = settle(found.patients_needed, measured.n_clusters, satisfied=satisfied, improve=improve(rule.metric))
    return question.unknown(f"Inconclusive: {said} the interval contains it.", step, measured)


def obstacle_of(metric: Metric, measured: Measured, examples: int) -> str:
    """Why a figure cannot be judged, as a sentence; empty: it can."""
    if measured.estimate is None:
        return f"It could not be computed: {measured.reason or 'the report gives no reason'}."
    if measured.estimate < metric.lowest or (metric.highest is not None and measured.estimate > metric.highest):
        allowed = f"from {metric.lowest:g}" + ("" if metric.highest is None else f" to {metric.highest:g}")
        return f"The report has {measured.estimate:g}; {metric.name} is {allowed}."
    rows = measured.n_examples
    if rows is not None and rows != examples and (rows > examples or metric.family in _OF_EVERY_EXAMPLE):
        return f"It comes from {rows} notes; the report is about {examples}."
    return ""


def improve(metric: str) -> str:
    """What makes a metric better, as a next step."""
    if METRICS[metric].family in ("facts", "statements"):
        return "look at the findings of the validation report; train longer, or on notes without such errors"
    if METRICS[metric].direction == "neither":
        return f"compare the summaries with the references; {_EXAMPLES}"
    return f"train longer or on more notes; {_EXAMPLES}"


def _limit(rule: Threshold) -> float:
    return rule.at_least if isinstance(rule, Floor) else rule.at_most


def _misses(rule: Threshold, value: float) -> bool:
    return value < rule.at_least if isinstance(rule, Floor) else value > rule.at_most


def _noun(rule: Threshold) -> str:
    return "floor" if isinstance(rule, Floor) else "ceiling"


def _keeps(rule: Threshold) -> str:
    return "reaches" if isinstance(rule, Floor) else "keeps to"


def _beyond(rule: Threshold) -> str:
    return "below" if isinstance(rule, Floor) else "above"


def _sliced_rule(rule: Threshold, attribute: str, bias: BiasEvidence, policy: Policy) -> RuleResult:
    """The worst of an attribute's slices decides; too small ones are said, and decide only where nothing else can."""
    question = _question(rule, f"{label_by_slice(rule.metric)} in every slice of {attribute}")
    found = bias.attributes.get(attribute)
    if found is None:
        return question.unknown("The bias report did not examine it.", BIAS_AGAIN)
    judged = [
        (item, _judged(question, rule, measured, item.n_examples))
        for item in found.slices
        if item.enough and (measured := item.metrics.get(rule.metric)) is not None
    ]
    if not judged:
        return _no_slice(question, rule, found, policy)
    item, worst = min(judged, key=lambda pair: (_WORST_FIRST.index(pair[1].status), _room(rule, pair[1])))
    too_small = [other.slice for other in found.slices if other.recorded and not other.enough]
    remark = f" Too small to judge: {', '.join(too_small)}." if too_small else ""
    return replace(worst, reason=f"{item.slice}: {worst.reason}{remark}")


def _room(rule: Threshold, result: RuleResult) -> float:
    """How far a slice is on the right side of the limit."""
    if result.value is None:
        return 0.0
    return result.value - _limit(rule) if isinstance(rule, Floor) else _limit(rule) - result.value


def _no_slice(question: Question, rule: Threshold, found: AttributeEvidence, policy: Policy) -> RuleResult:
    if found.slices and any(item.enough for item in found.slices):
        return question.unknown(
            f"The bias report does not have {label_by_slice(rule.metric)} by slice.",
            "ask for it on all notes, or for another metric by slice, such as rougeL",
        )
    return unjudged_attribute(question, found, policy)


def unjudged_attribute(question: Question, found: AttributeEvidence, policy: Policy) -> RuleResult:
    """An attribute that the data does not have, or whose slices are too small: the policy says what that means."""
    absent = found.status == "absent"
    setting = "on_absent_attribute" if absent else "on_insufficient_evidence"
    what_policy_says = policy.on_absent_attribute if absent else policy.on_insufficient_evidence
    reason = f"{found.reason or found.status.replace('_', ' ')}; policy.{setting} is {what_policy_says}."
    step = f"add notes with this attribute, or set policy.{setting}, or waive {question.rule} with a reason"
    return question.unknown(reason[0].upper() + reason[1:], step, blocking=what_policy_says == "block")


def clear_misses(rules: Sequence[Threshold], champion: ChampionEvidence, examples: int) -> list[str]:
    """Floors and ceilings that the champion itself misses beyond doubt: its whole interval is on the wrong side.

    Args:
        examples: rows of the report; a figure that comes from other ones says nothing.
    """
    misses = []
    for rule in rules:
        measured = champion.metrics.get(rule.metric)
        if measured is None or rule.slices is not None or rule.severity != "block":
            continue
        best = measured.high if isinstance(rule, Floor) else measured.low
        if best is None or not _misses(rule, best) or obstacle_of(METRICS[rule.metric], measured, examples):
            continue
        label = label_in(champion.metrics, rule.metric)
        misses.append(
            f"{label} of champion {champion.version} is {shown(measured)}; the {_noun(rule)} is {_limit(rule):g}."
        )
    return misses
