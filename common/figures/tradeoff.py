"""Accuracy against what it costs: one panel a cost, the same models in each."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from common.figures.style import (
    head,
    label,
    model_colour,
    near_one,
    new_figure,
    plain,
    require,
    require_some,
    styled,
)

PANELS = {  # quantity of `common.benchmark` (and of `common.studies.comparison.costs`): its axis
    "params": "weights",
    "madds": "multiply-adds a photo",
    "minutes": "minutes of training",
    "ms_photo": "milliseconds a photo",
}
NARROW = 6  # times the least cost; below it decades say nothing, and the axis is linear
MARKS = {"linear": "v", "point": "s", "seg": "o", "query": "o"}  # by a part of the model's name


@styled
def tradeoff(scores: pd.DataFrame, costs: pd.DataFrame, *, note: str = "") -> Figure:
    """mIoU with its interval against each cost that was measured; far costs on a log axis.

    The axis of the score is stretched towards 1.

    Args:
        scores: model, value, low, high.
        costs: model, quantity (of `PANELS`; others are passed over), value.
        note: data, n and processor, written above.
    """
    require(scores, ("model", "value", "low", "high"), "accuracy against cost")
    require(costs, ("model", "quantity", "value"), "accuracy against cost")
    both = costs[costs["quantity"].isin(PANELS)].merge(scores, on="model", suffixes=("_cost", ""))
    both = both[both["value_cost"] > 0]
    require_some(both, "accuracy against cost")
    shown = [quantity for quantity in PANELS if (both["quantity"] == quantity).any()]
    lines, names = -(-len(shown) // 2), list(scores["model"])
    figure = new_figure(0.7 + 2.6 * lines + 0.22 * -(-len(names) // 3))
    cells = figure.subplots(lines, min(2, len(shown)), sharey=True, squeeze=False)
    for axes, quantity in zip(cells.flat, shown, strict=False):
        wide = _panel(axes, both[both["quantity"] == quantity])
        axes.set_xlabel(f"{PANELS[quantity]} (log)" if wide else PANELS[quantity])
    for axes in cells.flat[len(shown) :]:
        axes.set_visible(False)
    near_one(cells[0, 0], "y", both[["low", "high"]].to_numpy())
    for axes in cells[:, 0]:
        axes.set_ylabel("mIoU")
    handles = {
        text: handle
        for axes in cells.flat
        for handle, text in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    order = [label(name) for name in names if label(name) in handles]
    figure.legend([handles[text] for text in order], order, loc="outside lower center", ncols=3)
    head(figure, note)
    return figure


def _panel(axes: Axes, rows: pd.DataFrame) -> bool:
    """Draw the models; whether the costs are so far apart that the axis is logarithmic."""
    for row in rows.itertuples():
        colour = model_colour(row.model)
        face = "white" if row.model.endswith("linear") else colour
        reach = [[row.value - row.low], [row.high - row.value]]
        axes.errorbar(
            row.value_cost,
            row.value,
            yerr=reach,
            fmt=_mark(row.model),
            color=colour,
            markerfacecolor=face,
            markersize=7,
            label=label(row.model),
        )
    wide = bool(rows["value_cost"].max() > NARROW * rows["value_cost"].min())
    axes.set_xscale("log" if wide else "linear")
    axes.margins(x=0.12)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 3), numticks=6) if wide else MaxNLocator(4))
    axes.xaxis.set_major_formatter(FuncFormatter(_short))
    axes.xaxis.set_minor_formatter(NullFormatter())
    plain(axes, "both")
    return wide


def _mark(name: str) -> str:
    return next((mark for part, mark in MARKS.items() if part in name), "D")


def _short(value: float, _: object = None) -> str:
    """1,500,000 -> "1.5 M"."""
    for unit, name in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= unit:
            return f"{value / unit:g}{name}"
    return f"{value:g}"
