"""Reports as the stages write them, of a candidate in which all is well but for what a test changes."""

from lab_lens.config import Config, Fairness
from lab_lens.config_policy import Policy
from lab_lens.release.evidence import BiasEvidence, ValidationEvidence
from lab_lens.release.policy import Release, evaluate_rules
from lab_lens.release.settings import bias_settings, validation_settings

HASHES = {"model_hash": "m", "data_hash": "d", "decoding_hash": "c"}
CONFIG = Config(fairness=Fairness(slices=("gender",)))


def measured(estimate, low=None, high=None, reason="", **counts):
    return {"estimate": estimate, "low": low, "high": high, "reason": reason, **counts}


def lead(estimate, low, high, label="first three sentences of the note"):
    return {"label": label, "comparison": {"rougeL": {"difference": measured(estimate, low, high), "relative": None}}}


def against_champion(relative, version="v1", decoding_hash="c", metric="rougeL", difference=None, **more):
    comparison = {"difference": difference or measured(0.0, -0.1, 0.1), "relative": relative}
    return {"version": version, "decoding_hash": decoding_hash, "comparison": {metric: comparison}, **more}


def validation(**changes):
    content = {
        "schema_version": 1,
        **HASHES,
        "settings": validation_settings(CONFIG),
        "examples": 75,
        "metrics": {"rougeL": measured(0.31, 0.28, 0.34), "rouge1": measured(0.4, 0.37, 0.43)},
        "baselines": {"lead_3": lead(0.08, 0.05, 0.11)},
        "champion": {"version": None, "reason": "no champion was given to compare with"},
    }
    return ValidationEvidence.model_validate(content | changes)


def gap(difference, p_adjusted, name="F"):
    return {
        "slice": name,
        "versus": "rest",
        "difference": difference,
        "low": difference - 0.02,
        "high": difference + 0.02,
        "p_adjusted": p_adjusted,
    }


def attribute(*gaps, status="compared", flagged=False, reason=""):
    return {"status": status, "reason": reason, "comparisons": gaps, "flagged": flagged}


def bias(**changes):
    attributes = changes.pop("attributes", {"gender": attribute(gap(-0.01, 0.8))})
    return BiasEvidence.model_validate(
        {
            "schema_version": 1,
            **HASHES,
            "settings": bias_settings(CONFIG),
            "metric": "rougeL",
            "attributes": attributes,
            **changes,
        }
    )


def policy(**changes):
    return Policy.model_validate({"floors": {"rougeL": 0.15}, "rules": [], **changes})


def release(validated=None, compared=None, rules=None, slices=("gender",), others=None, **production):
    config = Config(policy=rules or policy(), fairness=Fairness(slices=slices))
    return Release(validated or validation(), compared or bias(), others or {}, config, **production)


def results_of(*about, **more):
    return evaluate_rules(release(*about, **more))


def judge(rule, *about, **more):
    return {result.rule: result for result in results_of(*about, **more)}[rule]
