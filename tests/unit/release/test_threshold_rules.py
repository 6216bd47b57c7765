import numpy as np
import pytest
from release_reports import attribute, bias, judge, measured, policy, validation

from lab_lens.config_policy import Ceiling, Floor
from lab_lens.metrics.catalogue import METRICS
from lab_lens.metrics.text import SENTENCE_BLEU_LABEL
from lab_lens.metrics.uncertainty import Bootstrap, bootstrap_statistics
from lab_lens.release.evidence import ChampionEvidence
from lab_lens.release.scores import clear_misses


def floor(at_least, metric="fact_recall", **more):
    return {"type": "floor", "metric": metric, "at_least": at_least, **more}


def ceiling(at_most, metric="hallucination_rate", **more):
    return {"type": "ceiling", "metric": metric, "at_most": at_most, **more}


def judged(rule, score, **more):
    metrics = {"rougeL": measured(0.31, 0.28, 0.34)} | ({rule["metric"]: score} if score else {})
    rules = policy(rules=[rule])
    return judge(rules.rules[0].name, validation(metrics=metrics, **more), rules=rules)


@pytest.mark.parametrize(
    ("rule", "score", "status", "said"),
    [
        (
            ceiling(0.05),
            measured(0.04, 0.03, 0.06),
            "pass",
            "keeps to the ceiling of 0.05. The interval reaches above it.",
        ),
        (ceiling(0.05), measured(0.051, 0.03, 0.06), "fail", "0.051 (interval 0.030 to 0.060) is above the ceiling of"),
        (ceiling(0.05, bound="upper"), measured(0.03, 0.02, 0.049), "pass", "the whole interval keeps to it"),
        (ceiling(0.05, bound="upper"), measured(0.04, 0.03, 0.06, n_clusters=60), "unknown", "Inconclusive: 0.040"),
        (ceiling(0.05, bound="upper"), measured(0.06, 0.04, 0.08, n_clusters=60), "unknown", "Inconclusive: 0.060"),
        (ceiling(0.05, bound="upper"), measured(0.09, 0.06, 0.12), "fail", "the whole interval lies above it"),
        (floor(0.6, bound="lower"), measured(0.7, 0.61, 0.8), "pass", "the whole interval reaches it"),
        (floor(0.6, bound="lower"), measured(0.7, 0.55, 0.8, n_clusters=60), "unknown", "Inconclusive"),
        (floor(0.6, bound="lower"), measured(0.4, 0.3, 0.5), "fail", "the whole interval lies below it"),
        (
            floor(0.6, bound="lower"),
            measured(0.7, None, None, "3 patients"),
            "unknown",
            "the rule asks for an interval",
        ),
        (floor(0.6), measured(0.7, None, None, "3 patients"), "pass", "0.700 (no interval: 3 patients) reaches"),
        (floor(0.6), measured(None, None, None, "no fact in 75 notes"), "unknown", "no fact in 75 notes."),
        (ceiling(0.5), None, "unknown", "The validation report does not have it."),
    ],
)
def test_a_limit_is_held_against_the_estimate_or_against_the_bound(rule, score, status, said):
    result = judged(rule, score)
    assert (result.status, result.forbids) == (status, status != "pass")
    assert said in result.reason
    assert bool(result.next_step) == (status != "pass")
    assert result.bound == rule.get("bound", "estimate")


@pytest.mark.parametrize(
    ("score", "patients"),
    [
        # Half of the distance to the limit is missing: four times the patients.
        (measured(0.04, 0.03, 0.06, n_clusters=60), "about 250 patients"),
        (measured(0.049, 0.03, 0.06, n_clusters=60), "about 7,300 patients"),
        (measured(0.05, 0.03, 0.06, n_clusters=60), "at this estimate no number of patients settles it"),
        (measured(0.06, 0.04, 0.08, n_clusters=60), "about 250 patients this estimate would be a clear no"),
        (measured(0.04, 0.03, 0.06), "validate on notes of more patients"),
    ],
)
def test_an_open_question_says_how_many_patients_would_settle_it(score, patients):
    assert patients in judged(ceiling(0.05, bound="upper"), score).next_step


@pytest.mark.parametrize(("severity", "forbids"), [("block", True), ("warn", False)])
@pytest.mark.parametrize("score", [measured(0.3, 0.2, 0.4), measured(None), None])
def test_the_severity_says_whether_a_rule_that_is_not_satisfied_keeps_from_release(severity, forbids, score):
    result = judged(ceiling(0.05, severity=severity), score)
    assert (result.status in ("fail", "unknown"), result.forbids) == (True, forbids)


def sliced(metric="rougeL", **scores):
    found = [
        {
            "slice": name,
            "enough": enough,
            "recorded": True,
            "n_examples": 40,
            "metrics": {metric: measured(score, score - 0.02, score + 0.02)},
        }
        for name, (score, enough) in scores.items()
    ]
    return bias(attributes={"gender": {**attribute(status="insufficient_evidence", reason="too few"), "slices": found}})


@pytest.mark.parametrize(
    ("report", "status", "said"),
    [
        (sliced(F=(0.3, True), M=(0.25, True)), "pass", "M: 0.250"),
        (sliced(F=(0.3, True), M=(0.15, True)), "fail", "M: 0.150"),
        (
            sliced(F=(0.3, True), M=(0.15, False)),
            "pass",
            "F: 0.300 (interval 0.280 to 0.320) reaches the floor of 0.2. ",
        ),
        (sliced(F=(0.3, True), M=(0.15, False)), "pass", "Too small to judge: M."),
        (sliced(F=(0.3, False), M=(0.15, False)), "unknown", "Too few; policy.on_insufficient_evidence is warn."),
        (sliced("rouge1", F=(0.3, True)), "unknown", "The bias report does not have ROUGE-L (stemmed F1) by slice."),
        (bias(attributes={}), "unknown", "The bias report did not examine it."),
    ],
)
def test_a_limit_can_be_asked_of_every_slice(report, status, said):
    rules = policy(rules=[floor(0.2, "rougeL", slices="gender")])
    result = judge("floor.rougeL.gender", compared=report, rules=rules)
    assert result.status == status
    assert said in result.reason


@pytest.mark.parametrize(
    ("rule", "low", "high", "misses"),
    [
        (Floor(metric="rougeL", at_least=0.3), 0.1, 0.29, 1),
        (Floor(metric="rougeL", at_least=0.3), 0.1, 0.3, 0),
        (Floor(metric="rougeL", at_least=0.3, severity="warn"), 0.1, 0.2, 0),
        (Floor(metric="rougeL", at_least=0.3, slices="gender"), 0.1, 0.2, 0),
        (Ceiling(metric="omission_rate", at_most=0.3), 0.31, 0.4, 1),
        (Ceiling(metric="omission_rate", at_most=0.3), 0.3, 0.4, 0),
        (Ceiling(metric="omission_rate", at_most=0.3), None, None, 0),
    ],
)
def test_a_champion_misses_a_limit_only_with_its_whole_interval(rule, low, high, misses):
    champion = ChampionEvidence.model_validate({"version": "v1", "metrics": {rule.metric: measured(0.3, low, high)}})
    assert len(clear_misses([rule], champion, 75)) == misses


def test_bleu_by_slice_is_named_as_that_of_sentences():
    rules = policy(rules=[floor(0.2, "bleu", slices="gender")])
    result = judge("floor.bleu.gender", compared=sliced("bleu", F=(0.3, True)), rules=rules)
    assert (result.status, result.what.split(" in every")[0]) == ("pass", SENTENCE_BLEU_LABEL)


def test_no_event_in_five_patients_does_not_keep_a_ceiling():
    rates = bootstrap_statistics(
        {"contradiction_rate": (np.array([[0.0, 9.0, 0.0]] * 5), METRICS["contradiction_rate"].statistic)},
        list("abcde"),
        Bootstrap(200),
        shares=["contradiction_rate"],
    )
    assert judged(ceiling(0.15, "contradiction_rate", bound="upper"), rates["contradiction_rate"].to_json()).forbids
