import csv
import gzip
import json

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab_lens.config import Columns, Data
from lab_lens.errors import InputError
from lab_lens.notes.examples import (
    EXAMPLE_COLUMNS,
    filter_examples,
    load_examples,
    mapping_facts,
    read_table,
    require_slices,
    to_examples,
    write_examples,
)

SECRET = "Mr Maier has syphilis"
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01" + bytes(range(256))
NOTE_COLUMNS = Columns(
    example_id=None,
    subject_id="pid",
    input_text="note",
    target_summary="gold",
    age_group=None,
    gender=None,
    ethnicity=None,
)


def table(**columns):
    return pd.DataFrame(columns, dtype=str)


def notes(count=3, **more):
    texts = [f"note {number}" for number in range(count)]
    return table(pid=[f"p{number}" for number in range(count)], note=texts, gold=texts, **more)


def problem_of(action, *arguments):
    with pytest.raises(InputError) as refusal:
        action(*arguments)
    assert SECRET not in str(refusal.value)
    return str(refusal.value)


def written(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


class TestReadTable:
    def test_a_csv_is_read_as_strings_just_as_it_stands(self, tmp_path):
        path = written(tmp_path, "a.csv", '\ufeffid, age,note\n007,,"a ""b"",\r\nc"\n\n8,NA,\n')
        frame = read_table(path)
        assert frame.to_dict("list") == {"id": ["007", "8"], "age": ["", "NA"], "note": ['a "b",\r\nc', ""]}

    def test_csv_gz_parquet_and_jsonl_give_the_same_table(self, tmp_path):
        rows = [{"id": 7, "age": 61.5, "note": "ä"}, {"id": None, "age": None, "note": None}]
        with gzip.open(tmp_path / "a.csv.gz", "wt", encoding="utf-8") as handle:
            handle.write("id,age,note\n7,61.5,ä\n,,\n")
        pd.DataFrame(rows).astype({"id": "Int64"}).to_parquet(tmp_path / "a.parquet")
        (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
        wanted = {"id": ["7", ""], "age": ["61.5", ""], "note": ["ä", ""]}
        for name in ("a.csv.gz", "a.parquet", "a.jsonl"):
            assert read_table(tmp_path / name).to_dict("list") == wanted

    def test_ids_that_became_floats_because_some_are_missing_stay_whole(self, tmp_path):
        pd.DataFrame({"hadm_id": [142345.0, None]}).to_parquet(tmp_path / "a.parquet")
        assert read_table(tmp_path / "a.parquet")["hadm_id"].tolist() == ["142345", ""]

    def test_json_lines_may_lack_keys_and_hold_nan_and_booleans(self, tmp_path):
        path = written(tmp_path, "a.ndjson", '{"a": NaN, "b": true}\n\n{"a": "x"}\n')
        assert read_table(path).to_dict("list") == {"a": ["", "x"], "b": ["true", ""]}

    def test_a_field_may_be_longer_than_the_csv_module_allows_by_default(self, tmp_path):
        path = written(tmp_path, "a.csv", f"note\n{'x' * 200_000}\n")
        assert len(read_table(path)["note"][0]) == 200_000

    def test_a_column_without_a_name_is_named_by_its_position(self, tmp_path):
        assert list(read_table(written(tmp_path, "a.csv", ",note\n0,x\n")).columns) == ["column_1", "note"]

    @pytest.mark.parametrize(
        ("name", "content", "told"),
        [
            ("a.csv", PNG, "is not UTF-8 text"),
            ("a.csv", "note\nJürgen\n".encode("latin-1"), "is not UTF-8 text"),
            ("a.csv", "note\nx\n".encode("utf-16"), "is not UTF-8 text"),
            ("a.csv", "", "is empty"),
            ("a.csv", "\n\n", "is empty"),
            ("a.csv", "a,b\n", "has columns but no rows"),
            ("a.csv", "a,b,a\n1,2,3\n", "several columns of the same name: a"),
            ("a.csv", f'a,b\n1,2\n1,"{SECRET}\n', "row 2, read up to line 3: unexpected end of data"),
            ("a.csv", f'a,b\n1,"{SECRET}"x\n', "is not a valid CSV: row 1, read up to line 2"),
            ("a.csv.gz", b"not gzip", "is not a whole gzip file"),
            ("a.csv.gz", gzip.compress(b"a,b\n" + b"1,2\n" * 999, mtime=0)[:-9], "is not a whole gzip file"),
            ("a.parquet", PNG, "is not a readable Parquet file"),
            ("a.jsonl", "", "is empty"),
            ("a.jsonl", f'{{"a": 1}}\n{SECRET}\n', "line 2 is not JSON: Expecting value at character 1"),
            ("a.jsonl", f'["{SECRET}"]\n', "line 1 holds list, not an object"),
            ("a.jsonl", f'{{"a": {{"b": "{SECRET}"}}}}\n', "line 1 has nested values in a"),
            ("a.jsonl", '{"a": "\\ud800"}\n', "line 1 has text with a broken character escape in a"),
            ("a.txt", "a\n1\n", "must be one of .csv, .csv.gz, .parquet, .jsonl, .ndjson"),
        ],
    )  # fmt: skip
    def test_what_is_no_table_gets_one_clear_error(self, tmp_path, name, content, told):
        assert told in problem_of(read_table, written(tmp_path, name, content))

    def test_a_missing_file_and_a_directory_are_told_apart(self, tmp_path):
        assert "no such file" in problem_of(read_table, tmp_path / "a.csv")
        assert "is a directory" in problem_of(read_table, tmp_path)

    def test_ragged_rows_are_named_by_number_and_not_shown(self, tmp_path):
        path = written(tmp_path, "a.csv", f'a,b\n1,"x\ny"\n1,{SECRET},3\n1,2\n{SECRET}\n')
        told = problem_of(read_table, path)
        assert "2 of 4 rows do not have 2 fields" in told
        assert "row 2 (ends at line 4) has 3; row 4 (ends at line 6) has 1" in told

    def test_nested_parquet_columns_are_named(self, tmp_path):
        pd.DataFrame({"a": ["x"], "b": [[1, 2]]}).to_parquet(tmp_path / "a.parquet")
        assert "not text, numbers or dates: b (list<" in problem_of(read_table, tmp_path / "a.parquet")


class TestToExamples:
    def test_columns_are_mapped_normalized_and_kept(self):
        columns = Columns(**{**NOTE_COLUMNS.model_dump(), "age": "years", "gender": "sex", "ethnicity": "race"})
        frame = notes(2, years=["22-month", "300"], sex=["female ", ""], race=["WHITE - RUSSIAN", ""], ward=["A", "B"])
        examples = to_examples(frame, columns)
        assert list(examples.columns) == [*EXAMPLE_COLUMNS, "years", "ward"]
        assert examples["example_id"].tolist() == ["row-000001", "row-000002"]
        assert examples["age_group"].tolist() == ["0-17", "65+"]
        assert examples["gender"].tolist() == ["F", ""]
        assert examples["ethnicity"].tolist() == ["White", ""]
        assert examples["ward"].tolist() == ["A", "B"]

    def test_an_absent_attribute_is_a_column_of_blanks(self):
        examples = to_examples(notes(), NOTE_COLUMNS)
        assert (examples[["age_group", "gender", "ethnicity"]] == "").all(axis=None)

    def test_one_column_may_be_example_and_subject(self):
        columns = NOTE_COLUMNS.model_copy(update={"example_id": "pid"})
        examples = to_examples(notes(2), columns)
        assert examples["example_id"].tolist() == examples["subject_id"].tolist() == ["p0", "p1"]
        assert list(examples.columns) == list(EXAMPLE_COLUMNS)

    def test_a_kept_column_with_a_contract_name_is_renamed_and_reported(self):
        frame = notes(2, age_group=["old", "old"], gender=["x", "y"], gender_original=["a", "b"])
        examples = to_examples(frame, NOTE_COLUMNS)
        assert examples["age_group_original"].tolist() == ["old", "old"]
        assert examples["age_group"].tolist() == ["", ""]
        assert mapping_facts(frame, NOTE_COLUMNS)["renamed_columns"] == {
            "age_group": "age_group_original",
            "gender": "gender_original_original",
        }
        assert examples["gender_original"].tolist() == ["a", "b"]

    def test_unreadable_ages_and_unheard_of_ethnicities_are_counted(self):
        columns = NOTE_COLUMNS.model_copy(update={"age": "years", "ethnicity": "race"})
        facts = mapping_facts(notes(3, years=["old", "", "4"], race=["7", "7", "WHITE"]), columns)
        assert facts == {"unreadable_ages": 1, "unknown_ethnicity_values": 2, "renamed_columns": {}}

    def test_all_missing_columns_are_told_at_once_with_what_to_do(self):
        told = problem_of(to_examples, notes().rename(columns={"gold": "best"}), Columns(subject_id="pid"))
        assert "missing column input_text (data.columns.input_text): set data.columns.input_text to its name" in told
        assert "missing column target_summary" in told
        assert "missing column ethnicity (data.columns.ethnicity)" in told
        assert "or to null if the data has none" in told
        assert "the data has the columns pid, note, best" in told
        assert "data.columns.age)" not in told

    def test_a_file_without_a_header_does_not_show_its_first_row(self):
        for data in (f"{SECRET}! " * 9, "7", f"{SECRET[:20]}."):
            told = problem_of(to_examples, table(**{data: ["x"], "Roe": ["y"]}), Columns())
            assert "the data has the columns (2 that are not shown, since some look like data" in told
            assert "Roe" not in told

    def test_another_delimiter_is_suspected(self):
        assert "must be separated by commas" in problem_of(to_examples, table(**{"pid;note": ["1;x"]}), Columns())

    def test_note_and_reference_cannot_be_one_column(self):
        same = NOTE_COLUMNS.model_copy(update={"target_summary": "note"})
        assert "both name note" in problem_of(to_examples, notes(), same)

    def test_blank_and_repeated_ids_are_told_at_once(self):
        columns = NOTE_COLUMNS.model_copy(update={"example_id": "eid"})
        frame = notes(5, eid=["a", "b", "a", "a", "b"])
        frame.loc[[1, 4], "pid"] = " "
        told = problem_of(to_examples, frame, columns)
        assert "subject_id is blank in rows 2, 5" in told
        assert "3 rows repeat the example_id of another row, such as a, b" in told

    def test_ids_that_look_like_text_are_told_by_row(self):
        columns = NOTE_COLUMNS.model_copy(update={"example_id": "eid"})
        frame = notes(5, eid=["Ann Lee", "e1", "Ann Lee", "e2", "Ann Lee"])
        told = problem_of(to_examples, frame, columns)
        assert "2 rows repeat the example_id of another row, such as rows 3, 5; make" in told
        assert "Lee" not in told

    def test_a_long_list_of_rows_is_cut(self):
        frame = notes(1200)
        frame["pid"] = ""
        assert "rows 1, 2, 3, 4, 5 (and 1,195 more)" in problem_of(to_examples, frame, NOTE_COLUMNS)


class TestSlices:
    def test_a_column_of_names_or_notes_is_no_slice(self):
        examples = table(ward=["A", "B"] * 30, name=[f"n{number}" for number in range(60)], gender=[SECRET * 9] * 60)
        told = problem_of(require_slices, examples, ["ward", "name", "gender", "absent"])
        assert "name cannot be sliced by: it has 60 different values" in told
        assert "gender cannot be sliced by: it has 1 different values of up to 189 characters" in told
        assert "ward" not in told

    def test_groups_are_slices(self):
        require_slices(table(ward=["A", "B"]), ["ward", "absent"])


class TestFilter:
    def test_short_rows_are_removed_and_counted_once(self):
        frame = table(input_text=["x" * 60, " x ", "x" * 60, "x"], target_summary=["y" * 12, "y" * 12, "y", ""])
        filtered = filter_examples(frame, Data())
        assert len(filtered.examples) == 1
        assert filtered.removed == {
            "input_text shorter than 50 characters": 2,
            "target_summary shorter than 10 characters": 1,
        }

    def test_nothing_left_is_an_error_with_the_reasons(self):
        told = problem_of(filter_examples, table(input_text=["x", "y"], target_summary=["", ""]), Data())
        assert "all 2 rows were filtered: 2 with input_text shorter than 50 characters" in told
        assert "data.min_input_chars" in told


class TestFiles:
    def test_what_was_written_is_read_back(self, tmp_path):
        examples = to_examples(notes(3, ward=["a,b", 'q"', "NA"]), NOTE_COLUMNS)
        back = load_examples(write_examples(examples, tmp_path / "new" / "train.csv"))
        pd.testing.assert_frame_equal(back, examples)

    def test_pandas_alone_reads_the_same(self, tmp_path):
        examples = to_examples(notes(2, odd=["a\rb", "NA\r\n"]), NOTE_COLUMNS)
        path = write_examples(examples, tmp_path / "train.csv")
        plain = pd.read_csv(path, dtype=str, keep_default_na=False)
        assert plain.to_dict("list") == examples.to_dict("list")

    @pytest.mark.parametrize(
        ("change", "told"),
        [
            (lambda frame: frame.drop(columns=["gender", "target_summary"]), "it lacks target_summary, gender; it has"),
            (lambda frame: frame.assign(example_id="same"), "2 rows repeat the example_id"),
            (lambda frame: frame.assign(subject_id=""), "subject_id is blank in rows 1, 2, 3"),
            (lambda frame: frame.head(0), "has columns but no rows"),
        ],
    )
    def test_a_file_that_breaks_the_contract_is_refused(self, tmp_path, change, told):
        examples = change(to_examples(notes(), NOTE_COLUMNS))
        path = write_examples(examples, tmp_path / "train.csv")
        assert told in problem_of(load_examples, path)


TEXTS = st.text(st.characters(codec="utf-8"), max_size=30) | st.sampled_from(
    ["\r", "a\rb", "\n", '"', '",', "\x00", "\ufeff", " "]
)


@given(texts=st.lists(TEXTS, min_size=1, max_size=4))
def test_every_text_survives_writing_and_reading(tmp_path_factory, texts):
    ids = [f"e{number}" for number in range(len(texts))]
    blank = [""] * len(texts)
    examples = table(
        example_id=ids,
        subject_id=ids,
        input_text=texts,
        target_summary=texts,
        age_group=blank,
        gender=blank,
        ethnicity=blank,
    )
    path = tmp_path_factory.getbasetemp() / "law.csv"
    assert load_examples(write_examples(examples, path)).to_dict("list") == examples.to_dict("list")
    with path.open(newline="", encoding="utf-8") as handle:
        assert len(list(csv.reader(handle))) == len(texts) + 1
