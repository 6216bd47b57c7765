"""The sensitivity report for people: its pictures and its HTML page, made from the report alone."""

from collections.abc import Mapping
from typing import Any

from lab_lens.explain.units import section_title
from lab_lens.reporting.html import Block, Facts, Figure, Heading, Paragraph, Table
from lab_lens.reporting.plots import IntervalRow, interval_bars, signed_bars

_UNITS_SHOWN = 12
_PER_TOKEN = "nats per summary token"  # noqa: S105


def lime_plot(explained: Mapping[str, Any]) -> bytes:
    """The strongest units of one note, from an entry of the report's `lime` list."""
    units = sorted(explained["units"], key=lambda unit: -abs(unit["weight"]))[:_UNITS_SHOWN]
    fit = "the likelihood does not change" if explained["r2"] is None else f"R² {explained['r2']:.2f}"
    title = f"Note in row {explained['row']}: what its summary rests on ({fit})"
    return signed_bars(title, [(unit["label"], unit["weight"]) for unit in units], f"LIME weight, {_PER_TOKEN}")


def section_plot(importance: Mapping[str, Any]) -> bytes:
    """Drops by part with intervals, from the report's `section_importance`."""
    rows = [
        IntervalRow(section_title(part["name"]), drop["estimate"], drop["low"], drop["high"], f"{_notes(drop)}")
        if (drop := part["drop"])
        else IntervalRow(section_title(part["name"]), None, None, None, "never seen")
        for part in importance["parts"]
    ]
    return interval_bars(
        "What summaries rest on", rows, f"drop in log-likelihood without it, {_PER_TOKEN}", reference=0.0
    )


def length_plot(length: Mapping[str, Any]) -> bytes:
    """Quality by length of the note, from the report's `length`."""
    rows = [
        IntervalRow(
            f"{item['shortest_tokens']:,} to {item['longest_tokens']:,} tokens",
            item["quality"]["estimate"],
            item["quality"]["low"],
            item["quality"]["high"],
            f"n = {item['quality']['n_examples']}, {item['truncated_fraction']:.0%} truncated",
        )
        for item in length["bins"]
    ]
    return interval_bars("Quality by length of the note", rows, f"mean {length['metric']}")


def sensitivity_blocks(report: Mapping[str, Any], pictures: Mapping[str, bytes]) -> list[Block]:
    """The page's blocks.

    Args:
        report: the content of `sensitivity_report.json`.
        pictures: PNG by file name, for every file name that the report mentions.
    """
    return [
        Facts(_facts(report)),
        Heading("Sections"),
        *_section_blocks(report["section_importance"], pictures),
        Heading("Length of the note"),
        *_length_blocks(report["length"], pictures),
        Heading("Single notes"),
        Paragraph(_lime_method(report)),
        *(_lime_block(explained, pictures) for explained in report["lime"]),
    ]


def _facts(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    sample = report["sample"]
    own = {True: "yes", False: "no: they are another model's", None: "not known"}[report["own_summaries"]]
    r2 = report["lime_mean_r2"]
    return [
        ("Notes explained", f"{sample['explained']} of {sample['examples']}"),
        ("Skipped: empty summary", str(sample["empty_summaries"])),
        ("Skipped: empty note", str(sample["empty_notes"])),
        ("Perturbed inputs a note", str(report["perturbations"])),
        ("The explained summaries are this model's own", own),
        ("Fit of the explanations (mean R²)", "not computed" if r2 is None else f"{r2:.2f}"),
    ]


def _section_blocks(importance: Mapping[str, Any], pictures: Mapping[str, bytes]) -> list[Block]:
    blocks: list[Block] = [Paragraph(sentence) for sentence in importance["remarks"]]
    if not importance["parts"]:
        return blocks
    alt = "; ".join(f"{section_title(part['name'])}: {_drop(part)}" for part in importance["parts"])
    rows = [
        [
            section_title(part["name"]),
            _drop(part),
            part["drop"]["n_examples"] if part["drop"] else 0,
            part["never_seen"],
        ]
        for part in importance["parts"]
    ]
    columns = ["part of the note", f"drop, {_PER_TOKEN}", "notes", "notes in which it is never seen"]
    method = (
        "Each part is taken away in turn and the model scores the summary again. A drop of 0.1 makes every token of "
        "the summary about 10 % less likely. A part beyond the encoder's limit is never seen, whatever it says."
    )
    return [
        *blocks,
        Figure("Importance of sections", pictures[importance["figure"]], alt),
        Table("Parts", columns, rows, method),
    ]


def _length_blocks(length: Mapping[str, Any], pictures: Mapping[str, bytes]) -> list[Block]:
    if not length["bins"]:
        return [Paragraph(f"Not computed: {length['reason']}.")]
    rows = [
        [
            f"{item['shortest_tokens']:,} to {item['longest_tokens']:,}",
            item["quality"]["n_examples"],
            _interval(item["quality"]),
            f"{item['truncated_fraction']:.0%}",
        ]
        for item in length["bins"]
    ]
    columns = ["tokens of the note", "notes", f"mean {length['metric']}", "truncated"]
    alt = "; ".join(f"{row[0]} tokens: {row[2]}" for row in rows)
    caption = "Longer notes differ in more than their length: this shows where quality is lost, not why."
    return [
        Figure("Quality by length", pictures[length["figure"]], alt),
        Table("Bins of note length", columns, rows, caption),
    ]


def _lime_block(explained: Mapping[str, Any], pictures: Mapping[str, bytes]) -> Block:
    if not explained["figure"]:
        return Paragraph(f"Row {explained['row']}: {explained['reason']}.")
    strongest = max(explained["units"], key=lambda unit: abs(unit["weight"]))
    alt = f"strongest: {strongest['label']}, weight {strongest['weight']:+.3f}"
    seen = explained["seen_chars"] / explained["note_chars"]
    caption = f"The model reads {explained['seen_chars']:,} of {explained['note_chars']:,} characters ({seen:.0%})."
    return Figure(f"Row {explained['row']}", pictures[explained["figure"]], alt, caption)


def _lime_method(report: Mapping[str, Any]) -> str:
    return (
        f"LIME: {report['perturbations']} versions of each note with sentences removed are scored by the model, and a "
        "linear model is fitted to how likely the summary then is. Positive: the summary rests on the sentence. The "
        "weights mean little where R² is low. Only what the model reads is perturbed."
    )


def _drop(part: Mapping[str, Any]) -> str:
    return _interval(part["drop"]) if part["drop"] else "never seen"


def _interval(interval: Mapping[str, Any]) -> str:
    if interval["low"] is None:
        return f"{interval['estimate']:.3f} (no interval: {interval['reason']})"
    return f"{interval['estimate']:.3f} ({interval['low']:.3f} to {interval['high']:.3f})"


def _notes(interval: Mapping[str, Any]) -> str:
    return f"n = {interval['n_examples']}"
