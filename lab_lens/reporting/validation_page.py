"""The validation report as a page and as plain text, both from the report's JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

from lab_lens.reporting.html import Block, Cell, Facts, Figure, Heading, Paragraph, Table
from lab_lens.reporting.plots import IntervalRow, histograms, interval_bars

_METRIC = "rougeL"
_HOW_TO_READ = (
    "Every interval comes from resampling patients, since notes of one patient resemble each other. Scores run from 0 "
    "to 1. They say how close the words of a summary are to the reference's, not whether its statements are true."
)


def validation_blocks(
    report: Mapping[str, Any], distributions: Mapping[str, Sequence[float]], floors: Mapping[str, float]
) -> list[Block]:
    """The page's blocks.

    Args:
        report: content of `validation_report.json`.
        distributions: ROUGE-L by example of the candidate and, if there is one, the champion; each at least one value.
        floors: lowest accepted score by metric; shown, not judged.
    """
    return [
        Paragraph(_HOW_TO_READ),
        _facts(report),
        Heading("How good the summaries are"),
        _metrics_table(report, floors),
        _systems_figure(report, floors.get(_METRIC)),
        _histogram(report, distributions),
        Heading("Against answers that need no model"),
        _baseline_table(report),
        Heading("Against the champion"),
        _champion_block(report["champion"]),
        Heading("Lengths"),
        _length_table(report["lengths"]),
    ]


def summary_text(report: Mapping[str, Any]) -> str:
    """The report in plain lines, for a terminal or a mail."""
    lines = [f"Validation on {report['examples']} notes of {report['patients']} patients", ""]
    lines += [f"  {item['label']:<36} {_with_interval(item, report)}" for item in report["metrics"].values()]
    lines += ["", "Answers that need no model, ROUGE-L (stemmed F1)"]
    for baseline in report["baselines"].values():
        measured = baseline["metrics"]
        shown = _with_interval(measured[_METRIC], report) if measured else f"not computed: {baseline['reason']}"
        lines.append(f"  {baseline['label']}: {shown}")
    champion = report["champion"]
    if champion["version"] is None:
        lines += ["", f"No champion: {champion['reason']}"]
    else:
        difference = champion["comparison"][_METRIC]["difference"]
        lines += ["", f"ROUGE-L minus champion {champion['version']}: {_with_interval(difference, report, sign='+')}"]
    lines += ["", *(f"{name}: {value}" for name, value in _fact_pairs(report))]
    return "\n".join(lines) + "\n"


def _facts(report: Mapping[str, Any]) -> Facts:
    return Facts([("Notes", report["examples"]), ("Patients", report["patients"]), *_fact_pairs(report)])


def _fact_pairs(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    truncated = report["truncated_fraction"]
    return [
        ("Empty summaries", str(report["empty_summaries"])),
        ("Notes cut before the model", report["truncated_reason"] if truncated is None else f"{100 * truncated:.1f} %"),
        ("Bootstrap", f"{report['bootstrap']['resamples']} resamples of patients, seed {report['bootstrap']['seed']}"),
        ("BLEU signature", report["bleu_signature"]),
        ("Model", report["model_hash"] or "unknown: no generation.json beside the predictions"),
        ("Test data", report["data_hash"]),
    ]


def _metrics_table(report: Mapping[str, Any], floors: Mapping[str, float]) -> Table:
    rows: list[list[Cell]] = []
    for name, item in report["metrics"].items():
        rows.append([item["label"], item["estimate"], item["low"], item["high"], floors.get(name), item["reason"]])
    percent = _percent(report)
    columns = ["Metric", "Estimate", f"Lower {percent}", f"Upper {percent}", "Floor of the policy", "Remark"]
    return Table("Scores on the held-out notes", columns, rows)


def _systems_figure(report: Mapping[str, Any], floor: float | None) -> Figure:
    candidate = report["metrics"][_METRIC]
    rows = [_row("candidate", candidate, flagged=floor is not None and candidate["estimate"] < floor)]
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


def _histogram(report: Mapping[str, Any], distributions: Mapping[str, Sequence[float]]) -> Figure:
    label = report["metrics"][_METRIC]["label"]
    means = ", ".join(f"{name} with mean {sum(values) / len(values):.3f}" for name, values in distributions.items())
    png = histograms(f"{label} by note", distributions, label)
    return Figure(f"{label} by note", png, alt=f"Histogram of {label}: {means}")


def _baseline_table(report: Mapping[str, Any]) -> Table:
    rows: list[list[Cell]] = []
    for baseline in report["baselines"].values():
        if baseline["metrics"] is None:
            rows.append([baseline["label"], None, None, None, None, baseline["reason"]])
            continue
        lead = baseline["comparison"][_METRIC]
        rows.append([baseline["label"], baseline["metrics"][_METRIC]["estimate"], *_difference_cells(lead)])
    percent = _percent(report)
    columns = ["Answer", "Its ROUGE-L", "Candidate's lead", f"Lower {percent}", f"Upper {percent}", "Remark"]
    caption = "ROUGE-L (stemmed F1). A model with no clear lead has learned nothing from the notes."
    return Table("Leads over answers that need no model", columns, rows, caption)


def _champion_block(champion: Mapping[str, Any]) -> Block:
    if champion["version"] is None:
        return Paragraph(f"Not compared: {champion['reason']}.")
    rows: list[list[Cell]] = []
    for name, comparison in champion["comparison"].items():
        item = champion["metrics"][name]
        relative = comparison["relative"]
        percent = None if relative is None else f"{100 * relative['estimate']:+.1f} %"
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
    rows = [[shown, *(lengths[name][at] for at in ("mean", "p05", "median", "p95"))] for name, shown in names.items()]
    ratio = lengths["compression_ratio"]
    caption = lengths["reason"] if ratio is None else f"{ratio:.1f} words of note for a word of summary"
    caption += f"; references: {lengths['reference_compression_ratio']:.1f}."
    return Table("Words", ["Text", "Mean", "5th percentile", "Median", "95th percentile"], rows, caption)


def _with_interval(item: Mapping[str, Any], report: Mapping[str, Any], sign: str = "") -> str:
    estimate = f"{item['estimate']:{sign}.3f}"
    if item["low"] is None:
        return f"{estimate} (no interval: {item['reason']})"
    return f"{estimate} ({_percent(report)} interval {item['low']:{sign}.3f} to {item['high']:{sign}.3f})"


def _percent(report: Mapping[str, Any]) -> str:
    return f"{100 * report['bootstrap']['confidence']:g} %"
