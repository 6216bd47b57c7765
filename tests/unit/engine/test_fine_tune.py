import itertools
import logging
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from lab_lens.config import Config, with_overrides
from lab_lens.engine.checkpoint import load_model
from lab_lens.engine.fine_tune import Evaluated, FineTuned, Pairs, Quality, fine_tune
from lab_lens.errors import InputError

CPU = torch.device("cpu")


@pytest.fixture
def tune(
    quick_trainings: None, tiny_config: Config, tiny_examples: pd.DataFrame, tiny_model_dir: Path, tmp_path: Path
) -> Callable[..., Any]:
    """Train the tiny model on 32 short pairs, 4 optimizer steps an epoch; settings of `training` as keywords."""
    short = [
        Pairs(part["input_text"].str[:150].tolist(), part["target_summary"].str[:60].tolist())
        for part in (tiny_examples.iloc[:32], tiny_examples.iloc[32:40])
    ]

    def run(
        quality: Quality | Sequence[float] = (0.1,),
        *,
        spoil: Callable[[Any], None] = lambda model: None,
        device: torch.device = CPU,
        on_evaluation: Evaluated | None = None,
        **training: Any,
    ) -> FineTuned:
        lengths = {"model.max_input_tokens": 40, "model.max_target_tokens": 12, "training.eval_examples": 2}
        config = with_overrides(tiny_config, lengths | {f"training.{name}": value for name, value in training.items()})
        start = load_model(tiny_model_dir, "cpu")
        spoil(start.model)
        return fine_tune(
            start.model,
            start.tokenizer,
            *short,
            config,
            device=device,
            checkpoint_dir=tmp_path / "checkpoints",
            rouge_l=quality if callable(quality) else told(quality),
            on_evaluation=on_evaluation,
        )

    return run


def told(values: Sequence[float]) -> Quality:
    """A quality whose successive evaluations are given; the last one stays."""
    following = itertools.chain(values, itertools.repeat(values[-1]))
    return lambda predictions, references: next(following)


def recorded(result: FineTuned, name: str) -> dict[int, float]:
    return {int(record["step"]): record[name] for record in result.history if name in record}


def test_training_lowers_both_losses(tune: Callable[..., FineTuned]) -> None:
    result = tune(range(1, 9), epochs=6, evaluations_per_epoch=1)
    assert (result.steps, result.epochs, result.resumed_from_step) == (24, 6.0, 0)
    for name in ("loss", "eval_loss"):
        losses = list(recorded(result, name).values())
        assert losses[-1] < losses[0] - 0.5
    assert not result.model.training


def test_the_best_evaluation_wins_not_the_last(tune: Callable[..., FineTuned], tmp_path: Path) -> None:
    result = tune([0.2, 0.5, 0.3], epochs=3, early_stopping_patience=9)
    assert recorded(result, "eval_rougeL") == {4: 0.2, 8: 0.5, 12: 0.3}
    assert (result.steps, result.best_step, result.best_rouge_l) == (12, 8, 0.5)
    best, last = (load_file(tmp_path / f"checkpoints/checkpoint-{step}/model.safetensors") for step in (8, 12))
    weights = result.model.state_dict()
    assert all(torch.equal(weights[name], weight) for name, weight in best.items())
    assert any(not torch.equal(weights[name], weight) for name, weight in last.items())


@pytest.mark.parametrize("patience", [1, 2])
def test_training_stops_when_quality_has_not_risen_for_the_patience(
    tune: Callable[..., FineTuned], patience: int
) -> None:
    result = tune([0.4, 0.4], epochs=6, early_stopping_patience=patience)
    assert list(recorded(result, "eval_rougeL")) == [4 * number for number in range(1, patience + 2)]
    assert result.best_step == 4


def test_the_last_step_is_evaluated_even_off_the_beat(tune: Callable[..., FineTuned]) -> None:
    result = tune([0.1, 0.2], max_steps=6)
    assert list(recorded(result, "eval_rougeL")) == [4, 6]
    assert result.best_step == 6


def interrupted(values: Sequence[float]) -> Quality:
    """A quality whose evaluations are given; the next one meets Ctrl-C."""
    following = iter(values)

    def quality(predictions: Sequence[str], references: Sequence[str]) -> float:
        for value in following:
            return value
        raise KeyboardInterrupt

    return quality


def test_an_interrupted_training_continues_and_ends_as_if_nothing_had_happened(
    tune: Callable[..., FineTuned], tmp_path: Path
) -> None:
    whole = tune([0.1, 0.2, 0.3], epochs=3)
    shutil.rmtree(tmp_path / "checkpoints")
    with pytest.raises(KeyboardInterrupt):
        tune(interrupted([0.1, 0.2]), epochs=3)
    continued = tune([0.3], epochs=3)
    assert (whole.resumed_from_step, continued.resumed_from_step) == (0, 8)
    assert continued.steps == whole.steps == 12
    assert recorded(continued, "loss") == pytest.approx(recorded(whole, "loss"))
    assert recorded(continued, "eval_rougeL") == recorded(whole, "eval_rougeL")
    expected = whole.model.state_dict()
    assert all(torch.allclose(weight, expected[name]) for name, weight in continued.model.state_dict().items())


def test_patience_counts_on_through_an_interruption(tune: Callable[..., FineTuned]) -> None:
    with pytest.raises(KeyboardInterrupt):
        tune(interrupted([0.5, 0.2]), epochs=6, early_stopping_patience=2)
    continued = tune([0.1], epochs=6, early_stopping_patience=2)
    assert (continued.resumed_from_step, continued.steps, continued.best_step) == (8, 12, 4)


def test_a_checkpoint_that_a_kill_left_half_written_is_passed_over(
    tune: Callable[..., FineTuned], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(KeyboardInterrupt):
        tune(interrupted([0.1]), epochs=2)
    whole = tmp_path / "checkpoints" / "checkpoint-4"
    for step in (5, 6):
        shutil.copytree(whole, whole.with_name(f"checkpoint-{step}"))
    whole.with_name("checkpoint-5").joinpath("trainer_state.json").write_text('{"best')
    whole.with_name("checkpoint-6").joinpath("trainer_state.json").unlink()
    result = tune([0.2], epochs=2)
    assert (result.resumed_from_step, result.steps) == (4, 8)
    assert [message for message in caplog.messages if "written" in message] == [
        f"checkpoint-{step} was not written to its end: removed" for step in (6, 5)
    ]


def test_a_loss_that_is_no_number_ends_the_training_with_what_to_lower(tune: Callable[..., FineTuned]) -> None:
    def plant(model: Any) -> None:
        model.model.shared.weight.data[:] = float("nan")

    with pytest.raises(InputError, match=r"training loss is nan at step 1: .* lower training\.learning_rate"):
        tune(spoil=plant, epochs=1)


def test_accumulating_gradients_changes_neither_the_loss_nor_the_gradients_scale(
    tune: Callable[..., FineTuned], tmp_path: Path
) -> None:
    at_once = tune(max_steps=1, batch_size=32, gradient_accumulation_steps=1)
    shutil.rmtree(tmp_path / "checkpoints")
    in_parts = tune(max_steps=1, batch_size=4, gradient_accumulation_steps=8)
    for name in ("loss", "grad_norm"):
        assert recorded(in_parts, name)[1] == pytest.approx(recorded(at_once, name)[1], rel=0.1)


def test_quality_is_that_of_generated_text_against_the_references_of_a_fixed_subset(
    tune: Callable[..., FineTuned], tiny_examples: pd.DataFrame
) -> None:
    seen: list[tuple[list[str], list[str]]] = []

    def quality(predictions: Sequence[str], references: Sequence[str]) -> float:
        seen.append((list(predictions), list(references)))
        return 0.1

    tune(quality, epochs=2, eval_examples=5)
    originals = tiny_examples["target_summary"].iloc[32:40].tolist()
    for predictions, references in seen:
        assert len(predictions) == len(references) == 5
        # References come back from tokens, cut at the target's limit.
        assert all(any(text.startswith(reference) for text in originals) for reference in references)
        assert not any("<s>" in text or "<pad>" in text for text in (*predictions, *references))
    assert seen[0][1] == seen[1][1]


class EnoughError(Exception):
    pass


def test_every_evaluation_is_told_and_what_the_listener_raises_ends_the_training(
    tune: Callable[..., FineTuned],
) -> None:
    heard: list[tuple[int, float]] = []

    def listen(step: int, rouge_l: float) -> None:
        heard.append((step, rouge_l))
        if len(heard) == 2:
            raise EnoughError

    with pytest.raises(EnoughError):
        tune([0.1, 0.2, 0.3], epochs=3, on_evaluation=listen)
    assert heard == [(4, 0.1), (8, 0.2)]


@pytest.mark.skipif(torch.cuda.is_available(), reason="the device that must be absent is here")
def test_training_on_another_device_than_was_asked_for_is_refused(tune: Callable[..., FineTuned]) -> None:
    with pytest.raises(InputError, match=r"the trainer would use \w+.*, not cuda as asked"):
        tune(device=torch.device("cuda"), epochs=1)


def test_a_warm_up_longer_than_the_training_is_warned_of(
    tune: Callable[..., FineTuned], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        tune(max_steps=1, warmup_steps=500)
    assert "training.warmup_steps is 500 but training has 1 steps" in caplog.text
