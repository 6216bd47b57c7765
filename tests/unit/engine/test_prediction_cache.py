import json
import logging
import os
from pathlib import Path

import pytest

from lab_lens.engine.prediction_cache import PredictionCache, deciding

MADE_BY = deciding(model_hash="m", data_hash="d", decoding_hash="c", device="cpu")
SUMMARY = 'example_id,summary\r\n"e1","fever, naïve\nsecond line"\n'


def predictions(folder: Path, text: str = SUMMARY) -> Path:
    folder.mkdir()
    (folder / "predictions.csv").write_bytes(text.encode())
    (folder / "generation.json").write_text('{"model_hash": "m"}', encoding="utf-8")
    return folder


def entries(cache: PredictionCache) -> list[Path]:
    return sorted(cache.root.iterdir())


def test_what_was_kept_comes_back_byte_for_byte(tmp_path: Path) -> None:
    cache, made = PredictionCache(tmp_path / "cache"), predictions(tmp_path / "made")
    assert not cache.restore(MADE_BY, tmp_path / "out")
    cache.keep(MADE_BY, made)
    assert cache.restore(MADE_BY, tmp_path / "out")
    for name in ("predictions.csv", "generation.json"):
        assert (tmp_path / "out" / name).read_bytes() == (made / name).read_bytes()


@pytest.mark.parametrize("name", sorted(MADE_BY))
def test_another_model_data_decoding_device_code_or_library_finds_nothing(name: str, tmp_path: Path) -> None:
    cache = PredictionCache(tmp_path / "cache")
    cache.keep(MADE_BY, predictions(tmp_path / "made"))
    assert not cache.restore({**MADE_BY, name: "another"}, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("damage", ["half", "edited", "empty", "moved"])
def test_a_damaged_or_changed_entry_counts_as_none_and_is_replaced(
    damage: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache, made = PredictionCache(tmp_path / "cache"), predictions(tmp_path / "made")
    cache.keep(MADE_BY, made)
    entry = entries(cache)[0]
    text = entry.read_text(encoding="utf-8")
    if damage == "moved":
        other = PredictionCache(tmp_path / "other")
        other.keep({**MADE_BY, "model_hash": "another"}, made)
        text = entries(other)[0].read_text(encoding="utf-8")
    changed = {"half": text[: len(text) // 2], "edited": text.replace("fever", "cough"), "empty": "", "moved": text}
    entry.write_text(changed[damage], encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        assert not cache.restore(MADE_BY, tmp_path / "out")
    assert "damaged" in caplog.text
    assert "fever" not in caplog.text
    assert not (tmp_path / "out").exists()
    cache.keep(MADE_BY, made)
    assert cache.restore(MADE_BY, tmp_path / "out")


def test_the_least_recently_used_entries_go(tmp_path: Path) -> None:
    cache, made = PredictionCache(tmp_path / "cache", entries=3), predictions(tmp_path / "made")
    kinds = [{**MADE_BY, "model_hash": str(number)} for number in range(4)]
    for age, kind in enumerate(kinds[:3]):
        cache.keep(kind, made)
        newest = max(entries(cache), key=lambda path: path.stat().st_mtime_ns)
        os.utime(newest, ns=(age, age))
    assert cache.restore(kinds[0], tmp_path / "out")
    cache.keep(kinds[3], made)
    assert [cache.restore(kind, tmp_path / "out") for kind in kinds] == [True, False, True, True]


def test_files_that_are_no_entries_are_never_removed(tmp_path: Path) -> None:
    cache, made = PredictionCache(tmp_path / "cache", entries=1), predictions(tmp_path / "made")
    cache.root.mkdir()
    others = [cache.root / name for name in ("my_config.json", f"{'0' * 63}.json", f"x{'0' * 64}.json")]
    for path in others:
        path.write_text("{}", encoding="utf-8")
        os.utime(path, (1, 1))
    for number in range(3):
        cache.keep({**MADE_BY, "model_hash": str(number)}, made)
    assert all(path.is_file() for path in others)
    assert len(entries(cache)) == len(others) + 1


def test_a_record_that_lay_there_does_not_outlive_its_predictions(tmp_path: Path) -> None:
    cache, out = PredictionCache(tmp_path / "cache"), predictions(tmp_path / "out", "old")
    cache.keep(MADE_BY, predictions(tmp_path / "made"))
    # Where the new predictions cannot be put, the old record must be gone all the same.
    (out / "predictions.csv").unlink()
    (out / "predictions.csv").mkdir()
    with pytest.raises(IsADirectoryError):
        cache.restore(MADE_BY, out)
    assert not (out / "generation.json").exists()


def test_an_entry_is_one_file_without_leftovers(tmp_path: Path) -> None:
    cache = PredictionCache(tmp_path / "cache")
    cache.keep(MADE_BY, predictions(tmp_path / "made"))
    cache.keep(MADE_BY, tmp_path / "made")
    assert [path.suffix for path in entries(cache)] == [".json"]
    assert json.loads(entries(cache)[0].read_text(encoding="utf-8"))["made_by"] == MADE_BY
