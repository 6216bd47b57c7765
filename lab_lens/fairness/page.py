"""The bias report for people: an HTML page and a plain-text summary, made from the report alone."""

from collections.abc import Mapping
from typing import Any

from lab_lens.reporting.html import Block, Bullets, Figure, Heading, Paragraph, Status, Table, Verdict
from lab_lens.reporting.plots import IntervalRow, interval_bars


def bias_headline(report: Mapping[str, Any]) -> Verdict:
    """What the audit found in one sentence; what could not be compared is never called free of bias."""
    attributes = report["attributes"]
    open_questions = [name for name, finding in attributes.items() if finding["status"] != "compared"]
    if report["flagged"]:
        named = ", ".join(f"{item['attribute']} = {item['slice']}" for item in report["flagged"])
        return Verdict("fail", f"Served worse than the rest: {named}", _threshold(report))
    if open_questions:
        headline = f"No slice is flagged, but {', '.join(open_questions)} could not be compared"
        return Verdict("unknown", headline, "What could not be compared may or may not be fair.")
    return Verdict("pass", "No slice is flagged", _threshold(report))


def bias_blocks(report: Mapping[str, Any]) -> list[Block]:
    """The page's blocks.

    Args:
        report: the content of `bias_report.json`.
    """
    blocks: list[Block] = [bias_headline(report)]
    if report["advice"]:
        blocks += [Heading("What to do"), Bullets(report["advice"])]
    for attribute, finding in report["attributes"].items():
        blocks += _attribute_blocks(attribute, finding, report)
    return [*blocks, Heading("How this was measured"), Paragraph(_method(report))]


def bias_text(report: Mapping[str, Any]) -> str:
    """The summary as plain text."""
    lines = ["Bias report", "", bias_headline(report).headline, ""]
    for attribute, finding in report["attributes"].items():
        lines.append(f"{attribute}: {_status(finding)}")
        lines += [f"  {_slice_line(item, report['metric'])}" for item in finding["slices"]]
        lines += [f"  {_comparison_line(item)}" for item in finding["comparisons"]]
        lines.append("")
    lines += [f"- {sentence}" for sentence in report["advice"]]
    return "\n".join([*lines, "", _method(report)]) + "\n"


def _attribute_blocks(attribute: str, finding: Mapping[str, Any], report: Mapping[str, Any]) -> list[Block]:
    blocks: list[Block] = [Heading(attribute), Paragraph(_status(finding))]
    if finding["slices"]:
        blocks += [_forest(attribute, finding, report), _slice_table(finding, report)]
    if finding["comparisons"]:
        blocks.append(_comparison_table(finding))
    return blocks


def _forest(attribute: str, finding: Mapping[str, Any], report: Mapping[str, Any]) -> Figure:
    metric = report["metric"]
    flagged = {item["slice"] for item in finding["comparisons"] if item["flagged"]}
    rows = [
        IntervalRow(
            label=item["slice"],
            estimate=item["metrics"][metric]["estimate"],
            low=item["metrics"][metric]["low"],
            high=item["metrics"][metric]["high"],
            note=f"n = {item['n_examples']}" + ("" if item["enough"] else f", {item['verdict']}"),
            flagged=item["slice"] in flagged,
        )
        for item in finding["slices"]
    ]
    png = interval_bars(f"{metric} by {attribute}", rows, f"mean {report['metric_label']}", reference=report["overall"])
    alt = "; ".join(_slice_line(item, metric) for item in finding["slices"])
    caption = "Dashed: the mean over all notes. Bars: intervals over patients. Diamond: flagged."
    return Figure(f"{metric} by {attribute}", png, alt, caption)


def _slice_table(finding: Mapping[str, Any], report: Mapping[str, Any]) -> Table:
    scores = list(finding["slices"][0]["metrics"])
    columns = ["slice", "examples", "patients", *(name.replace("_", " ") for name in scores), "truncated", "evidence"]
    rows = [
        [
            item["slice"],
            item["n_examples"],
            item["n_patients"],
            *(_interval(item["metrics"][name]) for name in scores),
            None if item["truncated_fraction"] is None else f"{item['truncated_fraction']:.0%}",
            item["verdict"],
        ]
        for item in finding["slices"]
    ]
    return Table("Slices", columns, rows, caption=f"Means with {report['confidence']:.0%} intervals over patients.")


def _comparison_table(finding: Mapping[str, Any]) -> Table:
    columns = ["slice", "difference from the rest", "interval", "p", "p adjusted", "could be found from", "finding"]
    rows = [
        [
            item["slice"],
            f"{item['difference']:+.3f}",
            f"{item['low']:+.3f} to {item['high']:+.3f}",
            f"{item['p_value']:.3f}",
            f"{item['p_adjusted']:.3f}",
            None if item["detectable"] is None else f"{item['detectable']:.3f}",
            Status("fail", "flagged") if item["flagged"] else "not flagged",
        ]
        for item in finding["comparisons"]
    ]
    return Table("Comparisons", columns, rows)


def _status(finding: Mapping[str, Any]) -> str:
    words = {"compared": "compared", "insufficient_evidence": "insufficient evidence", "absent": "absent from the data"}
    parts = [words[finding["status"]], finding["reason"]]
    if finding["status"] == "insufficient_evidence" and finding["detectable_difference"] is not None:
        parts.append(f"with these notes only a gap of about {finding['detectable_difference']:.3f} could be found")
    return "; ".join(part for part in parts if part)


def _slice_line(item: Mapping[str, Any], metric: str) -> str:
    line = f"{item['slice']}: {metric} {_interval(item['metrics'][metric])}, {item['n_examples']} examples"
    return f"{line} of {item['n_patients']} patients" + ("" if item["enough"] else f", {item['verdict']}")


def _comparison_line(item: Mapping[str, Any]) -> str:
    line = f"{item['slice']} against the rest: {item['difference']:+.3f} ({item['low']:+.3f} to {item['high']:+.3f})"
    return f"{line}, adjusted p {item['p_adjusted']:.3f}" + (", FLAGGED" if item["flagged"] else "")


def _interval(interval: Mapping[str, Any]) -> str:
    # Scores lie between 0 and 1, lengths are tens of words.
    show = "{:.3f}".format if abs(interval["estimate"]) < 10 else "{:.1f}".format
    if interval["low"] is None:
        return f"{show(interval['estimate'])} (no interval)"
    return f"{show(interval['estimate'])} ({show(interval['low'])} to {show(interval['high'])})"


def _threshold(report: Mapping[str, Any]) -> str:
    return (
        f"Flagged is a slice whose {report['metric']} is more than {report['max_disparity']:g} below the rest with an "
        f"adjusted p below {report['significance_level']:g}."
    )


def _method(report: Mapping[str, Any]) -> str:
    return (
        f"{_threshold(report)} Differences are tested by exchanging the labels of patients ({report['permutations']} "
        "random relabelings, studentized), adjusted over all comparisons by Benjamini and Hochberg; intervals are "
        f"{report['confidence']:.0%} percentile bootstraps over patients. A slice takes part with at least "
        f"{report['min_examples_per_slice']} examples of at least {report['min_patients_per_slice']} patients; rows "
        "without a value are shown and never compared. 'Could be found from' is the true difference that a test at the "
        "5 % level would find in four of five cases. A gap may also come from notes that are harder to summarize."
    )
