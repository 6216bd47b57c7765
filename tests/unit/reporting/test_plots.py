import io
from collections.abc import Callable

import numpy as np
import pytest
from matplotlib import image

from lab_lens.reporting.plots import IntervalRow, histograms, interval_bars, line_curves, scatter, signed_bars

ROWS = [
    IntervalRow("18-44", 0.02, -0.03, 0.07, "n = 34"),
    IntervalRow("65+", -0.08, -0.12, -0.04, "n = 41", flagged=True),
    IntervalRow("a long name that no axis has room for in a single line", 0.01, None, None),
    IntervalRow("F", None, None, None, "n = 0"),
]
POINTS = {"a": [(0.0, 1.0), (1.0, 0.5)], "b": [(0.0, 2.0), (1.0, 1.5)]}

PLOTS: list[Callable[[], bytes]] = [
    lambda: line_curves("Loss", POINTS, "step", "loss"),
    lambda: scatter("Length", POINTS, "tokens", "ROUGE-L"),
    lambda: histograms("Length", {"train": [1.0, 2.0, 3.0], "test": [2.0]}, "tokens"),
    lambda: interval_bars("Gaps", ROWS, "difference", 0.0),
    lambda: signed_bars("Sections", [("course", 0.4), ("preamble", -0.05)], "drop (nats)"),
]


def pixels(png: bytes) -> np.ndarray:
    return image.imread(io.BytesIO(png), format="png")[..., :3]


@pytest.mark.parametrize("plot", PLOTS)
def test_a_plot_is_a_png_of_readable_size_and_equal_each_time(plot: Callable[[], bytes]) -> None:
    png = plot()
    height, width, _ = pixels(png).shape
    assert width == 1152
    assert 200 < height < 1000
    assert len(png) < 150_000
    assert plot() == png


@pytest.mark.parametrize("plot", PLOTS)
def test_a_plot_has_strong_contrast_in_grey(plot: Callable[[], bytes]) -> None:
    grey = pixels(plot()).mean(axis=2)
    assert grey.min() < 0.35
    assert (grey > 0.95).mean() > 0.5


def test_a_flagged_row_and_its_interval_look_different() -> None:
    plain, flagged = (
        interval_bars("t", [IntervalRow("a", 0.5, 0.4, 0.6, flagged=flag)], "x") for flag in (False, True)
    )
    point = interval_bars("t", [IntervalRow("a", 0.5, None, None)], "x")
    assert len({plain, flagged, point}) == 3


def test_nothing_to_draw_is_drawn_as_nothing() -> None:
    for png in (
        line_curves("t", {"empty": []}, "x", "y"),
        scatter("t", {"empty": []}, "x", "y"),
        histograms("t", {"some": [3.0, 3.0], "empty": []}, "x"),
        interval_bars("t", [], "x"),
        signed_bars("t", [], "x"),
    ):
        assert pixels(png).shape[1] == 1152


def test_a_dollar_sign_in_a_label_is_a_dollar_sign() -> None:
    label = r"cost $ and $\frac"
    assert interval_bars(label, [IntervalRow(label, 1.0, None, None, label)], label)
    assert line_curves(label, {label: [(0.0, 1.0)], "b": []}, label, label)
