import json

import pandas as pd
import pytest

from lab_lens.artifacts import sha256_file, sha256_text
from lab_lens.errors import InputError
from lab_lens.metrics.predictions import Provenance, load_predictions, read_provenance

EXAMPLES = pd.DataFrame({"example_id": ["e1", "e2", "e3"], "subject_id": ["p1", "p1", "p2"]})
DATA_HASH = sha256_text("the test file")


def write(folder, rows=None, **columns):
    frame = pd.DataFrame(rows or {"example_id": ["e3", "e1", "e2"], "summary": ["third", "", "NA"]}).assign(**columns)
    path = folder / "predictions.csv"
    frame.to_csv(path, index=False)
    return path


def test_predictions_come_in_the_order_of_the_examples_and_keep_their_text(tmp_path):
    frame = load_predictions(write(tmp_path).parent, EXAMPLES)
    assert frame["example_id"].tolist() == ["e1", "e2", "e3"]
    assert frame["summary"].tolist() == ["", "NA", "third"]
    assert frame["subject_id"].tolist() == ["p1", "p1", "p2"]


def test_numbers_and_flags_are_read_as_such(tmp_path):
    path = write(
        tmp_path, log_probability="-12.5", input_tokens="900", output_tokens="31", truncated=[True, False, False]
    )
    frame = load_predictions(path, EXAMPLES)
    assert frame["log_probability"].tolist() == [-12.5] * 3
    assert frame[["input_tokens", "output_tokens"]].to_numpy().tolist() == [[900, 31]] * 3
    assert frame["truncated"].mean() == pytest.approx(1 / 3)


def test_everything_wrong_with_the_ids_is_told_at_once(tmp_path):
    path = write(tmp_path, {"example_id": ["e1", "e1", "x9"], "summary": ["secret diagnosis"] * 3})
    with pytest.raises(InputError) as caught:
        load_predictions(path, EXAMPLES)
    told = "\n".join(caught.value.problems)
    assert len(caught.value.problems) == 3
    assert "1 example ids occur more than once (e1)" in told
    assert "1 example ids are not in the examples (x9)" in told
    assert "2 examples have no prediction (e2, e3)" in told
    assert "secret" not in told


def test_missing_columns_are_named_with_those_that_are_there(tmp_path):
    path = write(tmp_path, {"example_id": ["e1"], "text": ["x"]})
    with pytest.raises(InputError, match="lacks the columns summary; it has example_id, text"):
        load_predictions(path, EXAMPLES)


def test_values_that_cannot_be_read_are_told_by_row(tmp_path):
    path = write(
        tmp_path,
        log_probability=["-1", "nan", "-2"],
        output_tokens=["1", "2", "-3"],
        truncated=["yes", "True", "False"],
    )
    with pytest.raises(InputError) as caught:
        load_predictions(path, EXAMPLES)
    assert [problem.split(": ", 1)[1] for problem in caught.value.problems] == [
        "log_probability must be a finite number; it is not in row 2",
        "output_tokens must be a whole number; it is not in row 3",
        "truncated must be True or False; it is not in row 1",
    ]


def test_another_patient_behind_the_same_id_is_refused(tmp_path):
    path = write(tmp_path, subject_id=["p2", "p1", "p7"])
    with pytest.raises(InputError, match=r"1 rows have another subject_id than the examples \(e2\)"):
        load_predictions(path, EXAMPLES)


def test_ids_that_look_like_text_or_names_are_told_by_row(tmp_path):
    told_ids = ["John Smith, 59, HIV positive", "Zebedee", "p.q;r:s/t1", "e" * 39 + "12"]
    for secret in told_ids:
        path = write(tmp_path, {"example_id": ["e1", "e2", secret], "summary": ["x"] * 3})
        with pytest.raises(InputError) as caught:
            load_predictions(path, EXAMPLES)
        assert "1 example ids are not in the examples (row 3)" in caught.value.problems[0]
        assert "1 examples have no prediction (e3)" in caught.value.problems[1]
        assert secret not in "".join(caught.value.problems)


def test_ids_that_look_like_text_are_told_by_row_in_every_problem(tmp_path):
    names = ["Ann Lee", "Bob Ray", "Cy Fox"]
    examples = pd.DataFrame({"example_id": names, "subject_id": ["p1", "p1", "p2"]})
    rows = {"example_id": ["Bob Ray", "Ann Lee", "Cy Fox"], "subject_id": ["p1", "p2", "p2"], "summary": ["x"] * 3}
    with pytest.raises(InputError, match=r"1 rows have another subject_id than the examples \(row 2\)"):
        load_predictions(write(tmp_path, rows), examples)
    with pytest.raises(InputError, match=r"occur more than once \(row 2\)(.|\n)*no prediction \(rows 2, 3\)"):
        load_predictions(write(tmp_path, {"example_id": ["Ann Lee"] * 2, "summary": ["x"] * 2}), examples)


def test_blanks_around_ids_are_no_part_of_them(tmp_path):
    path = write(tmp_path, {"example_id": ["e3 ", " e1", "e2"], "summary": list("abc")}, subject_id=["p2", "p1 ", "p1"])
    examples = EXAMPLES.assign(example_id=["e1", "e2  ", "e3"], subject_id=["p1", "p1", " p2"])
    frame = load_predictions(path, examples)
    assert frame["summary"].tolist() == ["b", "c", "a"]
    assert frame["example_id"].tolist() == examples["example_id"].tolist()


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"no such file: .*predictions\.csv"):
        load_predictions(tmp_path, EXAMPLES)


def test_the_provenance_is_read_from_beside_the_predictions(tmp_path):
    record = {"model_hash": "m", "data_hash": DATA_HASH, "decoding_hash": "d"}
    (tmp_path / "generation.json").write_text(json.dumps(record), encoding="utf-8")
    path = write(tmp_path)
    assert read_provenance(path, DATA_HASH) == Provenance("m", DATA_HASH, "d", sha256_file(path))


def test_predictions_without_a_record_are_of_an_unknown_model(tmp_path):
    assert read_provenance(tmp_path, DATA_HASH) == Provenance(None, DATA_HASH, None, None)


def test_predictions_made_from_other_data_are_refused(tmp_path):
    (tmp_path / "generation.json").write_text(json.dumps({"data_hash": "0" * 64}), encoding="utf-8")
    with pytest.raises(InputError, match="was made from other data"):
        read_provenance(tmp_path, DATA_HASH)


def test_predictions_that_were_edited_after_generation_are_refused(tmp_path):
    path = write(tmp_path)
    record = {"model_hash": "m", "predictions_sha256": sha256_file(path)}
    (tmp_path / "generation.json").write_text(json.dumps(record), encoding="utf-8")
    assert read_provenance(tmp_path, DATA_HASH).predictions_hash == record["predictions_sha256"]
    path.write_text(path.read_text(encoding="utf-8").replace("third", "better"), encoding="utf-8")
    with pytest.raises(InputError, match=r"predictions\.csv is not what generation\.json beside it is about"):
        read_provenance(tmp_path, DATA_HASH)


def test_other_data_and_other_predictions_are_told_together(tmp_path):
    write(tmp_path)
    record = {"data_hash": "0" * 64, "predictions_sha256": "0" * 64}
    (tmp_path / "generation.json").write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_provenance(tmp_path, DATA_HASH)
    assert len(caught.value.problems) == 2
