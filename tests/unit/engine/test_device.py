import logging

import pytest
import torch

from lab_lens.engine.device import resolve_device
from lab_lens.errors import InputError


def test_the_cpu_is_always_there() -> None:
    assert resolve_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize("name", ["gpu", "CPU", "cuda:0", ""])
def test_an_unknown_name_is_refused_with_the_names_that_are_known(name: str) -> None:
    with pytest.raises(InputError, match=f"device '{name}' is unknown; choose one of auto, cpu, cuda, mps"):
        resolve_device(name)


@pytest.mark.parametrize(
    ("cuda", "mps", "best"), [(True, True, "cuda"), (True, False, "cuda"), (False, True, "mps"), (False, False, "cpu")]
)
def test_auto_takes_the_best_device_and_says_which(
    cuda: bool, mps: bool, best: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    with caplog.at_level(logging.INFO):
        assert resolve_device("auto") == torch.device(best)
    assert caplog.messages == [f"device: {best} (auto: the best this machine has)"]


@pytest.mark.parametrize("name", ["cuda", "mps"])
def test_an_absent_device_is_refused_and_never_replaced_by_another(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(InputError, match=rf"device '{name}' is not usable here \(torch .* sees: cpu\)"):
        resolve_device(name)


def test_a_tensor_really_lands_on_the_device_that_auto_names() -> None:
    device = resolve_device("auto")
    assert torch.ones(1, device=device).device.type == device.type
