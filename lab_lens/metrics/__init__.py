"""How good summaries are: per-example scores, their uncertainty, comparisons, and answers that need no model."""
