"""Whether a mask holds while its user goes on clicking: what is still wrong, and what was lost."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from common.figures.style import head, new_figure, plain, require, require_some, styled

COLOURS = ("#9a9a9a", "#56b4e9", "#e69f00", "#111111")  # of the ways, told apart by every eye
LINES = (":", "--", "-.", "-")


@styled
def steadiness(
    curves: Mapping[str, pd.DataFrame], table: pd.DataFrame, *, note: str = ""
) -> Figure:
    """What is still wrong after each click, and how many clicks were setbacks, by way.

    Args:
        curves: by way, a frame of click and value (mean IoU).
        table: of the ways in the same order: way, setbacks (of 1,000 clicks).
        note: data and n, written above.
    """
    require_some(curves, "masks while clicking")
    require(table, ("way", "setbacks"), "setbacks")
    figure = new_figure(4.2)
    left, right = figure.subplots(1, 2, width_ratios=[1.7, 1])
    for (way, frame), colour, line in zip(curves.items(), COLOURS, LINES, strict=False):
        clicked = frame[frame["click"] > 0]
        wrong = np.maximum(1 - clicked["value"], 1e-5)
        left.plot(clicked["click"], wrong, line, color=colour, label=way)
    left.set_yscale("log")
    left.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    left.yaxis.set_minor_formatter(NullFormatter())
    left.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    left.set(xlabel="clicks of the robot", ylabel="1 - mean IoU of the pet")
    plain(left, "both")
    _setbacks(right, table)
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    head(figure, note)
    return figure


def _setbacks(axes: Axes, table: pd.DataFrame) -> None:
    places = np.arange(len(table))[::-1]
    axes.barh(places, table["setbacks"], color=COLOURS[: len(table)], height=0.6)
    for place, value in zip(places, table["setbacks"], strict=True):
        axes.annotate(
            f"{value:.1f}", (value, place), (4, 0), textcoords="offset points", va="center"
        )
    axes.set(yticks=[], xlabel="setbacks in 1,000 clicks")
    axes.set_xlim(0, 1.3 * max(1e-9, table["setbacks"].max()))
    axes.xaxis.set_major_locator(MaxNLocator(3))
    plain(axes)
