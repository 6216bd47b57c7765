"""A container sees what its task's parameters name, and may write only where the task must."""

import json
from pathlib import Path
from typing import Any

import pytest

from local_runner.mounts import view_of

SILENT: dict[str, Any] = {"webhooks": [], "emails": [], "files": []}
CONFIG = json.dumps({"model": {"base_model": "scratch:tiny"}, "notifications": SILENT})


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    path = tmp_path / "data" / "notes.csv"
    path.parent.mkdir()
    path.touch()
    return path


def test_data_and_a_given_model_are_read_only_and_the_run_is_writable(tmp_path: Path, notes: Path) -> None:
    given = {"data": str(notes), "trained_model": "/models/one", "config": CONFIG, "device": "cpu"}
    view = view_of("prepare-data", given, tmp_path / "run", network=False)
    assert view.writable == {tmp_path / "run": True, notes: False, Path("/models/one"): False}


@pytest.mark.parametrize(
    ("task", "writes"),
    [
        ("generate-summaries", False),
        ("decide-release", False),
        ("notify", False),
        ("register-model", True),
        ("deploy-model", True),
        ("rollback-model", True),
        ("rollback-model-2", True),
    ],
)
def test_the_registry_is_writable_for_those_who_change_it_alone(task: str, writes: bool, tmp_path: Path) -> None:
    view = view_of(task, {"registry": "/registry", "config": CONFIG}, tmp_path, network=False)
    assert view.writable[Path("/registry")] is writes


def test_models_that_measure_are_shown_to_validation_alone(tmp_path: Path) -> None:
    for name in ("encoder", "judge"):
        (tmp_path / name).mkdir()
    models = {"bertscore_encoder": str(tmp_path / "encoder"), "entailment_model": str(tmp_path / "judge")}
    given = {"config": json.dumps({"validation": models})}
    run = {tmp_path / "run": True}
    shown = {tmp_path / name: False for name in ("encoder", "judge")}
    assert view_of("validate-model", given, tmp_path / "run", network=False).writable == run | shown
    assert view_of("detect-bias", given, tmp_path / "run", network=False).writable == run
    assert view_of("validate-model", {"config": "{}"}, tmp_path / "run", network=False).writable == run


def test_the_tracking_store_is_writable(tmp_path: Path) -> None:
    view = view_of("train-model", {"tracking_uri": "sqlite:////store/mlflow.db"}, tmp_path, network=False)
    assert view.writable[Path("/store")] is True


def test_credentials_are_shown_read_only_and_only_where_they_can_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = tmp_path / "key.json"
    key.touch()
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key))
    monkeypatch.setenv("HF_TOKEN", "secret")
    given = {"config": CONFIG, "checkpoints": "/run/checkpoints"}
    closed = view_of("train-model", given, tmp_path / "run", network=False)
    opened = view_of("train-model", given, tmp_path / "run", network=True)
    assert key not in closed.writable
    assert not {"GOOGLE_APPLICATION_CREDENTIALS", "HF_TOKEN"} & set(closed.environment)
    assert opened.writable[key] is False
    assert opened.environment["HF_TOKEN"] == "secret"


def test_nothing_else_of_the_caller_s_environment_is_handed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_PASSWORD", "secret")
    assert "secret" not in view_of("notify", {"config": CONFIG}, tmp_path, network=True).environment.values()


def test_files_are_relabelled_where_selinux_guards_them(tmp_path: Path) -> None:
    view = view_of("notify", {"registry": "/registry", "config": CONFIG}, tmp_path, network=False)
    assert view.volumes(relabel=True)["/registry"] == {"bind": "/registry", "mode": "ro,z"}
    assert view.volumes(relabel=False)["/registry"]["mode"] == "ro"


def test_earlier_downloads_of_a_hub_model_are_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    downloads = tmp_path / "hub"
    downloads.mkdir()
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(downloads))
    given = {"config": CONFIG, "base_model": "some/model", "checkpoints": "c"}
    view = view_of("train-model", given, tmp_path / "run", network=False)
    assert view.writable[downloads] is False
    assert view.environment["HF_HUB_CACHE"] == str(downloads)


def test_the_secrets_of_notifications_are_shown_to_their_task_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK", "https://secret.example")
    key = tmp_path / "key"
    key.touch()
    hook = {"name": "w", "url_env": "HOOK", "url_file": None, "secret_file": str(key)}
    told = {"webhooks": [hook], "emails": [], "files": [{"path": str(tmp_path / "told" / "log.jsonl")}]}
    given = {"config": json.dumps({"model": {"base_model": "scratch:tiny"}, "notifications": told})}
    view = view_of("notify", given, tmp_path / "run", network=True)
    assert view.environment["HOOK"] == "https://secret.example"
    assert (view.writable[key], view.writable[tmp_path / "told"]) == (False, True)
    other = view_of("validate-model", given, tmp_path / "run", network=True)
    assert "HOOK" not in other.environment
    assert key not in other.writable
