"""Bad input: one clear line a problem on standard error, exit status 2, no traceback, nothing written."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from command_line import Lens

NOTE = "Zebedee Quux was admitted with chest pain and left against advice after a long discussion."
SUMMARY = "Chest pain; left against advice."
HEADER = "example_id,subject_id,input_text,target_summary,age_group,gender,ethnicity"


def table(path: Path, subjects: Sequence[str], *, note: str = NOTE, header: str = HEADER) -> str:
    rows = [f'{number},{subject},"{note}","{SUMMARY}",18-44,F,White' for number, subject in enumerate(subjects)]
    path.write_text("\n".join([header, *rows, ""]), encoding="utf-8")
    return path.name


Prepare = Callable[..., list[str]]


@pytest.fixture
def prepare(lens: Lens, tmp_path: Path) -> Prepare:
    """Runs prepare-data on a file and returns the problems; nothing may be written."""

    def call(data: str, *more: str) -> list[str]:
        before = sorted(tmp_path.iterdir())
        ended = lens("prepare-data", "--data", data, "--out", "out", "--no-tracking", *more)
        assert ended.status == 2
        assert ended.out == ""
        assert sorted(tmp_path.iterdir()) == before
        return ended.problems

    return call


def test_a_missing_file_is_named(prepare: Prepare) -> None:
    assert prepare("nowhere.csv") == ["no such file: nowhere.csv"]


def test_a_directory_is_no_table(prepare: Prepare, tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    assert prepare("notes") == ["notes is a directory: give the file in it that holds the examples"]


def test_a_file_that_is_no_table_is_told_by_its_suffix(prepare: Prepare, tmp_path: Path) -> None:
    (tmp_path / "notes.docx").write_bytes(b"PK\x03\x04")
    (problem,) = prepare("notes.docx")
    assert problem.startswith("notes.docx has the suffix .docx; a table must be one of .csv,")


def test_bytes_that_are_no_csv(prepare: Prepare, tmp_path: Path) -> None:
    (tmp_path / "notes.csv").write_bytes(b"\x89PNG\r\n\x1a\n\x00\xff\xfe")
    (problem,) = prepare("notes.csv")
    assert problem.startswith("notes.csv is not UTF-8 text")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "notes.csv is empty: it needs a header line and rows"),
        (f"{HEADER}\n", "notes.csv has columns but no rows"),
    ],
)
def test_an_empty_file(prepare: Prepare, tmp_path: Path, content: str, problem: str) -> None:
    (tmp_path / "notes.csv").write_text(content, encoding="utf-8")
    assert prepare("notes.csv") == [problem]


def test_every_missing_column_has_its_own_line_and_the_columns_found_are_listed(
    prepare: Prepare, tmp_path: Path
) -> None:
    data = table(tmp_path / "notes.csv", "ABCD", header=HEADER.replace("input_text", "note").replace("gender", "sex"))
    missing_note, missing_gender, found = prepare(data)
    assert missing_note.startswith("missing column input_text (data.columns.input_text): ")
    assert missing_gender.startswith("missing column gender (data.columns.gender): ")
    assert found == f"the data has the columns {HEADER.replace('input_text', 'note').replace('gender', 'sex')}".replace(
        ",", ", "
    )


def test_when_all_rows_are_filtered_the_reason_is_counted(prepare: Prepare, tmp_path: Path) -> None:
    (problem,) = prepare(table(tmp_path / "notes.csv", "ABCD", note="short"))
    assert problem.startswith("all 4 rows were filtered: 4 with input_text shorter than 50 characters; ")


def test_one_patient_cannot_be_split(prepare: Prepare, tmp_path: Path) -> None:
    (problem,) = prepare(table(tmp_path / "notes.csv", "AAAA"))
    assert problem.startswith("the data has 1 patient, and at least 3 are needed")


def test_every_unknown_setting_has_its_own_line(prepare: Prepare, tmp_path: Path) -> None:
    (tmp_path / "settings.yaml").write_text("training:\n  epoch: 3\nsead: 1\n", encoding="utf-8")
    problems = prepare("synthetic", "--config", "settings.yaml")
    assert len(problems) == 2
    assert any("unknown setting training.epoch" in problem and "epochs" in problem for problem in problems)
    assert any("unknown setting sead" in problem and "seed" in problem for problem in problems)


@pytest.mark.parametrize(
    "content",
    [
        f'{HEADER}\n1,A,"{NOTE}",{SUMMARY},with,too,many,fields\n',
        f'1,A,"{NOTE}","{SUMMARY}",18-44,F,White\n2,B,"{NOTE}","{SUMMARY}",18-44,F,White\n',
        f'{HEADER}\n1,A,"{NOTE}","{SUMMARY}",18-44,F,White\n1,B,"{NOTE}","{SUMMARY}",18-44,F,White\n',
        f'{HEADER}\n1,,"{NOTE}","{SUMMARY}",18-44,F,White\n',
        f'{HEADER}\n1,A,"{NOTE} "unquoted" text","{SUMMARY}",18-44,F,White\n',
    ],
    ids=["too many fields", "no header", "repeated id", "blank patient", "stray quote"],
)
def test_no_error_shows_what_stands_in_a_note(prepare: Prepare, tmp_path: Path, content: str) -> None:
    (tmp_path / "notes.csv").write_text(content, encoding="utf-8")
    told = " ".join(prepare("notes.csv"))
    assert told
    assert "Zebedee" not in told
    assert "Chest pain" not in told


WRITING_COMMANDS = (
    ("demo",),
    ("prepare-data", "--data", "synthetic"),
    ("train-model", "--data", "data"),
    ("generate-summaries", "--model", "m", "--data", "d"),
    ("validate-model", "--predictions", "p", "--data", "d"),
    ("detect-bias", "--predictions", "p", "--data", "d"),
    ("analyze-sensitivity", "--model", "m", "--predictions", "p", "--data", "d"),
    ("decide-release", "--validation", "v", "--bias", "b"),
    ("deploy-model", "--version", "v1"),
    ("rollback-model", "--force", "--reason", "r"),
    ("compile",),
    ("run", "--data", "synthetic", "--base-model", "scratch:tiny"),
)


@pytest.mark.parametrize("command", WRITING_COMMANDS, ids=lambda command: command[0])
def test_an_output_below_a_file_is_refused_before_the_work_begins(
    command: tuple[str, ...], lens: Lens, tmp_path: Path
) -> None:
    (tmp_path / "taken").touch()
    ended = lens(*command, "--out", "taken/deep/below")
    assert ended.status == 2
    (problem,) = ended.problems
    assert problem.startswith(f"--out {Path('taken', 'deep')}")
    assert problem.endswith("taken is a file; give a directory")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="/proc refuses new files to every user, also to root")
@pytest.mark.parametrize("command", WRITING_COMMANDS, ids=lambda command: command[0])
def test_an_output_that_the_system_refuses_is_refused_before_the_work_begins(
    command: tuple[str, ...], lens: Lens
) -> None:
    ended = lens(*command, "--out", "/proc/out/pipeline")
    assert ended.status == 2
    (problem,) = ended.problems
    assert problem.startswith("--out /proc/out")
    assert problem.endswith("give another directory")


def test_what_the_system_refuses_later_is_told_by_its_own_path(lens: Lens, tmp_path: Path) -> None:
    (tmp_path / "out" / "train.csv" / "occupied").mkdir(parents=True)
    ended = lens("prepare-data", "--data", table(tmp_path / "notes.csv", "ABCDEF"), "--out", "out", "--no-tracking")
    assert ended.status == 2
    (problem,) = ended.problems
    assert problem.startswith(f"{Path('out', 'train.csv')}: ")


@pytest.mark.parametrize(
    "command",
    [
        ("registry", "list"),
        ("registry", "history"),
        ("serve",),
        ("deploy-model", "--version", "v1", "--device", "cpu"),
        ("rollback-model", "--force", "--reason", "r"),
        ("run", "--data", "synthetic", "--out", "out", "--base-model", "scratch:tiny"),
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_a_registry_that_is_a_file_is_refused(command: tuple[str, ...], lens: Lens, tmp_path: Path) -> None:
    (tmp_path / "registry").touch()
    ended = lens(*command, "--registry", "registry")
    assert ended.status == 2
    assert ended.problems == ["registry path registry is a file; give a directory"]
    assert [path.name for path in tmp_path.iterdir()] == ["registry"]


@pytest.fixture(scope="session")
def absent_device() -> str:
    """A device that this machine does not have; none has both."""
    import torch

    return "mps" if torch.cuda.is_available() else "cuda"


@pytest.mark.parametrize(
    "command",
    [
        ("train-model", "--data", "{data}", "--no-tracking"),
        ("generate-summaries", "--model", "{model}", "--data", "{data}"),
        ("deploy-model", "--version", "v1"),
        ("run", "--data", "synthetic", "--out", "out", "--base-model", "scratch:tiny"),
    ],
    ids=lambda command: command[0],
)
def test_a_device_that_this_machine_lacks_is_refused(
    command: tuple[str, ...], absent_device: str, lens: Lens, prepared_dir: Path, tiny_model_dir: Path, tmp_path: Path
) -> None:
    given = [word.format(data=prepared_dir, model=tiny_model_dir) for word in command]
    ended = lens(*given, "--device", absent_device)
    assert ended.status == 2
    (problem,) = ended.problems
    assert f"device {absent_device!r} is not usable here" in problem
    assert list(tmp_path.iterdir()) == []


def test_a_device_that_does_not_exist_is_refused_by_the_parser(lens: Lens) -> None:
    ended = lens("train-model", "--data", "d", "--device", "tpu")
    assert ended.status == 2
    (problem,) = ended.problems
    assert "argument --device: invalid choice: 'tpu'" in problem
    assert problem.endswith("see lab-lens train-model --help")


@pytest.mark.parametrize(
    "command",
    [
        ("generate-summaries", "--model", "nowhere", "--data", "{data}", "--device", "cpu"),
        ("run", "--data", "synthetic", "--out", "out", "--model-dir", "nowhere"),
    ],
    ids=lambda command: command[0],
)
def test_a_missing_model_directory_is_named(command: tuple[str, ...], lens: Lens, prepared_dir: Path) -> None:
    ended = lens(*(word.format(data=prepared_dir) for word in command))
    assert ended.status == 2
    assert ended.problems == ["model directory not found: nowhere; give a directory written by save_pretrained"]


@pytest.mark.parametrize(
    "command",
    [
        ("train-model", "--data", "{data}", "--no-tracking", "--device", "cpu"),
        ("run", "--data", "synthetic", "--out", "out"),
    ],
    ids=lambda command: command[0],
)
def test_a_scratch_model_of_unknown_size_is_refused_with_the_known_ones(
    command: tuple[str, ...], lens: Lens, prepared_dir: Path
) -> None:
    ended = lens(*(word.format(data=prepared_dir) for word in command), "--base-model", "scratch:huge")
    assert ended.status == 2
    (problem,) = ended.problems
    assert "'scratch:huge'" in problem
    assert all(size in problem for size in ("scratch:tiny", "scratch:small", "scratch:base"))


@pytest.mark.parametrize(
    ("flag", "value", "least"),
    [("--num-samples", "0", "1"), ("--num-samples", "-3", "1"), ("--perturbations", "9", "10")],
)
def test_too_few_explanations_are_refused(flag: str, value: str, least: str, lens: Lens) -> None:
    ended = lens("analyze-sensitivity", "--model", "m", "--predictions", "p", "--data", "d", flag, value)
    assert ended.status == 2
    (problem,) = ended.problems
    assert f"sensitivity.{flag.removeprefix('--').replace('-', '_')} is {value}" in problem
    assert problem.endswith(f"greater than or equal to {least}")


def test_a_port_that_is_none_is_refused(lens: Lens) -> None:
    for port in ("65536", "-1", "http", "٣"):
        ended = lens("serve", f"--port={port}")
        assert ended.status == 2
        assert ended.problems == [
            f"argument --port: {port!r} is no port; give a number from 0 to 65535; see lab-lens serve --help"
        ]


def test_all_that_is_wrong_with_a_run_is_told_at_once_and_nothing_is_started(
    lens: Lens, absent_device: str, tmp_path: Path
) -> None:
    (tmp_path / "registry").touch()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").touch()
    command = ["run", "--data", "nowhere.csv", "--out", "out", "--registry", "registry", "--base-model", "scratch:huge"]
    ended = lens(*command, "--device", absent_device)
    assert ended.status == 2
    beginnings = ("--data nowhere.csv", "--out out holds other files", "registry path", "base model", "device")
    assert [problem.startswith(words) for problem, words in zip(ended.problems, beginnings, strict=True)] == [True] * 5
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["out", "registry", "thesis.txt"]


@pytest.mark.parametrize("place", ["before", "behind"])
def test_verbose_adds_the_traceback_and_changes_nothing_else(place: str, lens: Lens) -> None:
    command = ["config", "show", "--config", "nowhere.json"]
    ended = lens(*(["--verbose", *command] if place == "before" else [*command, "--verbose"]))
    assert ended.status == 2
    assert ended.err.startswith("Traceback")
    assert ended.err.endswith("lab-lens: error: config file not found: nowhere.json\n")


def _run_without(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    script = (
        f"import sys; sys.modules[{module!r}] = None; from lab_lens.cli.main import main; sys.exit(main({arguments!r}))"
    )
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("module", "words"),
    [
        ("kfp", "kfp is not installed; install all of lab-lens: pip install 'lab-lens[all]'"),
        ("pipelines", "needs a checkout of lab-lens"),
    ],
)
def test_what_is_not_installed_is_named_with_the_command_that_installs_it(module: str, words: str) -> None:
    done = _run_without(module, "compile")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert words in done.stderr


def test_a_reader_that_goes_away_is_no_error_to_shout_about() -> None:
    command = [sys.executable, "-m", "lab_lens", "config", "show"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.close()
        assert process.stderr.read() == ""
