import numpy as np
import pytest

from lab_lens.metrics.processes import ROWS_WORTH_A_PROCESS
from lab_lens.metrics.statements import score_statements
from lab_lens.notes.synthetic import synthetic_examples

pytestmark = pytest.mark.integration


def test_several_processes_give_the_figures_of_one():
    examples = synthetic_examples(2 * ROWS_WORTH_A_PROCESS, 4, "brief")
    notes, references = examples["input_text"].tolist(), examples["target_summary"].tolist()
    summaries = references[3:] + references[:3]
    alone = score_statements(summaries, notes, references, processes=1)
    together = score_statements(summaries, notes, references, processes=2)
    np.testing.assert_array_equal(alone.columns, together.columns)
    for name, values in alone.per_example.items():
        np.testing.assert_array_equal(values, together.per_example[name])
