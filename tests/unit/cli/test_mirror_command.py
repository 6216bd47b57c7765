from pathlib import Path

import pytest
from command_line import Lens


@pytest.mark.parametrize(
    ("place", "problem"),
    [
        ("gs://", "'gs://' is no place in Cloud Storage; give gs://BUCKET/PREFIX"),
        ("gs://My_Models/x", "'gs://My_Models/x' is no place in Cloud Storage"),
        ("taken/below", "--to taken/below cannot be made: "),
    ],
)
def test_a_place_that_cannot_be_is_told_before_anything_is_downloaded(
    place: str, problem: str, lens: Lens, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("x")
    ended = lens("mirror-model", "clinic/never-asked-for", "--to", place)
    assert ended.status == 2
    (told,) = ended.problems
    assert told.startswith(problem)


def test_a_bucket_that_holds_no_mirror_or_is_not_there_is_told(
    lens: Lens, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from loopback.gcs import CloudStorageServer

    with CloudStorageServer("hospital-models") as cloud:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", cloud.url)
        ended = lens("mirror-model", "gs://hospital-models/none", "--to", "mirrored")
        assert ended.status == 2
        assert ended.problems[-1].startswith("gs://hospital-models/none has no transfer_manifest.json")
        ended = lens("mirror-model", "gs://not-there/none", "--to", "mirrored")
        assert ended.problems[-1].startswith("gs://not-there/none: bucket not-there does not exist; make it (`gcloud")
    assert not (tmp_path / "mirrored").exists()
