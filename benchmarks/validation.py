"""What validation costs: `python benchmarks/validation.py [PAIRS]` (10,000 by default).

Prints, from one run: the seconds of `validate-model` on that many synthetic pairs (everything but the models that
measure), and on a part of the pairs the ratio between the straightforward way and ours, each in one process: a loop
over rows through rouge_score and sacrebleu, against `score_texts`; a bootstrap by drawing rows, against
`cluster_bootstrap`.
"""

import os
import platform
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import sacrebleu
from rouge_score.rouge_scorer import RougeScorer

from lab_lens.config import Config
from lab_lens.metrics.text import score_texts
from lab_lens.metrics.uncertainty import cluster_bootstrap
from lab_lens.notes.examples import write_examples
from lab_lens.notes.synthetic import synthetic_examples
from lab_lens.stages.validate_model import run_validate_model

PAIRS = 10_000
COMPARED = 400
SEED = 5


def main() -> None:
    """Measure and print."""
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else PAIRS
    examples = synthetic_examples(pairs, SEED, "full").head(pairs)
    # A model's summary is much like its reference, but not quite.
    summaries = [thinned(text, row) for row, text in enumerate(examples["target_summary"])]
    print(f"{platform.machine()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}, {len(examples):,} pairs")
    print_whole(examples, summaries)
    print_ratios(summaries[:COMPARED], examples["target_summary"].tolist()[:COMPARED])


def thinned(text: str, seed: int) -> str:
    """Leave out every seventh word or so."""
    generator = random.Random(seed)
    return " ".join(word for word in text.split(" ") if generator.random() > 0.15)


def print_whole(examples: pd.DataFrame, summaries: list[str]) -> None:
    """The stage, from files to reports."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        test_csv = write_examples(examples, place / "test.csv")
        write_examples(examples[["example_id"]].assign(summary=summaries), place / "predictions.csv")
        before, started = os.times(), time.perf_counter()
        run_validate_model(
            test_csv,
            place / "predictions.csv",
            Config(),
            champion=None,
            report_dir=place / "out",
            html=place / "out" / "page.html",
        )
        wall, after = time.perf_counter() - started, os.times()
    used = sum(after[:4]) - sum(before[:4])
    print(
        f"validate-model: {wall:.1f} s, of {used:.1f} s of processor time ({1000 * used / len(examples):.1f} ms a pair)"
    )


def print_ratios(predictions: list[str], references: list[str]) -> None:
    """The straightforward way against ours, in one process each."""
    score_texts(predictions[:5], references[:5])
    values = np.random.default_rng(SEED).random(COMPARED)
    patients = [str(row // 2) for row in range(COMPARED)]
    ways: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "ROUGE and BLEU": (lambda: by_rows(predictions, references), lambda: score_texts(predictions, references)),
        "bootstrap of one metric": (
            lambda: by_draws(values, patients),
            lambda: cluster_bootstrap(values, patients, seed=SEED),
        ),
    }
    for name, (plain, ours) in ways.items():
        print(f"{name}: ours takes 1/{seconds(plain) / seconds(ours):.1f} of the straightforward way")


def seconds(work: Callable[[], object]) -> float:
    """Processor time of the better of two runs."""
    found = []
    for _ in range(2):
        started = time.process_time()
        work()
        found.append(time.process_time() - started)
    return min(found)


def by_rows(predictions: list[str], references: list[str]) -> list[dict[str, float]]:
    """One row after the other, as most scripts do."""
    scorer = RougeScorer(["rouge1", "rouge2", "rougeL", "rougeLsum"], use_stemmer=True)
    found = []
    for prediction, reference in zip(predictions, references, strict=True):
        scores = {name: score.fmeasure for name, score in scorer.score(reference, prediction).items()}
        scores["bleu"] = sacrebleu.sentence_bleu(prediction, [reference]).score
        found.append(scores)
    return found


def by_draws(values: np.ndarray, patients: list[str]) -> list[float]:
    """2,000 resamples of patients, each by collecting the rows of those who were drawn."""
    rows = pd.Series(range(len(values))).groupby(pd.Series(patients)).apply(list).tolist()
    generator = np.random.default_rng(SEED)
    means = []
    for _ in range(2000):
        drawn = generator.integers(0, len(rows), size=len(rows))
        means.append(values[[row for patient in drawn for row in rows[patient]]].mean())
    return means


if __name__ == "__main__":
    main()
