import json
import shutil
from pathlib import Path

import pytest

from lab_lens.artifacts import TRAINING_MANIFEST, write_json
from lab_lens.config import Config, Decoding, Deployment, Model
from lab_lens.errors import InputError
from lab_lens.registry.base import Evidence
from lab_lens.registry.local import LocalRegistry
from lab_lens.stages.deploy_model import run_deploy_model


@pytest.fixture(scope="module")
def registry(tiny_model_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> LocalRegistry:
    """v1 summarizes; v2 has the same weights but room for the end token only, so that it says nothing."""
    root = tmp_path_factory.mktemp("deploy")
    silent = root / "silent"
    shutil.copytree(tiny_model_dir, silent)
    config = Config(model=Model(max_input_tokens=64, max_target_tokens=2), decoding=Decoding(num_beams=1))
    (silent / TRAINING_MANIFEST).write_text(json.dumps({"config": config.model_dump(mode="json")}))
    registry = LocalRegistry(root / "registry")
    for path in (tiny_model_dir, silent):
        registry.register(path, Evidence({}, {}), actor="ana")
    return registry


def test_a_version_is_in_production_only_after_it_answered_a_real_request(
    registry: LocalRegistry, tmp_path: Path
) -> None:
    deployment = run_deploy_model(registry.path, "v1", Config(), device="cpu", actor="ana", deployment_dir=tmp_path)
    assert (deployment.status, deployment.production_before, deployment.production) == ("healthy", None, "v1")
    assert [check.check for check in deployment.checks] == [
        "health",
        "model_hash",
        "summary",
        "malformed_request",
        "latency",
    ]
    assert (registry.history()[-1].action, registry.production()) == ("promoted", "v1")

    silent = run_deploy_model(registry.path, "2", Config(), device="cpu", actor="ana", deployment_dir=tmp_path)
    assert (silent.status, silent.production_before, silent.production) == ("unhealthy", "v1", "v1")
    assert silent.reasons == ("summary: the summary of a synthetic note is empty",)
    entry = registry.history()[-1]
    assert (entry.action, entry.from_version, entry.to_version) == ("deploy_failed", "v1", "v2")
    written = json.loads((tmp_path / "deployment.json").read_text())
    assert (written["status"], written["reasons"], written["production"]) == ("unhealthy", list(silent.reasons), "v1")


def test_a_server_that_does_not_get_ready_leaves_production_as_it_was(registry: LocalRegistry, tmp_path: Path) -> None:
    before = registry.production()
    config = Config(deployment=Deployment(ready_timeout_seconds=0.1))
    deployment = run_deploy_model(registry.path, "v2", config, device="cpu", actor="ana", deployment_dir=tmp_path)
    assert deployment.status == "unhealthy"
    assert deployment.reasons[0].startswith("start: the server was not ready after 0.1 s")
    assert registry.production() == before


def test_a_tampered_version_is_refused_and_named(registry: LocalRegistry, tmp_path: Path) -> None:
    added = registry.model_dir("v1") / "extra.bin"
    added.write_text("x")
    before = registry.history()
    try:
        with pytest.raises(InputError, match=r"v1 was not deployed: model/extra\.bin was added after registration"):
            run_deploy_model(registry.path, "v1", Config(), device="cpu", actor="ana", deployment_dir=tmp_path)
    finally:
        added.unlink()
    assert registry.history() == before


@pytest.mark.parametrize(
    ("version", "device", "message"),
    [("v9", "cpu", "version v9 is not registered"), ("v1", "abacus", "device 'abacus' is unknown")],
)
def test_wrong_input_is_no_failed_deployment(
    registry: LocalRegistry, tmp_path: Path, version: str, device: str, message: str
) -> None:
    before = registry.history()
    with pytest.raises(InputError, match=message):
        run_deploy_model(registry.path, version, Config(), device=device, actor="ana", deployment_dir=tmp_path)
    assert registry.history() == before
    assert list(tmp_path.iterdir()) == []


def test_a_decision_against_another_champion_than_todays_deploys_nothing(
    registry: LocalRegistry, tmp_path: Path
) -> None:
    write_json(tmp_path / "decision.json", {"champion": "v9"})
    before = (registry.production(), len(registry.history()))
    with pytest.raises(InputError, match=r"v2 was not deployed: its decision was made against v9, and production is"):
        run_deploy_model(
            registry.path, "v2", Config(), device="cpu", actor="ana", deployment_dir=tmp_path, decision=tmp_path
        )
    assert (registry.production(), len(registry.history())) == (before[0], before[1] + 1)
    entry = registry.history()[-1]
    assert (entry.action, entry.to_version) == ("held", "v2")
    assert "v9" in entry.why
