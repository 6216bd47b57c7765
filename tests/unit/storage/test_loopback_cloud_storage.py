"""The loopback Cloud Storage, seen by the real client: what tests of registries and locks rely on."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from google.api_core.exceptions import Conflict, Forbidden, NotFound, PreconditionFailed
from google.cloud import storage
from google.cloud.storage.exceptions import DataCorruption, InvalidResponse
from google.cloud.storage.retry import DEFAULT_RETRY
from loopback.gcs import CloudStorageServer
from loopback.server import HttpRequest

BUCKET = "hospital-models"
QUICKLY = DEFAULT_RETRY.with_delay(initial=0.01, maximum=0.02)


@pytest.fixture
def bucket(cloud: CloudStorageServer) -> Any:
    return storage.Client(project="tests").bucket(BUCKET)


def put(bucket: Any, name: str, text: str = "x", **options: Any) -> Any:
    blob = bucket.blob(name)
    blob.upload_from_string(text, **options)
    return blob


def _sent(cloud: CloudStorageServer, prefix: str) -> list[HttpRequest]:
    """Requests of one kind; the client looks at the bucket in the background, whenever it likes."""
    return [request for request in cloud.requests if request.path.startswith(prefix)]


def test_what_is_written_can_be_read_with_its_metadata(bucket: Any) -> None:
    blob = bucket.blob("a/b c?.txt")
    blob.metadata = {"colour": "blue"}
    blob.upload_from_string("höher", content_type="text/plain")
    found = bucket.get_blob("a/b c?.txt")
    assert found.download_as_text() == "höher"
    assert (found.metadata, found.content_type, found.size) == ({"colour": "blue"}, "text/plain", 6)
    assert found.download_as_bytes(start=1, end=2) == "ö".encode()
    assert bucket.get_blob("nothing") is None


def test_binary_content_keeps_every_byte(bucket: Any) -> None:
    content = bytes(range(256)) * 3 + b"\r\n--==\n\r"
    put(bucket, "weights", content)  # type: ignore[arg-type]
    assert bucket.blob("weights").download_as_bytes() == content


def test_each_write_is_a_new_generation_and_the_former_is_gone(bucket: Any) -> None:
    first = put(bucket, "pointer", "v1").generation
    second = put(bucket, "pointer", "v2").generation
    assert second > first
    assert bucket.blob("pointer", generation=second).download_as_text() == "v2"
    with pytest.raises(NotFound):
        bucket.blob("pointer", generation=first).download_as_text()


def test_preconditions_on_generations_are_kept(bucket: Any) -> None:
    with pytest.raises(PreconditionFailed):
        put(bucket, "pointer", if_generation_match=7)
    blob = put(bucket, "pointer", "v1", if_generation_match=0)
    with pytest.raises(PreconditionFailed):
        put(bucket, "pointer", "v2", if_generation_match=0)
    with pytest.raises(PreconditionFailed):
        put(bucket, "pointer", "v2", if_generation_not_match=blob.generation)
    with pytest.raises(PreconditionFailed):
        blob.delete(if_generation_match=blob.generation + 1)
    put(bucket, "pointer", "v2", if_generation_match=blob.generation)
    assert bucket.blob("pointer").download_as_text() == "v2"


def test_preconditions_on_metagenerations_are_kept(bucket: Any) -> None:
    blob = put(bucket, "labelled")
    blob.metadata = {"stage": "candidate"}
    blob.patch(if_metageneration_match=1)
    assert blob.metageneration == 2
    with pytest.raises(PreconditionFailed):
        blob.patch(if_metageneration_match=1)
    with pytest.raises(PreconditionFailed):
        blob.patch(if_metageneration_not_match=2)


def test_of_twenty_racing_writers_one_wins(cloud: CloudStorageServer, bucket: Any) -> None:
    def race(number: int) -> bool:
        try:
            put(storage.Client(project="tests").bucket(BUCKET), "lock", str(number), if_generation_match=0)
        except PreconditionFailed:
            return False
        return True

    with ThreadPoolExecutor(20) as pool:
        won = [number for number, winner in enumerate(pool.map(race, range(20))) if winner]
    assert len(won) == 1
    assert cloud.content(BUCKET) == {"lock": str(won[0]).encode()}


def test_a_listing_comes_in_pages(cloud: CloudStorageServer, bucket: Any) -> None:
    for name in ("m/a", "m/b", "m/c/d", "m/e", "n"):
        put(bucket, name)
    assert [blob.name for blob in bucket.list_blobs(prefix="m/")] == ["m/a", "m/b", "m/c/d", "m/e"]
    pages = [request for request in cloud.requests if request.path.endswith("/o") and request.method == "GET"]
    assert len(pages) == 2
    found = bucket.list_blobs(prefix="m/", delimiter="/")
    assert [blob.name for blob in found] == ["m/a", "m/b", "m/e"]
    assert found.prefixes == {"m/c/"}


@pytest.mark.parametrize("status", [503, 429])
def test_a_failure_that_passes_is_tried_again(cloud: CloudStorageServer, bucket: Any, status: int) -> None:
    cloud.fail(status, times=2, method="POST")
    put(bucket, "late", "there", retry=QUICKLY)
    assert bucket.blob("late").download_as_text() == "there"
    assert len(_sent(cloud, "/upload/")) == 3


def test_a_refusal_is_not_tried_again(cloud: CloudStorageServer, bucket: Any) -> None:
    cloud.deny(BUCKET)
    with pytest.raises(Forbidden):
        put(bucket, "secret")
    assert len(_sent(cloud, "/upload/")) == 1


def test_bytes_that_change_on_the_way_down_are_noticed(cloud: CloudStorageServer, bucket: Any) -> None:
    put(bucket, "weights", "0123456789")
    cloud.corrupted.add("weights")
    with pytest.raises(DataCorruption):
        bucket.blob("weights").download_as_bytes(checksum="crc32c")


def test_a_large_object_goes_up_in_pieces_and_survives_a_lost_one(cloud: CloudStorageServer, bucket: Any) -> None:
    content = bytes(range(256)) * 4096
    blob = bucket.blob("large", chunk_size=256 * 1024)
    with blob.open("wb", if_generation_match=0) as writer:
        writer.write(content)
        cloud.fail(503, method="PUT", part="/resume/")
    assert cloud.content(BUCKET)["large"] == content
    assert sum(request.method == "PUT" for request in cloud.requests) >= 4
    again = bucket.blob("large", chunk_size=256 * 1024)
    with pytest.raises(InvalidResponse, match="412"), again.open("wb", if_generation_match=0) as writer:
        writer.write(content)


def test_objects_can_be_joined_and_copied_under_conditions(cloud: CloudStorageServer, bucket: Any) -> None:
    parts = [put(bucket, name, name) for name in ("one", "two")]
    whole = bucket.blob("whole")
    whole.compose([bucket.blob("one"), bucket.blob("two")], if_generation_match=0)
    assert whole.download_as_text() == "onetwo"
    with pytest.raises(PreconditionFailed):
        whole.compose(parts, if_source_generation_match=[parts[0].generation, 1])
    copy = bucket.blob("copy")
    token, written, total = copy.rewrite(whole, if_generation_match=0)
    assert (token, written, total) == (None, 6, 6)
    with pytest.raises(PreconditionFailed):
        copy.rewrite(whole, if_generation_match=0)
    assert bucket.copy_blob(whole, bucket, "second").name == "second"
    assert set(cloud.content(BUCKET)) == {"one", "two", "whole", "copy", "second"}


def test_a_batch_is_answered_part_by_part(cloud: CloudStorageServer, bucket: Any) -> None:
    for name in ("a", "b", "c"):
        put(bucket, name)
    client = bucket.client
    with client.batch():
        client.bucket(BUCKET).blob("a").delete()
        client.bucket(BUCKET).blob("b").delete()
    assert set(cloud.content(BUCKET)) == {"c"}
    with pytest.raises(NotFound), client.batch():
        client.bucket(BUCKET).blob("a").delete()


def test_buckets_and_their_policies(cloud: CloudStorageServer, bucket: Any) -> None:
    client = bucket.client
    assert client.create_bucket("another-one").exists()
    assert not client.bucket("not-there").exists()
    with pytest.raises(Conflict):
        client.create_bucket("another-one")
    with pytest.raises(NotFound):
        list(client.bucket("not-there").list_blobs())
    policy = bucket.get_iam_policy()
    policy.bindings.append({"role": "roles/storage.objectViewer", "members": {"user:a@b.example"}})
    bucket.set_iam_policy(policy)
    assert [binding["role"] for binding in bucket.get_iam_policy().bindings] == ["roles/storage.objectViewer"]
