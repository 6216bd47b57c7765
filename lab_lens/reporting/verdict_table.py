"""The verdict on one screen of Markdown: what was decided, every rule, and what a run took."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab_lens import artifacts
from lab_lens.errors import InputError
from lab_lens.reporting.html import Bullets, Cell, Heading, Status, Table, Verdict, format_number
from lab_lens.reporting.markdown import MarkdownBlock, render_markdown
from lab_lens.reporting.outcome import count_of, refuses, run_outcome
from lab_lens.reporting.run_report import format_seconds, read_run_reports
from lab_lens.reporting.run_sections import rule_table

SUMMARY_JSON = "summary.json"
_NAMES = (SUMMARY_JSON, artifacts.DECISION_JSON)
_HEADLINES = {
    "promote": "promote: the candidate may be released",
    "hold": "hold: the candidate is not released, production stays as it is",
    "rollback": "rollback: the candidate is not released, production returns to its previous version",
}
_RULE_KEYS = {"what", "value", "low", "high", "threshold", "direction", "status", "blocking", "reason", "next_step"}
_RUN_KEYS = {"status", "verdict", "reasons", "metrics", "stages", "versions", "paths", "error"}


def verdict_markdown(path: Path) -> str:
    """The verdict of a decision or of a run, as Markdown; figures and the policy's sentences only, never a note.

    Args:
        path: `decision.json`, a run's `summary.json`, or a directory that holds one of them.

    Raises:
        InputError: neither is there, or it was not written by lab-lens, or the run has not ended.
    """
    found = _find(path)
    content = artifacts.read_json(found)
    if isinstance(content, dict) and "verdict" in content and _keys_of_rules(content) >= _RULE_KEYS:
        return render_markdown(_decision_blocks(content))
    if isinstance(content, dict) and content.keys() >= _RUN_KEYS:
        return render_markdown(_run_blocks(content, found.parent))
    if isinstance(content, dict) and content.get("status") == "running":
        raise InputError(f"{found} is of a run that has not ended; ask again when it has")
    raise InputError(f"{found} is neither a decision nor the summary of a run; was it written by lab-lens?")


def _find(path: Path) -> Path:
    candidates = [artifacts.file_in(path, name) for name in _NAMES]
    found = [candidate for candidate in candidates if candidate.is_file()]
    if not found:
        raise InputError(f"no {' or '.join(_NAMES)} at {path}: give the file, or the directory that a run wrote")
    return found[0]


def _keys_of_rules(content: Mapping[str, Any]) -> set[str]:
    """The keys that every rule of a decision has; none when there are no rules."""
    rules = content.get("rules")
    if not (isinstance(rules, list) and rules and all(isinstance(rule, dict) for rule in rules)):
        return set()
    return set.intersection(*(set(rule) for rule in rules))


def _decision_blocks(decision: Mapping[str, Any]) -> list[MarkdownBlock]:
    verdict, forced = decision["verdict"], decision.get("forced")
    refusing = sum(refuses(rule) for rule in decision["rules"])
    text = f"{count_of(refusing, 'rule')} of {len(decision['rules'])} said no." if refusing else "No rule said no."
    if forced:
        text = f"Forced by {forced['actor']}: {forced['reason']} {text}"
    return [
        Verdict(verdict, _HEADLINES[verdict], text),
        Bullets(decision["reasons"]),
        rule_table("Rules", decision["rules"]),
    ]


def _run_blocks(summary: Mapping[str, Any], run_dir: Path) -> list[MarkdownBlock]:
    reports = read_run_reports(summary, run_dir)
    outcome, decision = run_outcome(summary, reports), reports["decision"]
    blocks: list[MarkdownBlock] = [Verdict(outcome.status, outcome.headline, outcome.text)]
    if summary["reasons"]:
        blocks.append(Bullets(summary["reasons"]))
    if decision is not None:
        blocks += [Heading("What the policy asked"), rule_table("Rules", decision["rules"])]
    metrics: list[list[Cell]] = [[name, format_number(value)] for name, value in summary["metrics"].items()]
    if metrics:
        blocks += [Heading("Metrics"), Table("Metrics", ["Metric", "Value"], metrics)]
    return [*blocks, Heading("Stages"), _stage_table(summary)]


def _stage_table(summary: Mapping[str, Any]) -> Table:
    marks: dict[str, Cell] = {"succeeded": Status("pass", "succeeded"), "failed": Status("fail", "failed")}
    rows: list[list[Cell]] = [
        [
            item["stage"],
            marks.get(item["status"], "not run"),
            None if item["seconds"] is None else format_seconds(item["seconds"]),
        ]
        for item in summary["stages"]
    ]
    return Table("Stages", ["Stage", "Status", "Took"], rows)
