"""The validation report as a page and as plain text, both from the report's JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from lab_lens.metrics.catalogue import METRICS, Family
from lab_lens.reporting.html import (
    Block,
    Bullets,
    Cell,
    Facts,
    Figure,
    Heading,
    Notice,
    Paragraph,
    Table,
    format_number,
)
from lab_lens.reporting.plots import IntervalRow, histograms, interval_bars
from lab_lens.reporting.validation_examples import TEXT_NOTICE, ExampleTexts, example_blocks

_METRIC = "rougeL"
_HOW_TO_READ = (
    "Every interval comes from resampling patients, since notes of one patient resemble each other. ROUGE, BLEU and "
    "BERTScore say how close the words of a summary are to the reference's; facts and statements say whether the note "
    "supports them. A figure without a number was not computed, for the reason beside it; it is not zero."
)
_GROUPS: dict[str, tuple[Family, ...]] = {
    "Closeness to the reference": ("overlap", "bertscore"),
    "Clinical facts and statements": ("facts", "statements", "entailment"),
    "Copying, repetition and length": ("copying", "lengths"),
}
_DIRECTIONS = {"higher": "higher", "lower": "lower", "neither": "neither"}


def validation_blocks(
    report: Mapping[str, Any],
    distributions: Mapping[str, Mapping[str, Sequence[float]]],
    floors: Mapping[str, float],
    scores: pd.DataFrame,
    shown: ExampleTexts | None = None,
) -> list[Block]:
    """The page's blocks.

    Args:
        report: content of `validation_report.json`.
        distributions: by metric, finite scores by example of the candidate and, if there is one, the champion.
        floors: lowest accepted score by metric; shown, not judged.
        scores: scores by example, without text.
        shown: texts and findings of these examples, where they may be shown.
    """
    return [
        *([Notice(TEXT_NOTICE)] if shown else []),
        Paragraph(_HOW_TO_READ),
        *(Paragraph(remark) for remark in report["remarks"]),
        _facts(report),
        Heading("How good the summaries are"),
        *_metrics_tables(report, floors),
        _systems_figure(report, floors.get(_METRIC)),
        *(_histogram(report, name, groups) for name, groups in distributions.items()),
        Heading("Clinical facts by kind"),
        _fact_table(report),
        Heading("Against answers that need no model"),
        _baseline_table(report),
        Heading("Against the champion"),
        _champion_block(report),
        Heading("Lengths"),
        _length_table(report["lengths"]),
        *example_blocks(scores, shown),
    ]


def summary_text(report: Mapping[str, Any]) -> str:
    """The report in plain lines, for a terminal or a mail."""
    lines = [f"Validation on {report['examples']} notes of {report['patients']} patients", *report["remarks"], ""]
    lines += [
        f"  {item['label']:<56} {_with_interval(item, report)}"
        for item in report["metrics"].values()
        if item["estimate"] is not None
    ]
    lines += [f"  Not computed: {', '.join(labels)}: {reason}" for reason, labels in _not_computed(report).items()]
    lines += ["", f"Answers that need no model, {report['metrics'][_METRIC]['label']}"]
    for baseline in report["baselines"].values():
        measured = baseline["metrics"]
        shown = _with_interval(measured[_METRIC], report) if measured else f"not computed: {baseline['reason']}"
        lines.append(f"  {baseline['label']}: {shown}")
    champion = report["champion"]
    if champion["version"] is None:
        lines += ["", f"No champion: {champion['reason']}"]
    else:
        lines += ["", f"Minus champion {champion['version']}"]
        for name, comparison in champion["comparison"].items():
            difference = _with_interval(comparison["difference"], report, sign="+")
            lines.append(f"  {report['metrics'][name]['label']:<56} {difference}")
    lines += ["", *(f"{name}: {value}" for name, value in _fact_pairs(report))]
    return "\n".join(lines) + "\n"


def _not_computed(report: Mapping[str, Any]) -> dict[str, list[str]]:
    """Labels of the metrics without an estimate, by the reason."""
    found: dict[str, list[str]] = {}
    for item in report["metrics"].values():
        if item["estimate"] is None:
            found.setdefault(item["reason"], []).append(item["label"])
    return found


def _facts(report: Mapping[str, Any]) -> Facts:
    return Facts([("Notes", report["examples"]), ("Patients", report["patients"]), *_fact_pairs(report)])


def _fact_pairs(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    truncated, bootstrap = report["truncated_fraction"], report["bootstrap"]
    how = f"{bootstrap['resamples']} resamples of patients, {bootstrap['method']}, seed {bootstrap['seed']}"
    bertscore = report["bertscore"]
    return [
        ("Empty summaries", str(report["empty_summaries"])),
        ("Notes cut before the model", report["truncated_reason"] if truncated is None else f"{100 * truncated:.1f} %"),
        ("Bootstrap", how),
        ("BLEU signature", report["bleu_signature"] or "not computed"),
        *([("BERTScore", bertscore["signature"])] if bertscore else []),
        ("Model", report["model_hash"] or "unknown: no generation.json beside the predictions"),
        ("Test data", report["data_hash"]),
    ]


def _metrics_tables(report: Mapping[str, Any], floors: Mapping[str, float]) -> list[Block]:
    detectable = report["minimum_detectable_difference"]
    columns = ["Metric", "Better", "Estimate", f"{_percent(report)} interval", "Notes", "Detectable", "Floor"]
    blocks: list[Block] = []
    for title, families in _GROUPS.items():
        rows: list[list[Cell]] = [
            _metric_row(item, detectable["differences"].get(name), floors.get(name))
            for name, item in report["metrics"].items()
            if METRICS[name].family in families and item["estimate"] is not None
        ]
        if rows:
            blocks.append(Table(title, columns, rows))
    caption = (
        "Notes: those that have what is measured. Detectable: the smallest true difference from another system that a "
        f"two-sided test at {100 * detectable['level']:g} % would find with a power of {100 * detectable['power']:g} % "
        f"on this test set ({detectable['basis']})."
    )
    blocks.append(Paragraph(caption))
    missing = [f"{reason}: {', '.join(labels)}." for reason, labels in _not_computed(report).items()]
    return [*blocks, Paragraph("Not computed, and why:"), Bullets(missing)] if missing else blocks


def _metric_row(item: Mapping[str, Any], detectable: float | None, floor: float | None) -> list[Cell]:
    bounds = [item["low"], item["high"]]
    interval = item["reason"] if None in bounds else " to ".join(map(format_number, bounds))
    better = _DIRECTIONS[item["direction"]]
    return [item["label"], better, item["estimate"], interval, item["n_examples"], detectable, floor]


def _systems_figure(report: Mapping[str, Any], floor: float | None) -> Figure:
    candidate = report["metrics"][_METRIC]
    below = floor is not None and candidate["estimate"] is not None and candidate["estimate"] < floor
    rows = [_row("candidate", candidate, flagged=below)]
    champion = report["champion"]
    if champion["version"] is not None:
        rows.append(_row(f"champion {champion['version']}", champion["metrics"][_METRIC]))
    rows += [
        _row(baseline["label"], (baseline["metrics"] or {}).get(_METRIC)) for baseline in report["baselines"].values()
    ]
    label = candidate["label"]
    return Figure(
        f"{label} of everyone who answered",
        interval_bars(label, rows, f"{label}, mean and {_percent(report)} interval", floor),
        alt="; ".join(_said(row) for row in rows),
        caption="" if floor is None else f"The dashed line is the policy's floor, {floor:g}.",
    )


def _row(label: str, item: Mapping[str, Any] | None, *, flagged: bool = False) -> IntervalRow:
    if item is None:
        return IntervalRow(label, None, None, None)
    return IntervalRow(label, item["estimate"], item["low"], item["high"], f"n = {item['n_examples']}", flagged)


def _said(row: IntervalRow) -> str:
    return f"{row.label} not computed" if row.estimate is None else f"{row.label} {row.estimate:.3f}"


def _histogram(report: Mapping[str, Any], name: str, groups: Mapping[str, Sequence[float]]) -> Figure:
    label = report["metrics"][name]["label"]
    means = ", ".join(f"{group} with mean {sum(values) / len(values):.3f}" for group, values in groups.items())
    png = histograms(f"{label} by note", groups, label)
    return Figure(f"{label} by note", png, alt=f"Histogram of {label}: {means}")


def _fact_table(report: Mapping[str, Any]) -> Block:
    facts = report["facts"]
    if facts is None:
        return Paragraph(f"Not measured: {report['metrics']['fact_f1']['reason']}.")
    names = ["supported", "unsupported", "contradicted", "in_reference", "recalled", "omitted"]
    names += ["fact_precision", "fact_recall"]
    rows: list[list[Cell]] = [
        [kind, *(counts[name] for name in names)]
        for kind, counts in facts["by_kind"].items()
        if counts["in_reference"] or counts["fact_precision"] is not None
    ]
    columns = ["Kind", "Supported", "Unsupported", "Contradicted", "In references", "Recalled", "Omitted"]
    caption = (
        "Counts over all notes. The first three are the summaries' facts against the note: precision is the share of "
        "the supported. Recall: the share of the references' facts that the summaries have."
    )
    return Table("Facts", [*columns, "Precision", "Recall"], rows, caption)


def _baseline_table(report: Mapping[str, Any]) -> Table:
    rows: list[list[Cell]] = []
    for baseline in report["baselines"].values():
        own = (baseline["metrics"] or {}).get(_METRIC, {}).get("estimate")
        lead = (baseline["comparison"] or {}).get(_METRIC)
        cells = [None, None, None, baseline["reason"]] if lead is None else _difference_cells(lead)
        rows.append([baseline["label"], own, *cells])
    percent = _percent(report)
    columns = ["Answer", "Its ROUGE-L", "Candidate's lead", f"Lower {percent}", f"Upper {percent}", "Remark"]
    label = report["metrics"][_METRIC]["label"]
    caption = f"{label}. A model with no clear lead has learned nothing from the notes."
    return Table("Leads over answers that need no model", columns, rows, caption)


def _champion_block(report: Mapping[str, Any]) -> Block:
    champion = report["champion"]
    if champion["version"] is None:
        return Paragraph(f"Not compared: {champion['reason']}.")
    rows: list[list[Cell]] = []
    for name, comparison in champion["comparison"].items():
        item = champion["metrics"][name]
        relative = (comparison["relative"] or {}).get("estimate")
        percent = None if relative is None else f"{100 * relative:+.1f} %"
        cells = _difference_cells(comparison)
        rows.append([item["label"], item["estimate"], *cells[:-1], percent, comparison["p_value"], cells[-1]])
    columns = ["Metric", "Champion", "Difference", "Lower", "Upper", "Relative", "p", "Remark"]
    caption = (
        "Candidate minus champion on the same notes, paired by patient. p: two-sided, from swapping the two systems "
        "for random patients; not corrected for the number of metrics."
    )
    return Table(f"Candidate against champion {champion['version']}", columns, rows, caption)


def _difference_cells(comparison: Mapping[str, Any]) -> list[Cell]:
    difference = comparison["difference"]
    reasons = [reason for reason in (difference["reason"], comparison["reason"]) if reason]
    return [difference["estimate"], difference["low"], difference["high"], "; ".join(reasons)]


def _length_table(lengths: Mapping[str, Any]) -> Table:
    names = {"note_words": "notes", "reference_words": "references", "summary_words": "summaries"}
    places = ("mean", "p05", "median", "p95")
    rows: list[list[Cell]] = [
        [shown, *(lengths[name][at] for at in places)] for name, shown in names.items() if lengths[name] is not None
    ]
    ratio, of_references = lengths["compression_ratio"], lengths["reference_compression_ratio"]
    caption = lengths["reason"] if ratio is None else f"{ratio:.1f} words of note for a word of summary"
    caption += "." if of_references is None else f"; references: {of_references:.1f}."
    return Table("Words", ["Text", "Mean", "5th percentile", "Median", "95th percentile"], rows, caption)


def _with_interval(item: Mapping[str, Any], report: Mapping[str, Any], sign: str = "") -> str:
    if item["estimate"] is None:
        return f"not computed: {item['reason']}"
    estimate = f"{item['estimate']:{sign}.3f}"
    if item["low"] is None:
        return f"{estimate} (no interval: {item['reason']})"
    return f"{estimate} ({_percent(report)} interval {item['low']:{sign}.3f} to {item['high']:{sign}.3f})"


def _percent(report: Mapping[str, Any]) -> str:
    return f"{100 * report['bootstrap']['confidence']:g} %"
