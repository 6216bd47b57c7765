"""What a trial does: train with its settings, and tell how good the generated text is on validation notes."""

import copy
import gc
import tempfile
from pathlib import Path

import torch

from lab_lens.config import Config
from lab_lens.engine.checkpoint import LoadedModel
from lab_lens.engine.fine_tune import Evaluated, FineTuned, Pairs, evaluation_subset, fine_tune
from lab_lens.engine.generate import generate
from lab_lens.engine.start import start_model
from lab_lens.errors import InputError
from lab_lens.metrics.text import mean_rouge_l
from lab_lens.tuning.search import Objective, TrialFailedError, searches_decoding

# How torch's allocators (CUDA, MPS, CPU) say it; only CUDA's error has a class of its own.
_OUT_OF_MEMORY = ("out of memory", "can't allocate memory")


def training_objective(source: str, train: Pairs, val: Pairs, config: Config, device: torch.device) -> Objective:
    """Load what all trials start from, once, and return what tries a configuration.

    A trial's value is the mean ROUGE-L of `training.eval_examples` validation notes, the same for every trial: of
    greedy summaries, which training selects its checkpoint by, or of summaries by the trial's own decoding settings
    where the search space has some.

    Args:
        source: hub id, directory or `scratch:tiny|small|base`.
        train: pairs to learn from.
        val: pairs to measure on.
        config: the run's configuration.
        device: where trials run.

    Raises:
        InputError: the source or the lengths cannot be used.
    """
    model, tokenizer = start_model(source, train, config)
    decodes = searches_decoding(config)

    def objective(trial: Config, evaluated: Evaluated) -> float:
        _free_memory()
        # A name of its own: a trial that was killed is tried again afresh.
        with tempfile.TemporaryDirectory(prefix="lab-lens-trial-") as folder:
            try:
                trained = fine_tune(
                    copy.deepcopy(model),
                    tokenizer,
                    train,
                    val,
                    trial,
                    device=device,
                    checkpoint_dir=Path(folder),
                    rouge_l=mean_rouge_l,
                    on_evaluation=evaluated,
                )
                return _as_decoded(trained, val, trial, device) if decodes else float(trained.best_rouge_l)
            except InputError as error:
                raise TrialFailedError(str(error)) from error
            except (RuntimeError, MemoryError) as error:
                if _out_of_memory(error):
                    raise TrialFailedError(f"out of memory on {device}") from error
                raise

    return objective


def _as_decoded(trained: FineTuned, val: Pairs, trial: Config, device: torch.device) -> float:
    notes = evaluation_subset(val, trial)
    generations = generate(
        LoadedModel(trained.model, trained.tokenizer, device),
        notes.inputs,
        decoding=trial.decoding,
        max_input_tokens=trial.model.max_input_tokens,
        max_target_tokens=trial.model.max_target_tokens,
    )
    return mean_rouge_l([generation.summary for generation in generations], notes.targets)


def _out_of_memory(error: Exception) -> bool:
    said = str(error).lower()
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or any(words in said for words in _OUT_OF_MEMORY)


def _free_memory() -> None:
    # What an earlier trial left: a failed one's model lives as long as its traceback.
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
