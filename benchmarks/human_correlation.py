"""Whether people agree with the statement scores more than with ROUGE and BERTScore.

    python benchmarks/human_correlation.py --data human_factuality_scores.csv [--encoder DIR --layer 6]

The file is MTS-Dialog's (Ben Abacha et al. 2023, CC BY 4.0): four summaries of each dialogue, and what annotators said
of their facts. Rank correlations (Spearman) with intervals from resampling dialogues; rates of errors count as one
minus the rate, so that more is better everywhere. Prints Markdown tables.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rouge_score.rouge_scorer import RougeScorer
from scipy.stats import rankdata

from lab_lens.metrics.facts import score_facts
from lab_lens.metrics.statements import score_statements
from lab_lens.notes.sentences import split_sentences

FloatArray = NDArray[np.float64]

# The dialogues that were read while the score was made; all others are held out, and their texts were not looked at.
TUNING = frozenset(
    [3, 4, 11, 12, 13, 18, 23, 26, 28, 29, 30, 33, 38, 43, 72, 73, 74, 75, 76, 79, 80, 82, 85, 86, 87, 89, 91, 95, 96]
)
# What people judged, and which of our scores answers that.
JUDGEMENTS = {
    "FactualPrecision": "statement_precision",
    "HallucinationRate": "statement_hallucination",
    "FactualRecall": "statement_recall",
    "OmissionRate": "statement_omission",
    "FactualF1": "statement_f1",
}
_LESS_IS_BETTER = ("rate", "hallucination", "contradiction", "omission")
RESAMPLES = 2000
SEED = 11


def main() -> None:
    """Print, by part and judgement, our correlation, the best of the others and the difference; then all scores."""
    parser = argparse.ArgumentParser(description="Rank correlation of scores with people's judgement of facts.")
    parser.add_argument("--data", type=Path, required=True, help="human_factuality_scores.csv of MTS-Dialog")
    parser.add_argument("--encoder", default="", help="directory or hub id of an encoder for BERTScore")
    parser.add_argument("--layer", type=int, default=None, help="its hidden layer, counted from 1")
    arguments = parser.parse_args()
    rows = pd.read_csv(arguments.data)
    ours, others = _ours(rows), _rouge(rows)
    if arguments.encoder:
        others |= _bertscore(rows, arguments.encoder, arguments.layer)
    tuning = rows["ID"].isin(TUNING).to_numpy()
    for label, part in (("tuning", tuning), ("held out", ~tuning)):
        if part.any():
            people = {name: _oriented(name, rows.loc[part, name].to_numpy(dtype=np.float64)) for name in JUDGEMENTS}
            dialogues = rows.loc[part, "ID"].to_numpy()
            print(f"\n### {label}: {part.sum()} summaries of {len(np.unique(dialogues))} dialogues\n")
            _print_comparison(people, _only(ours, part), _only(others, part), list(_resamples(dialogues)))
            _print_all(people, {**_only(ours, part), **_only(others, part)})


def _ours(rows: pd.DataFrame) -> dict[str, FloatArray]:
    texts = [rows[name].tolist() for name in ("Automatic Summary", "Dialogue", "Reference Summary")]
    scores = {**score_statements(*texts).per_example, **score_facts(*texts).per_example}
    return {name: _oriented(name, values) for name, values in scores.items()}


def _rouge(rows: pd.DataFrame) -> dict[str, FloatArray]:
    """ROUGE (stemmed) as F1, precision and recall; what it is usually reported as is the F1."""
    scorer = RougeScorer(["rouge1", "rouge2", "rougeLsum"], use_stemmer=True)
    pairs = zip(map(_lines, rows["Reference Summary"]), map(_lines, rows["Automatic Summary"]), strict=True)
    scores = [scorer.score(*pair) for pair in pairs]
    return {
        f"{name} {figure}": np.array([getattr(score[name], attribute) for score in scores])
        for name in ("rouge1", "rouge2", "rougeLsum")
        for figure, attribute in (("F1", "fmeasure"), ("precision", "precision"), ("recall", "recall"))
    }


def _lines(text: str) -> str:
    return "\n".join(text[span.start : span.end] for span in split_sentences(text))


def _bertscore(rows: pd.DataFrame, source: str, layer: int | None) -> dict[str, FloatArray]:
    from lab_lens.metrics.bert_score import load_encoder, score_bert

    scores = score_bert(
        load_encoder(source, layer), rows["Automatic Summary"].tolist(), rows["Reference Summary"].tolist()
    )
    return {name.replace("_", " ").replace("f1", "F1"): values for name, values in scores.per_example.items()}


def _only(scores: dict[str, FloatArray], part: NDArray[np.bool_]) -> dict[str, FloatArray]:
    return {name: values[part] for name, values in scores.items()}


def _print_comparison(
    people: dict[str, FloatArray],
    ours: dict[str, FloatArray],
    others: dict[str, FloatArray],
    resamples: list[NDArray[np.intp]],
) -> None:
    """Our score against that variant of the others which agrees with people most, chosen on these same rows."""
    print("| people's | our score | ours | best of the others | others | difference |\n|---|---|---|---|---|---|")
    for judgement, name in JUDGEMENTS.items():
        given = people[judgement]
        best = max(others, key=lambda other, given=given: _spearman(others[other], given))
        pair = (ours[name], others[best])
        estimates = [_spearman(values, given) for values in pair]
        resampled = [np.array([_spearman(values[drawn], given[drawn]) for drawn in resamples]) for values in pair]
        shown = [_with_interval(*figures) for figures in zip(estimates, resampled, strict=True)]
        difference = _with_interval(estimates[0] - estimates[1], resampled[0] - resampled[1])
        print(f"| {judgement} | {name} | {shown[0]} | {best} | {shown[1]} | {difference} |")


def _print_all(people: dict[str, FloatArray], scores: dict[str, FloatArray]) -> None:
    print(f"\n| score | summaries | {' | '.join(people)} |\n|---|---|{'---|' * len(people)}")
    for name, values in scores.items():
        found = [f"{_spearman(values, given):.2f}" for given in people.values()]
        print(f"| {name} | {int(np.isfinite(values).sum())} | {' | '.join(found)} |")


def _oriented(name: str, values: FloatArray) -> FloatArray:
    return 1.0 - values if name.lower().endswith(_LESS_IS_BETTER) else values


def _resamples(dialogues: NDArray[np.int64]) -> Iterator[NDArray[np.intp]]:
    """Rows of bootstrap samples of dialogues: the four summaries of one resemble each other."""
    generator = np.random.default_rng(SEED)
    ids = np.unique(dialogues)
    rows_of = {identity: np.flatnonzero(dialogues == identity) for identity in ids}
    for _ in range(RESAMPLES):
        yield np.concatenate([rows_of[identity] for identity in generator.choice(ids, len(ids))])


def _spearman(scores: FloatArray, people: FloatArray) -> float:
    """Over the rows that both have; NaN where one of them is constant."""
    both = np.isfinite(scores) & np.isfinite(people)
    left, right = rankdata(scores[both]), rankdata(people[both])
    left, right = left - left.mean(), right - right.mean()
    scale = np.sqrt((left @ left) * (right @ right))
    return float(left @ right / scale) if scale else float("nan")


def _with_interval(estimate: float, resampled: FloatArray) -> str:
    low, high = np.nanquantile(resampled, [0.025, 0.975])
    return f"{estimate:.2f} ({low:.2f} to {high:.2f})"


if __name__ == "__main__":
    main()
