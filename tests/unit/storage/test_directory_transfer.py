import logging
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from loopback.gcs import CloudStorageServer
from loopback.gcs_store import Preconditions
from loopback.server import HttpRequest, HttpResponse

from lab_lens.errors import InputError
from lab_lens.storage.gcs import download_directory, upload_directory
from lab_lens.storage.location import parse_uri

BUCKET = "hospital-models"
URI = f"gs://{BUCKET}/mirrors/tiny"
MANIFEST = "mirrors/tiny/transfer_manifest.json"


def directory(path: Path, **files: str) -> Path:
    """A directory with files; `sub__name` becomes `sub/name`."""
    for name, text in files.items():
        target = path / name.replace("__", "/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    return path


def texts(path: Path) -> dict[str, str]:
    return {item.relative_to(path).as_posix(): item.read_text() for item in path.rglob("*") if item.is_file()}


def objects(cloud: CloudStorageServer) -> dict[str, str]:
    return {name: data.decode() for name, data in cloud.content(BUCKET).items() if name != MANIFEST}


def test_a_directory_comes_back_as_it_was_stored(cloud: CloudStorageServer, tmp_path: Path) -> None:
    source = directory(tmp_path / "in", config="{}", weights="w" * 5000, sub__tokens="a b", empty="")
    assert upload_directory(source, URI)
    assert objects(cloud) == {f"mirrors/tiny/{name}": text for name, text in texts(source).items()}
    download_directory(URI, tmp_path / "out")
    assert texts(tmp_path / "out") == texts(source)


def test_a_file_too_large_for_one_request_goes_up_and_comes_back(cloud: CloudStorageServer, tmp_path: Path) -> None:
    source = directory(tmp_path / "in")
    source.mkdir()
    (source / "model.safetensors").write_bytes(bytes(range(256)) * (9 * 4096))
    assert upload_directory(source, URI)
    assert any(request.path.startswith("/resume/") for request in cloud.requests)
    (tmp_path / "out").mkdir()
    download_directory(URI, tmp_path / "out")
    assert (tmp_path / "out" / "model.safetensors").read_bytes() == (source / "model.safetensors").read_bytes()


def test_storing_the_same_again_writes_nothing(cloud: CloudStorageServer, tmp_path: Path) -> None:
    source = directory(tmp_path / "in", config="{}", weights="w")
    assert upload_directory(source, URI)
    before = dict(cloud.store.buckets[BUCKET])
    assert not upload_directory(source, f"{URI}/")
    assert cloud.store.buckets[BUCKET] == before


def test_a_changed_directory_replaces_the_former_one_and_leaves_none_of_it(
    cloud: CloudStorageServer, tmp_path: Path
) -> None:
    upload_directory(directory(tmp_path / "first", config="1", old="o"), URI)
    assert upload_directory(directory(tmp_path / "second", config="2", new="n"), URI)
    assert objects(cloud) == {"mirrors/tiny/config": "2", "mirrors/tiny/new": "n"}


def test_an_object_that_somebody_changed_is_written_again(cloud: CloudStorageServer, tmp_path: Path) -> None:
    source = directory(tmp_path / "in", config="{}")
    upload_directory(source, URI)
    with cloud.lock:
        changed = cloud.store.get(BUCKET, "mirrors/tiny/config")
        cloud.store.put(BUCKET, changed.name, b"tampered", {}, Preconditions())
    with pytest.raises(InputError, match="another transfer is writing there"):
        download_directory(URI, tmp_path / "out")
    assert upload_directory(source, URI)
    assert objects(cloud) == {"mirrors/tiny/config": "{}"}


def test_what_others_put_under_a_prefix_is_never_touched(cloud: CloudStorageServer, tmp_path: Path) -> None:
    cloud.store.put(BUCKET, "mirrors/tiny/theirs", b"t", {}, Preconditions())
    with pytest.raises(InputError, match="holds 1 objects that no lab-lens transfer put there, such as theirs"):
        upload_directory(directory(tmp_path / "in", config="{}"), URI)
    assert set(cloud.content(BUCKET)) == {"mirrors/tiny/theirs"}
    assert upload_directory(tmp_path / "in", f"gs://{BUCKET}/mirrors/tin")


class _Meddler(CloudStorageServer):
    """Calls `meddle` once, when the first object other than a manifest is about to be written."""

    meddle: Callable[[], None] | None = None

    def answer(self, request: HttpRequest) -> HttpResponse:
        meddle = self.meddle
        if meddle is not None and request.path.startswith("/upload/") and b"transfer_manifest" not in request.body:
            self.meddle = None
            meddle()
        return super().answer(request)


def test_of_two_uploads_at_once_at_most_one_succeeds_and_nothing_is_mixed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = directory(tmp_path / "first", config="1", weights="1", only_first="1")
    second = directory(tmp_path / "second", config="2", weights="2", only_second="2")
    with _Meddler(BUCKET) as cloud:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", cloud.url)
        # The second begins and ends while the first is between its claim and its first object.
        cloud.meddle = lambda: _upload_without_meddling(second)
        with pytest.raises(InputError, match="another transfer is writing there; wait for it to end"):
            upload_directory(first, URI)
        assert objects(cloud) == {f"mirrors/tiny/{name}": text for name, text in texts(second).items()}
        download_directory(URI, tmp_path / "out")
    assert texts(tmp_path / "out") == texts(second)


def _upload_without_meddling(source: Path) -> None:
    assert upload_directory(source, URI)


def test_of_many_uploads_at_once_what_is_complete_is_one_of_them(cloud: CloudStorageServer, tmp_path: Path) -> None:
    sources = [directory(tmp_path / f"in{n}", config=f"{n}", weights=f"{n}" * 99, **{f"own{n}": "x"}) for n in range(4)]

    def attempt(source: Path) -> bool:
        try:
            return upload_directory(source, URI)
        except InputError as error:
            refusals.append(str(error))
            return False

    refusals: list[str] = []
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(attempt, sources))
    assert all("another transfer is writing there" in refusal for refusal in refusals)
    # Whoever comes last finds a claim without a claimant, or a whole directory; either way it gets through.
    assert upload_directory(sources[0], URI) in {True, False}
    download_directory(URI, tmp_path / "out")
    assert texts(tmp_path / "out") == texts(sources[0])
    assert objects(cloud) == {f"mirrors/tiny/{name}": text for name, text in texts(sources[0]).items()}


def test_an_upload_that_was_cut_off_is_no_directory_until_it_is_repeated(
    cloud: CloudStorageServer, tmp_path: Path
) -> None:
    source = directory(tmp_path / "in", config="{}", weights="w")
    cloud.fail(403, times=99, method="POST", part="mirrors/tiny/weights")
    with pytest.raises(InputError, match="permission denied"):
        upload_directory(source, URI)
    with pytest.raises(InputError, match="is not complete: a transfer is at work or was cut off"):
        download_directory(URI, tmp_path / "out")
    cloud.recover()
    assert upload_directory(source, URI)
    download_directory(URI, tmp_path / "out")
    assert texts(tmp_path / "out") == texts(source)


def test_an_answer_that_is_lost_is_no_other_writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Forgetful(CloudStorageServer):
        """Writes the first object, and answers 503 all the same."""

        forgotten = False

        def answer(self, request: HttpRequest) -> HttpResponse:
            response = super().answer(request)
            if request.method == "POST" and response.status == 200 and not self.forgotten:
                self.forgotten = True
                return HttpResponse(503, b"{}")
            return response

    source = directory(tmp_path / "in", config="{}")
    with Forgetful(BUCKET) as cloud:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", cloud.url)
        assert upload_directory(source, URI)
        assert cloud.forgotten
        assert objects(cloud) == {"mirrors/tiny/config": "{}"}


def test_failures_that_pass_are_not_noticed(cloud: CloudStorageServer, tmp_path: Path) -> None:
    cloud.fail(503, times=1)
    source = directory(tmp_path / "in", config="{}")
    assert upload_directory(source, URI)


def test_corrupted_bytes_are_refused(cloud: CloudStorageServer, tmp_path: Path) -> None:
    upload_directory(directory(tmp_path / "in", weights="0123456789"), URI)
    cloud.corrupted.add("mirrors/tiny/weights")
    with pytest.raises(InputError, match=r"bytes were corrupted on the way \(checksum mismatch\); repeat this"):
        download_directory(URI, tmp_path / "out")


def test_a_manifest_cannot_lead_out_of_the_directory(cloud: CloudStorageServer, tmp_path: Path) -> None:
    upload_directory(directory(tmp_path / "in", weights="w"), URI)
    evil = cloud.content(BUCKET)[MANIFEST].replace(b'"weights"', b'"../../weights"')
    cloud.store.put(BUCKET, MANIFEST, evil, {}, Preconditions())
    with pytest.raises(InputError, match="names a file outside its directory"):
        download_directory(URI, tmp_path / "deep" / "out")
    assert not (tmp_path / "weights").exists()


def test_a_place_that_no_transfer_wrote_is_told(cloud: CloudStorageServer, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"has no transfer_manifest\.json: it was not stored by lab-lens"):
        download_directory(URI, tmp_path / "out")
    cloud.store.put(BUCKET, MANIFEST, b"{}", {}, Preconditions())
    with pytest.raises(InputError, match=r"transfer_manifest\.json is damaged"):
        download_directory(URI, tmp_path / "out")


@pytest.mark.parametrize("work", [upload_directory, download_directory])
def test_a_bucket_that_does_not_exist_is_told_with_the_cure(
    work: Callable[..., object], cloud: CloudStorageServer, tmp_path: Path
) -> None:
    source = directory(tmp_path / "in", config="{}")
    places = (source, "gs://not-there/x") if work is upload_directory else ("gs://not-there/x", tmp_path / "out")
    with pytest.raises(InputError, match=r"bucket not-there does not exist; make it .`gcloud storage buckets create"):
        work(*places)


def test_a_permission_that_is_missing_is_named(cloud: CloudStorageServer, tmp_path: Path) -> None:
    cloud.deny(BUCKET)
    with pytest.raises(InputError, match=r"permission denied; ask for roles/storage\.objectUser on bucket hospital"):
        upload_directory(directory(tmp_path / "in", config="{}"), URI)


def test_a_service_that_stays_down_is_told_after_the_given_time(cloud: CloudStorageServer, tmp_path: Path) -> None:
    cloud.fail(503, times=999)
    with pytest.raises(InputError, match=r"Cloud Storage does not answer as it should .*; try again later"):
        upload_directory(directory(tmp_path / "in", config="{}"), URI, retry_seconds=0.5)


def test_a_service_that_cannot_be_reached_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{port}")
    with pytest.raises(InputError, match="Cloud Storage cannot be reached"):
        upload_directory(directory(tmp_path / "in", config="{}"), URI, retry_seconds=0.5)


def test_credentials_that_are_missing_are_told_with_the_cure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    with pytest.raises(InputError, match="no valid Google Cloud credentials; run `gcloud auth application-default"):
        upload_directory(directory(tmp_path / "in", config="{}"), URI)


def test_progress_is_told(cloud: CloudStorageServer, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        upload_directory(directory(tmp_path / "in", config="{}", weights="w"), URI)
    assert caplog.messages == [f"upload {URI}: 2/2"]


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "models",
        "s3://b/c",
        "gs://",
        "gs:///x",
        "gs://Bucket/x",
        "gs://b/x",
        "gs://bucket/a/../b",
        "gs://bucket/a//b",
    ],
)
def test_what_is_no_place_is_refused(uri: str) -> None:
    with pytest.raises(InputError, match="is no place in Cloud Storage; give gs://BUCKET/PREFIX"):
        parse_uri(uri)


def test_a_place_is_read_as_people_write_it() -> None:
    assert parse_uri("gs://my.bucket-1/a/b/").uri == "gs://my.bucket-1/a/b"
    assert parse_uri("gs://my-bucket").object_name("x") == "x"
