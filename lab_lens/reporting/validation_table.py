"""The table of scores by example: ids and numbers, no text."""

import math
from pathlib import Path
from typing import Any, get_args

import pandas as pd

from lab_lens.artifacts import write_text
from lab_lens.metrics.facts import Problem
from lab_lens.metrics.families import word_counts
from lab_lens.metrics.scores import SystemScores, Texts

_KNOWN_OF_PREDICTIONS = ("input_tokens", "output_tokens", "truncated")


def scores_by_example(
    predictions: pd.DataFrame, texts: Texts, scores: SystemScores, champion: SystemScores | None
) -> pd.DataFrame:
    """One row an example; a score that an example does not have is NaN.

    Args:
        predictions: as `load_predictions`, in the order of the texts.
        champion: scores of the champion on the same rows; None: there is none.
    """
    columns: dict[str, Any] = {name: predictions[name] for name in ("example_id", "subject_id")}
    columns |= {name: scores.per_example[name] for name in scores.measured}
    columns["summary_words"] = word_counts(texts.summaries).astype(int)
    columns["reference_words"] = word_counts(texts.references).astype(int)
    if texts.notes is not None:
        columns["note_words"] = word_counts(texts.notes).astype(int)
    columns |= _counts_of_findings(scores)
    columns |= {name: predictions[name] for name in _KNOWN_OF_PREDICTIONS if name in predictions}
    if champion is not None:
        columns |= {f"champion_{name}": champion.per_example[name] for name in champion.measured}
    return pd.DataFrame(columns)


def write_scores(path: Path, scores: pd.DataFrame) -> Path:
    """Write the table: text in quotes, so that any id survives, and an empty cell for a score that does not exist."""
    columns = [[_cell(value) for value in scores[name].tolist()] for name in scores.columns]
    lines = [map(_cell, scores.columns), *zip(*columns, strict=True)]
    return write_text(path, "".join(f"{','.join(line)}\n" for line in lines))


def _counts_of_findings(scores: SystemScores) -> dict[str, list[int]]:
    """How many facts of each summary disagree, by problem; nothing where no facts were read."""
    if not scores.findings:
        return {}
    return {
        f"{problem}_facts": [sum(finding.problem == problem for finding in found) for found in scores.findings]
        for problem in get_args(Problem)
    }


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return '"' + value.replace('"', '""') + '"'
    return "" if isinstance(value, float) and math.isnan(value) else str(value)
