"""All models at once: what their errors are, and how well they know them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from common.figures.maps import ERRORS
from common.figures.style import (
    FAINT,
    INK,
    SOFT,
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

ROW = 0.29  # inches
KINDS = {kind: ERRORS[kind] for kind in ("missed", "extra", "wrong species")}
VIEWS = {
    "miou": ("as it is", "o"),
    "right_species": ("species always right", "s"),
    "right_shape": ("shape always right", "^"),
}


@styled
def error_kinds(table: pd.DataFrame, *, note: str = "") -> Figure:
    """What the wrong pixels of each model are, and its score if one kind never happened.

    The axis of the score is stretched towards 1.

    Args:
        table: of `common.scoring.errors.error_table`.
        note: data and n, written above.
    """
    require(table, ("model", *KINDS, "wrong", *VIEWS), "kinds of errors")
    y = np.arange(len(table))
    figure = new_figure(1.5 + ROW * len(table))
    left, right = figure.subplots(1, 2, sharey=True)
    start = np.zeros(len(table))
    for kind, colour in KINDS.items():
        left.barh(y, table[kind], left=start, color=colour, height=0.72, label=kind)
        start += table[kind].to_numpy()
    left.set(xlabel="of the wrong pixels", xlim=(0, 1))
    left.xaxis.set_major_formatter(PercentFormatter(1))
    left.xaxis.set_major_locator(MaxNLocator(4))
    right.hlines(y, table[list(VIEWS)].min(axis=1), table[list(VIEWS)].max(axis=1), color=FAINT)
    for view, (text, mark) in VIEWS.items():
        face = INK if view == "miou" else "white"
        right.plot(table[view], y, mark, color=INK, markerfacecolor=face, label=text, markersize=6)
    right.set_xlabel("mIoU")
    near_one(right, "x", table[list(VIEWS)].to_numpy())
    left.set_yticks(y, [label(name) for name in table["model"]])
    left.set_ylim(len(table) - 0.4, -0.6)
    handles = [axes.get_legend_handles_labels() for axes in (left, right)]
    figure.legend(
        handles[0][0] + handles[1][0],
        handles[0][1] + handles[1][1],
        loc="outside lower center",
        ncols=3,
    )
    for axes in (left, right):
        plain(axes)
    head(figure, note)
    return figure


@styled
def calibration(
    curves: Mapping[str, pd.DataFrame], *, least: float = 0.001, note: str = ""
) -> Figure:
    """How much more often pixels are right than they are sure, by confidence, all models at once.

    Args:
        curves: of `common.scoring.scores.reliability`, by model: confidence, accuracy, share.
        least: bins with a smaller share of the pixels are left out.
        note: data and n, written above.
    """
    require_some(curves, "calibration")
    figure = new_figure(4.6 + 0.1 * len(curves))
    axes = figure.subplots()
    axes.axhline(0, color=INK, linewidth=1)
    for number, (name, frame) in enumerate(curves.items()):
        require(frame, ("confidence", "accuracy", "share"), f"calibration of {name}")
        used = frame[frame["share"] >= least]
        gap = used["accuracy"] - used["confidence"]
        ece = (frame["share"] * (frame["accuracy"] - frame["confidence"]).abs()).sum()
        axes.plot(
            used["confidence"],
            gap,
            "osD^v"[number % 5] + "-",
            markersize=4,
            linewidth=1.3,
            color=model_colour(name),
            label=f"{label(name)} {ece:.3f}",
        )
    axes.set(xlabel="confidence of the predicted class", ylabel="accuracy - confidence")
    figure.legend(
        loc="outside lower center",
        ncols=3,
        title="calibration error (ECE)",
        alignment="left",
        fontsize=9.5,
    )
    axes.annotate("too modest", (0.01, 0.97), xycoords="axes fraction", color=SOFT, va="top")
    axes.annotate("too sure", (0.01, 0.03), xycoords="axes fraction", color=SOFT)
    plain(axes, "y")
    head(figure, note)
    return figure
