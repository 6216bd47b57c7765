import json
import logging
import re
from pathlib import Path

import pandas as pd
import pytest
import sacrebleu

from lab_lens.artifacts import read_json, sha256_file
from lab_lens.config import parse_config
from lab_lens.errors import InputError
from lab_lens.metrics.pairs import Selection
from lab_lens.metrics.text import PER_EXAMPLE, score_texts
from lab_lens.notes.examples import EXAMPLE_COLUMNS, read_table, write_examples
from lab_lens.release.evidence import BiasEvidence, ValidationEvidence, read_evidence
from lab_lens.release.policy import Release, evaluate_rules
from lab_lens.stages.validate_model import run_validate_model

SECRET = "syphilis"
CONFIG = parse_config("validation: {bootstrap_resamples: 200}")
DRUGS = ["aspirin 81 mg", "metoprolol 25 mg", "heparin", "prednisone 40 mg", "insulin glargine", "furosemide 20 mg"]
SITES = ["chest pain", "hip fracture", "pneumonia", "stroke", "asthma"]

# Prose before the reference, so that the lead of a note is no answer.
CHAT = "It was a very cold room. The rain fell all day long. Nobody came to visit that week."


def reference(row):
    return f"Admitted with {SITES[row % 5]} on day {row}. Treated with {DRUGS[row % 6]} and {SECRET} <b>excluded</b>."


def cohort(rows=30):
    numbers = range(rows)
    columns = {
        "example_id": [f"e{row}" for row in numbers],
        "subject_id": [f"p{row // 2}" for row in numbers],
        "input_text": [f"{CHAT} {reference(row)}" for row in numbers],
        "target_summary": [reference(row) for row in numbers],
    }
    return pd.DataFrame(columns).reindex(columns=[*EXAMPLE_COLUMNS], fill_value="")


def write_predictions(folder, examples, summaries, **record):
    columns = {"example_id": examples["example_id"], "subject_id": examples["subject_id"], "summary": summaries}
    tokens = {"log_probability": -3.5, "input_tokens": 90, "output_tokens": 20, "truncated": [True] * 3 + [False] * 27}
    folder.mkdir(exist_ok=True)
    pd.DataFrame(columns | tokens).to_csv(folder / "predictions.csv", index=False)
    (folder / "generation.json").write_text(
        json.dumps({"model_hash": "m", "decoding_hash": "c", **record}), encoding="utf-8"
    )
    return folder


def without_dose(text):
    return text.replace(" mg", "").replace("Treated with", "Got")


SUMMARIES = ["", *(without_dose(reference(row)) for row in range(1, 30))]


NO_BIAS = BiasEvidence(schema_version=1, metric="rougeL", attributes={})


class Workspace:
    """A test set, a candidate that loses doses and one whole summary, and a champion that is always right."""

    def __init__(self, folder):
        self.folder = folder
        self.test_csv = write_examples(cohort(), folder / "test.csv")
        data_hash = sha256_file(self.test_csv)
        self.candidate = write_predictions(folder / "candidate", cohort(), SUMMARIES, data_hash=data_hash)
        self.champion = write_predictions(folder / "champion", cohort(), cohort()["target_summary"])
        (self.champion / "champion.json").write_text('{"version": "v1", "reason": "production"}', encoding="utf-8")

    def validate(self, candidate=None, champion=None, test_csv=None, stamp="", out="out", config=""):
        out = self.folder / out
        result = run_validate_model(
            test_csv or self.test_csv,
            candidate or self.candidate,
            parse_config(f"validation: {config}") if config else CONFIG,
            champion=champion,
            report_dir=out,
            html=out / "page.html",
            stamp=stamp,
        )
        return result, read_json(result.report)


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path)


@pytest.fixture(scope="module")
def first_release(tmp_path_factory):
    return Workspace(tmp_path_factory.mktemp("first")).validate()


@pytest.fixture(scope="module")
def second_release(tmp_path_factory):
    workspace = Workspace(tmp_path_factory.mktemp("second"))
    return workspace.validate(champion=workspace.champion)


def test_the_report_holds_the_scores_of_the_library_with_intervals(first_release):
    result, report = first_release
    scores = score_texts(SUMMARIES, cohort()["target_summary"].tolist())
    for name in ("rouge1", "rougeLsum"):
        assert report["metrics"][name]["estimate"] == pytest.approx(scores.per_example[name].mean())
    assert report["metrics"]["bleu"]["estimate"] == pytest.approx(scores.corpus_bleu.score)
    assert report["bleu_signature"] == scores.corpus_bleu.signature
    for name in PER_EXAMPLE:
        interval = report["metrics"][name]
        assert interval["low"] < interval["estimate"] < interval["high"]
        assert (interval["n_examples"], interval["n_clusters"], interval["direction"]) == (30, 15, "higher")
    assert report["metrics"]["rougeL"]["label"] == "ROUGE-L (stemmed F1)"
    assert result.metrics["rougeL"] == report["metrics"]["rougeL"]["estimate"]


def test_the_report_says_what_it_is_about(first_release, workspace):
    _, report = first_release
    hashes = ("m", "c", sha256_file(workspace.test_csv))
    assert (report["model_hash"], report["decoding_hash"], report["data_hash"]) == hashes
    assert (report["config_hash"], report["examples"], report["patients"]) == (CONFIG.sha256(), 30, 15)
    assert (report["empty_summaries"], report["truncated_fraction"]) == (1, 0.1)
    assert report["lengths"]["note_words"]["mean"] > report["lengths"]["summary_words"]["mean"]
    assert report["champion"] == {"version": None, "reason": "no champion was given to compare with"}


def test_a_model_that_reads_the_note_leads_every_answer_that_does_not(first_release):
    result, report = first_release
    assert set(report["baselines"]) == {"lead_3", "random_other_patient", "best_constant"}
    for name, baseline in report["baselines"].items():
        lead = baseline["comparison"]["rougeL"]["difference"]
        assert 0.0 < lead["estimate"] < lead["high"]
        assert result.metrics["rougeL"] - result.metrics[f"rougeL_of_{name}"] == pytest.approx(lead["estimate"])


def test_the_champion_is_compared_on_the_same_rows(second_release):
    result, report = second_release
    compared = report["champion"]["comparison"]
    assert (report["champion"]["version"], report["champion"]["decoding_hash"]) == ("v1", "c")
    assert report["champion"]["metrics"]["rougeL"]["estimate"] == pytest.approx(1.0)
    for name in PER_EXAMPLE:
        assert compared[name]["difference"]["high"] < 0.0
        assert compared[name]["p_value"] < 0.05
        assert result.metrics[f"{name}_minus_champion"] == pytest.approx(result.metrics[name] - 1.0)
    assert compared["fact_recall"]["difference"]["estimate"] < 0.0


def test_a_registry_without_production_leaves_nothing_to_compare(workspace, tmp_path):
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "champion.json").write_text('{"version": null, "reason": "empty registry"}', encoding="utf-8")
    _, report = workspace.validate(champion=tmp_path / "none")
    assert report["champion"] == {"version": None, "reason": "empty registry"}


def test_scores_by_example_are_written_without_text(second_release):
    result, _ = second_release
    table = pd.read_csv(result.report.parent / "predictions.csv")
    assert table["example_id"].tolist() == cohort()["example_id"].tolist()
    assert (table.loc[0, "rougeL"], table.loc[0, "summary_words"], table.loc[0, "champion_rougeL"]) == (0.0, 0, 1.0)
    assert table["rougeL"].mean() == pytest.approx(result.metrics["rougeL"])
    assert not {"summary", "input_text", "target_summary"} & set(table)


def test_no_output_and_no_log_line_holds_text_of_a_patient(workspace, caplog):
    with caplog.at_level(logging.DEBUG):
        result, _ = workspace.validate(champion=workspace.champion)
    written = sorted(path for path in result.report.parent.iterdir() if path.is_file())
    assert [path.name for path in written] == [
        "page.html",
        "predictions.csv",
        "validation_report.json",
        "validation_summary.txt",
    ]
    assert all(SECRET not in path.read_text(encoding="utf-8") for path in written)
    assert SECRET not in caplog.text


def test_page_and_summary_name_the_variant_of_every_figure(second_release):
    result, _ = second_release
    folder = result.report.parent
    page, text = (Path(folder / name).read_text(encoding="utf-8") for name in ("page.html", "validation_summary.txt"))
    for shown in (page, text):
        assert "ROUGE-L (stemmed F1)" in shown
        assert "BLEU (corpus, 0 to 1)" in shown
        assert "v1" in shown
    assert "95 % interval" in text
    # Everyone's ROUGE-L, and by note ROUGE-L, fact precision and fact recall.
    assert page.count("<img") == 4


def test_a_stamp_goes_into_the_names_and_the_same_run_gives_the_same_report(workspace, second_release):
    result, report = workspace.validate(champion=workspace.champion, stamp="_20261122T201500")
    assert report == second_release[1]
    assert {path.name for path in result.report.parent.iterdir()} == {
        "page.html",
        "predictions_20261122T201500.csv",
        "validation_report_20261122T201500.json",
        "validation_summary_20261122T201500.txt",
    }


def test_what_could_not_be_computed_is_null_with_a_reason(workspace, tmp_path):
    rows = cohort().head(2).assign(subject_id="only")
    test_csv = write_examples(rows, tmp_path / "one_patient.csv")
    folder = tmp_path / "silent"
    folder.mkdir()
    rows[["example_id"]].assign(summary="").to_csv(folder / "predictions.csv", index=False)
    result, report = workspace.validate(folder, test_csv=test_csv)
    assert report["metrics"]["rougeL"]["low"] is None
    assert report["metrics"]["rougeL"]["reason"] == "an interval needs 5 patients, and there are 1"
    assert (report["truncated_fraction"], report["model_hash"]) == (None, None)
    assert report["truncated_reason"] == "the predictions have no column truncated"
    assert report["lengths"]["compression_ratio"] is None
    assert report["baselines"]["best_constant"]["metrics"] is None
    assert report["baselines"]["best_constant"]["reason"] == "needs references of at least two patients"
    assert (report["empty_summaries"], result.metrics["rougeL"]) == (2, 0.0)
    assert "rougeL_low" not in result.metrics


def test_predictions_made_from_other_data_are_refused(workspace, tmp_path):
    folder = write_predictions(tmp_path / "old", cohort(), cohort()["target_summary"], data_hash="0" * 64)
    with pytest.raises(InputError, match="was made from other data"):
        workspace.validate(folder)


def test_the_report_says_which_predictions_it_is_about(workspace):
    _, report = workspace.validate()
    assert report["predictions_hash"] == sha256_file(workspace.candidate / "predictions.csv")


@pytest.mark.parametrize("edited", ["candidate", "champion"])
def test_predictions_that_were_edited_after_generation_are_refused(workspace, edited):
    folder = workspace.folder / edited
    path = folder / "generation.json"
    record = read_json(path) | {"predictions_sha256": sha256_file(folder / "predictions.csv")}
    path.write_text(json.dumps(record), encoding="utf-8")
    workspace.validate(champion=workspace.champion)
    table = read_table(folder / "predictions.csv")
    table.loc[3, "summary"] = "another answer"
    write_examples(table, folder / "predictions.csv")
    with pytest.raises(InputError, match=r"is not what generation\.json beside it is about") as refused:
        workspace.validate(champion=workspace.champion)
    assert "another answer" not in str(refused.value)


def test_a_choice_of_rows_narrows_the_champion_too(workspace):
    wards = ["east" if row % 2 else "west" for row in range(30)]
    test_csv = write_examples(cohort().assign(ward=wards), workspace.folder / "wards.csv")
    for folder in (workspace.candidate, workspace.champion):
        table = read_table(folder / "predictions.csv").assign(ward=wards)
        write_examples(table, folder / "predictions.csv")
        record = {"model_hash": "m", "data_hash": sha256_file(test_csv)}
        (folder / "generation.json").write_text(json.dumps(record), encoding="utf-8")
    result = run_validate_model(
        test_csv,
        workspace.candidate,
        CONFIG,
        champion=workspace.champion,
        report_dir=workspace.folder / "out",
        html=workspace.folder / "page.html",
        selection=Selection(where={"ward": "west"}),
    )
    report = read_json(result.report)
    assert (report["examples"], report["champion"]["version"]) == (15, "v1")
    assert report["champion"]["metrics"]["rougeL"]["estimate"] == pytest.approx(1.0)
    assert report["data_hash"] != sha256_file(test_csv)


def test_a_champion_directory_without_its_record_is_refused(workspace, tmp_path):
    with pytest.raises(InputError, match=r"no such file: .*champion\.json"):
        workspace.validate(champion=tmp_path)


def test_the_scores_never_overwrite_the_predictions(workspace):
    before = (workspace.candidate / "predictions.csv").read_bytes()
    with pytest.raises(InputError, match="would overwrite the predictions"):
        workspace.validate(out="candidate")
    assert (workspace.candidate / "predictions.csv").read_bytes() == before


def test_facts_are_measured_against_note_and_reference_by_kind(first_release):
    result, report = first_release
    # Every reference but the first names its drug; the doses are lost on the way.
    assert report["metrics"]["fact_precision"]["estimate"] > 0.9
    assert 0.0 < report["metrics"]["omission_rate"]["estimate"] < 1.0
    assert report["metrics"]["omission_rate"]["direction"] == "lower"
    medication = report["facts"]["by_kind"]["medication"]
    assert medication["in_reference"] == medication["recalled"] + medication["omitted"] == 30
    assert report["facts"]["by_kind"]["lab"]["fact_precision"] is None
    assert result.metrics["omission_rate"] == report["metrics"]["omission_rate"]["estimate"]


def test_the_report_tells_how_small_a_difference_it_could_see(first_release, second_release):
    alone, paired = (report["minimum_detectable_difference"] for _, report in (first_release, second_release))
    assert alone["basis"].startswith("no champion")
    assert paired["basis"] == "paired with the champion by patient"
    assert 0.0 < alone["differences"]["rougeL"] < 1.0
    assert 0.0 < paired["differences"]["rougeL"] < 1.0
    assert (alone["level"], alone["power"]) == (0.05, 0.80)


def test_a_family_that_fails_is_null_with_a_reason_and_all_others_stay(workspace, monkeypatch, caplog):
    def fail(*_):
        raise ValueError(f"cannot read {SECRET}")

    # The library that computes BLEU breaks; ROUGE is computed in the same module.
    monkeypatch.setattr(sacrebleu.metrics.BLEU, "sentence_score", fail)
    result, report = workspace.validate(champion=workspace.champion)
    for name in PER_EXAMPLE:
        item = report["metrics"][name]
        assert (item["estimate"], item["low"], item["high"]) == (None, None, None)
        assert item["reason"].startswith("failed: ValueError at lab_lens/metrics/")
        assert name not in result.metrics
        assert name not in report["champion"]["comparison"]
    assert report["bleu_signature"] is None
    assert report["metrics"]["fact_recall"]["estimate"] is not None
    assert report["baselines"]["lead_3"]["comparison"] is None
    assert "overlap could not be computed" in caplog.text
    written = [path.read_text(encoding="utf-8") for path in result.report.parent.iterdir() if path.is_file()]
    assert all(SECRET not in text for text in [*written, caplog.text])
    assert any("Not computed: ROUGE-1 (stemmed F1)" in text for text in written)


def test_a_failed_metric_makes_the_gate_say_unknown(workspace, monkeypatch):
    monkeypatch.setattr(sacrebleu.metrics.BLEU, "sentence_score", lambda *_: 1 / 0)
    result, _ = workspace.validate()
    evidence = read_evidence(result.report, ValidationEvidence)
    rules = evaluate_rules(Release(evidence, NO_BIAS, {}, CONFIG))
    (floor,) = [rule for rule in rules if rule.rule == "floor.rougeL"]
    assert (floor.status, floor.value, floor.forbids) == ("unknown", None, True)
    assert "ZeroDivisionError" in floor.reason


def test_metrics_that_are_turned_off_say_so(workspace):
    _, report = workspace.validate(config="{facts: false, statements: false, bootstrap_resamples: 200}")
    assert report["metrics"]["fact_f1"]["estimate"] is None
    assert report["metrics"]["fact_f1"]["reason"] == "turned off: validation.facts is false"
    assert report["metrics"]["statement_f1"]["reason"] == "turned off: validation.statements is false"
    assert report["metrics"]["bertscore_f1"]["reason"] == "no encoder: validation.bertscore_encoder is null"
    assert report["facts"] is None


def test_text_is_shown_only_where_it_was_asked_for_and_the_page_says_so_first(workspace):
    result, _ = workspace.validate(config="{show_text: true, bootstrap_resamples: 200}")
    page = (result.report.parent / "page.html").read_text(encoding="utf-8")
    assert page.index("this page holds text of patients") < page.index("Every interval comes from")
    assert SECRET in page
    # Text of notes is escaped, and what the summaries lack is marked with a tag that needs no colour.
    assert "&lt;b&gt;excluded&lt;/b&gt;" in page
    assert "<b>excluded" not in page
    assert re.search(r'<mark class="omitted">[^<]+<b> O\d+</b></mark>', page)
    others = [path for path in result.report.parent.iterdir() if path.is_file() and path.suffix != ".html"]
    assert all(SECRET not in path.read_text(encoding="utf-8") for path in others)


def test_rouge_of_another_variant_is_another_figure_under_another_name(workspace, first_release):
    _, report = workspace.validate(config="{rouge_stemmer: false, rouge_sentences: lines, bootstrap_resamples: 200}")
    assert report["rouge"] == {"stemmed": False, "units": "lines"}
    assert report["metrics"]["rougeLsum"]["label"] == "ROUGE-Lsum (F1, not stemmed, by line)"
    assert report["metrics"]["rouge1"]["estimate"] <= first_release[1]["metrics"]["rouge1"]["estimate"]


def test_an_empty_cell_stands_where_an_example_has_nothing_to_measure(first_release):
    result, _ = first_release
    rows = (result.report.parent / "predictions.csv").read_text(encoding="utf-8").splitlines()
    first = dict(zip(rows[0].replace('"', "").split(","), rows[1].split(","), strict=True))
    # The first summary is empty: it scores nothing, but copies and repeats nothing either.
    assert (first["rougeL"], first["copy_coverage"], first["fact_precision"]) == ("0.0", "", "")


def test_ids_with_odd_characters_come_back_from_the_table(tmp_path):
    odd = ["a,b", 'a"b', "a\rb", "a\nb", "1e5"]
    rows = cohort(5).assign(example_id=odd)
    test_csv = write_examples(rows, tmp_path / "odd.csv")
    write_examples(rows.assign(summary=rows["target_summary"]), tmp_path / "predictions.csv")
    run_validate_model(
        test_csv,
        tmp_path / "predictions.csv",
        CONFIG,
        champion=None,
        report_dir=tmp_path / "out",
        html=tmp_path / "p.html",
    )
    assert read_table(tmp_path / "out" / "predictions.csv")["example_id"].tolist() == odd
