import json
import random

import pandas as pd
import pytest

from lab_lens.artifacts import sha256_file
from lab_lens.config import parse_config
from lab_lens.errors import InputError
from lab_lens.notes.examples import write_examples
from lab_lens.registry.vertex_view import slices_of
from lab_lens.stages.detect_bias import run_detect_bias

WORDS = ("fever", "cough", "chest", "edema", "aspirin", "warfarin", "stable", "clinic", "normal", "renal", "improved")
SECRET = "Zebulon Quartermain"
CONFIG = parse_config(json.dumps({"validation": {"bootstrap_resamples": 200}}))


def held_out(examples=120, **columns):
    """Notes and references of one patient each; every note names the secret patient."""
    rng = random.Random(3)
    texts = [" ".join(rng.choices(WORDS, k=14)) for _ in range(examples)]
    return pd.DataFrame(
        {
            "example_id": [f"e{number:03d}" for number in range(examples)],
            "subject_id": [f"p{number:03d}" for number in range(examples)],
            "input_text": [f"{SECRET}. {text} and more" for text in texts],
            "target_summary": texts,
            "age_group": ["18-44", "45-64", "65+"] * (examples // 3),
            "gender": ["F", "M"] * (examples // 2),
            "ethnicity": "",
        }
        | columns
    )


def answer(reference, kept_words, rng):
    words = reference.split()
    return " ".join(words[index] for index in sorted(rng.sample(range(len(words)), kept_words)))


def write_inputs(folder, frame, kept=lambda row: 9):
    """test.csv and predictions.csv: summaries keep so many words of the reference."""
    rng = random.Random(4)
    summaries = [answer(row.target_summary, kept(row), rng) for row in frame.itertuples()]
    write_examples(frame, folder / "test.csv")
    predictions = frame[["example_id", "subject_id"]].assign(
        summary=summaries, log_probability="-3.5", input_tokens="20", output_tokens="9", truncated="False"
    )
    write_examples(predictions, folder / "predictions.csv")
    return folder


def run(folder, config=CONFIG, **options):
    return run_detect_bias(folder, folder, config, report_dir=folder / "report", html=folder / "bias.html", **options)


def report_of(folder, config=CONFIG):
    return json.loads(run(folder, config).report.read_text(encoding="utf-8"))


def worse_for_women(row):
    return 6 if row.gender == "F" else 11


def test_a_model_that_serves_women_worse_is_flagged_in_every_output(tmp_path):
    result = run(write_inputs(tmp_path, held_out(), worse_for_women))
    report = json.loads(result.report.read_text(encoding="utf-8"))
    assert report["flagged"] == [{"attribute": "gender", "slice": "F"}]
    gap = report["attributes"]["gender"]["largest_gap"]
    assert (gap["slice"], gap["versus"]) == ("F", "rest")
    assert gap["low"] <= gap["difference"] <= gap["high"] < -0.05
    assert gap["p_adjusted"] < 0.05
    assert result.metrics["flagged_slices"] == 1.0
    assert result.metrics["largest_gap"] == gap["difference"]
    assert "FLAGGED" in (tmp_path / "report" / "bias_summary.txt").read_text(encoding="utf-8")
    assert "Served worse than the rest: gender = F" in (tmp_path / "bias.html").read_text(encoding="utf-8")


def test_a_model_that_serves_all_alike_is_not_flagged_and_what_is_unknown_is_said(tmp_path):
    report = report_of(write_inputs(tmp_path, held_out()))
    assert report["flagged"] == []
    assert report["attributes"]["gender"]["status"] == "compared"
    assert report["attributes"]["ethnicity"]["status"] == "absent"
    assert "ethnicity could not be compared" in (tmp_path / "bias.html").read_text(encoding="utf-8")


def test_every_slice_is_reported_with_its_size_and_intervals(tmp_path):
    report = report_of(write_inputs(tmp_path, held_out()))
    slices = report["attributes"]["age_group"]["slices"]
    assert [(item["slice"], item["n_examples"], item["n_patients"]) for item in slices] == [
        ("18-44", 40, 40),
        ("45-64", 40, 40),
        ("65+", 40, 40),
    ]
    for name in ("rouge1", "rouge2", "rougeL", "rougeLsum", "bleu", "summary_words"):
        interval = slices[0]["metrics"][name]
        assert interval["low"] - 1e-12 <= interval["estimate"] <= interval["high"] + 1e-12
    assert slices[0]["metrics"]["summary_words"]["estimate"] == 9.0
    assert slices[0]["truncated_fraction"] == 0.0


def test_vertex_ai_can_show_every_slice_of_the_report(tmp_path):
    shown = slices_of(report_of(write_inputs(tmp_path, held_out())))
    assert {"age_group=18-44", "age_group=45-64", "age_group=65+", "gender=F", "gender=M"} <= {
        item["slice_"]["value"] for item in shown
    }


def test_small_slices_end_in_insufficient_evidence(tmp_path):
    report = report_of(write_inputs(tmp_path, held_out(24), worse_for_women))
    finding = report["attributes"]["gender"]
    assert (finding["status"], finding["comparisons"], finding["largest_gap"]) == ("insufficient_evidence", [], None)
    assert finding["detectable_difference"] > 0.0
    assert {item["verdict"] for item in finding["slices"]} == {"insufficient evidence"}
    assert any("more examples needed" in sentence for sentence in report["advice"])


def test_no_output_contains_text_of_notes_or_summaries(tmp_path):
    frame = held_out()
    run(write_inputs(tmp_path, frame, worse_for_women))
    texts = [path.read_text(encoding="utf-8") for path in (tmp_path / "report").iterdir()]
    texts.append((tmp_path / "bias.html").read_text(encoding="utf-8"))
    assert len(texts) == 4
    assert not [text for text in texts if SECRET in text or "warfarin" in text]


def test_the_rows_file_holds_ids_slices_and_scores(tmp_path):
    run(write_inputs(tmp_path, held_out()))
    rows = pd.read_csv(tmp_path / "report" / "predictions_with_slices.csv")
    assert list(rows.columns[:5]) == ["example_id", "subject_id", "age_group", "gender", "ethnicity"]
    assert {"rougeL", "bleu", "summary_words", "truncated"} <= set(rows.columns)
    assert len(rows) == 120


def test_shuffled_rows_give_the_same_report(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    frame = held_out()
    write_inputs(tmp_path / "a", frame, worse_for_women)
    for name in ("test.csv", "predictions.csv"):
        rows = pd.read_csv(tmp_path / "a" / name, dtype=str, keep_default_na=False)
        write_examples(rows.sample(frac=1.0, random_state=9), tmp_path / "b" / name)
    reports = [report_of(tmp_path / name) for name in "ab"]
    for report in reports:
        del report["data_hash"], report["predictions_hash"], report["report_hash"]
    assert reports[0] == reports[1]


def test_predictions_that_say_nothing_of_truncation_leave_it_unknown(tmp_path):
    folder = write_inputs(tmp_path, held_out())
    predictions = pd.read_csv(folder / "predictions.csv", dtype=str)[["example_id", "summary"]]
    write_examples(predictions, folder / "predictions.csv")
    assert report_of(folder)["attributes"]["gender"]["slices"][0]["truncated_fraction"] is None


def test_hashes_of_the_generation_are_carried_over_and_other_data_is_refused(tmp_path):
    folder = write_inputs(tmp_path, held_out())
    record = {"model_hash": "m" * 64, "data_hash": sha256_file(folder / "test.csv"), "decoding_hash": "d" * 64}
    (folder / "generation.json").write_text(json.dumps(record))
    report = report_of(folder)
    assert {name: report[name] for name in record} == record
    assert report["predictions_hash"] == sha256_file(folder / "predictions.csv")
    (folder / "generation.json").write_text(json.dumps(record | {"data_hash": "0" * 64}))
    with pytest.raises(InputError, match="made from other data"):
        run(folder)


def test_a_stamp_goes_into_every_file_name(tmp_path):
    run(write_inputs(tmp_path, held_out()), stamp="_20261122T201500")
    assert sorted(path.name for path in (tmp_path / "report").iterdir()) == [
        "bias_report_20261122T201500.json",
        "bias_summary_20261122T201500.txt",
        "predictions_with_slices_20261122T201500.csv",
    ]


def test_any_column_can_be_sliced_but_not_text(tmp_path):
    folder = write_inputs(tmp_path, held_out(ward=["east", "west", "east", "west"] * 30))
    by_ward = parse_config(json.dumps({"fairness": {"slices": ["ward"]}, "validation": {"bootstrap_resamples": 100}}))
    assert report_of(folder, by_ward)["attributes"]["ward"]["status"] == "compared"
    by_text = parse_config(json.dumps({"fairness": {"slices": ["input_text"]}}))
    with pytest.raises(InputError, match="input_text cannot be a slice"):
        run(folder, by_text)
