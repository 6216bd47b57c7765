from pathlib import Path

import pytest
from command_line import Lens

from lab_lens.artifacts import VALIDATION_REPORT, find_report, read_json

SECRET = "Zebedee"
ROWS = "\n".join(
    f'{system},e{number},"Zebedee took aspirin {number} mg daily.","Aspirin {number + shift} mg, no fever."'
    for system, shift in (("good", 0), ("bad", 5))
    for number in range(1, 7)
)
TABLE = f"system,case,truth,answer\n{ROWS}\n"
MAPPING = ("--column", "example_id=case", "--column", "target_summary=truth", "--column", "summary=answer")


@pytest.fixture
def table(tmp_path: Path) -> tuple[str, ...]:
    (tmp_path / "outputs.csv").write_text(TABLE, encoding="utf-8")
    return "validate-model", "--predictions", "outputs.csv", "--data", "outputs.csv", "--no-tracking"


def test_one_system_of_one_file_is_validated(lens: Lens, table: tuple[str, ...], tmp_path: Path) -> None:
    ended = lens(*table, *MAPPING, "--where", "system=good", "--out", "reports")
    assert ended.status == 0
    assert "report: reports/validation_report_" in ended.out.replace("\\", "/")
    report = read_json(find_report(tmp_path / "reports", VALIDATION_REPORT))
    assert (report["examples"], report["patients"]) == (6, 6)
    assert report["remarks"][0].startswith("The data has no column subject_id")
    assert report["metrics"]["rouge1"]["estimate"] > 0.3
    assert report["metrics"]["copy_coverage"]["reason"] == "the data has no notes"
    assert report["selection"]["where"] == {"system": "good"}


def test_settings_of_the_command_line_win_over_the_file(lens: Lens, table: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("validation: {rouge_stemmer: true, bootstrap_resamples: 100}", encoding="utf-8")
    settings = ("--config", "c.yaml", "--no-rouge-stemmer", "--no-facts", "--show-text")
    ended = lens(*table, *MAPPING, "--where", "system=bad", "--out", "r", *settings)
    assert ended.status == 0
    report = read_json(find_report(tmp_path / "r", VALIDATION_REPORT))
    assert (report["rouge"]["stemmed"], report["bootstrap"]["resamples"], report["facts"]) == (False, 100, None)
    (page,) = (tmp_path / "r").glob("*.html")
    assert SECRET in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ("--column", "summary", "--column", "summmary=answer", "--where", "system="),
            [
                "--column 'summary' must have the form NAME=VALUE",
                "--column 'summmary=answer': summmary is not one of example_id, ",
                "--where 'system=' must have the form NAME=VALUE",
            ],
        ),
        (("--where", "system="), ["--where 'system=' must have the form NAME=VALUE"]),
        ((*MAPPING, "--column", "summary=truth"), ["--column gives summary twice"]),
        (MAPPING, ["outputs.csv: 6 rows repeat the example_id of another row; where the file holds several systems"]),
        (
            (*MAPPING, "--where", "system=best"),
            ["outputs.csv has no row that --where asks for; system is one of bad, good"],
        ),
        ((), ["outputs.csv lacks the column target_summary", "outputs.csv lacks the column summary"]),
    ],
)
def test_wrong_arguments_are_all_told_at_once_and_end_with_status_2(
    lens: Lens, table: tuple[str, ...], arguments: tuple[str, ...], told: list[str]
) -> None:
    ended = lens(*table, *arguments)
    assert ended.status == 2
    assert len(ended.problems) == len(told)
    for problem, expected in zip(ended.problems, told, strict=True):
        assert problem.startswith(expected)
    assert SECRET not in ended.err


def test_a_file_without_rows_ends_with_status_2(lens: Lens, table: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "outputs.csv").write_text("example_id,summary,target_summary\n", encoding="utf-8")
    ended = lens(*table)
    assert (ended.status, ended.problems) == (2, ["outputs.csv has columns but no rows"])


def test_an_encoder_that_does_not_exist_ends_with_status_2(lens: Lens, table: tuple[str, ...]) -> None:
    ended = lens(*table, *MAPPING, "--where", "system=good", "--bertscore-encoder", "no/such/encoder")
    assert ended.status == 2
    assert "validation.bertscore_layer" in ended.problems[0]
