"""Clinical facts of notes and summaries: extraction, and comparison of a summary with its note and reference."""

from lab_lens.metrics.facts.extract import extract_facts
from lab_lens.metrics.facts.review import COUNTS, Review, review_summary
from lab_lens.metrics.facts.scores import COLUMNS, FACT_METRICS, FactScores, figures_of, score_facts
from lab_lens.metrics.facts.types import KINDS, Fact, Finding, Kind, Polarity, Problem, Source

__all__ = [
    "COLUMNS",
    "COUNTS",
    "FACT_METRICS",
    "KINDS",
    "Fact",
    "FactScores",
    "Finding",
    "Kind",
    "Polarity",
    "Problem",
    "Review",
    "Source",
    "extract_facts",
    "figures_of",
    "review_summary",
    "score_facts",
]
