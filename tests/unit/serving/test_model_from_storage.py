from collections.abc import Iterator
from pathlib import Path

import pytest
from loopback.gcs import CloudStorageServer

from lab_lens.artifacts import sha256_files
from lab_lens.errors import EXIT_INPUT, InputError
from lab_lens.serving.__main__ import main
from lab_lens.serving.gcs import fetch_model
from lab_lens.storage.gcs import upload_directory

BUCKET = "caip-tenant-1"
URI = f"gs://{BUCKET}/model/artifacts"


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[CloudStorageServer]:
    with CloudStorageServer(BUCKET, page_size=2) as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
        for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.delenv(name, raising=False)
        yield server
    assert server.defects == []


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A directory with files at two levels."""
    for name in ("config.json", "model.safetensors", "deeper/merges.txt"):
        path = tmp_path / "model" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name * 100)
    return tmp_path / "model"


def test_every_file_of_the_place_is_fetched(cloud: CloudStorageServer, model: Path, tmp_path: Path) -> None:
    upload_directory(model, URI)
    (tmp_path / "fetched").mkdir()
    fetch_model(f"{URI}/", tmp_path / "fetched")
    fetched = sha256_files(tmp_path / "fetched")
    assert sha256_files(model).items() <= fetched.items()


def test_a_place_without_a_model_is_told(cloud: CloudStorageServer, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gs://caip-tenant-1/model/artifacts holds no model; give the artifact_uri"):
        fetch_model(URI, tmp_path)


def test_a_container_whose_model_cannot_be_fetched_ends_and_says_why(
    cloud: CloudStorageServer, caplog: pytest.LogCaptureFixture
) -> None:
    environment = {"AIP_HTTP_PORT": "0", "AIP_STORAGE_URI": URI}
    assert main(["--host", "127.0.0.1"], environment) == EXIT_INPUT
    assert f"{URI} holds no model" in caplog.text


def test_without_vertex_a_container_serves_what_is_mounted(caplog: pytest.LogCaptureFixture) -> None:
    assert main(["--host", "127.0.0.1"], {"AIP_HTTP_PORT": "0"}) == EXIT_INPUT
    assert "model directory not found: /model" in caplog.text
