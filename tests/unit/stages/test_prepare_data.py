import json
import logging

import pandas as pd
import pytest

from lab_lens.artifacts import sha256_file
from lab_lens.config import parse_config
from lab_lens.errors import InputError
from lab_lens.notes.examples import EXAMPLE_COLUMNS, load_examples
from lab_lens.stages.prepare_data import run_prepare_data

SECRET = "syphilis"
CONFIG = """
data: {columns: {example_id: null, subject_id: pid, input_text: note, target_summary: gold, age_group: null, age: years,
                 gender: sex, ethnicity: null}}
"""


def table(patients=60, rows_a_patient=2):
    numbers = range(patients * rows_a_patient)
    start = f"of a patient with {SECRET} and <b>pain</b>;"
    return pd.DataFrame(
        {
            "pid": [f"p{number % patients}" for number in numbers],
            "note": [f"Visit {number} {start} {'rest ' * (number % 9 + 9)}" for number in numbers],
            "gold": [f"Treated, visit number {number}." for number in numbers],
            "years": [str(20 + number % 70) for number in numbers],
            "sex": ["female ", "male"] * (len(numbers) // 2),
            "ward": ["A"] * len(numbers),
        }
    )


def prepare(tmp_path, frame, config=CONFIG, out="out"):
    source = tmp_path / "notes.csv"
    frame.to_csv(source, index=False)
    return run_on(str(source), config, tmp_path / out)


def run_on(data, config, out):
    return run_prepare_data(
        data,
        parse_config(config),
        train_dir=out / "train",
        val_dir=out / "val",
        test_dir=out / "test",
        report_dir=out / "report",
        html=out / "report" / "data.html",
    )


def test_a_table_becomes_three_example_files_and_a_report(tmp_path):
    prepared = prepare(tmp_path, table())
    parts = {name: load_examples(getattr(prepared, name)) for name in ("train", "val", "test")}
    assert sum(map(len, parts.values())) == 120
    assert {name: len(part) for name, part in parts.items()} == {name: prepared.counts[name] for name in parts}
    assert all(list(part.columns) == [*EXAMPLE_COLUMNS, "years", "ward"] for part in parts.values())
    assert set(parts["train"]["gender"]) == {"F", "M"}
    subjects = [set(part["subject_id"]) for part in parts.values()]
    assert sum(map(len, subjects)) == len(set.union(*subjects)) == 60

    report = json.loads(prepared.report.read_text(encoding="utf-8"))
    assert prepared.report.name == "data_report.json"
    assert report["counts"]["rows_read"] == 120
    assert report["absent_attributes"] == ["ethnicity"]
    assert report["source"] == {"kind": "file", "name": "notes.csv", "sha256": sha256_file(tmp_path / "notes.csv")}
    assert report["sha256"]["test"] == sha256_file(prepared.test)


def test_the_same_data_gives_the_same_bytes(tmp_path):
    first, second = prepare(tmp_path, table(), out="a"), prepare(tmp_path, table(), out="b")
    assert first.train.read_bytes() == second.train.read_bytes()
    assert first.report.read_bytes() == second.report.read_bytes()
    assert (tmp_path / "a/report/data.html").read_bytes() == (tmp_path / "b/report/data.html").read_bytes()


def test_one_directory_can_hold_everything(tmp_path):
    table().to_csv(tmp_path / "notes.csv", index=False)
    out = tmp_path / "all"
    run_prepare_data(
        str(tmp_path / "notes.csv"),
        parse_config(CONFIG),
        train_dir=out,
        val_dir=out,
        test_dir=out,
        report_dir=out,
        html=out / "data.html",
    )
    assert {path.name for path in out.iterdir()} == {
        "train.csv",
        "val.csv",
        "test.csv",
        "data_report.json",
        "data.html",
    }


def test_reports_and_logs_hold_no_note_text(tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    prepared = prepare(tmp_path, table())
    page = (tmp_path / "out/report/data.html").read_text(encoding="utf-8")
    assert SECRET in prepared.train.read_text(encoding="utf-8")
    for text in (page, prepared.report.read_text(encoding="utf-8"), caplog.text):
        assert SECRET not in text
    assert "120 examples of 60 patients" in caplog.text
    assert "ethnicity is absent" in page
    assert "<b>pain" not in page


def test_short_rows_are_filtered_counted_and_reported(tmp_path):
    frame = table()
    frame.loc[:4, "note"] = "short"
    frame.loc[10:12, "gold"] = " "
    prepared = prepare(tmp_path, frame)
    assert (prepared.counts["rows_read"], prepared.counts["rows_filtered"], prepared.counts["examples"]) == (
        120,
        8,
        112,
    )
    report = json.loads(prepared.report.read_text(encoding="utf-8"))
    assert list(report["filtered_rows"].values()) == [5, 3]


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        (table().assign(note="short"), "all 120 rows were filtered: 120 with input_text shorter than 50 characters"),
        (table().assign(pid="one"), "the data has 1 patient, and at least 3 are needed"),
        (table().drop(columns=["gold", "sex"]), "missing column gold .*; missing column sex "),
        (table().assign(sex=table()["note"]), "gender cannot be sliced by"),
    ],
)
def test_bad_data_is_refused_before_anything_is_written(tmp_path, frame, told):
    with pytest.raises(InputError, match=told) as refusal:
        prepare(tmp_path, frame)
    assert SECRET not in str(refusal.value)
    assert not (tmp_path / "out").exists()


def test_three_patients_are_enough(tmp_path):
    prepared = prepare(tmp_path, table(patients=3, rows_a_patient=4))
    assert [prepared.counts[name] for name in ("train", "val", "test")] == [4, 4, 4]


def test_synthetic_notes_need_no_mapping(tmp_path):
    config = CONFIG.strip()[:-1] + ", synthetic: {patients: 40, detail: brief}}"
    prepared = run_on("synthetic", config, tmp_path / "out")
    report = json.loads(prepared.report.read_text(encoding="utf-8"))
    assert report["counts"]["patients"] == 40
    assert report["absent_attributes"] == []
    assert report["source"]["kind"] == "synthetic"
