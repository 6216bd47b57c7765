import pytest
from release_reports import against_champion, judge, lead, measured, policy, results_of, validation

MARGIN = {"type": "non_inferiority", "metric": "rougeL", "margin": 0.05, "bound": "lower"}


def judged(rule, relative, production="v1", **champion):
    rules = policy(rules=[rule])
    report = validation(champion=against_champion(relative, metric=rule["metric"], **champion))
    return judge(rules.rules[0].name, report, rules=rules, production=production)


@pytest.mark.parametrize(
    ("relative", "status", "said"),
    [
        (measured(0.0, -0.049, 0.05), "pass", "A loss of 5 % must be ruled out, and is."),
        (measured(-0.04, -0.049, -0.03), "pass", "and is."),
        (measured(-0.08, -0.11, -0.051), "fail", "and is certain."),
        (measured(0.0, -0.05, 0.05, n_clusters=60), "unknown", "Inconclusive: 0.0 % (interval -5.0 to 5.0 %)"),
        (measured(-0.06, -0.1, -0.02, n_clusters=60), "unknown", "the interval contains it"),
        (measured(0.2, None, None, "3 patients"), "unknown", "which needs an interval"),
        (measured(None, None, None, "nothing in common"), "unknown", "nothing in common"),
        (measured(0.0, -0.01, 0.01, n_examples=40), "unknown", "comes from 40 notes; the report is about 75"),
    ],
)
def test_on_the_bound_a_loss_must_be_ruled_out(relative, status, said):
    result = judged(MARGIN, relative)
    assert (result.rule, result.status, result.forbids) == ("degradation.rougeL.lower", status, status != "pass")
    assert said in result.reason
    assert (result.threshold, result.bound) == (-0.05, "lower")


@pytest.mark.parametrize(
    ("relative", "said"),
    [
        # The lower bound lies twice as far below the estimate as the margin: four times the patients.
        (measured(0.0, -0.1, 0.1, n_clusters=60), "validate on notes of about 250 patients, which settles it"),
        (measured(-0.06, -0.1, -0.02, n_clusters=60), "about 970 patients this estimate would be a clear no"),
        (measured(-0.05, -0.1, 0.0, n_clusters=60), "at this estimate no number of patients settles it"),
        (measured(0.0, -0.1, 0.1), "validate on notes of more patients"),
    ],
)
def test_an_inconclusive_comparison_says_what_would_settle_it(relative, said):
    assert said in judged(MARGIN, relative).next_step


@pytest.mark.parametrize(
    ("gain", "status"),
    [(0.009, "pass"), (0.011, "fail"), (-0.3, "pass")],
)
def test_a_rise_of_what_is_better_lower_is_a_loss(gain, status):
    rule = {"type": "non_inferiority", "metric": "hallucination_rate", "margin": 0.01, "unit": "points"}
    result = judged(rule, None, difference=measured(gain, gain - 0.02, gain + 0.02))
    assert (result.rule, result.status) == ("degradation.hallucination_rate", status)
    assert "a rise counting as a loss" in result.what
    assert result.value == -gain


@pytest.mark.parametrize(
    ("difference", "status"),
    [(measured(0.02, 0.01, 0.03), "unknown"), (measured(0.0, 0.0, 0.0), "pass"), (measured(None), "unknown")],
)
def test_nothing_is_a_fraction_of_a_champion_that_scores_zero(difference, status):
    rule = {"type": "non_inferiority", "metric": "hallucination_rate", "margin": 0.01}
    assert judged(rule, None, difference=difference).status == status


@pytest.mark.parametrize(
    ("own", "theirs", "status"),
    [
        (measured(0.05, 0.03, 0.07), measured(None, reason="no facts", computed=True), "pass"),
        (measured(0.05, 0.03, 0.07), measured(None, reason="failed: MemoryError", computed=False), "unknown"),
        (measured(0.05, 0.03, 0.07), measured(None, reason="nobody knows"), "unknown"),
        (measured(None, reason="no facts"), measured(None, reason="no facts"), "unknown"),
        (measured(None, reason="no facts"), measured(0.05, 0.03, 0.07), "unknown"),
        (measured(0.05, 0.03, 0.07), measured(0.05, 0.03, 0.07), "unknown"),
        (measured(0.05, 0.03, 0.07), None, "unknown"),
        (None, measured(None, reason="no facts"), "unknown"),
    ],
)
def test_only_a_champion_that_states_nothing_needs_no_comparison(own, theirs, status):
    metric = "hallucination_rate"
    rules = policy(rules=[{"type": "non_inferiority", "metric": metric, "margin": 0.01, "unit": "points"}])
    figures = {metric: theirs} if theirs else {}
    champion = {"version": "v1", "decoding_hash": "c", "metrics": figures, "comparison": {}}
    report = validation(champion=champion, metrics={metric: own} if own else {})
    assert judge(f"degradation.{metric}", report, rules=rules, production="v1").status == status


def test_summaries_of_another_model_than_todays_production_say_nothing():
    champion = against_champion(measured(0.3, 0.2, 0.4), model_hash="b" * 64)
    found = {
        hash_: judge("degradation.rougeL", validation(champion=champion), production="v1", production_hash=hash_)
        for hash_ in ("a" * 64, "b" * 64, None)
    }
    assert [result.status for result in found.values()] == ["unknown", "pass", "pass"]
    assert "are of a model with sha256 bbbbbbbbbbbb; v1 in the registry has aaaaaaaaaaaa." in found["a" * 64].reason


def test_a_champion_whose_summaries_are_of_nobody_knows_what_says_nothing():
    report = validation(champion=against_champion(measured(0.3, 0.2, 0.4)))
    assert judge("degradation.rougeL", report, production="v1", production_hash="a" * 64).status == "unknown"


def test_a_lead_can_be_asked_of_another_metric_and_by_how_much():
    rules = policy(rules=[{"type": "lead", "metric": "rouge1", "more_than": 0.05}])
    for low, status in ((0.051, "pass"), (0.05, "fail")):
        item = lead(0.08, low, 0.11)
        report = validation(baselines={"lead_3": {**item, "comparison": {"rouge1": item["comparison"]["rougeL"]}}})
        assert judge("beat_baselines.rouge1", report, rules=rules).status == status


def test_by_default_the_first_model_needs_its_floors_and_no_champion():
    default = policy(floors={"rougeL": 0.15}, rules=[MARGIN])
    statuses = {result.rule: result.status for result in results_of(rules=default)}
    assert statuses["degradation.rougeL"] == statuses["degradation.rougeL.lower"] == "pass"
    low = validation(metrics={"rougeL": measured(0.1, 0.09, 0.11)})
    assert judge("floor.rougeL", low, rules=default).forbids
