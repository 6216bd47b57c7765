from collections.abc import Sequence
from pathlib import Path

import pytest
from endpoint_contract import EndpointContract
from memory_endpoint import MemoryEndpoint

from lab_lens.endpoints.base import Release


def release(version: str, content: str) -> Release:
    return Release(version, content, f"memory:{content}", lambda: Path(content))


class TestMemoryEndpoint(EndpointContract):
    @pytest.fixture
    def wrong_release(self) -> Release:
        return release("v3", "dead")

    @pytest.fixture
    def releases(self) -> Sequence[Release]:
        return (release("v1", "one"), release("v2", "two"))

    @pytest.fixture(params=[True, False], ids=["reaches idle versions", "reaches versions with traffic"])
    def endpoint(self, request: pytest.FixtureRequest) -> MemoryEndpoint:
        endpoint = MemoryEndpoint(reaches_idle=request.param)
        endpoint.dead.add("dead")
        return endpoint
