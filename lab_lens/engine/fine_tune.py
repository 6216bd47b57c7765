"""Fine-tune a sequence-to-sequence model with Hugging Face's `Seq2SeqTrainer`; the best checkpoint by ROUGE-L wins."""

import json
import logging
import math
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import (
    DataCollatorForSeq2Seq,
    EarlyStoppingCallback,
    Seq2SeqTrainer,
    Seq2SeqTrainingArguments,
    TrainerCallback,
)
from transformers.trainer import TRAINER_STATE_NAME
from transformers.trainer_callback import PrinterCallback
from transformers.trainer_utils import get_last_checkpoint

from lab_lens.config import Config, Decoding
from lab_lens.engine.checkpoint import quiet_transformers
from lab_lens.engine.distributed import leader_first, parallel_batches
from lab_lens.engine.generate import generation_config
from lab_lens.errors import InputError
from lab_lens.progress import Progress, report_progress

_logger = logging.getLogger(__name__)
_LOSS_POINTS = 50

# Mean quality (0 to 1, higher is better) of summaries against their references.
Quality = Callable[[Sequence[str], Sequence[str]], float]
# Told the optimizer step and the ROUGE-L (0 to 1) of an evaluation; what it raises ends the training.
Evaluated = Callable[[int, float], None]


@dataclass(frozen=True)
class Pairs:
    """Notes and their reference summaries, n of each."""

    inputs: Sequence[str]
    targets: Sequence[str]


@dataclass(frozen=True)
class FineTuned:
    """What training gave; the model carries the weights of the best evaluation.

    Attributes:
        history: the trainer's log, one mapping a record, with `step`.
        best_rouge_l: mean ROUGE-L (0 to 1) of greedy summaries of the evaluation examples at `best_step`.
        resumed_from_step: 0 when training started afresh.
    """

    model: Any
    tokenizer: Any
    history: list[dict[str, float]]
    steps: int
    epochs: float
    best_step: int
    best_rouge_l: float
    seconds: float
    resumed_from_step: int


def fine_tune(
    model: Any,
    tokenizer: Any,
    train: Pairs,
    val: Pairs,
    config: Config,
    *,
    device: torch.device,
    checkpoint_dir: Path,
    rouge_l: Quality,
    on_evaluation: Evaluated | None = None,
) -> FineTuned:
    """Train until the epochs end or ROUGE-L of generated text stops rising; continue from a checkpoint if there is one.

    Args:
        model: encoder-decoder model, trained in place.
        tokenizer: its tokenizer.
        train: pairs to learn from.
        val: pairs to evaluate on; `training.eval_examples` of them, greedy decoding.
        config: the run's configuration.
        device: the device that training is bound to.
        checkpoint_dir: holds checkpoints of this training and no other; the newest one is continued.
        rouge_l: mean quality of generated text.
        on_evaluation: told each evaluation; an exception of it ends the training and reaches the caller.

    Raises:
        InputError: the loss stopped being a number.
    """
    arguments = _arguments(config, len(train.inputs), device, checkpoint_dir, model)
    trainer = Seq2SeqTrainer(
        model=model,
        args=arguments,
        train_dataset=_encode(tokenizer, train, config),
        eval_dataset=_encode(tokenizer, evaluation_subset(val, config), config),
        data_collator=DataCollatorForSeq2Seq(tokenizer, model=model, pad_to_multiple_of=8),
        processing_class=tokenizer,
        compute_metrics=_metric_of_generated_text(tokenizer, rouge_l),
        callbacks=[EarlyStoppingCallback(config.training.early_stopping_patience), _Watch(on_evaluation)],
    )
    trainer.remove_callback(PrinterCallback)
    # BART takes any keyword but ignores the one that scales its loss, so the trainer must average over accumulation
    # steps itself; else loss and gradients grow with their number.
    trainer.model_accepts_loss_kwargs = False
    with leader_first():
        last, resumed_from = _newest_checkpoint(checkpoint_dir)
    if last:
        _logger.info("training continues from step %d", resumed_from)
    started = time.monotonic()
    with quiet_transformers():
        trainer.train(resume_from_checkpoint=last)
    return _result(trainer, time.monotonic() - started, resumed_from)


def _newest_checkpoint(checkpoint_dir: Path) -> tuple[str | None, int]:
    """The newest whole checkpoint and its step; half-written ones, left by a kill, are removed."""
    while checkpoint_dir.is_dir() and (last := get_last_checkpoint(str(checkpoint_dir))):
        if _is_whole(Path(last)):
            return last, int(last.rsplit("-", 1)[1])
        _logger.warning("%s was not written to its end: removed", Path(last).name)
        shutil.rmtree(last)
    return None, 0


def _is_whole(checkpoint: Path) -> bool:
    # The trainer writes its state last.
    try:
        json.loads((checkpoint / TRAINER_STATE_NAME).read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return False
    return True


def _result(trainer: Any, seconds: float, resumed_from: int) -> FineTuned:
    state = trainer.state
    return FineTuned(
        model=trainer.model.eval(),
        tokenizer=trainer.processing_class,
        history=state.log_history,
        steps=state.global_step,
        epochs=state.epoch,
        best_step=state.best_global_step,
        best_rouge_l=state.best_metric,
        seconds=seconds,
        resumed_from_step=resumed_from,
    )


def steps_per_epoch(config: Config, train_examples: int, batches_at_once: int = 1) -> int:
    """Optimizer steps of one pass over the training examples; several processes take as many batches at once."""
    effective = config.training.batch_size * config.training.gradient_accumulation_steps * batches_at_once
    return math.ceil(train_examples / effective)


def _arguments(
    config: Config, train_examples: int, device: torch.device, checkpoint_dir: Path, model: Any
) -> Seq2SeqTrainingArguments:
    training = config.training
    epoch_steps = steps_per_epoch(config, train_examples, parallel_batches(device))
    total_steps = training.max_steps or math.ceil(epoch_steps * training.epochs)
    if training.warmup_steps >= total_steps:
        _logger.warning(
            "training.warmup_steps is %d but training has %d steps: the learning rate never reaches %g; lower it",
            training.warmup_steps,
            total_steps,
            training.learning_rate,
        )
    evaluation_steps = max(1, min(epoch_steps // training.evaluations_per_epoch, total_steps))
    arguments = Seq2SeqTrainingArguments(
        output_dir=str(checkpoint_dir),
        num_train_epochs=training.epochs,
        max_steps=training.max_steps or -1,
        per_device_train_batch_size=training.batch_size,
        per_device_eval_batch_size=4 * training.batch_size,
        gradient_accumulation_steps=training.gradient_accumulation_steps,
        learning_rate=training.learning_rate,
        weight_decay=training.weight_decay,
        warmup_steps=training.warmup_steps,
        label_smoothing_factor=training.label_smoothing,
        train_sampling_strategy="group_by_length",
        eval_strategy="steps",
        eval_steps=evaluation_steps,
        save_strategy="steps",
        save_steps=evaluation_steps,
        save_total_limit=2,
        load_best_model_at_end=True,
        restore_callback_states_from_checkpoint=True,
        metric_for_best_model="rougeL",
        greater_is_better=True,
        predict_with_generate=True,
        generation_config=generation_config(model, Decoding(num_beams=1), config.model.max_target_tokens),
        logging_steps=max(1, total_steps // _LOSS_POINTS),
        logging_nan_inf_filter=False,
        bf16=device.type == "cuda" and torch.cuda.is_bf16_supported(),
        use_cpu=device.type == "cpu",
        dataloader_pin_memory=device.type == "cuda",
        seed=config.seed,
        report_to="none",
        disable_tqdm=True,
    )
    _check_bound(arguments, device)
    return arguments


def _check_bound(arguments: Any, device: torch.device) -> None:
    if arguments.device.type != device.type:
        raise InputError(
            f"the trainer would use {arguments.device}, not {device} as asked; use "
            f"--device {arguments.device.type}, or hide the other accelerator"
        )


def _encode(tokenizer: Any, pairs: Pairs, config: Config) -> list[dict[str, list[int]]]:
    sources = tokenizer(list(pairs.inputs), truncation=True, max_length=config.model.max_input_tokens)["input_ids"]
    labels = tokenizer(text_target=list(pairs.targets), truncation=True, max_length=config.model.max_target_tokens)
    return [{"input_ids": source, "labels": label} for source, label in zip(sources, labels["input_ids"], strict=True)]


def evaluation_subset(val: Pairs, config: Config) -> Pairs:
    """The fixed random `training.eval_examples`, longest notes first, so that batches hold notes of similar length."""
    count = min(config.training.eval_examples, len(val.inputs))
    chosen = np.random.default_rng(config.seed).choice(len(val.inputs), size=count, replace=False)
    order = sorted(chosen.tolist(), key=lambda index: (-len(val.inputs[index]), index))
    return Pairs([val.inputs[index] for index in order], [val.targets[index] for index in order])


def _metric_of_generated_text(tokenizer: Any, rouge_l: Quality) -> Callable[[Any], dict[str, float]]:
    def decode(ids: Any) -> list[str]:
        # The trainer pads with -100, which is no token.
        cleaned = np.where(ids < 0, tokenizer.pad_token_id, ids)
        return [text.strip() for text in tokenizer.batch_decode(cleaned, skip_special_tokens=True)]

    def compute(outputs: Any) -> dict[str, float]:
        return {"rougeL": rouge_l(decode(outputs.predictions), decode(outputs.label_ids))}

    return compute


class _Watch(TrainerCallback):  # type: ignore[misc]
    """Shows progress, and stops a training whose loss is no number any more."""

    def __init__(self, on_evaluation: Evaluated | None) -> None:
        self._on_evaluation = on_evaluation
        self._report: Progress = report_progress("training step")

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        self._report(state.global_step, state.max_steps)

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: dict[str, float], **_: Any) -> None:  # noqa: ARG002
        _logger.info(
            "step %d: loss %.3f, ROUGE-L %.3f on validation notes (greedy)",
            state.global_step,
            metrics["eval_loss"],
            metrics["eval_rougeL"],
        )
        if self._on_evaluation is not None:
            self._on_evaluation(state.global_step, metrics["eval_rougeL"])

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float], **_: Any) -> None:  # noqa: ARG002
        loss = logs.get("loss")
        if loss is not None and not math.isfinite(float(loss)):
            raise InputError(
                f"training loss is {loss} at step {state.global_step}: the training diverged; lower "
                f"training.learning_rate (now {args.learning_rate:g}) or raise training.warmup_steps"
            )
