from pathlib import Path

import pytest
from loopback.certificates import Certificate, self_signed

from lab_lens.notifications.message import Notification


@pytest.fixture
def notification() -> Notification:
    """A run that the gate held."""
    return Notification(
        event="held",
        events=("held", "succeeded"),
        run_name="nightly",
        run_id="42",
        state="SUCCEEDED",
        verdict="hold",
        production="v1",
        blocking_rules=("floor.rougeL",),
        link="https://runs.example/42",
    )


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """A certificate of 127.0.0.1 that no system trusts."""
    return self_signed(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def outbox(tmp_path: Path) -> Path:
    """Where a file channel writes; nothing is there yet."""
    return tmp_path / "out" / "told.jsonl"
