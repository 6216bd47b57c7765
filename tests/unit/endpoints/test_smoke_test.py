from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from lab_lens.endpoints.base import EndpointError, Prediction, smoke_test


@dataclass
class ScriptedEndpoint:
    """An endpoint whose answers a test chooses."""

    healthy: bool = True
    served: str = "abc"
    summaries: tuple[str, ...] = ("A short stay.",)
    malformed_status: int = 400
    silent: bool = False

    def is_healthy(self) -> bool:
        return self.healthy

    def model_hash(self) -> str:
        return self.served

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        if self.silent:
            raise EndpointError("/predict got no answer: TimeoutError")
        return [Prediction(summary, -2.0, 40, 5, truncated=False) for summary in self.summaries]

    def predict_status(self, body: bytes) -> int:
        return self.malformed_status


def test_a_good_endpoint_passes_all_four_checks() -> None:
    result = smoke_test(ScriptedEndpoint(), "a note", "abc")
    assert result.healthy
    assert result.reasons == ()
    assert [check.check for check in result.checks] == ["health", "model_hash", "summary", "malformed_request"]


@pytest.mark.parametrize(
    ("endpoint", "check"),
    [
        (ScriptedEndpoint(healthy=False), "health"),
        (ScriptedEndpoint(served="other"), "model_hash"),
        (ScriptedEndpoint(summaries=(" \n",)), "summary"),
        (ScriptedEndpoint(summaries=()), "summary"),
        (ScriptedEndpoint(silent=True), "summary"),
        (ScriptedEndpoint(malformed_status=200), "malformed_request"),
        (ScriptedEndpoint(malformed_status=500), "malformed_request"),
    ],
)
def test_each_defect_fails_its_own_check_and_the_others_still_run(endpoint: ScriptedEndpoint, check: str) -> None:
    result = smoke_test(endpoint, "a note", "abc")
    assert not result.healthy
    assert len(result.checks) == 4
    assert [reason.split(":")[0] for reason in result.reasons] == [check]
