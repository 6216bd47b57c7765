"""Whether a note entails each sentence of its summary, by a classifier of natural language inference.

As SummaC in zero-shot use (Laban et al. 2022, "SummaC: Re-Visiting NLI-based Models for Inconsistency Detection in
Summarization", TACL 10, 163-177): each summary sentence against every window of the note, the best window counts. A
classifier trained on general text is a second opinion on clinical notes, not a judge.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoModelForSequenceClassification

from lab_lens.engine.batching import MAX_BATCH_TOKENS, batch_by_length
from lab_lens.errors import InputError
from lab_lens.metrics.pretrained import Pretrained, load_pretrained_part, token_counts
from lab_lens.metrics.text import check_pairs
from lab_lens.notes.sentences import split_sentences
from lab_lens.progress import Progress

FloatArray = NDArray[np.float64]

PER_EXAMPLE = ("entailment_score", "entailed_rate", "entailment_contradiction_rate")
_NONE_FOR_SAYING_NOTHING = ("entailment_score", "entailed_rate")
# A sentence is called entailed, or contradicted, from this probability on.
THRESHOLD = 0.5
_SETTING = "validation.entailment_model"
_LABELS = ("entailment", "contradiction", "neutral")
# Where a tokenizer knows no limit; the positions of most classifiers.
_USUAL_LIMIT_TOKENS = 512
# What opens, separates and closes a pair of texts takes at most so many tokens.
_SPECIAL_TOKENS = 4


@dataclass(frozen=True)
class EntailmentModel:
    """A loaded classifier; `labels` are the places of entailment and contradiction among its outputs."""

    part: Pretrained
    labels: tuple[int, int]


@dataclass(frozen=True)
class JudgedSentence:
    """One sentence of a summary, as characters [start, end) of it.

    Args:
        entailment: probability that the note entails it: that of the window which does so most.
        contradiction: probability that it contradicts the note: that of the window which says so most.
    """

    start: int
    end: int
    entailment: float
    contradiction: float

    @property
    def entailed(self) -> bool:
        """Whether some window of the note entails it."""
        return self.entailment >= THRESHOLD

    @property
    def contradicted(self) -> bool:
        """Whether some window contradicts it, and none entails it: windows on other matters often look so."""
        return self.contradiction >= THRESHOLD and not self.entailed


@dataclass(frozen=True)
class EntailmentScores:
    """Scores of n summaries.

    Args:
        per_example: an array of shape (n,) for each name of PER_EXAMPLE, 0 to 1: the mean probability of entailment,
            the share of sentences that are entailed, the share that are contradicted. A summary without sentences
            counts as entailed 0, since saying nothing is a failure, and has no share of contradicted ones (NaN); NaN
            everywhere for an empty note.
        sentences: of each summary.
        summary_tokens_left_out: shape (n,); tokens of sentences beyond half of what the classifier reads at once.
    """

    per_example: dict[str, FloatArray]
    sentences: tuple[tuple[JudgedSentence, ...], ...]
    summary_tokens_left_out: NDArray[np.int64]


def load_entailment(source: str, device: str = "auto") -> EntailmentModel:
    """Load a classifier of sentence pairs.

    Args:
        source: a directory or a hub id; the hub is asked only for an id.
        device: as in `resolve_device`.

    Raises:
        InputError: it cannot be loaded, or its labels are not entailment, contradiction and neutral.
    """
    part = load_pretrained_part(source, AutoModelForSequenceClassification, _SETTING, device)
    places = {str(label).lower(): place for place, label in part.model.config.id2label.items()}
    if set(places) != set(_LABELS):
        raise InputError(
            f"{_SETTING}: the labels of {source!r} (id2label in config.json) are {', '.join(places)}; they must be "
            f"{', '.join(_LABELS)}: give a model of natural language inference"
        )
    return EntailmentModel(part, (places["entailment"], places["contradiction"]))


def score_entailment(
    model: EntailmentModel, summaries: Sequence[str], notes: Sequence[str], *, progress: Progress | None = None
) -> EntailmentScores:
    """Judge every sentence of every summary against its note.

    Raises:
        InputError: no rows, or not as many summaries as notes.
    """
    check_pairs(summaries, notes)
    judged: list[tuple[JudgedSentence, ...]] = []
    left_out = np.zeros(len(summaries), dtype=np.int64)
    silent = np.zeros(len(summaries), dtype=np.bool_)
    for row, (summary, note) in enumerate(zip(summaries, notes, strict=True)):
        spans = split_sentences(summary)
        sentences = [summary[span.start : span.end] for span in spans]
        lengths = token_counts(model.part, sentences)
        left_out[row] = sum(max(0, length - _hypothesis_tokens(model)) for length in lengths)
        windows = _windows(model, note)
        silent[row] = bool(windows) and not sentences
        found = _judge(model, sentences, windows)
        judged.append(
            tuple(JudgedSentence(span.start, span.end, *pair) for span, pair in zip(spans, found, strict=False))
        )
        if progress:
            progress(row + 1, len(summaries))
    return EntailmentScores(_by_example(judged, silent), tuple(judged), left_out)


def _by_example(judged: Sequence[tuple[JudgedSentence, ...]], silent: NDArray[np.bool_]) -> dict[str, FloatArray]:
    figures: tuple[Callable[[JudgedSentence], float], ...] = (
        lambda sentence: sentence.entailment,
        lambda sentence: sentence.entailed,
        lambda sentence: sentence.contradicted,
    )
    scores = {
        name: np.array([np.mean([figure(one) for one in row]) if row else np.nan for row in judged], dtype=np.float64)
        for name, figure in zip(PER_EXAMPLE, figures, strict=True)
    }
    for name in _NONE_FOR_SAYING_NOTHING:
        scores[name][silent] = 0.0
    return scores


def _judge(model: EntailmentModel, sentences: Sequence[str], windows: Sequence[str]) -> list[tuple[float, float]]:
    """Probabilities of entailment and of contradiction for each sentence; none where there is no window."""
    if not sentences or not windows:
        return []
    pairs = [(window, sentence) for sentence in sentences for window in windows]
    probabilities = np.empty((len(pairs), 2))
    lengths = [len(window) + len(sentence) for window, sentence in pairs]
    # In characters, of which a token has two or more: a batch holds fewer tokens than it may.
    for batch in batch_by_length(lengths, 2 * MAX_BATCH_TOKENS[model.part.device.type]):
        probabilities[batch] = _probabilities(model, [pairs[place] for place in batch])
    best = probabilities.reshape(len(sentences), len(windows), 2).max(axis=1)
    return [(float(entailment), float(contradiction)) for entailment, contradiction in best]


@torch.inference_mode()
def _probabilities(model: EntailmentModel, pairs: Sequence[tuple[str, str]]) -> FloatArray:
    """Probabilities of entailment and contradiction: shape (b, 2)."""
    part = model.part
    premises, hypotheses = (list(side) for side in zip(*pairs, strict=True))
    # Windows take less than half, so that only sentences of more than half can be cut.
    options: dict[str, Any] = {"truncation": "only_second", "max_length": _limit(model)}
    batch = part.tokenizer(premises, hypotheses, padding=True, return_tensors="pt", **options).to(part.device)
    probabilities = part.model(**batch).logits.float().softmax(dim=-1)
    found: FloatArray = probabilities[:, list(model.labels)].double().cpu().numpy()
    return found


def _limit(model: EntailmentModel) -> int:
    return model.part.limit_tokens or _USUAL_LIMIT_TOKENS


def _hypothesis_tokens(model: EntailmentModel) -> int:
    return _limit(model) // 2


def _windows(model: EntailmentModel, note: str) -> list[str]:
    """Consecutive sentences of a note, as many as fit beside a sentence of the summary; longer ones are halved."""
    room = _limit(model) - _hypothesis_tokens(model) - _SPECIAL_TOKENS
    sentences = [note[span.start : span.end] for span in split_sentences(note)]
    pieces = list(chain.from_iterable(_fitting(model.part, sentence, room) for sentence in sentences))
    windows: list[str] = []
    taken = room
    for piece, tokens in zip(pieces, token_counts(model.part, pieces), strict=True):
        if taken + tokens > room:
            windows.append(piece)
            taken = tokens
        else:
            windows[-1] += f" {piece}"
            taken += tokens
    return windows


def _fitting(part: Pretrained, text: str, room: int) -> Iterator[str]:
    if len(text) <= 1 or token_counts(part, [text])[0] <= room:
        yield text
        return
    middle = text.rfind(" ", 1, len(text) // 2 + 1)
    middle = len(text) // 2 if middle < 0 else middle
    for half in filter(None, (text[:middle].strip(), text[middle:].strip())):
        yield from _fitting(part, half, room)
