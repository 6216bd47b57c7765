import pandas as pd
import pytest

from lab_lens.artifacts import sha256_file
from lab_lens.errors import InputError
from lab_lens.metrics.pairs import NO_NOTES, NO_PATIENTS, ROLES, Selection, read_answers, read_pairs

OUTPUTS = {
    "encounter": ["E1", "E2", "E1", "E2"],
    "system": ["led", "led", "bart", "bart"],
    "reference": ["no fever", "no cough"] * 2,
    "prediction": ["fever", "cough", "no fever", "no cough"],
}
LONG_FORMAT = {"example_id": "encounter", "target_summary": "reference", "summary": "prediction"}
EXAMPLES = {
    "example_id": ["a", "b", "c"],
    "subject_id": ["P1", "P1", "P2"],
    "input_text": ["note a", "note b", "note c"],
    "target_summary": ["ref a", "ref b", "ref c"],
}
PREDICTIONS = {"example_id": ["c", "a", "b"], "summary": ["sum c", "sum a", "sum b"]}


def write(folder, name, columns):
    path = folder / name
    pd.DataFrame(columns).to_csv(path, index=False)
    return path


@pytest.fixture
def outputs(tmp_path):
    return write(tmp_path, "outputs.csv", OUTPUTS)


def problems(data, predictions, **selection):
    with pytest.raises(InputError) as refused:
        read_pairs(data, predictions, Selection(**selection))
    assert refused.value.exit_code == 2
    return list(refused.value.problems)


def test_one_system_of_a_file_that_holds_several_is_read_by_a_mapping(outputs):
    pairs = read_pairs(outputs, outputs, Selection(LONG_FORMAT, {"system": "bart"}))
    assert pairs.examples["example_id"].tolist() == ["E1", "E2"]
    assert pairs.predictions["summary"].tolist() == ["no fever", "no cough"]
    assert pairs.remarks == (NO_PATIENTS, NO_NOTES)
    assert pairs.examples["subject_id"].tolist() == ["E1", "E2"]
    assert not pairs.has_notes


def test_rows_that_were_left_out_change_the_hash_of_the_data(outputs, tmp_path):
    hashes = {
        read_pairs(outputs, outputs, Selection(LONG_FORMAT, {"system": name})).data_hash for name in ("led", "bart")
    }
    assert len(hashes) == 2
    data, predictions = write(tmp_path, "d.csv", EXAMPLES), write(tmp_path, "p.csv", PREDICTIONS)
    assert read_pairs(data, predictions, Selection()).data_hash == sha256_file(data)


def test_two_files_are_joined_by_their_ids_in_the_order_of_the_data(tmp_path):
    data, predictions = write(tmp_path, "d.csv", EXAMPLES), write(tmp_path, "p.csv", PREDICTIONS)
    pairs = read_pairs(data, predictions, Selection())
    assert pairs.predictions["summary"].tolist() == ["sum a", "sum b", "sum c"]
    assert pairs.predictions["subject_id"].tolist() == ["P1", "P1", "P2"]
    assert (pairs.has_notes, pairs.remarks) == (True, ())


def test_a_condition_narrows_every_file_that_has_its_column(tmp_path):
    data = write(tmp_path, "d.csv", {**EXAMPLES, "split": ["test", "val", "test"]})
    predictions = write(tmp_path, "p.csv", {**PREDICTIONS, "system": ["x", "x", "y"]})
    pairs = read_pairs(data, predictions, Selection(where={"split": "test", "system": "x"}))
    assert pairs.examples["example_id"].tolist() == ["a", "c"]


def test_rows_of_one_file_without_ids_are_numbered_by_their_place_in_the_file(tmp_path):
    path = write(tmp_path, "o.csv", {name: values for name, values in OUTPUTS.items() if name != "encounter"})
    columns = {"target_summary": "reference", "summary": "prediction"}
    pairs = read_pairs(path, path, Selection(columns, {"system": "bart"}))
    assert pairs.examples["example_id"].tolist() == ["row-000003", "row-000004"]


def test_a_mapped_column_wins_over_one_that_only_bears_the_name(tmp_path):
    path = write(tmp_path, "o.csv", {**OUTPUTS, "summary": ["old"] * 4})
    pairs = read_pairs(path, path, Selection(LONG_FORMAT, {"system": "led"}))
    assert pairs.predictions["summary"].tolist() == ["fever", "cough"]


def test_patients_of_the_predictions_do_not_matter_where_the_data_has_none(tmp_path):
    data = write(tmp_path, "d.csv", {name: EXAMPLES[name] for name in ("example_id", "target_summary")})
    predictions = write(tmp_path, "p.csv", {**PREDICTIONS, "subject_id": ["P2", "P1", "P1"]})
    assert read_pairs(data, predictions, Selection()).remarks == (NO_PATIENTS, NO_NOTES)


def test_all_missing_columns_of_both_files_are_told_at_once(tmp_path):
    data = write(tmp_path, "d.csv", {"example_id": ["a"], "text": ["ref"]})
    predictions = write(tmp_path, "p.csv", {"id": ["a"], "output": ["sum"]})
    told = problems(data, predictions, columns={"input_text": "notes"}, where={"split": "test"})
    listed = f"{data} has example_id, text; {predictions} has id, output"
    assert told[0] == f"--column input_text=notes: there is no column notes; {listed}"
    assert told[1].startswith("--where split=test: there is no column split")
    assert told[2:] == [
        f"{data} lacks the column target_summary; name the one that holds it with --column target_summary=NAME",
        f"{predictions} lacks the column example_id; name the one that holds it with --column example_id=NAME",
        f"{predictions} lacks the column summary; name the one that holds it with --column summary=NAME",
    ]


def test_files_that_cannot_be_read_are_all_told_at_once(tmp_path):
    empty = write(tmp_path, "empty.csv", {"example_id": [], "summary": []})
    assert problems(tmp_path / "nowhere.csv", empty) == [
        f"no such file: {tmp_path / 'nowhere.csv'}",
        f"{empty} has columns but no rows",
    ]


def test_a_system_that_the_file_does_not_have_is_answered_with_those_it_has(outputs):
    told = problems(outputs, outputs, columns=LONG_FORMAT, where={"system": "gpt"})
    assert told == [f"{outputs} has no row that --where asks for; system is one of bart, led"]


def test_values_that_may_be_notes_are_not_listed(tmp_path):
    path = write(
        tmp_path, "o.csv", {**OUTPUTS, "reference": ["A long sentence about Zebedee and his chest pain. " * 2] * 4}
    )
    told = problems(path, path, columns=LONG_FORMAT, where={"reference": "x"})
    assert "Zebedee" not in " ".join(told)
    assert "reference has 1 different values in 4 rows" in told[0]


def test_values_that_occur_once_or_look_like_names_are_not_listed(tmp_path):
    for names in (["John Smith", "Mary Jones"] * 2, ["Zebedee", "Ann", "Bob", "Cy"]):
        path = write(tmp_path, "o.csv", {**OUTPUTS, "patient": names})
        (told,) = problems(path, path, columns=LONG_FORMAT, where={"patient": "x"})
        assert told.endswith(f"patient has {len(set(names))} different values in 4 rows")


def test_another_systems_answers_are_selected_from_a_file_of_several(tmp_path, outputs):
    bart = Selection(LONG_FORMAT, {"system": "bart"})
    pairs = read_pairs(outputs, outputs, bart)
    rival = {"example_id": ["E2 ", "E1"] * 2, "system": ["bart", "bart", "led", "led"], "summary": list("badc")}
    assert read_answers(write(tmp_path, "p.csv", rival), pairs, bart)["summary"].tolist() == ["a", "b"]
    with pytest.raises(InputError, match="no row that --where asks for; system is one of led"):
        read_answers(write(tmp_path, "p.csv", {**rival, "system": ["led"] * 4}), pairs, bart)


def test_several_systems_at_once_are_refused_with_the_way_out(outputs):
    (told,) = problems(outputs, outputs, columns=LONG_FORMAT)
    assert "2 rows repeat the example_id of another row" in told
    assert "--where COLUMN=VALUE" in told


def test_blank_patients_and_ids_are_told_together(tmp_path):
    rows = {**EXAMPLES, "example_id": ["a", " ", "c"], "subject_id": ["", "P1", ""]}
    data, predictions = write(tmp_path, "d.csv", rows), write(tmp_path, "p.csv", PREDICTIONS)
    assert problems(data, predictions) == [
        f"{data}: example_id is blank in row 2; every row needs one",
        f"{data}: subject_id is blank in rows 1, 3; every row needs one",
    ]


def test_repeated_unknown_and_missing_predictions_are_told_together(tmp_path):
    data = write(tmp_path, "d.csv", EXAMPLES)
    predictions = write(tmp_path, "p.csv", {"example_id": ["a", "a", "z"], "summary": ["x", "y", "z"]})
    told = problems(data, predictions)
    assert len(told) == 3
    assert "1 example ids occur more than once (a)" in told[0]
    assert "1 example ids are not in the examples (z)" in told[1]
    assert "2 examples have no prediction (b, c)" in told[2]


def test_the_command_line_knows_the_same_roles():
    from lab_lens.cli.validate_model import ROLES as COMMAND_ROLES

    assert COMMAND_ROLES == ROLES


def test_the_columns_that_are_told_are_those_of_the_file(outputs):
    told = problems(outputs, outputs, columns={"summary": "nothing", "target_summary": "reference"})[0]
    assert told.endswith(f"there is no column nothing; {outputs} has encounter, system, reference, prediction")
