"""Candidates whose truth is known, for benchmarks/release_gate.py: scores and counts of facts to draw releases from."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lab_lens.metrics.facts import score_facts
from lab_lens.metrics.text import score_summaries
from lab_lens.notes.sentences import split_sentences
from lab_lens.notes.synthetic import synthetic_examples

FloatArray = NDArray[np.float64]
SEED = 20260101
# Of BART-large and BioBART on test set 1 of ACI-Bench (40 notes): mean and spread of ROUGE-L over notes, and spread of
# the difference of two systems' scores after each was divided by its mean (0.20 to 0.25 among three related systems).
ACI_MEAN, ACI_SPREAD, ACI_NOISE = 0.24, 0.068, 0.23
RELATED_SYSTEMS = ("BART_large_full", "BioBART_full", "BioBART_division_combined")
POOL_NOTES = 800
DROPPED_SHARE = 1 / 3
RATES = ("hallucination_rate", "contradiction_rate")

# From a generator, a planted loss, patients and releases: scores of champion and candidate, (patients, releases) each.
Sampler = Callable[[np.random.Generator, float, int, int], tuple[FloatArray, FloatArray]]


def another_model(champion: FloatArray, noise: FloatArray) -> Sampler:
    """A candidate whose relative noise against the champion is drawn from `noise`, whose mean is made 0.

    Args:
        champion: ROUGE-L of notes, to be drawn from. noise: differences as fractions of the champion's mean.
    """
    centred = (noise - noise.mean()) * champion.mean()

    def sample(
        generator: np.random.Generator, loss: float, patients: int, releases: int
    ) -> tuple[FloatArray, FloatArray]:
        size = (patients, releases)
        scores = generator.choice(champion, size)
        return scores, scores * (1.0 - loss) + generator.choice(centred, size)

    return sample


def sentences_dropped(whole: FloatArray, dropped: FloatArray) -> Sampler:
    """A candidate that is the champion, but for a share of notes where its summary lacks sentences.

    Args:
        whole, dropped: ROUGE-L of each note of a pool with the champion's summary, and with the shortened one.
    """
    full_loss = 1.0 - dropped.mean() / whole.mean()

    def sample(
        generator: np.random.Generator, loss: float, patients: int, releases: int
    ) -> tuple[FloatArray, FloatArray]:
        rows = generator.integers(0, len(whole), (patients, releases))
        # A gain is the same the other way round: it is the champion whose sentences are missing.
        worse = generator.random(rows.shape) < abs(loss) / full_loss
        shortened = np.where(worse, dropped[rows], whole[rows])
        return (whole[rows], shortened) if loss >= 0.0 else (shortened, whole[rows])

    return sample


def synthetic_model() -> Sampler:
    """Scores like those of published systems, without any file: normal, within 0 to 1."""
    generator = np.random.default_rng(SEED)
    champion = np.clip(generator.normal(ACI_MEAN, ACI_SPREAD, 4000), 0.02, 1.0)
    return another_model(champion, generator.normal(0.0, ACI_NOISE, 4000))


def published_models(path: Path) -> Sampler:
    """Scores and differences of the related published systems in a file of outputs."""
    outputs = pd.read_csv(path, dtype=str, keep_default_na=False)
    scores = {}
    for system in RELATED_SYSTEMS:
        rows = outputs[outputs["system"] == system].sort_values("encounter_id")
        scores[system] = score_summaries(rows["prediction"].tolist(), rows["reference"].tolist())["rougeL"]
    relative = [values / values.mean() for values in scores.values()]
    noise = np.concatenate([sign * (one - other) for one, other in combinations(relative, 2) for sign in (1.0, -1.0)])
    return another_model(scores["BioBART_full"], noise)


def synthetic_texts(notes: int = POOL_NOTES) -> Sampler:
    """Summaries of synthetic notes: the champion leaves out sentences by chance, the candidate more of them."""
    examples = synthetic_examples(notes, SEED, "full").drop_duplicates("subject_id")
    references = examples["target_summary"].tolist()
    generator = np.random.default_rng(SEED)
    champion = [_without(text, 0.25, generator) for text in references]
    candidate = [_without(text, DROPPED_SHARE, generator) for text in champion]
    scores = [score_summaries(summaries, references)["rougeL"] for summaries in (champion, candidate)]
    return sentences_dropped(*scores)


@dataclass(frozen=True)
class FactPool:
    """Counts of facts of each note of a pool, by rate: of the champion's summaries, and with one number altered."""

    whole: Mapping[str, FloatArray]
    altered: Mapping[str, FloatArray]


def synthetic_facts(notes: int = POOL_NOTES) -> FactPool:
    """Review summaries of synthetic notes as validation does, before and after one of their numbers is doubled."""
    examples = synthetic_examples(notes, SEED, "full").drop_duplicates("subject_id")
    texts, references = examples["input_text"].tolist(), examples["target_summary"].tolist()
    generator = np.random.default_rng(SEED)
    champion = [_without(text, 0.25, generator) for text in references]
    systems = (champion, [_number_altered(text, generator) for text in champion])
    found = [score_facts(summaries, texts, references) for summaries in systems]
    return FactPool(*({rate: scores.sums_for(rate) for rate in RATES} for scores in found))


def _number_altered(text: str, generator: np.random.Generator) -> str:
    numbers = list(re.finditer(r"\d+", text))
    if not numbers:
        return text
    chosen = numbers[int(generator.integers(len(numbers)))]
    return f"{text[: chosen.start()]}{2 * int(chosen.group()) + 1}{text[chosen.end() :]}"


def _without(text: str, share: float, generator: np.random.Generator) -> str:
    """The text without a random share of its sentences; one always stays."""
    sentences = [text[span.start : span.end] for span in split_sentences(text)]
    kept = max(1, round(len(sentences) * (1.0 - share)))
    places = np.sort(generator.permutation(len(sentences))[:kept])
    return " ".join(sentences[place] for place in places)
