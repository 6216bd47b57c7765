import pytest
from release_reports import (
    HASHES,
    against_champion,
    attribute,
    bias,
    gap,
    judge,
    lead,
    measured,
    policy,
    release,
    results_of,
    validation,
)

from lab_lens.errors import InputError
from lab_lens.release.evidence import Provenance
from lab_lens.release.policy import evaluate_rules, failures_of_production


def test_a_good_first_candidate_passes_every_rule():
    results = results_of()
    assert [(result.rule, result.status) for result in results] == [
        ("artifacts.same_rows", "pass"),
        ("floor.rougeL", "pass"),
        ("beat_baselines", "pass"),
        ("degradation.rougeL", "pass"),
        ("fairness.gender", "pass"),
    ]
    assert not any(result.forbids or result.next_step for result in results)


@pytest.mark.parametrize(
    ("score", "status", "said"),
    [
        (measured(0.16, 0.151, 0.2), "pass", "0.160 (interval 0.151 to 0.200) reaches the floor of 0.15."),
        (measured(0.16, 0.12, 0.2), "pass", "The interval reaches below it."),
        (measured(0.15, None, None, "3 patients"), "pass", "0.150 (no interval: 3 patients) reaches"),
        (measured(0.149, 0.12, 0.2), "fail", "0.149 (interval 0.120 to 0.200) is below the floor of 0.15."),
        (None, "unknown", "does not have it"),
    ],
)
def test_a_floor_is_reached_by_the_estimate(score, status, said):
    result = judge("floor.rougeL", validation(metrics={"rougeL": score} if score else {}))
    assert (result.status, result.threshold, result.direction) == (status, 0.15, ">=")
    assert said in result.reason
    assert result.value == (score["estimate"] if score else None)
    assert result.forbids == (status != "pass")


@pytest.mark.parametrize(
    ("leads", "status"),
    [
        ([lead(0.08, 0.05, 0.11), lead(0.02, 0.001, 0.04)], "pass"),
        ([lead(0.08, 0.05, 0.11), lead(0.02, -0.001, 0.04)], "fail"),
        ([lead(0.08, -0.05, 0.21), lead(0.02, 0.001, 0.04)], "fail"),
        ([lead(-0.02, None, None)], "fail"),
        ([lead(0.02, None, None)], "unknown"),
        ([lead(0.08, 0.05, 0.11), {"label": "x", "comparison": None, "reason": "needs two patients"}], "unknown"),
        ([{"label": "x", "comparison": None, "reason": "needs two patients"}], "unknown"),
        ([], "unknown"),
    ],
)
def test_every_answer_without_a_model_must_be_beaten_clearly(leads, status):
    result = judge("beat_baselines", validation(baselines={str(place): item for place, item in enumerate(leads)}))
    assert result.status == status


def test_the_smallest_lead_is_the_one_that_is_told():
    result = judge(
        "beat_baselines", validation(baselines={"a": lead(0.08, 0.05, 0.11), "b": lead(0.02, 0.01, 0.03, "constant")})
    )
    assert (result.value, result.low, result.high) == (0.02, 0.01, 0.03)
    assert "over: constant." in result.reason


def test_a_policy_without_baselines_has_no_such_rule():
    with pytest.raises(KeyError):
        judge("beat_baselines", rules=policy(beat_baselines=False))


@pytest.mark.parametrize(
    ("champion", "production", "status", "said"),
    [
        ({"version": None}, None, "pass", "First release"),
        (
            against_champion(measured(-0.019, -0.06, 0.02)),
            "v1",
            "pass",
            "-1.9 % (interval -6.0 to 2.0 %) against champion v1",
        ),
        (against_champion(measured(-0.021, -0.06, 0.02)), "v1", "fail", "A loss of 2 % is allowed."),
        (against_champion(measured(0.3, 0.2, 0.4)), "v1", "pass", "30.0 %"),
        (against_champion(None), "v1", "pass", "Champion v1 scores 0"),
        (against_champion(measured(0.3), version="v1"), "v2", "unknown", "compared with v1, while production is v2"),
        (against_champion(measured(0.3)), None, "unknown", "compared with v1, while production is empty"),
        (
            {"version": None, "reason": "none given"},
            "v2",
            "unknown",
            "had no champion (none given), while production is v2",
        ),
        (against_champion(measured(0.3), decoding_hash="other"), "v1", "unknown", "decoded with different settings"),
        ({"version": "v1", "decoding_hash": "c"}, "v1", "unknown", "does not compare"),
    ],
)
def test_a_candidate_may_lose_only_the_margin_against_todays_production(champion, production, status, said):
    result = judge("degradation.rougeL", validation(champion=champion), production=production)
    assert result.status == status
    assert said in result.reason
    assert result.threshold == -0.02


@pytest.mark.parametrize(
    ("finding", "status"),
    [
        (attribute(gap(-0.051, 0.04), flagged=True), "fail"),
        (attribute(gap(-0.2, 0.06), gap(-0.06, 0.01, "M"), flagged=True), "fail"),
        (attribute(gap(-0.051, 0.051)), "pass"),
        (attribute(gap(-0.05, 0.001)), "pass"),
        (attribute(gap(0.3, 0.001)), "pass"),
        (attribute(gap(-0.03, 0.001), flagged=True), "fail"),
        (attribute(status="insufficient_evidence", reason="too few"), "unknown"),
        (attribute(status="absent", reason="the column gender is empty"), "unknown"),
        (attribute(status="compared"), "unknown"),
    ],
)
def test_a_disparity_needs_size_and_evidence(finding, status):
    result = judge("fairness.gender", compared=bias(attributes={"gender": finding}))
    assert (result.status, result.threshold) == (status, -0.05)


def test_the_slice_that_fails_is_told_before_one_with_a_larger_unproven_gap():
    finding = attribute(gap(-0.2, 0.3, "unproven"), gap(-0.06, 0.01, "proven"), flagged=True)
    assert judge("fairness.gender", compared=bias(attributes={"gender": finding})).reason.startswith(
        "proven against rest"
    )


@pytest.mark.parametrize(
    ("status", "changes", "blocking"),
    [
        ("absent", {}, True),
        ("absent", {"on_absent_attribute": "warn"}, False),
        ("insufficient_evidence", {}, False),
        ("insufficient_evidence", {"on_insufficient_evidence": "block"}, True),
    ],
)
def test_the_policy_says_whether_an_attribute_that_cannot_be_compared_blocks(status, changes, blocking):
    finding = {"ethnicity": attribute(status=status, reason="the column ethnicity is empty in every row")}
    result = judge("fairness.ethnicity", compared=bias(attributes=finding), rules=policy(**changes))
    assert (result.status, result.blocking, result.forbids) == ("unknown", blocking, blocking)
    assert result.reason.startswith("The column ethnicity is empty in every row; policy.on_")


def test_an_attribute_that_nobody_examined_blocks():
    result = judge("fairness.ethnicity", slices=["gender", "ethnicity"])
    assert (result.status, result.forbids) == ("unknown", True)


@pytest.mark.parametrize(
    ("bias_hashes", "sensitivity", "status"),
    [
        ({}, {}, "pass"),
        ({}, HASHES, "pass"),
        ({"model_hash": "other"}, {}, "fail"),
        ({"data_hash": "other"}, {}, "fail"),
        ({}, {"model_hash": "other"}, "fail"),
        ({"decoding_hash": None}, {}, "unknown"),
        ({"predictions_hash": "other"}, {"predictions_hash": "own"}, "fail"),
        ({"predictions_hash": "own"}, {"predictions_hash": "own"}, "pass"),
    ],
)
def test_reports_must_be_about_the_same_model_and_rows(bias_hashes, sensitivity, status):
    others = {"sensitivity": Provenance.model_validate(sensitivity)}
    result = judge("artifacts.same_rows", compared=bias(**bias_hashes), others=others)
    assert (result.status, result.forbids) == (status, status != "pass")


def waiver(rule):
    return {"rule": rule, "reason": "a pilot without patients", "actor": "ana"}


def test_a_waiver_lifts_a_failed_rule_and_says_what_it_lifted():
    result = judge(
        "floor.rougeL", validation(metrics={"rougeL": measured(0.1)}), rules=policy(waivers=[waiver("floor.rougeL")])
    )
    assert (result.status, result.forbids) == ("waived", False)
    assert result.reason == (
        "Waived by ana: a pilot without patients. Without that it is fail: 0.100 is below the floor of 0.15."
    )


def test_a_waiver_does_not_touch_a_rule_that_passes():
    assert judge("floor.rougeL", rules=policy(waivers=[waiver("floor.rougeL")])).status == "pass"


def test_a_waiver_of_a_rule_that_does_not_exist_is_refused_with_the_rules_that_do():
    with pytest.raises(InputError, match=r"there is no rule 'floor\.rouge9'; the rules are artifacts\.same_rows, beat"):
        judge("floor.rougeL", rules=policy(waivers=[waiver("floor.rouge9")]))


def failures(score, rules=None, compared=None, production="v3", **champion):
    """What production misses when its ROUGE-L is `score`."""
    told = {"version": "v3", "model_hash": "strong", "decoding_hash": "c", "metrics": {"rougeL": score}, **champion}
    found = release(validation(champion=told), compared, rules=rules, production=production, production_hash="strong")
    return failures_of_production(found, evaluate_rules(found))


@pytest.mark.parametrize(("high", "missed"), [(0.149, 1), (0.15, 0), (None, 0)])
def test_a_champion_fails_a_floor_only_beyond_doubt(high, missed):
    assert len(failures(measured(0.1, 0.05, high))) == missed


@pytest.mark.parametrize(
    "about",
    [
        {"version": "v2"},
        {"model_hash": "weak"},
        {"model_hash": None},
        {"decoding_hash": "greedy"},
        {"production": None},
        {"compared": bias(model_hash="another")},
        {"compared": bias(decoding_hash=None)},
        {"rules": policy(waivers=[waiver("floor.rougeL")])},
        {"score": measured(0.1, 0.05, 0.12, n_examples=20)},
        {"score": measured(-3.0, -4.0, -2.0)},
    ],
)
def test_production_is_not_blamed_for_what_was_not_measured_of_it_or_is_waived(about):
    assert failures(**({"score": measured(0.1, 0.05, 0.12)} | about)) == []


def test_a_verdict_names_the_variant_that_was_computed():
    label = "ROUGE-L (F1, not stemmed)"
    figure = {"rougeL": measured(0.1, 0.05, 0.12, label=label)}
    champion = against_champion(measured(0.0, -0.01, 0.01), metrics=figure)
    report = validation(metrics=figure, champion=champion)
    for rule in ("floor.rougeL", "beat_baselines", "degradation.rougeL"):
        assert label in judge(rule, report, production="v1").what
    assert label in failures(figure["rougeL"])[0]
    assert judge("floor.rougeL").what.startswith("ROUGE-L (stemmed F1) on 75")
