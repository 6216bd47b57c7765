"""The one page of a pipeline run: what was decided and why, what it rests on, and where everything lies."""

import os
import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from lab_lens import artifacts
from lab_lens.errors import InputError
from lab_lens.reporting.html import Block, Bullets, Cell, Facts, Heading, Link, Status, Table, Verdict, write_page
from lab_lens.reporting.outcome import run_outcome
from lab_lens.reporting.run_sections import (
    data_blocks,
    fairness_blocks,
    quality_blocks,
    rule_blocks,
    sensitivity_blocks,
)

PAGES_DIR = "pages"
# Key of summary["paths"] and the file's stem in that directory.
_REPORTS = {
    "data": ("prepare_data.report", artifacts.DATA_REPORT),
    "validation": ("validate_model.report", artifacts.VALIDATION_REPORT),
    "bias": ("detect_bias.report", artifacts.BIAS_REPORT),
    "sensitivity": ("analyze_sensitivity.report", artifacts.SENSITIVITY_REPORT),
    "decision": ("decide_release.decision", "decision"),
    "deployment": ("deploy_model.deployment", "deployment"),
    "rollback": ("rollback_model.rollback", "rollback"),
}
_RAN_AS = {"native": "processes of this machine", "docker": "containers"}


def write_run_report(summary: Mapping[str, Any], run_dir: Path, path: Path) -> Path:
    """Write the page of a run that ended, well or not; the stages' own pages are copied to `pages/` beside it.

    Args:
        summary: content of `summary.json`; its `paths` are relative to `run_dir` and keyed `<stage>.<artifact>`.
        run_dir: the run's directory.
        path: the HTML file to write. What the run did not produce is said in its place.

    Raises:
        InputError: a report that exists is not JSON.
    """
    reports = read_run_reports(summary, run_dir)
    pages = _copy_pages(summary, run_dir, path.parent / PAGES_DIR)
    outcome = run_outcome(summary, reports)
    blocks: list[Block] = [
        Verdict(outcome.status, outcome.headline, outcome.text),
        *([Bullets(summary["reasons"])] if summary["reasons"] else []),
        _facts(summary, reports["decision"]),
        Heading("What the policy asked"),
        *rule_blocks(reports["decision"]),
        Heading("Quality on held-out notes"),
        *quality_blocks(reports["validation"], reports["decision"]),
        Heading("Fairness between patients"),
        *fairness_blocks(reports["bias"]),
        Heading("What the model looks at"),
        *sensitivity_blocks(reports["sensitivity"]),
        Heading("Data"),
        *data_blocks(reports["data"]),
        Heading("Stages and files"),
        _stage_table(summary, pages),
        _file_table(summary, run_dir, path.parent),
    ]
    return write_page(path, "Model development run", blocks, subtitle=str(summary.get("run_name", "")))


def read_run_reports(summary: Mapping[str, Any], run_dir: Path) -> dict[str, dict[str, Any] | None]:
    """Read a run's reports by name: data, validation, bias, sensitivity, decision, deployment, rollback.

    A report that the run did not produce is None.

    Raises:
        InputError: a report exists and is not JSON.
    """
    return {name: _read_report(summary["paths"], run_dir, *place) for name, place in _REPORTS.items()}


def _read_report(paths: Mapping[str, str], run_dir: Path, key: str, stem: str) -> dict[str, Any] | None:
    if key not in paths:
        return None
    try:
        found = artifacts.find_report(run_dir / paths[key], stem)
    except InputError:
        # The stage failed before it wrote its report.
        return None
    report: dict[str, Any] = artifacts.read_json(found)
    return report


def _relative_link(text: str, target: Path, start: Path) -> Link:
    """A link from a page in the directory `start` to a file or directory."""
    return Link(text, quote(Path(os.path.relpath(target, start)).as_posix()))


def format_seconds(seconds: float) -> str:
    """A duration as people say it: "3.2 s", "4 min 05 s", "2 h 10 min"."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def _copy_pages(summary: Mapping[str, Any], run_dir: Path, pages: Path) -> dict[str, Path]:
    # KFP names the file of a page `html`, and browsers show a file without a suffix as source text.
    copies: dict[str, Path] = {}
    for stage in (item["stage"] for item in summary["stages"]):
        stem = stage.replace("-", "_")
        source = summary["paths"].get(f"{stem}.html")
        if source and (run_dir / source).is_file():
            copies[stage] = pages / f"{stem}.html"
            with artifacts.replacing(copies[stage]) as temporary:
                shutil.copyfile(run_dir / source, temporary)
    return copies


def _facts(summary: Mapping[str, Any], decision: Mapping[str, Any] | None) -> Facts:
    versions = summary["versions"]
    verdict = summary["verdict"]
    started, finished = (datetime.fromisoformat(summary[name]) for name in ("started", "finished"))
    pairs: list[tuple[str, Cell]] = [
        ("Verdict", Status(verdict) if verdict else "none was reached"),
        ("Candidate", versions["candidate"] or "not registered"),
        ("In production now", versions["production"] or "nothing"),
        ("A rollback would return to", versions["previous"] or "nothing"),
        ("Started", f"{started:%Y-%m-%d %H:%M %Z}"),
        ("Took", format_seconds((finished - started).total_seconds())),
        ("Tasks ran as", _RAN_AS[summary["runner"]["name"]]),
        ("Lab Lens", versions["lab_lens"]),
    ]
    if decision is not None:
        hashes = (("Model", decision["model_hash"]), ("Configuration", decision["config_hash"]))
        pairs += [(f"{name} (start of its hash)", (value or "unknown")[:12]) for name, value in hashes]
    return Facts(pairs)


def _stage_table(summary: Mapping[str, Any], pages: Mapping[str, Path]) -> Table:
    marks: dict[str, Cell] = {
        "succeeded": Status("pass", "succeeded"),
        "reused": Status("pass", "reused"),
        "failed": Status("fail", "failed"),
    }
    rows: list[list[Cell]] = []
    for item in summary["stages"]:
        name, seconds = item["stage"], item["seconds"]
        page = Link("page", f"{PAGES_DIR}/{pages[name].name}") if name in pages else None
        took = None if seconds is None else format_seconds(seconds)
        rows.append([name, marks.get(item["status"], "not run"), took, page])
    return Table("Stages", ["Stage", "Status", "Took", "Its own page"], rows)


def _file_table(summary: Mapping[str, Any], run_dir: Path, start: Path) -> Table:
    paths = summary["paths"]
    rows: list[list[Cell]] = [
        [name, _relative_link(paths[name], run_dir / paths[name], start)] for name in sorted(paths)
    ]
    return Table("Files of this run", ["What", "Where"], rows)
