import logging

import evaluate
import numpy as np
import pytest

from lab_lens.errors import InputError
from lab_lens.metrics.copying import COPY_COLUMNS, score_copying
from lab_lens.metrics.evaluate_module import SummaryScores, copy_scores, summary_scores
from lab_lens.metrics.rouge import RougeVariant
from lab_lens.metrics.text import PER_EXAMPLE, score_texts

PREDICTIONS = ["Aspirin 81 mg was started.", "", "No fever, cough resolved."]
REFERENCES = ["Started on aspirin 81 mg daily.", "Stable.", "Cough resolved, no fevers."]


def test_the_evaluate_module_gives_the_scores_of_the_library():
    ours, theirs = score_texts(PREDICTIONS, REFERENCES), summary_scores(PREDICTIONS, REFERENCES)
    for name in PER_EXAMPLE:
        np.testing.assert_array_equal(theirs.per_example[name], ours.per_example[name])
    assert theirs.corpus_bleu == ours.corpus_bleu


def test_the_evaluate_module_gives_any_variant_of_rouge():
    variant = RougeVariant(stemmed=False, units="lines")
    ours, theirs = score_texts(PREDICTIONS, REFERENCES, variant), summary_scores(PREDICTIONS, REFERENCES, variant)
    np.testing.assert_array_equal(theirs.per_example["rougeLsum"], ours.per_example["rougeLsum"])
    assert theirs.per_example["rouge1"][2] < summary_scores(PREDICTIONS, REFERENCES).per_example["rouge1"][2]


def test_the_evaluate_module_of_copying_gives_the_scores_of_the_library():
    found = copy_scores(PREDICTIONS, REFERENCES)
    np.testing.assert_array_equal(
        np.column_stack([found[name] for name in COPY_COLUMNS]), score_copying(PREDICTIONS, REFERENCES)
    )


def test_the_module_describes_itself_and_its_inputs(tmp_path):
    module = SummaryScores(keep_in_memory=True, cache_dir=str(tmp_path))
    assert set(module.features) == {"predictions", "references"}
    assert "stemmed" in module.description


def test_nothing_is_left_in_the_cache_of_evaluate(tmp_path, monkeypatch):
    monkeypatch.setattr(evaluate.config, "HF_METRICS_CACHE", tmp_path / "cache")
    summary_scores(PREDICTIONS, REFERENCES)
    assert not (tmp_path / "cache").exists()


def test_a_refused_input_is_not_quoted(caplog):
    with caplog.at_level(logging.DEBUG), pytest.raises(InputError) as caught:
        summary_scores(["patient has syphilis"], [])
    assert "syphilis" not in str(caught.value) + caplog.text
