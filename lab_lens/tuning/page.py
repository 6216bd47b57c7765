"""The tuning report as a page, and its figures."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from lab_lens.reporting.html import Block, Cell, Facts, Figure, Heading, Paragraph, Table, format_number
from lab_lens.reporting.plots import Points, scatter, signed_bars

_ROUGE_L = "ROUGE-L on validation notes"


def tuning_blocks(report: Mapping[str, Any]) -> list[Block]:
    """The page's blocks, from the content of `tuning_report.json`."""
    if report["skipped"]:
        return [Paragraph(f"Nothing was tuned: {report['skipped']}. The configuration stays as it is.")]
    trials = report["trials"]
    return [
        _facts(report),
        *_best(report),
        Heading("How the search went"),
        Figure(
            "Trials in order", history_png(trials), _said(trials), "A pruned trial is shown at its best evaluation."
        ),
        Heading("What decided"),
        *_importance(report["importance"]),
        *_slices(trials, report["search_space"]),
        Heading("Every trial"),
        _table(report),
    ]


def history_png(trials: Sequence[Mapping[str, Any]]) -> bytes:
    """ROUGE-L of each trial in order; those that were the best when they ended have a mark of their own."""
    groups: dict[str, list[tuple[float, float]]] = {"new best": [], "finished": [], "pruned": []}
    best = -math.inf
    for place, trial in enumerate(trials, start=1):
        height = _height(trial)
        if height is None:
            continue
        is_best = trial["state"] == "finished" and height > best
        groups["new best" if is_best else trial["state"]].append((place, height))
        best = max(best, height) if is_best else best
    shown = {name: points for name, points in groups.items() if points}
    return scatter("Search", shown, "trial", _ROUGE_L)


def importance_png(values: Mapping[str, float]) -> bytes:
    """Share of the variance that each setting explains."""
    return signed_bars("Importance of settings", list(values.items()), "share of the variance of ROUGE-L (fANOVA)")


def _height(trial: Mapping[str, Any]) -> float | None:
    """Where a trial is drawn; None: failed and killed trials have no place."""
    value: float | None = max(trial["intermediate"].values()) if trial["state"] == "pruned" else trial["value"]
    return value


def _said(trials: Sequence[Mapping[str, Any]]) -> str:
    heights = [height for height in map(_height, trials) if height is not None]
    return f"ROUGE-L by trial, {min(heights):.3f} to {max(heights):.3f}" if heights else "no trial gave a ROUGE-L"


def _facts(report: Mapping[str, Any]) -> Facts:
    budget, counts, baseline = report["budget"], report["counts"], report["baseline"]
    given = baseline["reason"] if baseline["value"] is None else format_number(baseline["value"])
    pairs: list[tuple[str, Cell]] = [
        ("Base model", report["base_model"]),
        ("Trials", f"{budget['trials_used']} of {budget['trials']}, ended by {budget['ended_by']}"),
        ("How they ended", ", ".join(f"{count} {state}" for state, count in counts.items())),
        ("Duration of all trials", f"{budget['seconds_used']:.0f} seconds, {len(budget['workers'])} worker(s)"),
        ("ROUGE-L of the configuration as given", given),
        ("Summaries", f"{report['objective']['decoding']} decoding"),
        ("Sampler", f"{report['sampler']['name']}, seed {report['sampler']['seed']}"),
        ("Study", report["study"]),
    ]
    return Facts(pairs)


def _best(report: Mapping[str, Any]) -> list[Block]:
    best = report["best"]
    if best is None:
        return [Paragraph("No trial finished, so nothing was chosen.")]
    rows: list[list[Cell]] = [
        [path, _exact(report["given"][path]), _exact(value)] for path, value in best["parameters"].items()
    ]
    title = f"Best: worker {best['worker']}, trial {best['number']}, ROUGE-L {format_number(best['value'])}"
    return [Table(title, ["Setting", "As given", "Chosen"], rows, f"This ROUGE-L is {best['selection']}.")]


def _exact(value: float) -> str:
    return f"{value:.4g}"


def _importance(importance: Mapping[str, Any]) -> list[Block]:
    values = importance["values"]
    if values is None:
        return [Paragraph(f"Importance of settings: not computed, {importance['reason']}.")]
    alt = "; ".join(f"{path} {share:.2f}" for path, share in values.items())
    caption = (
        "How much of the difference between trials each setting explains, alone and averaged over the others; of "
        "finished trials only, so what pruning sorted out is not in it."
    )
    return [Figure("Importance of settings", importance_png(values), alt, caption)]


def _slices(trials: Sequence[Mapping[str, Any]], space: Mapping[str, Mapping[str, Any]]) -> list[Block]:
    drawn = [trial for trial in trials if _height(trial) is not None]
    if not drawn:
        return []
    return [_slice(path, space[path].get("log", False), drawn) for path in space]


def _slice(path: str, log: bool, trials: Sequence[Mapping[str, Any]]) -> Figure:
    groups: dict[str, Points] = {}
    for state in ("finished", "pruned"):
        those = [trial for trial in trials if trial["state"] == state]
        points = [(_position(trial["parameters"][path], log), _height(trial) or 0.0) for trial in those]
        if points:
            groups[state] = points
    label = f"log10 of {path}" if log else path
    return Figure(path, scatter(path, groups, label, _ROUGE_L), f"ROUGE-L by {label}, a point a trial")


def _position(value: float, log: bool) -> float:
    return math.log10(value) if log else value


def _table(report: Mapping[str, Any]) -> Table:
    paths = list(report["search_space"])
    rows: list[list[Cell]] = []
    for trial in report["trials"]:
        name = f"{trial['worker']}/{trial['number']}"
        values = [_exact(trial["parameters"][path]) for path in paths]
        rows.append([name, trial["state"], trial["value"], *values, trial["seconds"], trial["reason"]])
    columns = ["Worker/trial", "State", "ROUGE-L", *(path.split(".")[1] for path in paths), "Seconds", "Remark"]
    return Table("Trials", columns, rows)
