import json

import numpy as np
import pandas as pd
import pytest

from lab_lens.artifacts import sha256_file
from lab_lens.config import parse_config
from lab_lens.engine.checkpoint import load_model, model_hash
from lab_lens.engine.score import score
from lab_lens.errors import InputError
from lab_lens.notes.examples import write_examples
from lab_lens.stages.analyze_sensitivity import run_analyze_sensitivity

SECRET = "Zebulon Quartermain"
SETTINGS = {
    "model": {"max_input_tokens": 128, "max_target_tokens": 32},
    "sensitivity": {"num_samples": 3, "perturbations": 20},
    "validation": {"bootstrap_resamples": 100},
}
CONFIG = parse_config(json.dumps(SETTINGS))


def note(number):
    return (
        f"Chief Complaint: cough of {SECRET}\n\n"
        f"Brief Hospital Course: He was treated with furosemide {number} mg. He improved. He walked.\n\n"
        "Discharge Medications: furosemide daily\n\n" + "Followup Instructions: see your doctor soon.\n" * (number * 2)
    )


def held_out(notes):
    count = len(notes)
    return pd.DataFrame(
        {
            "example_id": [f"e{index}" for index in range(count)],
            "subject_id": [f"p{index}" for index in range(count)],
            "input_text": notes,
            "target_summary": [f"He got furosemide {index} mg and improved." for index in range(count)],
            "age_group": "65+",
            "gender": "M",
            "ethnicity": "",
        }
    )


def write_inputs(folder, notes, summaries=None, **generation):
    frame = held_out(notes)
    write_examples(frame, folder / "test.csv")
    predictions = frame[["example_id", "subject_id"]].assign(
        summary=summaries or [f"He improved on furosemide {index}." for index in range(len(notes))],
        log_probability="-3.5",
        input_tokens=[str(len(text) // 3) for text in notes],
        output_tokens="9",
        truncated=[str(len(text) // 3 > 128) for text in notes],
    )
    write_examples(predictions, folder / "predictions.csv")
    record = {"data_hash": sha256_file(folder / "test.csv"), "decoding_hash": "d" * 64} | generation
    (folder / "generation.json").write_text(json.dumps(record), encoding="utf-8")
    return folder


def run(model, folder, config=CONFIG, **options):
    return run_analyze_sensitivity(
        model, folder, folder, config, device="cpu", report_dir=folder / "report", html=folder / "page.html", **options
    )


def report_of(result):
    return json.loads(result.report.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def analyzed(tiny_model_dir, tmp_path_factory):
    folder = write_inputs(
        tmp_path_factory.mktemp("run"), [note(number) for number in range(12)], model_hash=model_hash(tiny_model_dir)
    )
    return folder, run(tiny_model_dir, folder)


def test_a_run_leaves_the_report_and_a_picture_of_every_analysis(analyzed):
    folder, result = analyzed
    report = report_of(result)
    pictures = [item["figure"] for item in report["lime"]]
    assert all(name.startswith("lime_explanation_") for name in pictures)
    assert {path.name for path in (folder / "report").iterdir()} == {
        "sensitivity_report.json",
        "section_importance.png",
        "length_sensitivity_analysis.png",
        *pictures,
    }
    assert report["own_summaries"] is True
    assert all(np.isfinite(value) for value in result.metrics.values())
    assert result.metrics["notes_explained"] == 3.0
    assert len(pictures) == 3


def test_the_numbers_come_from_scoring_the_summary_again(analyzed, tiny_model_dir):
    _, result = analyzed
    explained = report_of(result)["lime"][0]
    text = note(explained["row"] - 1)[: explained["seen_chars"]]
    summary = f"He improved on furosemide {explained['row'] - 1}."
    ablated = text[: text.index("Brief")] + text[text.index("Discharge Med") :]
    loaded = load_model(tiny_model_dir, "cpu")
    with_it, without_it = score(
        loaded, [text, ablated], [summary] * 2, max_input_tokens=128, max_target_tokens=32
    ) / len(loaded.tokenizer(summary)["input_ids"])
    assert explained["part_drops"]["brief_hospital_course"] == pytest.approx(with_it - without_it, abs=1e-5)


def test_units_carry_offsets_and_labels_but_no_output_carries_text(analyzed):
    folder, result = analyzed
    report = report_of(result)
    unit = report["lime"][0]["units"][0]
    assert unit["label"].startswith("Chief complaint, sentence 1 (chars 0-")
    assert unit["spans"][0][0] == 0
    for text in (result.report.read_text(encoding="utf-8"), (folder / "page.html").read_text(encoding="utf-8")):
        assert SECRET not in text
        assert "furosemide" not in text


def test_sections_beyond_the_truncation_are_reported_as_never_seen(analyzed):
    _, result = analyzed
    report = report_of(result)
    explained = [item for item in report["lime"] if item["seen_chars"] < item["note_chars"]]
    assert explained
    assert all(span[1] <= item["seen_chars"] for item in explained for unit in item["units"] for span in unit["spans"])


def test_length_bins_hold_all_predictions(analyzed):
    bins = report_of(analyzed[1])["length"]["bins"]
    assert sum(item["quality"]["n_examples"] for item in bins) == 12
    assert bins[0]["truncated_fraction"] < bins[-1]["truncated_fraction"]


def test_a_repeated_run_gives_the_same_report(analyzed, tiny_model_dir):
    folder, result = analyzed
    before = result.report.read_bytes()
    assert run(tiny_model_dir, folder).report.read_bytes() == before


def test_notes_without_headers_and_empty_summaries_are_said(tiny_model_dir, tmp_path, caplog):
    notes = ["He came in today. He was treated there. He went home.", "Short note here. It ends.", "One sentence only"]
    folder = write_inputs(tmp_path, [*notes, "No summary. At all."], ["He improved."] * 3 + [" "], model_hash="0" * 64)
    config = parse_config(json.dumps(SETTINGS | {"sensitivity": {"num_samples": 9, "perturbations": 12}}))
    report = report_of(run(tiny_model_dir, folder, config, stamp="_20261122T201500"))
    assert report["sample"]["explained"] == 3
    assert report["sample"]["empty_summaries"] == 1
    assert report["own_summaries"] is False
    assert "another model's" in caplog.text
    assert report["section_importance"]["by"] == "thirds"
    assert "No section header was recognized" in report["section_importance"]["remarks"][0]
    assert [item["figure"] for item in report["lime"]] == [
        "lime_explanation_01_20261122T201500.png",
        "lime_explanation_02_20261122T201500.png",
        "",
    ]
    assert report["lime"][2]["reason"].startswith("the model reads one sentence")


def test_a_model_that_said_nothing_is_not_explained_but_reported(tiny_model_dir, tmp_path):
    folder = write_inputs(tmp_path, [note(1), note(2)], ["", ""])
    result = run(tiny_model_dir, folder)
    report = report_of(result)
    assert report["sample"] == {
        "requested": 3,
        "examples": 2,
        "explained": 0,
        "empty_summaries": 2,
        "empty_notes": 0,
    }
    assert report["lime_mean_r2"] is None
    assert report["section_importance"]["parts"] == []
    assert result.metrics == {"notes_explained": 0.0}
    assert "No note could be explained" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_a_directory_that_holds_no_model_is_refused(tmp_path):
    folder = write_inputs(tmp_path, [note(1)])
    with pytest.raises(InputError, match="not a model directory"):
        run(tmp_path, folder)
