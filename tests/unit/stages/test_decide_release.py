import shutil

import pandas as pd
import pytest

from lab_lens.artifacts import read_json, read_report, sha256_file, write_json, write_report
from lab_lens.config import Config
from lab_lens.errors import InputError
from lab_lens.metrics import families
from lab_lens.notes.examples import EXAMPLE_COLUMNS, write_examples
from lab_lens.registry.base import Evidence
from lab_lens.registry.local import LocalRegistry
from lab_lens.stages.decide_release import run_decide_release
from lab_lens.stages.detect_bias import run_detect_bias
from lab_lens.stages.validate_model import run_validate_model

CONFIG = Config.model_validate(
    {
        "validation": {"bootstrap_resamples": 200},
        "fairness": {"slices": ["gender"], "min_examples_per_slice": 10},
        "policy": {"floors": {"rougeL": 0.3}},
    }
)
FINDINGS = ["a fractured hip", "pneumonia", "chest pain", "a small stroke", "severe asthma", "sepsis", "renal colic"]

# Prose before the reference, so that the lead of a note is no answer.
CHAT = "It was a very cold room. The rain fell all day long. Nobody came to visit that week."


def reference(row):
    return f"Admitted with {FINDINGS[row % 7]} on day {row}, treated in ward {row % 11} and discharged home to rest."


def cohort(rows=60):
    numbers = range(rows)
    columns = {
        "example_id": [f"e{row}" for row in numbers],
        "subject_id": [f"p{row}" for row in numbers],
        "input_text": [f"{CHAT} {reference(row)}" for row in numbers],
        "target_summary": [reference(row) for row in numbers],
        "gender": ["F" if row % 2 else "M" for row in numbers],
    }
    return pd.DataFrame(columns).reindex(columns=[*EXAMPLE_COLUMNS], fill_value="")


def shortened(text, words):
    return " ".join(text.split()[:words])


class Release:
    """Everything that a release is decided on, made by the real stages from planted summaries."""

    def __init__(self, folder):
        self.folder = folder
        self.test_csv = folder / "test.csv"
        self.registry = folder / "registry"

    def predict(self, name, summaries, **hashes):
        folder = self.folder / name
        folder.mkdir()
        record = {"model_hash": name, "decoding_hash": "c", "data_hash": sha256_file(self.test_csv), **hashes}
        write_json(folder / "generation.json", record)
        cohort()[["example_id"]].assign(summary=list(summaries)).to_csv(folder / "predictions.csv", index=False)
        return folder

    def put_in_production(self, *names):
        registry = LocalRegistry(self.registry)
        for name in names:
            model = self.folder / f"model-{name}"
            model.mkdir()
            (model / "model.safetensors").write_text(name)
            version = registry.register(model, Evidence({}, {}), actor="ana", version=name).version
            registry.promote(version, actor="ana", reason="better", decision_hash="h")

    def judge(self, summaries, champion=None, **champion_hashes):
        """Report on a candidate, and on the champion where its summaries are given."""
        write_examples(cohort(), self.test_csv)
        candidate = self.predict("candidate", summaries)
        if champion is not None:
            version = self.production
            model_hash = LocalRegistry(self.registry).show(version).content_hash
            folder = self.predict("champion", champion, **({"model_hash": model_hash} | champion_hashes))
            write_json(folder / "champion.json", {"version": version, "reason": ""})
        rival = None if champion is None else self.folder / "champion"
        reports, page = self.folder / "reports", self.folder / "page.html"
        run_validate_model(self.test_csv, candidate, CONFIG, champion=rival, report_dir=reports, html=page)
        run_detect_bias(self.test_csv, candidate, CONFIG, report_dir=reports, html=page)

    @property
    def production(self):
        return LocalRegistry(self.registry).production()

    def decide(self, config=CONFIG, **options):
        reports, out = self.folder / "reports", self.folder / "decision"
        options = {"sensitivity": None, "registry": self.registry, **options}
        sensitivity = options.pop("sensitivity")
        result = run_decide_release(
            reports, reports, sensitivity, config, decision_dir=out, html=out / "page.html", **options
        )
        record = read_json(result.decision)
        assert (record["verdict"], tuple(record["reasons"])) == (result.verdict, result.reasons)
        return record


GOOD = [shortened(text, 13) for text in cohort()["target_summary"]]


@pytest.fixture
def release(tmp_path):
    return Release(tmp_path)


@pytest.fixture(scope="module")
def reports_on_a_good_model(tmp_path_factory):
    release = Release(tmp_path_factory.mktemp("good"))
    release.judge(GOOD)
    return release.folder


@pytest.fixture
def good(reports_on_a_good_model, tmp_path):
    """The first release of a good model."""
    shutil.copytree(reports_on_a_good_model, tmp_path, dirs_exist_ok=True)
    return Release(tmp_path)


def statuses(record):
    return {rule["rule"]: rule["status"] for rule in record["rules"]}


def test_a_good_first_model_is_promoted_and_the_decision_says_on_what(good):
    record = good.decide()
    assert record["verdict"] == "promote"
    assert set(statuses(record).values()) == {"pass"}
    assert record["reasons"] == ["11 of 11 rules pass, and none forbids the release."]
    assert (record["champion"], record["previous"], record["forced"]) == (None, None, None)
    assert (record["model_hash"], record["config_hash"]) == ("candidate", CONFIG.sha256())
    assert record["report_hashes"] == {
        stem: sha256_file(good.folder / "reports" / f"{stem}.json") for stem in ("validation_report", "bias_report")
    }


def test_a_first_model_below_its_floor_is_held(release):
    release.judge([shortened(text, 2) for text in cohort()["target_summary"]])
    record = release.decide()
    assert (record["verdict"], statuses(record)["floor.rougeL"]) == ("hold", "fail")


def test_a_model_that_answers_the_same_to_everyone_is_held(release):
    release.judge([reference(0)] * 60)
    record = release.decide()
    assert (record["verdict"], statuses(record)["floor.rougeL"]) == ("hold", "pass")
    assert statuses(record)["beat_baselines"] == "fail"


@pytest.mark.parametrize(("words", "verdict"), [(13, "promote"), (12, "hold"), (16, "promote")])
def test_a_planted_regression_against_the_champion_is_held(release, words, verdict):
    release.put_in_production("v1")
    release.judge([shortened(text, words) for text in cohort()["target_summary"]], champion=GOOD)
    record = release.decide()
    assert (record["verdict"], record["champion"]) == (verdict, "v1")
    assert statuses(record)["degradation.rougeL"] == ("fail" if verdict == "hold" else "pass")


def test_a_model_that_serves_one_gender_worse_is_held(release):
    release.judge([shortened(text, 6) if row % 2 else text for row, text in enumerate(GOOD)])
    record = release.decide()
    assert (record["verdict"], statuses(record)["fairness.gender"]) == ("hold", "fail")
    assert any("F against rest" in reason for reason in record["reasons"])


@pytest.mark.parametrize(("versions", "verdict"), [(("v1", "v2"), "rollback"), (("v2",), "hold")])
def test_a_champion_below_its_floor_gives_way_to_the_previous_version(release, versions, verdict):
    release.put_in_production(*versions)
    release.judge(["nothing"] * 60, champion=["nothing much"] * 60)
    record = release.decide()
    assert (record["verdict"], record["champion"]) == (verdict, "v2")
    assert any("Production returns from v2 to v1." in reason for reason in record["reasons"]) == (verdict == "rollback")


def test_a_good_candidate_replaces_a_champion_below_its_floor(release):
    release.put_in_production("v1", "v2")
    release.judge(GOOD, champion=["nothing"] * 60)
    assert release.decide()["verdict"] == "promote"


def test_reports_older_than_todays_production_do_not_decide(release):
    release.put_in_production("v1")
    release.judge(GOOD, champion=GOOD)
    release.put_in_production("v2")
    record = release.decide()
    assert (record["verdict"], statuses(record)["degradation.rougeL"]) == ("hold", "unknown")


def test_reports_about_different_models_do_not_decide(good):
    path = good.folder / "reports" / "bias_report.json"
    write_report(path, read_json(path) | {"model_hash": "another"})
    record = good.decide()
    assert (record["verdict"], statuses(record)["artifacts.same_rows"]) == ("hold", "fail")


def test_predictions_of_an_unknown_model_block(good):
    for name in ("bias_report", "validation_report"):
        path = good.folder / "reports" / f"{name}.json"
        write_report(path, read_json(path) | {"model_hash": None})
    assert statuses(good.decide())["artifacts.same_rows"] == "unknown"


def test_an_absent_attribute_blocks_until_it_is_waived(good):
    sliced = CONFIG.model_copy(
        update={"fairness": CONFIG.fairness.model_copy(update={"slices": ("gender", "ethnicity")})}
    )
    reports, page = good.folder / "reports", good.folder / "page.html"
    run_detect_bias(good.test_csv, good.folder / "candidate", sliced, report_dir=reports, html=page)
    record = good.decide(sliced)
    assert (record["verdict"], statuses(record)["fairness.ethnicity"]) == ("hold", "unknown")
    waiver = {"rule": "fairness.ethnicity", "reason": "the source has no ethnicity", "actor": "ana"}
    waived = Config.model_validate(
        sliced.model_dump() | {"policy": {**sliced.policy.model_dump(), "waivers": [waiver]}}
    )
    record = good.decide(waived)
    assert (record["verdict"], statuses(record)["fairness.ethnicity"]) == ("promote", "waived")
    assert any("the source has no ethnicity" in reason for reason in record["reasons"])


def test_a_force_promotes_and_stays_in_the_record(release):
    release.judge(["nothing"] * 60)
    record = release.decide(force_reason="trial without patients", actor="ana")
    assert (record["verdict"], statuses(record)["floor.rougeL"]) == ("promote", "fail")
    assert record["forced"] == {"reason": "trial without patients", "actor": "ana"}
    assert record["reasons"][0].startswith("Forced by ana, against floor.rougeL, ceiling.hallucination_rate.upper, ")
    assert record["reasons"][0].endswith("beat_baselines: trial without patients")


def test_a_force_without_an_actor_is_refused_and_nothing_is_written(good):
    with pytest.raises(InputError, match="needs an actor"):
        good.decide(force_reason="trial without patients")
    assert not (good.folder / "decision").exists()


def test_the_sensitivity_report_is_part_of_the_evidence(good):
    path = write_report(good.folder / "sensitivity_report.json", {"model_hash": "candidate"})
    record = good.decide(sensitivity=path)
    assert (record["verdict"], record["report_hashes"]["sensitivity_report"]) == ("promote", sha256_file(path))
    write_report(path, {"model_hash": "another"})
    assert good.decide(sensitivity=path)["verdict"] == "hold"


def test_a_missing_report_is_named(good):
    with pytest.raises(InputError, match=r"no sensitivity_report\.json"):
        good.decide(sensitivity=good.folder)


def test_a_report_that_lacks_what_the_rules_need_is_refused_with_every_field(good):
    path = good.folder / "reports" / "validation_report.json"
    report = read_json(path)
    del report["metrics"], report["champion"]
    write_report(path, report)
    with pytest.raises(InputError, match="missing or unexpected champion, metrics"):
        good.decide()


@pytest.mark.parametrize("registry", [None, "does-not-exist"])
def test_without_a_registry_there_is_no_champion(good, registry):
    record = good.decide(registry=good.folder / registry if registry else None)
    assert (record["verdict"], record["champion"]) == ("promote", None)


def test_a_registry_path_that_is_a_file_is_refused(good):
    with pytest.raises(InputError, match=r"test\.csv"):
        good.decide(registry=good.test_csv)


def test_the_page_shows_the_verdict_and_every_rule(good):
    record = good.decide()
    page = (good.folder / "decision" / "page.html").read_text(encoding="utf-8")
    assert "Promote the candidate" in page
    for rule in record["rules"]:
        assert rule["what"].split("'")[0] in page


def test_a_report_that_was_edited_after_its_stage_wrote_it_is_refused(good):
    path = good.folder / "reports" / "validation_report.json"
    report = read_json(path)
    report["metrics"]["rougeL"]["estimate"] = 0.9
    write_json(path, report)
    with pytest.raises(InputError, match="changed after its stage wrote it"):
        good.decide(force_reason="", actor="ana")
    assert not (good.folder / "decision").exists()


def test_winning_against_summaries_of_another_model_than_todays_production_does_not_decide(release):
    release.put_in_production("v1")
    release.judge(GOOD, champion=[shortened(text, 8) for text in GOOD], model_hash="f" * 64)
    record = release.decide()
    assert (record["verdict"], statuses(record)["degradation.rougeL"]) == ("hold", "unknown")


def test_winning_against_a_champion_that_decoded_otherwise_does_not_decide(release):
    release.put_in_production("v1")
    release.judge(GOOD, champion=[shortened(text, 8) for text in GOOD], decoding_hash="greedy")
    record = release.decide()
    assert (record["verdict"], statuses(record)["degradation.rougeL"]) == ("hold", "unknown")


@pytest.mark.parametrize(
    ("summaries", "against"),
    [
        ([""] * 60, "floor.rougeL"),
        (cohort()["input_text"].tolist(), "floor.compression_ratio"),
    ],
    ids=["silent", "copied"],
)
def test_a_model_that_says_nothing_or_copies_the_note_is_held(release, summaries, against):
    release.judge(summaries)
    record = release.decide()
    assert (record["verdict"], statuses(record)[against]) == ("hold", "fail")


@pytest.mark.parametrize("failing", ["facts", "overlap"])
def test_a_champion_whose_measurement_failed_is_no_champion_without_figures(release, monkeypatch, failing):
    """The candidate, which is measured first, has its figures."""
    compute, calls = families._FAMILIES[failing], []

    def fails_second(texts, settings):
        calls.append(texts)
        if len(calls) == 2:
            raise MemoryError
        return compute(texts, settings)

    monkeypatch.setitem(families._FAMILIES, failing, fails_second)
    release.put_in_production("v1")
    release.judge(GOOD, champion=GOOD)
    record = release.decide()
    rule = {"facts": "degradation.hallucination_rate", "overlap": "degradation.rougeL"}[failing]
    assert (record["verdict"], statuses(record)[rule]) == ("hold", "unknown")


def test_reports_made_under_other_settings_than_the_decision_do_not_decide(good):
    values = CONFIG.model_dump()
    values["validation"] |= {"rouge_stemmer": False}
    record = good.decide(Config.model_validate(values))
    assert (record["verdict"], statuses(record)["artifacts.same_rows"]) == ("hold", "fail")
    assert any("was made with validation.rouge_stemmer true; here it is false." in text for text in record["reasons"])


def test_a_champion_that_decoded_otherwise_is_not_blamed_for_its_floor(release):
    release.put_in_production("v1", "v2")
    release.judge(["nothing"] * 60, champion=["nothing much"] * 60, decoding_hash="greedy")
    assert release.decide()["verdict"] == "hold"


def test_a_waived_floor_sends_no_production_back(release):
    release.put_in_production("v1", "v2")
    release.judge(["nothing"] * 60, champion=["nothing much"] * 60)
    waiver = {"rule": "floor.rougeL", "reason": "a pilot without patients", "actor": "ana"}
    policy = CONFIG.policy.model_dump() | {"waivers": [waiver], "floors": {"rougeL": 0.3}}
    record = release.decide(Config.model_validate(CONFIG.model_dump() | {"policy": policy}))
    assert (record["verdict"], statuses(record)["floor.rougeL"]) == ("hold", "waived")


def test_the_decision_is_sealed(good):
    good.decide()
    path = good.folder / "decision" / "decision.json"
    assert read_report(path)["verdict"] == "promote"
    write_json(path, read_json(path) | {"verdict": "hold"})
    with pytest.raises(InputError, match="changed after its stage wrote it"):
        read_report(path)
