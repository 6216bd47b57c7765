import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from memory_endpoint import MemoryEndpoint
from release_site import make_registry, with_golden

from lab_lens.config_deployment import Deployment
from lab_lens.endpoints.base import EndpointError, Prediction, Release, Reply
from lab_lens.endpoints.smoke import Golden, read_golden, smoke_test
from lab_lens.errors import InputError
from lab_lens.registry.base import Evidence

RELEASE = Release("v1", "abc", "memory:abc", lambda: Path("abc"))
CHECKS = ["health", "model_hash", "summary", "malformed_request", "latency"]


@dataclass
class ScriptedEndpoint(MemoryEndpoint):
    """An endpoint whose answers a test chooses."""

    healthy: bool = True
    served: str = "abc"
    summaries: tuple[str, ...] = ("A short stay.",)
    malformed_status: int = 400
    silent: bool = False
    seconds: float = 0.1

    def is_healthy(self, version: str) -> bool:
        return self.healthy

    def model_hash(self, version: str) -> str:
        return self.served

    def predict(self, version: str, texts: Sequence[str]) -> Reply:
        if self.silent:
            raise EndpointError("/predict got no answer: TimeoutError")
        return Reply(tuple(Prediction(summary, -2.0, 40, 5, False) for summary in self.summaries), self.seconds)

    def predict_status(self, version: str, body: bytes) -> int:
        return self.malformed_status


def test_a_good_version_passes_every_check() -> None:
    result = smoke_test(ScriptedEndpoint(), RELEASE, Golden("a note", "A short stay."), Deployment())
    assert result.healthy
    assert result.reasons == ()
    assert [check.check for check in result.checks] == CHECKS


@pytest.mark.parametrize(
    ("endpoint", "check"),
    [
        (ScriptedEndpoint(healthy=False), "health"),
        (ScriptedEndpoint(served="other"), "model_hash"),
        (ScriptedEndpoint(summaries=("A short stay",)), "summary"),
        (ScriptedEndpoint(summaries=("A long stay.",)), "summary"),
        (ScriptedEndpoint(summaries=()), "summary"),
        (ScriptedEndpoint(silent=True), "summary"),
        (ScriptedEndpoint(malformed_status=200), "malformed_request"),
        (ScriptedEndpoint(malformed_status=500), "malformed_request"),
        (ScriptedEndpoint(seconds=31.0), "latency"),
    ],
)
def test_each_defect_fails_its_own_check_and_the_others_still_run(endpoint: ScriptedEndpoint, check: str) -> None:
    result = smoke_test(endpoint, RELEASE, Golden("a note", "A short stay."), Deployment())
    assert not result.healthy
    assert [made.check for made in result.checks][:4] == CHECKS[:4]
    assert [reason.split(":")[0] for reason in result.reasons] == [check]


def test_a_different_summary_is_told_by_its_place_and_not_by_its_text() -> None:
    endpoint = ScriptedEndpoint(summaries=("A long stay.",))
    result = smoke_test(endpoint, RELEASE, Golden("a note", "A short stay."), Deployment())
    assert "12 characters instead of 13, different from character 2 on" in result.reasons[0]
    assert "stay" not in result.reasons[0]


def test_without_a_golden_note_any_summary_passes_and_the_check_says_so() -> None:
    result = smoke_test(ScriptedEndpoint(), RELEASE, Golden("a note", None), Deployment())
    assert result.healthy
    assert "not compared, since the version was registered without golden.json" in result.checks[2].detail
    empty = smoke_test(ScriptedEndpoint(summaries=(" \n",)), RELEASE, Golden("a note", None), Deployment())
    assert empty.reasons == ("summary: the summary of a synthetic note is empty",)


@pytest.mark.parametrize(("percentile", "passes"), [(50, True), (80, True), (90, False)])
def test_the_latency_bound_holds_for_a_share_of_the_requests(percentile: float, passes: bool) -> None:
    times = iter([0.1, 0.1, 9.0, 0.1, 0.1, 0.1])

    class Jerky(ScriptedEndpoint):
        def predict(self, version: str, texts: Sequence[str]) -> Reply:
            return Reply(super().predict(version, texts).predictions, next(times))

    limits = Deployment(latency_seconds=1.0, latency_percentile=percentile)
    assert smoke_test(Jerky(), RELEASE, Golden("a note", None), limits).healthy == passes


def test_the_golden_note_is_read_from_the_registry(tmp_path: Path) -> None:
    registry = make_registry(tmp_path, versions=1)
    assert read_golden(registry, "v1").summary is None
    assert read_golden(registry, "v1").text
    version = with_golden(tmp_path, registry, "A short stay.")
    assert read_golden(registry, version) == Golden("a note", "A short stay.")
    broken = tmp_path / "broken.json"
    broken.write_text(json.dumps({"text": "a note"}))
    model = tmp_path / "another"
    model.mkdir()
    (model / "model.safetensors").write_text("x")
    worse = registry.register(model, Evidence({"golden.json": broken}, {}), actor="ana").version
    with pytest.raises(InputError, match=rf"golden\.json of {worse} is no golden note"):
        read_golden(registry, worse)
