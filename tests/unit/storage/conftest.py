from collections.abc import Iterator

import pytest
from loopback.gcs import CloudStorageServer

BUCKET = "hospital-models"


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[CloudStorageServer]:
    """A Cloud Storage with one bucket, which the real client is sent to; listings come two objects a page."""
    with CloudStorageServer(BUCKET, page_size=2) as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
        for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.delenv(name, raising=False)
        yield server
    assert server.defects == []
