"""The sections of a run's page, each from one stage's JSON report; a report that is absent is said to be absent."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from lab_lens.reporting.html import (
    Block,
    Bullets,
    Cell,
    Facts,
    Figure,
    Paragraph,
    Status,
    Table,
    format_number,
)
from lab_lens.reporting.outcome import count_of, refuses
from lab_lens.reporting.plots import IntervalRow, interval_bars

Report = Mapping[str, Any] | None

_ABSENT = "Not produced by this run."
_DECIDING_METRIC = "rougeL"
_COMPARATORS = {">=": "at least", "<=": "at most", ">": "above", "<": "below", "==": "exactly"}
_MAX_PARTS = 12
_ATTRIBUTE_STATUS = {"insufficient_evidence": "insufficient evidence", "absent": "absent from the data"}


def rule_blocks(decision: Report) -> list[Block]:
    """Every rule of the policy: what was measured, what was needed, what to do next; those that refuse come first."""
    if decision is None:
        return [Paragraph(f"{_ABSENT} Without a decision nothing is released.")]
    return [rule_table("Rules", decision["rules"])]


def rule_table(title: str, rules: Sequence[Mapping[str, Any]]) -> Table:
    """Rules of `decision.json`, those that stand against the release first."""
    rows: list[list[Cell]] = [
        [rule["what"], _measured(rule), _needed(rule), _rule_status(rule), _advice(rule)]
        for rule in sorted(rules, key=_urgency)
    ]
    caption = (
        "In brackets: the interval of the estimate. A rule that could not be evaluated is unknown, and blocks like one "
        "that failed, unless the policy says that it only warns."
    )
    return Table(title, ["Rule", "Measured", "Needed", "Status", "Why, and what next"], rows, caption)


def quality_blocks(validation: Report, decision: Report) -> list[Block]:
    """The deciding metric of everyone who answered, as a picture, and all metrics as a table."""
    if validation is None:
        return [Paragraph(_ABSENT)]
    floors = _floors(decision)
    truncated = validation["truncated_fraction"]
    facts = [
        ("Held-out notes", f"{validation['examples']:,}"),
        ("of patients", f"{validation['patients']:,}"),
        ("Empty summaries", str(validation["empty_summaries"])),
        ("Notes that the model saw only in part", "unknown" if truncated is None else f"{truncated:.1%}"),
    ]
    return [Facts(facts), _answers_figure(validation, floors.get(_DECIDING_METRIC)), _metric_table(validation, floors)]


def fairness_blocks(bias: Report) -> list[Block]:
    """Every slice against the other patients, and what these notes cannot show."""
    if bias is None:
        return [Paragraph(_ABSENT)]
    attributes = bias["attributes"]
    compared = [
        (f"{name}: {item['slice']}", item) for name, finding in attributes.items() for item in finding["comparisons"]
    ]
    unsaid = [
        f"{name}: {_ATTRIBUTE_STATUS[finding['status']]}; {finding['reason']}."
        for name, finding in attributes.items()
        if finding["status"] != "compared"
    ]
    blocks: list[Block] = [_slices_figure(compared, bias)] if compared else []
    if unsaid:
        blocks += [Paragraph("What these notes cannot show:"), Bullets(unsaid)]
    if bias["advice"]:
        blocks += [Paragraph("What to do about it:"), Bullets(bias["advice"])]
    return blocks or [Paragraph("No attribute was examined.")]


def sensitivity_blocks(sensitivity: Report) -> list[Block]:
    """How much less likely the summaries become without each part of the note."""
    if sensitivity is None:
        return [Paragraph(_ABSENT)]
    importance = sensitivity["section_importance"]
    remarks: list[Block] = [Bullets(importance["remarks"])] if importance["remarks"] else []
    r2, sample = sensitivity["lime_mean_r2"], sensitivity["sample"]
    facts = [
        ("Notes explained", f"{sample['explained']:,} of {sample['examples']:,}"),
        ("Fit of the explanations of single notes (mean R²)", "not computed" if r2 is None else f"{r2:.2f}"),
    ]
    return [Facts(facts), *remarks, *([_parts_figure(importance["parts"])] if importance["parts"] else [])]


def data_blocks(data: Report) -> list[Block]:
    """How many notes of how many patients, where they went, and what the data checks warn of."""
    if data is None:
        return [Paragraph(_ABSENT)]
    counts = data["counts"]
    rows = [[name, split["examples"], split["patients"]] for name, split in counts["splits"].items()]
    totals = [("Rows read", "rows_read"), ("Rows filtered", "rows_filtered"), ("Examples", "examples")]
    facts = Facts([*((label, counts[name]) for label, name in totals), ("Patients", counts["patients"])])
    warnings: list[Block] = [Paragraph("What the data checks warn of:"), Bullets(data["warnings"])]
    table = Table("Splits, by patient", ["Split", "Examples", "Patients"], rows)
    return [facts, table, *(warnings if data["warnings"] else [])]


def _urgency(rule: Mapping[str, Any]) -> tuple[bool, int]:
    return not refuses(rule), ["fail", "unknown", "waived", "pass"].index(rule["status"])


def _measured(rule: Mapping[str, Any]) -> str:
    if rule["value"] is None:
        return "not computed" if rule["status"] == "unknown" else ""
    value = format_number(rule["value"])
    if rule["low"] is None or rule["high"] is None:
        return value
    return f"{value} ({format_number(rule['low'])} to {format_number(rule['high'])})"


def _needed(rule: Mapping[str, Any]) -> str:
    if rule["threshold"] is None:
        return ""
    bound = rule.get("bound", "estimate")
    judged = "" if bound == "estimate" else f" ({bound} bound)"
    return f"{_COMPARATORS.get(rule['direction'], rule['direction'])} {format_number(rule['threshold'])}{judged}"


def _rule_status(rule: Mapping[str, Any]) -> Status:
    only_warns = rule["status"] in ("fail", "unknown") and not rule["blocking"]
    return Status(rule["status"], f"{rule['status']}, only warns" if only_warns else "")


def _advice(rule: Mapping[str, Any]) -> str:
    sentences = [_sentence(rule["reason"])]
    if rule["next_step"] and rule["status"] != "pass":
        sentences.append(f"Next: {rule['next_step'].rstrip('.')}.")
    return " ".join(sentences)


def _sentence(clause: str) -> str:
    return f"{clause[:1].upper()}{clause[1:].rstrip('.')}." if clause else ""


def _floors(decision: Report) -> dict[str, float]:
    rules = decision["rules"] if decision else []
    return {
        rule["rule"].removeprefix("floor."): rule["threshold"]
        for rule in rules
        if rule["rule"].startswith("floor.") and rule["threshold"] is not None
    }


def _answers_figure(validation: Mapping[str, Any], floor: float | None) -> Figure:
    candidate, champion = validation["metrics"][_DECIDING_METRIC], validation["champion"]
    below = floor is not None and candidate["estimate"] is not None and candidate["estimate"] < floor
    rows = [_interval_row("candidate", candidate, flagged=below)]
    if champion["version"] is not None:
        rows.append(_interval_row(f"champion {champion['version']}", champion["metrics"][_DECIDING_METRIC]))
    rows += [
        _interval_row(baseline["label"], (baseline["metrics"] or {}).get(_DECIDING_METRIC))
        for baseline in validation["baselines"].values()
    ]
    label = candidate["label"]
    confidence = f"{validation['bootstrap']['confidence']:.0%}"
    return Figure(
        f"{label}: the candidate, and answers that need no model",
        interval_bars("", rows, f"{label}, mean and {confidence} interval over patients", floor),
        alt="; ".join(_said(row) for row in rows),
        caption="" if floor is None else f"The dashed line is the lowest score that the policy accepts, {floor:g}.",
    )


def _metric_table(validation: Mapping[str, Any], floors: Mapping[str, float]) -> Table:
    champion = validation["champion"]
    versus = "Champion: none" if champion["version"] is None else f"Minus champion {champion['version']}"
    rows: list[list[Cell]] = []
    for name, item in validation["metrics"].items():
        comparison = champion.get("comparison", {}).get(name)
        gain = _spoken(comparison["difference"]) if comparison else None
        rows.append([item["label"], _spoken(item), floors.get(name), gain])
    return Table("All metrics", ["Metric", "Mean (interval)", "Floor", versus], rows)


def _slices_figure(compared: Sequence[tuple[str, Mapping[str, Any]]], bias: Mapping[str, Any]) -> Figure:
    rows = [
        IntervalRow(
            label, item["difference"], item["low"], item["high"], f"p = {item['p_adjusted']:.2g}", item["flagged"]
        )
        for label, item in compared
    ]
    flagged = count_of(sum(row.flagged for row in rows), "slice")
    title = f"{bias['metric']}: a slice minus the other patients"
    return Figure(
        title,
        interval_bars("", rows, f"difference in mean {bias['metric']}, {bias['confidence']:.0%} interval", 0.0),
        alt="; ".join(_said(row) for row in rows),
        caption=(
            f"Left of the line: served worse. {flagged} flagged (filled, bold): worse by more than "
            f"{bias['max_disparity']:g}, and beyond chance after correction for {count_of(len(rows), 'comparison')}."
        ),
    )


def _parts_figure(parts: Sequence[Mapping[str, Any]]) -> Figure:
    named = [(part["name"].replace("_", " ").capitalize(), part) for part in parts[:_MAX_PARTS]]
    rows = [replace(_interval_row(name, part["drop"]), note=_seen(part)) for name, part in named]
    left_out = len(parts) - len(rows)
    return Figure(
        "What the summaries rest on",
        interval_bars("", rows, "drop in log-likelihood without it, nats per token", 0.0),
        alt="; ".join(_said(row) for row in rows),
        caption=(
            "Each part is taken away in turn and the model scores its summary again: further right, the summary rests "
            "more on that part." + (f" {count_of(left_out, 'part')} of less weight not shown." if left_out else "")
        ),
    )


def _seen(part: Mapping[str, Any]) -> str:
    notes = part["drop"]["n_examples"] if part["drop"] else 0
    return f"n = {notes}" + (f", beyond reach in {part['never_seen']}" if part["never_seen"] else "")


def _interval_row(label: str, item: Mapping[str, Any] | None, *, flagged: bool = False) -> IntervalRow:
    if item is None:
        return IntervalRow(label, None, None, None)
    return IntervalRow(label, item["estimate"], item["low"], item["high"], f"n = {item['n_examples']}", flagged)


def _said(row: IntervalRow) -> str:
    if row.estimate is None:
        return f"{row.label}: not computed"
    return f"{row.label}: {format_number(row.estimate)}{' (flagged)' if row.flagged else ''}"


def _spoken(item: Mapping[str, Any]) -> str:
    if item["estimate"] is None:
        return f"not computed: {item['reason']}"
    if item["low"] is None or item["high"] is None:
        return f"{format_number(item['estimate'])} (no interval: {item['reason']})"
    return f"{format_number(item['estimate'])} ({format_number(item['low'])} to {format_number(item['high'])})"
