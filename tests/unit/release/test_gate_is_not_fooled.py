"""Attempts to get a bad candidate past the gate; each must end in a refusal or in a rule that forbids."""

import json
import math

import pytest
from release_reports import (
    CONFIG,
    against_champion,
    attribute,
    bias,
    gap,
    judge,
    lead,
    measured,
    policy,
    results_of,
    validation,
)

from lab_lens.artifacts import read_json, read_report, write_report
from lab_lens.config import Config
from lab_lens.config_policy import Policy
from lab_lens.errors import InputError
from lab_lens.release.decision import Production, decide
from lab_lens.release.evidence import BiasEvidence, ValidationEvidence, read_evidence
from lab_lens.release.settings import bias_settings, validation_settings

FACTS = {
    "floors": {},
    "beat_baselines": False,
    "rules": [
        {"type": "ceiling", "metric": "hallucination_rate", "at_most": 0.1, "bound": "upper"},
        {"type": "floor", "metric": "fact_recall", "at_least": 0.3},
    ],
}


def verdict(**about):
    return decide(results_of(**about), Production(about.get("production"))).verdict


def forbidding(**about):
    return [result.rule for result in results_of(**about) if result.forbids]


def report_json(**changes):
    return json.loads(validation(**changes).model_dump_json()) | {"schema_version": 1}


def test_nothing_of_this_fools_a_gate_that_always_says_no():
    assert verdict() == "promote"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("place", ["estimate", "low", "high"])
def test_a_figure_that_is_no_number_is_refused(value, place, tmp_path):
    report = report_json()
    report["metrics"]["rougeL"][place] = value
    path = write_report(tmp_path / "validation_report.json", report_json())
    content = json.loads(path.read_text()) | report
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match="changed after its stage wrote it"):
        read_evidence(path, ValidationEvidence)
    with pytest.raises(ValueError, match=rf"metrics\.rougeL\.{place}"):
        validation(metrics={"rougeL": measured(0.3, 0.2, 0.4) | {place: value}})


@pytest.mark.parametrize("score", [measured(None, None, None, "the encoder could not be loaded"), None])
def test_a_figure_that_is_not_there_forbids(score):
    report = validation(metrics={"rougeL": score} if score else {})
    assert forbidding(validated=report) == ["floor.rougeL"]


def test_a_lead_or_a_comparison_that_failed_forbids():
    broken = {"difference": measured(None, reason="failed"), "relative": measured(None, reason="failed")}
    baselines = {"lead_3": {"label": "first sentences", "comparison": {"rougeL": broken}}}
    champion = {"version": "v1", "decoding_hash": "c", "comparison": {"rougeL": broken}}
    report = validation(baselines=baselines, champion=champion)
    assert forbidding(validated=report, production="v1") == ["beat_baselines", "degradation.rougeL"]


@pytest.mark.parametrize("score", [31.0, 1.2, -0.1])
def test_a_score_outside_of_its_range_forbids(score):
    """Percent instead of fractions would reach every floor."""
    assert forbidding(validated=validation(metrics={"rougeL": measured(score)})) == ["floor.rougeL"]


def test_bounds_in_the_wrong_order_are_refused():
    with pytest.raises(ValueError, match="the lower bound is above the upper one"):
        validation(metrics={"rougeL": measured(0.3, 0.4, 0.2)})


@pytest.mark.parametrize("name", ["model_hash", "data_hash", "decoding_hash", "n_examples"])
def test_a_fairness_report_of_another_model_other_rows_or_other_decoding_forbids(name):
    other = 74 if name == "n_examples" else "another"
    assert forbidding(compared=bias(**{name: other})) == ["artifacts.same_rows"]


@pytest.mark.parametrize(
    ("section", "changes"),
    [
        ("validation", {"confidence": 0.6}),
        ("validation", {"confidence": 0.99}),
        ("validation", {"interval": "percentile"}),
        ("validation", {"bootstrap_resamples": 100}),
        ("validation", {"rouge_stemmer": False}),
        ("validation", {"rouge_sentences": "lines"}),
        ("validation", {"entailment_model": "other"}),
        ("fairness", {"min_examples_per_slice": 1000}),
        ("fairness", {"metric": "rouge1"}),
        ("fairness", {"slices": ("gender", "age_group")}),
        ("", {"seed": 7}),
    ],
)
def test_reports_made_under_other_settings_forbid_and_say_which(section, changes):
    values = CONFIG.model_dump()
    (values[section] if section else values).update(changes)
    other = Config.model_validate(values)
    reports = {"compared": bias(settings=bias_settings(other))}
    if section != "fairness":
        reports = {"validated": validation(settings=validation_settings(other))}
    (name,) = changes
    path = f"{section}.{name}" if section else name
    assert forbidding(**reports) == ["artifacts.same_rows"]
    assert f"was made with {path} " in judge("artifacts.same_rows", **reports).reason


def test_a_report_that_does_not_tell_its_settings_forbids():
    for untold in ({"validated": validation(settings=None)}, {"compared": bias(settings=None)}):
        result = judge("artifacts.same_rows", **untold)
        assert (result.status, result.forbids) == ("unknown", True)
        assert "report does not tell its settings." in result.reason


def test_settings_that_change_no_figure_may_differ():
    faster = CONFIG.model_copy(update={"validation": CONFIG.validation.model_copy(update={"processes": 3})})
    assert forbidding(validated=validation(settings=validation_settings(faster))) == []


@pytest.mark.parametrize(("rows", "forbids"), [(75, False), (20, True), (80, True)])
def test_a_figure_from_fewer_notes_than_the_report_forbids(rows, forbids):
    report = validation(metrics={"rougeL": measured(0.31, 0.28, 0.34, n_examples=rows, n_clusters=rows)})
    assert (forbidding(validated=report) == ["floor.rougeL"]) == forbids


def test_a_comparison_on_fewer_notes_than_the_report_forbids():
    report = validation(champion=against_champion(measured(0.3, 0.2, 0.4, n_examples=20)))
    assert forbidding(validated=report, production="v1") == ["degradation.rougeL"]


@pytest.mark.parametrize(
    ("champion", "production"),
    [
        ({"version": None, "reason": "no registry was given"}, "v1"),
        (against_champion(measured(0.3, 0.2, 0.4), version="v1"), "v2"),
        (against_champion(measured(0.3, 0.2, 0.4), version="v1"), None),
        (against_champion(measured(0.3, 0.2, 0.4), decoding_hash="greedy"), "v1"),
        (against_champion(measured(0.3, 0.2, 0.4), decoding_hash=None), "v1"),
        (against_champion(measured(0.3, 0.2, 0.4), model_hash="weak"), "v1"),
        ({"version": "v1", "decoding_hash": "c", "model_hash": "strong"}, "v1"),
    ],
)
def test_winning_against_anything_but_todays_production_forbids(champion, production):
    report = validation(champion=champion)
    about = {"validated": report, "production": production, "production_hash": "strong" if production else None}
    assert forbidding(**about) == ["degradation.rougeL"]


def test_a_model_that_says_nothing_hallucinates_nothing_and_is_held():
    silent = {
        "rougeL": measured(0.0, 0.0, 0.0),
        "hallucination_rate": measured(None, reason="the summaries hold no facts"),
        "fact_recall": measured(0.0, 0.0, 0.0),
    }
    report = validation(metrics=silent, baselines={"lead_3": lead(-0.1, -0.12, -0.08)})
    assert forbidding(validated=report) == ["floor.rougeL", "beat_baselines"]
    assert forbidding(validated=report, rules=Policy.model_validate(FACTS)) == [
        "floor.fact_recall",
        "ceiling.hallucination_rate.upper",
    ]


def test_a_model_that_dares_one_safe_sentence_in_ten_notes_is_held():
    cautious = {
        "rougeL": measured(0.03, 0.01, 0.05),
        "hallucination_rate": measured(0.0, 0.0, 0.0, n_clusters=75),
        "fact_recall": measured(0.02, 0.0, 0.05),
    }
    assert forbidding(validated=validation(metrics=cautious), rules=Policy.model_validate(FACTS)) == [
        "floor.fact_recall"
    ]


def test_a_copy_of_the_note_hallucinates_nothing_and_is_held_by_a_floor_on_compression():
    rules = Policy.model_validate(
        {**FACTS, "rules": [*FACTS["rules"], {"type": "floor", "metric": "compression_ratio", "at_least": 1.25}]}
    )
    copied = {
        "hallucination_rate": measured(0.0, 0.0, 0.0, n_clusters=75),
        "fact_recall": measured(0.95, 0.9, 0.99),
        "compression_ratio": measured(1.0, 1.0, 1.0),
    }
    assert forbidding(validated=validation(metrics=copied), rules=rules) == ["floor.compression_ratio"]


def test_a_slice_that_nobody_examined_or_that_vanished_forbids():
    assert forbidding(compared=bias(attributes={})) == ["fairness.gender"]
    absent = bias(attributes={"gender": attribute(status="absent", reason="the data has no column gender")})
    assert forbidding(compared=absent) == ["fairness.gender"]


def test_a_rule_of_its_own_cannot_hide_that_a_slice_is_worse():
    own = policy(max_disparity=0.05, rules=[{"type": "disparity", "slices": "gender", "margin": 0.02}])
    compared = bias(attributes={"gender": attribute(gap(-0.03, 0.01))})
    assert judge("fairness.gender", compared=compared, rules=own).forbids
    assert not judge("fairness.gender", compared=compared).forbids


@pytest.mark.parametrize("edit", ["raised", "renamed", "unsealed", "truncated"])
def test_a_report_that_was_edited_by_hand_is_refused(edit, tmp_path):
    path = write_report(tmp_path / "bias_report.json", json.loads(bias().model_dump_json()))
    assert read_evidence(path, BiasEvidence).metric == "rougeL"
    content = read_json(path)
    if edit == "raised":
        content["attributes"]["gender"]["comparisons"][0]["difference"] = 0.0
    if edit == "renamed":
        content["model_hash"] = "another"
    if edit == "unsealed":
        del content["report_hash"]
    text = json.dumps(content)
    path.write_text(text[: len(text) // 2] if edit == "truncated" else text)
    with pytest.raises(InputError, match=r"run the stage|not JSON"):
        read_evidence(path, BiasEvidence)


def test_a_report_that_is_only_formatted_anew_is_the_same_report(tmp_path):
    path = write_report(tmp_path / "report.json", {"b": (1, 2.5), "a": {"x": None}})
    content = read_report(path)
    path.write_text(json.dumps(read_json(path), indent=None, sort_keys=True))
    assert read_report(path) == content == {"b": [1, 2.5], "a": {"x": None}}


def test_a_waiver_for_a_rule_that_does_not_exist_is_refused():
    waiver = {"rule": "everything", "reason": "we are in a hurry", "actor": "ana"}
    with pytest.raises(InputError, match="there is no rule 'everything'"):
        results_of(rules=policy(waivers=[waiver]))


def test_a_waived_rule_does_not_take_others_along():
    waiver = {"rule": "floor.rougeL", "reason": "a pilot without patients", "actor": "ana"}
    report = validation(metrics={}, baselines={})
    assert forbidding(validated=report, rules=policy(waivers=[waiver])) == ["beat_baselines"]
