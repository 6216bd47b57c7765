import json
import re
from pathlib import Path

import pytest

from lab_lens import config_policy
from lab_lens.config import Config, parse_config
from lab_lens.config_policy import Ceiling, Floor, Lead, NonInferiority, Policy
from lab_lens.errors import InputError
from lab_lens.metrics.catalogue import METRICS

DOCS = Path(__file__).parents[2] / "docs" / "policy.md"


def problems_of(**policy):
    with pytest.raises(InputError) as refused:
        parse_config(json.dumps({"policy": policy}))
    return [problem.removeprefix("config: ") for problem in refused.value.problems]


def floor(metric="rougeL", at_least=0.2, **more):
    return {"type": "floor", "metric": metric, "at_least": at_least, **more}


def ceiling(metric="omission_rate", at_most=0.2, **more):
    return {"type": "ceiling", "metric": metric, "at_most": at_most, **more}


def test_directions_and_ranges_are_those_of_the_catalogue():
    by_direction = {
        way: {name for name, item in METRICS.items() if item.direction == way} for way in ("lower", "neither")
    }
    assert by_direction == {"lower": config_policy.LOWER_IS_BETTER, "neither": config_policy.UNDIRECTED}
    assert {name for name, item in METRICS.items() if item.highest is None} == config_policy.UNBOUNDED
    assert {name for name, item in METRICS.items() if item.lowest == -1.0} == config_policy.FROM_MINUS_ONE
    assert {item.highest for item in METRICS.values()} == {None, 1.0}


def test_short_forms_are_rules_like_any_other():
    policy = Policy.model_validate({"floors": {"rougeL": 0.15}, "rules": [ceiling(severity="warn")]})
    assert policy.all_rules() == [
        Floor(metric="rougeL", at_least=0.15),
        Ceiling(metric="omission_rate", at_most=0.2, severity="warn"),
        Lead(metric="rougeL"),
        NonInferiority(metric="rougeL", margin=0.02),
    ]


def test_a_rule_is_named_by_what_it_asks():
    rules = [floor(), floor(bound="lower"), floor(slices="gender"), ceiling(bound="upper", slices="gender")]
    rules += [{"type": "non_inferiority", "metric": "omission_rate", "margin": 0.1, "unit": "points", "bound": "upper"}]
    rules += [{"type": "lead", "metric": "rouge2"}, {"type": "disparity", "slices": "gender", "margin": 0.02}]
    policy = Policy.model_validate({"floors": {}, "beat_baselines": False, "rules": rules})
    assert [rule.name for rule in policy.rules] == [
        "floor.rougeL",
        "floor.rougeL.lower",
        "floor.rougeL.gender",
        "ceiling.omission_rate.gender.upper",
        "degradation.omission_rate.upper",
        "beat_baselines.rouge2",
        "fairness.gender",
    ]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (floor("hallucination_rate"), "a lower hallucination_rate is better: use type ceiling with at_most"),
        (ceiling("rouge2"), "a higher rouge2 is better: use type floor with at_least"),
        (floor("rouge2", 31), "at_least is 31; rouge2 is from 0 to 1"),
        (floor("rouge2", 0), "every model has a rouge2 of at least 0: leave the rule out"),
        (ceiling(at_most=1), "every model has a omission_rate of at most 1: leave the rule out"),
        (floor("summary_words", -5), "at_least is -5; summary_words is at least 0"),
        (floor("rouge2", bound="upper"), "bound upper favours the candidate; use estimate or lower"),
        (ceiling(bound="lower"), "bound lower favours the candidate; use estimate or upper"),
        (
            {"type": "non_inferiority", "metric": "omission_rate", "margin": 0.1, "bound": "lower"},
            "bound lower favours the candidate; use estimate or upper",
        ),
        (
            {"type": "lead", "metric": "copy_coverage"},
            "copy_coverage is neither better when higher nor when lower: use type floor or ceiling",
        ),
    ],
)
def test_a_rule_that_says_no_at_the_wrong_time_or_never_is_refused(rule, said):
    assert [said in problem for problem in problems_of(rules=[rule])] == [True]
    assert problems_of(rules=[rule])[0].startswith("policy.rules.0: ")


def test_everything_that_is_wrong_is_told_at_once_with_its_path():
    rules = [floor("hallucination_rate"), floor("rougeL"), ceiling("summary_words", 10), floor("summary_words", 12)]
    assert problems_of(floors={"rougeL": 0.15, "rouge1": 0, "omission_rate": 0.5}, rules=rules) == [
        "policy.floors.rouge1: every model has a rouge1 of at least 0: leave the rule out",
        "policy.floors.omission_rate: a lower omission_rate is better: use type ceiling with at_most, in policy.rules",
        "policy.rules.0: a lower hallucination_rate is better: use type ceiling with at_most, in policy.rules",
        "policy.floors.rougeL, policy.rules.1: rule floor.rougeL is asked for 2 times",
        "policy.rules.3, policy.rules.2: no model has a summary_words of at least 12 and at most 10",
    ]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (floor("rouge9"), "policy.rules.0.metric is \"rouge9\"; it must be 'rouge1', "),
        ({"type": "roof"}, "policy.rules.0: its type must be one of floor, ceiling, non_inferiority, lead, disparity"),
        (floor(limit=3), "unknown setting policy.rules.0.limit; allowed here: at_least, bound, metric, severity"),
        ({"type": "floor", "metric": "rouge2"}, "policy.rules.0.at_least is missing"),
        (floor("rouge2", slices="ward"), 'policy.rules.0.slices is "ward"; fairness.slices has age_group, gender'),
    ],
)
def test_a_rule_that_is_not_understood_is_refused(rule, said):
    assert any(said in problem for problem in problems_of(rules=[rule]))


@pytest.mark.parametrize("metric", ["hallucination_rate", "contradiction_rate", "repetition_rate"])
@pytest.mark.parametrize(
    ("other", "accepted"),
    [
        ([], False),
        ([floor("fact_precision", 0.9)], False),
        ([floor("rougeL", 0.1, severity="warn")], False),
        ([floor("rougeL", 0.1)], True),
        ([floor("summary_words", 20), floor("fact_precision", 0.5)], True),
        ([ceiling("omission_rate", 0.8)], True),
    ],
)
def test_a_policy_that_a_silent_model_would_satisfy_is_refused(metric, other, accepted):
    policy = {"floors": {}, "beat_baselines": False, "rules": [ceiling(metric, 0.1), *other]}
    if accepted:
        assert parse_config(json.dumps({"policy": policy})).policy.rules[0].metric == metric
    else:
        assert "a model that says nothing would satisfy this" in problems_of(**policy)[0]


@pytest.mark.parametrize(
    ("policy", "path"),
    [
        ({"max_relative_degradation": 1.0}, "policy.max_relative_degradation"),
        ({"max_disparity": 1.0}, "policy.max_disparity"),
        ({"rules": [{"type": "lead", "metric": "rouge1", "more_than": 1.0}]}, "policy.rules.0.more_than"),
        ({"rules": [{"type": "disparity", "slices": "gender", "margin": 1.0}]}, "policy.rules.0.margin"),
        (
            {"rules": [{"type": "non_inferiority", "metric": "hallucination_rate", "margin": 1.0, "unit": "points"}]},
            "policy.rules.0.margin",
        ),
    ],
)
def test_a_margin_of_everything_is_refused(policy, path):
    assert problems_of(**policy) == [f"{path} is 1.0; it must be less than 1"]


@pytest.mark.parametrize(
    "rules",
    [
        [],
        [floor("compression_ratio", 1.25)],
        [floor("summary_words", 20)],
        [floor("rougeL", 0.1, severity="warn")],
        [floor("rougeL", 0.1, slices="gender")],
        [ceiling("hallucination_rate", 0.3), floor("summary_words", 20)],
    ],
)
def test_a_policy_that_asks_for_no_quality_is_refused(rules):
    assert any(
        "no rule that blocks asks for quality" in problem
        for problem in problems_of(floors={}, beat_baselines=False, rules=rules)
    )


def test_a_waiver_of_blanks_is_refused_and_others_are_kept_without_them():
    waiver = {"rule": " floor.rougeL ", "reason": "  a pilot without patients ", "actor": " ana "}
    (kept,) = parse_config(json.dumps({"policy": {"waivers": [waiver]}})).policy.waivers
    assert (kept.rule, kept.reason, kept.actor) == ("floor.rougeL", "a pilot without patients", "ana")
    problems = problems_of(waivers=[waiver | {"reason": " " * 12, "actor": " "}])
    assert [problem.split(" ")[0] for problem in problems] == ["policy.waivers.0.reason", "policy.waivers.0.actor"]


def test_that_the_reports_belong_together_cannot_be_waived():
    waiver = {"rule": "artifacts.same_rows", "reason": "we know it better", "actor": "ana"}
    assert "policy.waivers.0: artifacts.same_rows cannot be waived" in problems_of(waivers=[waiver])[0]


def test_a_rule_of_every_kind_survives_its_own_text():
    rules = [floor("rouge2"), ceiling(bound="upper"), {"type": "lead", "metric": "rouge2"}]
    rules += [{"type": "non_inferiority", "metric": "rouge2", "margin": 0.05}]
    rules += [{"type": "disparity", "slices": "gender", "margin": 0.02}]
    config = parse_config(json.dumps({"policy": {"rules": rules}}))
    assert parse_config(config.to_json()) == config != Config()


def test_every_example_of_the_page_on_the_policy_is_a_configuration():
    examples = re.findall(r"```json\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    kinds = {rule.type for text in examples for rule in parse_config(text).policy.rules}
    assert kinds == {"floor", "ceiling", "non_inferiority", "lead", "disparity"}
