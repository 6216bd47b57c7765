import math
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab_lens.artifacts import (
    content_hash,
    file_in,
    find_report,
    move_directory,
    read_json,
    replacing,
    require_writable,
    require_written,
    sha256_file,
    sha256_files,
    sha256_text,
    write_json,
    write_text,
)
from lab_lens.errors import ContractError, InputError


def names_in(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_a_writer_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = write_text(tmp_path / "report.json", "old")

    def write_half() -> None:
        with replacing(target) as temporary:
            temporary.write_text("half")
            assert target.read_text() == "old"
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert target.read_text() == "old"
    assert names_in(tmp_path) == ["report.json"]


def test_a_value_that_is_no_json_leaves_the_old_file(tmp_path: Path) -> None:
    target = write_json(tmp_path / "report.json", {"rougeL": 0.3})
    for value in (math.nan, math.inf, object()):
        with pytest.raises((ValueError, TypeError)):
            write_json(target, {"rougeL": value})
    assert read_json(target) == {"rougeL": 0.3}
    assert names_in(tmp_path) == ["report.json"]


def test_directories_are_made_and_a_file_is_replaced_whole(tmp_path: Path) -> None:
    target = tmp_path / "a" / "b" / "text.txt"
    write_text(target, "a long first version")
    write_text(target, "Ménière\nshort")
    assert target.read_bytes() == "Ménière\nshort".encode()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_others_may_read_what_was_written_as_the_umask_says(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.touch()
    written = write_text(tmp_path / "written", "x")
    assert stat.S_IMODE(written.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@settings(max_examples=30)
@given(value=JSON)
def test_json_reads_back_as_it_was(value: object, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "any.json"
    write_json(path, value)
    assert read_json(path) == value


def test_unreadable_json_is_the_callers_mistake(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no such file: .*none\.json"):
        read_json(tmp_path / "none.json")
    (tmp_path / "half.json").write_text('{"summary": "The patient')
    with pytest.raises(InputError, match=r"half\.json is not JSON \(JSONDecodeError\)") as refused:
        read_json(tmp_path / "half.json")
    assert "patient" not in str(refused.value)
    (tmp_path / "latin.json").write_bytes('"Ménière"'.encode("latin-1"))
    with pytest.raises(InputError, match=r"latin\.json is not JSON"):
        read_json(tmp_path / "latin.json")


def test_an_artifact_may_be_given_as_its_file_or_its_directory(tmp_path: Path) -> None:
    file = write_text(tmp_path / "test.csv", "x")
    assert file_in(tmp_path, "test.csv") == file_in(file, "test.csv") == file


def test_a_report_is_found_by_file_by_plain_name_and_else_the_newest_stamp(tmp_path: Path) -> None:
    older, newer = (
        write_text(tmp_path / f"bias_report_{stamp}.json", "{}") for stamp in ("20261122T201500", "20261122T201501")
    )
    write_text(tmp_path / "bias_report_20261122T201502.txt", "another kind")
    write_text(tmp_path / "bias_summary_20261122T201503.json", "another stem")
    assert find_report(tmp_path, "bias_report") == newer
    assert find_report(older, "bias_report") == older
    plain = write_text(tmp_path / "bias_report.json", "{}")
    assert find_report(tmp_path, "bias_report") == plain


@pytest.mark.parametrize("name", ["", "none"])
def test_an_absent_report_is_told_with_where_it_was_looked_for(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no bias_report\.json at .*: give the report file or the directory"):
        find_report(tmp_path / name, "bias_report")


def test_hashes_are_sha256_of_the_bytes(tmp_path: Path) -> None:
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256_text("abc") == sha256_file(write_text(tmp_path / "abc", "abc")) == expected
    large = tmp_path / "large"
    large.write_bytes(b"abc" * 1_000_000)
    assert sha256_file(large) == sha256_text("abc" * 1_000_000)


def test_a_directorys_hash_knows_names_places_and_bytes_but_not_times_or_order(tmp_path: Path) -> None:
    def directory(name: str, files: dict[str, str]) -> str:
        for path, text in files.items():
            write_text(tmp_path / name / path, text)
        return content_hash(sha256_files(tmp_path / name))

    first = directory("first", {"a.txt": "1", "sub/b.txt": "2"})
    assert directory("second", {"sub/b.txt": "2", "a.txt": "1"}) == first
    os.utime(tmp_path / "first" / "a.txt", (0, 0))
    assert content_hash(sha256_files(tmp_path / "first")) == first
    others = [{"a.txt": "1", "sub/b.txt": "3"}, {"a.txt": "1", "b.txt": "2"}, {"a.txt": "2", "sub/b.txt": "1"}]
    assert len({first, *(directory(f"other{number}", files) for number, files in enumerate(others))}) == 4
    assert list(sha256_files(tmp_path / "first")) == ["a.txt", "sub/b.txt"]


def test_a_place_that_cannot_be_written_to_is_refused_under_its_callers_name(tmp_path: Path) -> None:
    require_writable(tmp_path / "new" / "run", "--out")
    assert list(tmp_path.iterdir()) == []
    file = write_text(tmp_path / "file", "x")
    with pytest.raises(InputError, match=r"--out .*run cannot be made: .*file is a file; give a directory"):
        require_writable(file / "run", "--out")


def test_every_output_that_was_not_written_is_named(tmp_path: Path) -> None:
    written, empty = write_text(tmp_path / "written", "x"), write_text(tmp_path / "empty", "")
    (tmp_path / "folder").mkdir()
    require_written([written, tmp_path])
    with pytest.raises(ContractError) as refused:
        require_written([written, empty, tmp_path / "folder", tmp_path / "none"])
    assert str(refused.value) == (
        f"declared outputs were not written: {empty}, {tmp_path / 'folder'}, {tmp_path / 'none'}"
    )


def filled(directory: Path) -> dict[str, str]:
    directory.mkdir()
    content = {"config.json": "{}", "manifest.json": "[]", "weights": "1"}
    for name, text in content.items():
        (directory / name).write_text(text, encoding="utf-8")
    return content


def test_a_directory_is_moved_by_its_name(tmp_path: Path) -> None:
    content = filled(tmp_path / "from")
    move_directory(tmp_path / "from", tmp_path / "to", "manifest.json")
    assert {file.name: file.read_text(encoding="utf-8") for file in (tmp_path / "to").iterdir()} == content
    assert not (tmp_path / "from").exists()


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    """A directory on another file system, to which a directory cannot be renamed, as in a bucket."""
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("NOT TESTED: this machine has no second file system in /dev/shm")
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        yield Path(folder)


def test_a_directory_is_copied_where_the_file_system_cannot_rename_it(tmp_path: Path, elsewhere: Path) -> None:
    content = filled(tmp_path / "from")
    move_directory(tmp_path / "from", elsewhere / "to", "manifest.json")
    assert {file.name: file.read_text(encoding="utf-8") for file in (elsewhere / "to").iterdir()} == content
    assert not (tmp_path / "from").exists()


def test_a_copy_that_breaks_off_leaves_the_file_that_tells_what_it_is(tmp_path: Path, elsewhere: Path) -> None:
    filled(tmp_path / "from")
    # What cannot be copied stands for a kill in the middle.
    (tmp_path / "from" / "apples").mkdir()
    with pytest.raises(OSError, match="apples"):
        move_directory(tmp_path / "from", elsewhere / "to", "manifest.json")
    assert [file.name for file in (elsewhere / "to").iterdir()] == ["manifest.json"]


def test_a_directory_is_not_moved_over_one_that_holds_something(tmp_path: Path) -> None:
    filled(tmp_path / "from")
    filled(tmp_path / "to")
    with pytest.raises(OSError, match="not empty"):
        move_directory(tmp_path / "from", tmp_path / "to", "manifest.json")
