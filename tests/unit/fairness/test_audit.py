import json

import numpy as np
import pandas as pd
import pytest

from lab_lens.config import Config, parse_config
from lab_lens.errors import InputError
from lab_lens.fairness.advice import advise
from lab_lens.fairness.audit import audit, finding_json
from lab_lens.fairness.slices import NOT_RECORDED, measures

CONFIG = parse_config(json.dumps({"validation": {"bootstrap_resamples": 200}, "fairness": {"slices": ["gender"]}}))


def with_slices(*names, **fairness):
    return parse_config(
        json.dumps({"validation": {"bootstrap_resamples": 200}, "fairness": {"slices": names, **fairness}})
    )


def scored_rows(seed=0, patients=80, **columns):
    """One row a patient with equal quality for everybody."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({name: rng.normal(0.3, 0.05, patients) for name in (*measures(Config()), "rougeLsum")})
    frame.insert(0, "example_id", [f"e{number:04d}" for number in range(patients)])
    frame.insert(1, "subject_id", [f"p{number:04d}" for number in range(patients)])
    frame["note_words"], frame["truncated"] = 500, False
    genders = np.where(np.arange(patients) % 2, "F", "M")
    return frame.assign(**({"gender": genders} | columns))


def only(findings):
    (finding,) = findings
    return finding


def test_a_slice_that_is_worse_by_more_than_the_policy_allows_is_flagged():
    frame = scored_rows()
    frame.loc[frame["gender"] == "F", "rougeL"] -= 0.12
    finding = only(audit(frame, CONFIG))
    assert (finding.status, [item.slice for item in finding.flagged]) == ("compared", ["F"])
    assert finding.largest_gap.p_adjusted < 0.05
    assert finding.largest_gap.high < -0.05


def test_a_slice_that_is_better_is_not_flagged_but_the_other_one_is_named():
    frame = scored_rows()
    frame.loc[frame["gender"] == "F", "rougeL"] += 0.12
    assert [item.slice for item in only(audit(frame, CONFIG)).flagged] == ["M"]


def test_a_difference_that_is_certain_but_small_is_not_flagged():
    frame = scored_rows(patients=400)
    frame.loc[frame["gender"] == "F", "rougeL"] -= 0.03
    finding = only(audit(frame, CONFIG))
    assert finding.largest_gap.p_adjusted < 0.05
    assert not finding.flagged


def test_equal_quality_is_flagged_in_hardly_any_report():
    # A margin of 0 leaves the decision to the test alone.
    config = with_slices("gender", "age_group", "ethnicity", min_examples_per_slice=10)
    config = config.model_copy(update={"policy": config.policy.model_copy(update={"max_disparity": 0.0})})
    rng = np.random.default_rng(5)
    flagged = 0
    for seed in range(15):
        attributes = {name: rng.choice(["a", "b", "c"], 80) for name in ("age_group", "ethnicity")}
        flagged += any(finding.flagged for finding in audit(scored_rows(seed, **attributes), config))
    assert flagged <= 3


def test_two_groups_make_one_comparison_and_three_make_three():
    three = scored_rows(patients=120, gender=np.resize(["a", "b", "c"], 120))
    assert len(only(audit(scored_rows(), CONFIG)).comparisons) == 1
    assert len(only(audit(three, CONFIG)).comparisons) == 3


def test_small_groups_are_shown_with_the_difference_that_could_be_found_but_not_compared():
    finding = only(audit(scored_rows(gender=["F"] * 10 + ["M"] * 70), CONFIG))
    assert (finding.status, list(finding.comparisons)) == ("insufficient_evidence", [])
    assert finding.reason.startswith("1 of 2 groups have the 30 examples of at least 5 patients")
    assert [(item.slice, item.enough) for item in finding.slices] == [("F", False), ("M", True)]
    assert finding.slices[0].metrics["rougeL"].low < finding.slices[0].metrics["rougeL"].estimate
    assert 0.02 < finding.detectable < 0.2


def test_many_examples_of_few_patients_are_not_enough():
    frame = scored_rows()
    frame.loc[frame["gender"] == "F", "subject_id"] = "one patient"
    finding = only(audit(frame, CONFIG))
    assert finding.status == "insufficient_evidence"
    small = finding.slices[0]
    assert (small.n_examples, small.n_patients, small.enough) == (40, 1, False)
    assert small.metrics["rougeL"].low is None


def test_one_group_only_is_no_comparison():
    finding = only(audit(scored_rows(gender="F"), CONFIG))
    assert (finding.status, finding.detectable) == ("insufficient_evidence", None)
    assert "only one group" in finding.reason


def test_an_attribute_without_column_or_values_is_absent():
    assert only(audit(scored_rows().drop(columns="gender"), CONFIG)).reason == "the data has no column gender"
    finding = only(audit(scored_rows(gender=" "), CONFIG))
    assert (finding.status, finding.reason) == ("absent", "the column gender is empty in every row")


def test_rows_without_a_value_are_a_slice_that_is_shown_and_never_compared():
    frame = scored_rows(patients=120, gender=np.resize(["F", "M", ""], 120))
    frame.loc[frame["gender"] == "", "rougeL"] = 0.0
    finding = only(audit(frame, CONFIG))
    assert [(item.slice, item.n_examples, item.enough) for item in finding.slices][2] == (NOT_RECORDED, 40, False)
    assert {item.slice for item in finding.comparisons} <= {"F", "M"}
    assert not finding.flagged


def test_the_order_of_the_rows_does_not_matter():
    frame = scored_rows(subject_id=[f"p{number // 2:03d}" for number in range(80)])
    findings = [finding_json(only(audit(rows, CONFIG))) for rows in (frame, frame.sample(frac=1.0, random_state=7))]
    assert findings[0] == findings[1]


@pytest.mark.parametrize("name", ["input_text", "subject_id", "rougeL"])
def test_text_identifiers_and_scores_are_refused_as_slices(name):
    with pytest.raises(InputError, match=f"{name} cannot be a slice"):
        audit(scored_rows(), with_slices(name))


def advice_on(frame, config=CONFIG):
    return advise(frame, audit(frame, config), config)


def test_advice_on_a_small_slice_counts_what_is_missing():
    (sentence, *_) = advice_on(scored_rows(gender=["F"] * 10 + ["M"] * 70))
    assert "F (10 examples of 10 patients: 20 more examples needed)" in sentence
    assert "about 240 held-out notes instead of 80" in sentence


def test_advice_on_a_flagged_slice_follows_its_notes():
    frame = scored_rows()
    women = frame["gender"] == "F"
    frame.loc[women, "rougeL"] -= 0.12
    assert "Note length does not explain the gap" in advice_on(frame)[0]
    assert "Notes of another length may explain" in advice_on(frame.assign(note_words=500 + 300 * women))[0]
    (sentence, *_) = advice_on(frame.assign(truncated=women))
    assert "100% of them are truncated against 0%" in sentence
    assert "raise model.max_input_tokens above 1024" in sentence
    assert "truncated" not in advice_on(frame.drop(columns="truncated"))[0]


def test_advice_on_absent_and_half_recorded_attributes():
    assert "take gender out of fairness.slices" in advice_on(scored_rows().drop(columns="gender"))[0]
    sentences = advice_on(scored_rows(patients=120, gender=np.resize(["F", "M", ""], 120)))
    assert any("gender is not recorded for 40 of 120 examples (33%)" in sentence for sentence in sentences)


def test_advice_says_which_gaps_cannot_be_seen():
    noisy = scored_rows()
    noisy["rougeL"] = np.random.default_rng(0).uniform(0, 1, len(noisy))
    assert "a gap must be about this large" in advice_on(noisy)[-1]
