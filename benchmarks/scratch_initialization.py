"""How much the start of scratch models matters: `python benchmarks/scratch_initialization.py [--patients N]`.

Trains the same model on the same notes in the same order from BART's own random start and from ours, and prints the
ROUGE-L of each on held-out notes (greedy), and their ratio.
"""

import argparse
import tempfile
from pathlib import Path

import pandas as pd
import torch

from lab_lens.config import Config, load_config
from lab_lens.engine import scratch
from lab_lens.engine.fine_tune import Pairs, fine_tune
from lab_lens.metrics.text import mean_rouge_l
from lab_lens.notes.splits import assign_splits
from lab_lens.notes.synthetic import synthetic_examples

CONFIG = Path(__file__).resolve().parent.parent / "configs" / "demo.json"


def main() -> None:
    """Train twice and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=4500)
    config = load_config(CONFIG)
    examples = synthetic_examples(parser.parse_args().patients, config.seed, "brief")
    examples["split"] = assign_splits(examples["subject_id"].tolist(), config.data.splits, config.seed)
    results = {"BART's own start": trained_rouge_l(examples, config, ours=False)}
    results["our start"] = trained_rouge_l(examples, config, ours=True)
    print("| start | ROUGE-L, held-out notes |\n|---|---|")
    for name, rouge_l in results.items():
        print(f"| {name} | {rouge_l:.3f} |")
    print(f"\nratio: {results['our start'] / results['BART' + chr(39) + 's own start']:.2f}")


def trained_rouge_l(examples: pd.DataFrame, config: Config, *, ours: bool) -> float:
    """Best ROUGE-L (greedy) of one training."""
    train, val = pairs(examples, "train"), pairs(examples, "val")
    tokenizer = scratch.train_tokenizer(
        [*train.inputs, *train.targets], config.model.scratch_vocabulary_tokens, config.model.max_input_tokens
    )
    model = scratch.build_model("tiny", tokenizer, config.model.max_input_tokens, config.seed)
    if ours:
        scratch.initialize_to_copy(model, config.seed)
    with tempfile.TemporaryDirectory() as folder:
        trained = fine_tune(
            model,
            tokenizer,
            train,
            val,
            config,
            device=torch.device("cpu"),
            checkpoint_dir=Path(folder),
            rouge_l=mean_rouge_l,
        )
    return trained.best_rouge_l


def pairs(examples: pd.DataFrame, split: str) -> Pairs:
    """Notes and references of one split."""
    chosen = examples[examples["split"] == split]
    return Pairs(chosen["input_text"].tolist(), chosen["target_summary"].tolist())


if __name__ == "__main__":
    main()
