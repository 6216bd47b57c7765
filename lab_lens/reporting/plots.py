"""Plots as PNG bytes: legible in grey, for colour-blind readers and as a thumbnail; equal input gives equal bytes.

Colours are those of Okabe and Ito (2008), "Color Universal Design"; a marker, line style or hatch repeats what a colour
says. Figures are drawn through matplotlib's object interface, so nothing global changes and threads may draw at once.
"""

import io
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Points = Sequence[tuple[float, float]]

BLUE = "#0072B2"
VERMILLION = "#D55E00"
_INK = "#1f2933"
_SOFT = "#52606d"
_GRID = "#d9dfe5"
_COLOURS = (BLUE, VERMILLION, "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_LINES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)))
_WIDTH_INCHES = 8.0
_DPI = 144
_LABEL_CHARS = 30
_MAX_BINS = 40


@dataclass(frozen=True)
class IntervalRow:
    """One line of a forest plot.

    Args:
        label: what was measured.
        estimate: the point; None draws the words "not computed".
        low, high: bounds of the interval; with either None only the point is drawn.
        note: small text at the right, such as the number of examples.
        flagged: whether the row needs attention; drawn as a filled diamond with a bold label.
    """

    label: str
    estimate: float | None
    low: float | None
    high: float | None
    note: str = ""
    flagged: bool = False


def line_curves(title: str, series: Mapping[str, Points], x_label: str, y_label: str) -> bytes:
    """Curves of (x, y) points; a series without points is named in the legend as such."""
    figure, axes = _canvas(4.2)
    for index, (name, points) in enumerate(series.items()):
        style = _style(index)
        label = _plain(name if points else f"{name} (no points)")
        markers = style["marker"] if len(points) <= 40 else "None"
        x, y = [point[0] for point in points], [point[1] for point in points]
        axes.plot(x, y, label=label, color=style["color"], linestyle=_line(index), marker=markers, markersize=5, lw=2)
    _label(axes, title, x_label, y_label)
    _legend(axes, len(series))
    return _png(figure)


def scatter(title: str, groups: Mapping[str, Points], x_label: str, y_label: str) -> bytes:
    """Points of (x, y), a colour and a marker for each group; whole numbers get no ticks between them."""
    from matplotlib.ticker import MaxNLocator

    figure, axes = _canvas(4.6)
    if all(float(x).is_integer() for points in groups.values() for x, _ in points):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    for index, (name, points) in enumerate(groups.items()):
        style = _style(index)
        x, y = [point[0] for point in points], [point[1] for point in points]
        label = _plain(f"{name} (n = {len(points)})")
        axes.scatter(x, y, label=label, c=style["color"], marker=style["marker"], s=26, alpha=0.75, linewidths=0)
    _label(axes, title, x_label, y_label)
    _legend(axes, len(groups))
    return _png(figure)


def histograms(title: str, groups: Mapping[str, Sequence[float]], x_label: str) -> bytes:
    """Outlined histograms over shared bins; heights are shares of the group, so groups of unequal size compare."""
    import numpy as np

    figure, axes = _canvas(4.2)
    everything = np.concatenate([np.asarray(values, dtype=float) for values in groups.values()])
    bins = min(_MAX_BINS, len(np.histogram_bin_edges(everything, bins="auto")) - 1)
    edges = np.histogram_bin_edges(everything, bins=max(bins, 1))
    for index, (name, values) in enumerate(groups.items()):
        counts, _ = np.histogram(np.asarray(values, dtype=float), bins=edges)
        shares = 100.0 * counts / max(len(values), 1)
        style = _style(index)
        label = _plain(f"{name} (n = {len(values)})")
        axes.stairs(shares, edges, label=label, color=style["color"], linestyle=_line(index), linewidth=2)
        axes.stairs(shares, edges, color=style["color"], fill=True, alpha=0.12)
    _label(axes, title, x_label, "share of the group (%)")
    _legend(axes, len(groups), always=True)
    return _png(figure)


def interval_bars(title: str, rows: Sequence[IntervalRow], x_label: str, reference: float | None = None) -> bytes:
    """A forest plot: a point and its interval a row, and a dashed vertical line at `reference`."""
    figure, axes = _canvas(1.5 + 0.42 * max(len(rows), 1))
    if reference is not None:
        axes.axvline(reference, color=_INK, linestyle=(0, (4, 3)), linewidth=1.2, zorder=1)
    for position, row in enumerate(rows):
        _draw_interval(axes, position, row)
    _name_rows(axes, [row.label for row in rows], [row.flagged for row in rows])
    for position, row in enumerate(rows):
        place = (1.02, position)
        axes.annotate(_plain(row.note), place, xycoords=("axes fraction", "data"), va="center", color=_SOFT, fontsize=9)
    _label(axes, title, x_label, "")
    axes.grid(axis="y", visible=False)
    return _png(figure)


def signed_bars(title: str, rows: Sequence[tuple[str, float]], x_label: str) -> bytes:
    """Horizontal bars from zero, in the order given: above zero plain blue, below zero hatched vermillion."""
    figure, axes = _canvas(1.5 + 0.42 * max(len(rows), 1))
    for position, (_, value) in enumerate(rows):
        colour, hatch = (BLUE, "") if value >= 0 else (VERMILLION, "////")
        axes.barh(position, value, height=0.62, color=colour, hatch=hatch, edgecolor="white", linewidth=0)
        side, shift = ("left", 4) if value >= 0 else ("right", -4)
        text = f"{value:+.3g}".replace("-", "\N{MINUS SIGN}")
        axes.annotate(
            text,
            (value, position),
            (shift, 0),
            textcoords="offset points",
            va="center",
            ha=side,
            fontsize=9,
            color=_INK,
        )
    axes.axvline(0.0, color=_INK, linewidth=1.0)
    axes.margins(x=0.14)
    _name_rows(axes, [label for label, _ in rows], [False] * len(rows))
    _label(axes, title, x_label, "")
    axes.grid(axis="y", visible=False)
    return _png(figure)


def _draw_interval(axes: "Axes", position: int, row: IntervalRow) -> None:
    if row.estimate is None:
        place = (0.01, position)
        axes.annotate(
            "not computed", place, xycoords=("axes fraction", "data"), va="center", color=_SOFT, style="italic"
        )
        return
    colour, marker, fill = (VERMILLION, "D", VERMILLION) if row.flagged else (BLUE, "o", "white")
    if row.low is not None and row.high is not None:
        axes.plot([row.low, row.high], [position, position], color=colour, lw=2.4, solid_capstyle="butt", zorder=2)
    axes.plot(
        row.estimate,
        position,
        marker=marker,
        markersize=8,
        mew=2,
        color=colour,
        markerfacecolor=fill,
        linestyle="None",
        zorder=3,
    )


def _name_rows(axes: "Axes", labels: Sequence[str], bold: Sequence[bool]) -> None:
    names = [_plain("\n".join(textwrap.wrap(label, _LABEL_CHARS)) or label) for label in labels]
    axes.set_yticks(range(len(labels)), names)
    for tick, heavy in zip(axes.get_yticklabels(), bold, strict=True):
        tick.set_fontweight("bold" if heavy else "normal")
    axes.set_ylim(max(len(labels), 1) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0, labelsize=10, labelcolor=_INK)


def _canvas(height_inches: float) -> "tuple[Figure, Axes]":
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(_WIDTH_INCHES, height_inches), dpi=_DPI, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(_SOFT)
    axes.grid(color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6))
    axes.tick_params(colors=_SOFT, labelcolor=_INK, labelsize=10)
    return figure, axes


def _label(axes: "Axes", title: str, x_label: str, y_label: str) -> None:
    axes.set_title(_plain(title), loc="left", fontsize=12.5, fontweight="bold", color=_INK, pad=12)
    axes.set_xlabel(_plain(x_label), color=_INK, fontsize=10.5)
    axes.set_ylabel(_plain(y_label), color=_INK, fontsize=10.5)


def _legend(axes: "Axes", entries: int, *, always: bool = False) -> None:
    if entries > 1 or (always and entries):
        axes.legend(frameon=False, fontsize=10, handlelength=3.2)


def _style(index: int) -> dict[str, str]:
    return {"color": _COLOURS[index % len(_COLOURS)], "marker": _MARKERS[index % len(_MARKERS)]}


def _line(index: int) -> "str | tuple[int, tuple[int, ...]]":
    return _LINES[index % len(_LINES)]


def _plain(text: str) -> str:
    # A dollar sign would start matplotlib's formula mode and fail on an unpaired one.
    return text.replace("$", r"\$")


def _png(figure: "Figure") -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", metadata={"Software": None})
    return stream.getvalue()
