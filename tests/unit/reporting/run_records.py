"""Records of invented runs, shaped like what the stages write."""

import json
from pathlib import Path
from typing import Any

STAGES = (
    "prepare-data",
    "train-model",
    "generate-summaries",
    "validate-model",
    "detect-bias",
    "analyze-sensitivity",
    "decide-release",
    "register-model",
    "deploy-model",
    "rollback-model",
)


def interval(estimate: float, half: float | None = 0.02, n: int = 75) -> dict[str, Any]:
    low, high = (None, None) if half is None else (estimate - half, estimate + half)
    reason = "3 patients: an interval needs at least 5" if half is None else ""
    return {"estimate": estimate, "low": low, "high": high, "n_examples": n, "n_clusters": n - 5, "reason": reason}


def rule(name: str, status: str, value: float | None, threshold: float | None, **changes: Any) -> dict[str, Any]:
    bounds = {"low": None, "high": None} if value is None else {"low": value - 0.02, "high": value + 0.02}
    record = {
        "rule": name,
        "what": f"{name} on 75 held-out notes",
        "value": value,
        "threshold": threshold,
        "direction": ">=",
        "status": status,
        "blocking": True,
        "reason": f"it is {value}" if value is not None else "the data has no such column",
        "next_step": "" if status == "pass" else "train longer or on more notes",
    }
    return record | bounds | changes


def decision(verdict: str, rouge_l: float) -> dict[str, Any]:
    passed = "pass" if rouge_l >= 0.15 else "fail"
    rules = [
        rule("floor.rougeL", passed, rouge_l, 0.15, what="ROUGE-L (stemmed F1) on 75 held-out notes"),
        rule("beat_baselines", passed, rouge_l - 0.14, 0.0, what="smallest lead over answers that need no model"),
        rule("degradation.rougeL", "pass", None, -0.02, reason="first release: there is no champion to compare with"),
        rule("fairness.age_group", "pass", -0.01, -0.05, what="rougeL of the worst-served age_group slice"),
        rule("fairness.gender", "waived", -0.07, -0.05, reason="waived by A. Person: known, being worked on"),
        rule("fairness.ethnicity", "unknown", None, -0.05, blocking=False, what="rougeL by ethnicity"),
    ]
    return {
        "schema_version": 1,
        "verdict": verdict,
        "reasons": ["Every blocking rule passed."] if verdict == "promote" else ["ROUGE-L is below the floor."],
        "rules": rules,
        "champion": None,
        "model_hash": "a1b2c3d4e5f60718",
        "config_hash": "0f1e2d3c4b5a6978",
        "report_hashes": {},
        "forced": None,
    }


def validation(rouge_l: float) -> dict[str, Any]:
    labels = {"rouge1": "ROUGE-1 (stemmed F1)", "rougeL": "ROUGE-L (stemmed F1)", "bleu": "BLEU (corpus)"}
    scores = {"rouge1": rouge_l + 0.08, "rougeL": rouge_l, "bleu": rouge_l / 3}
    difference = {"difference": interval(0.03), "relative": interval(0.1), "p_value": 0.01, "reason": ""}
    baseline = {"label": "first three sentences of the note", "metrics": {"rougeL": interval(0.12)}, "reason": ""}
    return {
        "examples": 75,
        "patients": 70,
        "bootstrap": {"confidence": 0.95, "resamples": 2000, "seed": 1},
        "metrics": {name: {"label": labels[name], **interval(value)} for name, value in scores.items()},
        "empty_summaries": 0,
        "truncated_fraction": 0.04,
        "baselines": {
            "lead_3": baseline,
            "best_constant": {"label": "one reference for all", "metrics": None, "reason": "needs two patients"},
        },
        "champion": {
            "version": "v1",
            "metrics": {"rougeL": interval(0.28)},
            "comparison": {"rougeL": difference},
        },
    }


def comparison(name: str, difference: float, *, flagged: bool = False) -> dict[str, Any]:
    bounds = {"low": difference - 0.04, "high": difference + 0.04}
    return {"slice": name, "versus": "rest", "difference": difference, "p_adjusted": 0.3, "flagged": flagged, **bounds}


def bias() -> dict[str, Any]:
    slices = [comparison("18-44", 0.02), comparison("45-64", -0.01), comparison("65+", -0.09, flagged=True)]
    return {
        "metric": "rougeL",
        "confidence": 0.95,
        "max_disparity": 0.05,
        "attributes": {
            "age_group": {"status": "compared", "reason": "", "comparisons": slices},
            "ethnicity": {"status": "absent", "reason": "the data has no column ethnicity", "comparisons": []},
        },
        "advice": ["age_group = 65+ scores 0.090 rougeL below the rest: add notes of these patients."],
    }


def sensitivity() -> dict[str, Any]:
    parts = [
        {"name": "brief_hospital_course", "drop": interval(0.42, n=20), "never_seen": 0},
        {"name": "medications_on_admission", "drop": interval(0.11, n=18), "never_seen": 2},
        {"name": "social_history", "drop": interval(-0.01, n=20), "never_seen": 0},
        {"name": "discharge_instructions", "drop": None, "never_seen": 20},
    ]
    return {
        "sample": {"requested": 20, "examples": 75, "explained": 20},
        "lime_mean_r2": 0.71,
        "section_importance": {"by": "sections", "remarks": ["In 2 of 20 notes no header was found."], "parts": parts},
    }


def data() -> dict[str, Any]:
    splits = {name: {"examples": n, "patients": n - 5} for name, n in (("train", 350), ("val", 75), ("test", 75))}
    counts = {"rows_read": 512, "rows_filtered": 12, "examples": 500, "patients": 485, "splits": splits}
    return {"counts": counts, "warnings": ["ethnicity is absent from the data."]}


def write_run(run_dir: Path, verdict: str, rouge_l: float, *, stages: int = len(STAGES)) -> dict[str, Any]:
    """Write a run that got through the first `stages` stages; with fewer than all, the next one failed."""
    reports = {
        "prepare_data.report": ("data_report.json", data()),
        "validate_model.report": ("validation_report.json", validation(rouge_l)),
        "detect_bias.report": ("bias_report.json", bias()),
        "analyze_sensitivity.report": ("sensitivity_report.json", sensitivity()),
        "decide_release.decision": ("decision.json", decision(verdict, rouge_l)),
        "deploy_model.deployment": ("deployment.json", {"status": "healthy", "reasons": [], "production": "v2"}),
    }
    done = STAGES[:stages]
    paths = {"report": "report.html", "logs": "logs"}
    for key, (name, content) in reports.items():
        stage = key.partition(".")[0].replace("_", "-")
        if stage in done:
            paths[key] = f"tasks/{key.replace('.', '/')}"
            _write(run_dir / paths[key] / name, json.dumps(content))
    for stage in done:
        key = f"{stage.replace('-', '_')}.html"
        paths[key] = f"tasks/{key.replace('.', '/')}"
        _write(run_dir / paths[key], f"<!DOCTYPE html><title>{stage}</title>")
    failed = STAGES[stages] if stages < len(STAGES) else None
    summary = {
        "schema_version": 1,
        "status": "failed" if failed else "succeeded",
        "run_name": "run 2026-01-02",
        "runner": {"name": "native"},
        "verdict": verdict if "decide-release" in done else None,
        "reasons": reports["decide_release.decision"][1]["reasons"] if "decide-release" in done else [],
        "metrics": {},
        "stages": [_stage(name, done, failed) for name in STAGES],
        "versions": {
            "candidate": "v2" if verdict == "promote" and not failed else None,
            "production": "v2" if verdict == "promote" and not failed else "v1",
            "previous": "v1" if verdict == "promote" and not failed else None,
            "lab_lens": "0.1.0",
        },
        "paths": paths,
        "started": "2026-01-02T10:00:00+00:00",
        "finished": "2026-01-02T10:04:05+00:00",
        "error": f"{failed} failed: out of memory" if failed else None,
    }
    _write(run_dir / "summary.json", json.dumps(summary))
    return summary


def _stage(name: str, done: tuple[str, ...], failed: str | None) -> dict[str, Any]:
    status = "succeeded" if name in done else "failed" if name == failed else "skipped"
    return {"stage": name, "status": status, "seconds": None if status == "skipped" else 12.5}


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
