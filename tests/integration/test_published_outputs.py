"""Our figures against the reference implementations and the published ones, on real outputs of published systems.

The outputs are those of the ACI-Bench paper (Yim et al. 2023, CC BY 4.0): test set 1, five systems.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sacrebleu
from rouge_score.rouge_scorer import RougeScorer

from lab_lens.cli.main import main
from lab_lens.metrics.rouge import RougeVariant
from lab_lens.metrics.text import score_texts
from lab_lens.notes.sentences import split_sentences

OUTPUTS = Path(__file__).parents[3] / "shared" / "data" / "aci-bench" / "published_outputs_test1.csv"
NOTES = OUTPUTS.with_name("aci_bench_pairs.csv")
COLUMNS = ("--column", "example_id=encounter_id", "--column", "summary=prediction")
# ROUGE-1, ROUGE-2 and what the paper calls ROUGE-L: F1 in percent, not stemmed, ROUGE-Lsum by line.
PUBLISHED = {
    "BART_large_full": (41.76, 19.20, 34.70),
    "BioBART_full": (39.09, 17.24, 33.19),
    "BioBART_division_combined": (49.53, 22.47, 44.92),
    "LED_full": (28.37, 5.52, 22.78),
}

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not OUTPUTS.is_file(), reason="NOT TESTED: the published outputs of ACI-Bench are not here"),
]


def validated(folder: Path, system: str, *arguments: str) -> dict[str, dict[str, float | None]]:
    table = str(OUTPUTS)
    common = ("--where", f"system={system}", "--out", str(folder), "--no-tracking", "--no-facts")
    assert main(["validate-model", "--predictions", table, *COLUMNS, *common, *arguments]) == 0
    (report,) = folder.glob("validation_report_*.json")
    return dict(json.loads(report.read_text(encoding="utf-8"))["metrics"])


@pytest.mark.parametrize(("system", "published"), PUBLISHED.items())
def test_the_command_reproduces_the_published_figures(
    tmp_path: Path, system: str, published: tuple[float, ...]
) -> None:
    variant = ("--no-rouge-stemmer", "--rouge-sentences", "lines")
    one_file = ("--data", str(OUTPUTS), "--column", "target_summary=reference")
    metrics = validated(tmp_path, system, *one_file, *variant)
    found = [metrics[name]["estimate"] for name in ("rouge1", "rouge2", "rougeLsum")]
    assert tuple(round(100 * value, 2) for value in found if value is not None) == published
    assert metrics["rougeLsum"]["label"] == "ROUGE-Lsum (F1, not stemmed, by line)"
    assert metrics["fact_precision"]["estimate"] is None


def test_with_the_stemmer_the_same_outputs_score_as_the_reference_package_does(tmp_path: Path) -> None:
    one_file = ("--data", str(OUTPUTS), "--column", "target_summary=reference")
    metrics = validated(tmp_path, "BioBART_full", *one_file, "--rouge-sentences", "lines")
    found = [metrics[name]["estimate"] for name in ("rouge1", "rouge2", "rougeLsum")]
    assert [round(100 * value, 2) for value in found if value is not None] == [40.14, 17.66, 33.86]


@pytest.mark.skipif(not NOTES.is_file(), reason="NOT TESTED: the dialogues of ACI-Bench are not here")
def test_dialogues_from_another_file_are_the_notes(tmp_path: Path) -> None:
    pairs = pd.read_csv(NOTES, keep_default_na=False)
    answered = pd.read_csv(OUTPUTS)["encounter_id"]
    dialogues = tmp_path / "test1.csv"
    pairs[pairs["encounter_id"].isin(answered)].to_csv(dialogues, index=False)
    two_files = ("--data", str(dialogues), "--column", "target_summary=target_text")
    metrics = validated(tmp_path, "BioBART_full", *two_files)
    assert metrics["copy_coverage"]["n_examples"] == 40
    assert metrics["compression_ratio"]["estimate"] is not None


@pytest.fixture(scope="module")
def outputs() -> tuple[list[str], list[str]]:
    table = pd.read_csv(OUTPUTS, keep_default_na=False)
    assert len(table) == 200
    return table["prediction"].tolist(), table["reference"].tolist()


@pytest.mark.parametrize("stemmed", [True, False])
def test_every_rouge_equals_that_of_the_reference_implementation(
    outputs: tuple[list[str], list[str]], stemmed: bool
) -> None:
    by_sentence = score_texts(*outputs, RougeVariant(stemmed, "sentences"))
    by_line = score_texts(*outputs, RougeVariant(stemmed, "lines"))
    scorer = RougeScorer(["rouge1", "rouge2", "rougeL", "rougeLsum"], use_stemmer=stemmed)
    split = RougeScorer(["rougeLsum"], use_stemmer=stemmed)
    for row, (prediction, reference) in enumerate(zip(*outputs, strict=True)):
        expected = {name: score.fmeasure for name, score in scorer.score(reference, prediction).items()}
        assert {name: by_line.per_example[name][row] for name in expected} == pytest.approx(expected, abs=1e-6)
        ours = split.score(in_lines(reference), in_lines(prediction))["rougeLsum"].fmeasure
        assert by_sentence.per_example["rougeLsum"][row] == pytest.approx(ours, abs=1e-6)


def test_every_bleu_equals_that_of_the_reference_implementation(outputs: tuple[list[str], list[str]]) -> None:
    predictions, references = outputs
    scores = score_texts(predictions, references)
    bleus = [
        sacrebleu.sentence_bleu(*pair).score / 100 for pair in zip(predictions, [[r] for r in references], strict=True)
    ]
    np.testing.assert_allclose(scores.per_example["bleu"], bleus, atol=1e-6)
    assert scores.corpus_bleu.score == pytest.approx(sacrebleu.corpus_bleu(predictions, [references]).score / 100)


def in_lines(text: str) -> str:
    return "\n".join(" ".join(text[span.start : span.end].split()) for span in split_sentences(text))
