"""Every metric that a report shows and a policy may ask for: what it is, which way is better, how it is averaged.

A corpus figure is a function of column sums, so that a bootstrap only has to reweight and add:
- a mean over the examples that have the figure: columns (value, 1), or (0, 0) where an example has none;
- a ratio of counts over all examples, such as unsupported facts per fact: one column a count;
- corpus BLEU: the counts of `lab_lens.metrics.bleu`.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lab_lens.metrics.bleu import corpus_bleu_of
from lab_lens.metrics.rouge import STEMMED, RougeVariant
from lab_lens.metrics.uncertainty import Statistic, mean_of

FloatArray = NDArray[np.float64]
Direction = Literal["higher", "lower", "neither"]
Family = Literal["overlap", "lengths", "copying", "facts", "statements", "bertscore", "entailment"]

_IN_SUMMARY = ("supported", "unsupported", "contradicted")


@dataclass(frozen=True)
class Metric:
    """One metric.

    Args:
        name: as in reports, tables, MLflow and policies.
        label: what it is, with its variant, as shown to people; `label_of` names other variants of ROUGE.
        direction: "higher" or "lower" is better, or "neither": a description, not a judgement.
        lowest, highest: its range; a highest of None: unbounded.
        family: what computes it; a family that fails leaves all its metrics null, and no other.
        statistic: the corpus figure from column sums of shape (..., k), NaN where it is undefined.
        counts: the names of those columns; empty: a mean over examples (columns value and 1).
        needs_note: whether it is undefined where the note is not at hand.
    """

    name: str
    label: str
    direction: Direction
    lowest: float
    highest: float | None
    family: Family
    statistic: Statistic = mean_of
    counts: tuple[str, ...] = ()
    needs_note: bool = False


def _ratio(sums: FloatArray, above: list[int], below: list[int]) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio: FloatArray = sums[..., above].sum(axis=-1) / sums[..., below].sum(axis=-1)
    return ratio


def _share(numerator: str, denominators: tuple[str, ...]) -> tuple[Statistic, tuple[str, ...]]:
    """The statistic "numerator per denominators", and the columns whose sums it takes."""
    counts = tuple(dict.fromkeys([numerator, *denominators]))
    below = [counts.index(name) for name in denominators]
    return lambda sums: _ratio(sums, [0], below), counts


def _f1_of(precision: FloatArray, recall: FloatArray) -> FloatArray:
    """Harmonic mean: 0 where both are 0, NaN where one of them is undefined."""
    total = precision + recall
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(total == 0.0, 0.0, 2.0 * precision * recall / total)


def _fact_f1(sums: FloatArray) -> FloatArray:
    return _f1_of(_ratio(sums, [0], [0, 1, 2]), _ratio(sums, [3], [4]))


def _statement_f1(sums: FloatArray) -> FloatArray:
    return _f1_of(_ratio(sums, [0], [1]), _ratio(sums, [2], [3]))


_F1 = (_fact_f1, (*_IN_SUMMARY, "recalled", "in_reference"))
_STATEMENT_F1 = (_statement_f1, ("supported", "in_summary", "recalled", "in_reference"))
_OVERLAP_LABELS = {**STEMMED.labels(), "bleu": "BLEU (corpus, 0 to 1)"}


def _overlap(name: str, statistic: Statistic = mean_of) -> Metric:
    return Metric(name, _OVERLAP_LABELS[name], "higher", 0.0, 1.0, "overlap", statistic)


def _facts(name: str, label: str, direction: Direction, corpus: tuple[Statistic, tuple[str, ...]]) -> Metric:
    needs_note = name not in {"fact_recall", "omission_rate"}
    return Metric(name, label, direction, 0.0, 1.0, "facts", *corpus, needs_note=needs_note)


def _statements(name: str, label: str, corpus: tuple[Statistic, tuple[str, ...]]) -> Metric:
    needs_note = name != "statement_recall"
    return Metric(name, label, "higher", 0.0, 1.0, "statements", *corpus, needs_note=needs_note)


def _bertscore(name: str, label: str) -> Metric:
    # Cosines may be negative; those of contextual encoders hardly ever are.
    return Metric(name, label, "higher", -1.0, 1.0, "bertscore")


def _entailment(name: str, label: str, direction: Direction) -> Metric:
    return Metric(name, label, direction, 0.0, 1.0, "entailment", needs_note=True)


def _description(
    name: str,
    label: str,
    family: Family,
    corpus: tuple[Statistic, tuple[str, ...]] = (mean_of, ()),
    highest: float | None = None,
) -> Metric:
    return Metric(name, label, "neither", 0.0, highest, family, *corpus, needs_note=name != "summary_words")


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        _overlap("rouge1"),
        _overlap("rouge2"),
        _overlap("rougeL"),
        _overlap("rougeLsum"),
        _overlap("bleu", corpus_bleu_of),
        _facts(
            "fact_precision",
            "Facts of the summary that the note supports",
            "higher",
            _share("supported", _IN_SUMMARY),
        ),
        _facts(
            "fact_recall",
            "Facts of the reference that the summary has",
            "higher",
            _share("recalled", ("in_reference",)),
        ),
        _facts("fact_f1", "Fact F1 (of precision and recall)", "higher", _F1),
        _facts(
            "hallucination_rate",
            "Facts of the summary that the note lacks",
            "lower",
            _share("unsupported", _IN_SUMMARY),
        ),
        _facts(
            "contradiction_rate",
            "Facts of the summary that the note contradicts",
            "lower",
            _share("contradicted", _IN_SUMMARY),
        ),
        _facts(
            "omission_rate",
            "Facts of the reference that the summary omits",
            "lower",
            _share("omitted", ("in_reference",)),
        ),
        _statements(
            "statement_precision",
            "Content of the summary that note or reference supports",
            _share("supported", ("in_summary",)),
        ),
        _statements(
            "statement_recall",
            "Content of the reference that the summary has",
            _share("recalled", ("in_reference",)),
        ),
        _statements("statement_f1", "Statement F1 (of precision and recall)", _STATEMENT_F1),
        _bertscore("bertscore_precision", "BERTScore precision"),
        _bertscore("bertscore_recall", "BERTScore recall"),
        _bertscore("bertscore_f1", "BERTScore F1"),
        _entailment("entailment_score", "Probability that the note entails a sentence (mean of summaries)", "higher"),
        _entailment("entailed_rate", "Share of sentences that the note entails (mean of summaries)", "higher"),
        _entailment(
            "entailment_contradiction_rate", "Share of sentences that the note contradicts (mean of summaries)", "lower"
        ),
        _description("copy_coverage", "Share of summary words copied from the note (coverage)", "copying", highest=1.0),
        _description("copy_density", "Words of the copied run that a summary word stands in (density)", "copying"),
        Metric("repetition_rate", "Share of summary trigrams that repeat earlier ones", "lower", 0.0, 1.0, "copying"),
        _description(
            "compression_ratio",
            "Words of note for a word of summary",
            "lengths",
            _share("note_words", ("summary_words",)),
        ),
        _description("summary_words", "Words of a summary", "lengths"),
    )
}
LABELS: dict[str, str] = {name: metric.label for name, metric in METRICS.items()}


def label_of(name: str, variant: RougeVariant = STEMMED) -> str:
    """The label of a metric, which for ROUGE says the variant."""
    return variant.labels().get(name, LABELS[name])
