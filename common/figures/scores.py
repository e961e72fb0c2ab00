"""What stands behind a score: kinds of errors, and whether confidence can be believed."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from common.figures import style
from common.figures.maps import ERRORS
from common.wording import label, model_colour

ROW = 0.29  # inches
KINDS = {kind: ERRORS[kind] for kind in ("missed", "extra", "wrong species")}
VIEWS = {
    "miou": ("as it is", "o"),
    "right_species": ("species always right", "s"),
    "right_shape": ("shape always right", "^"),
}
BINS = ("confidence", "accuracy", "share")
LEAST = 0.001  # of the pixels, for a bin to be drawn


@style.styled
def error_kinds(table: pd.DataFrame, *, note: str = "") -> Figure:
    """What the wrong pixels of each model are, and its score if one kind never happened.

    The axis of the score is stretched towards 1.

    Args:
        table: of `common.scoring.errors.error_table`.
        note: data and n, written above.
    """
    style.require(table, ("model", *KINDS, "wrong", *VIEWS), "kinds of errors")
    y, views = np.arange(len(table)), table[list(VIEWS)]
    figure = style.new_figure(1.5 + ROW * len(table))
    left, right = figure.subplots(1, 2, sharey=True)
    ends = table[list(KINDS)].cumsum(axis=1)
    for kind, colour in KINDS.items():
        start = ends[kind] - table[kind]
        left.barh(y, table[kind], left=start, color=colour, height=0.72, label=kind)
    left.set(xlabel="of the wrong pixels", xlim=(0, 1), ylim=(len(table) - 0.4, -0.6))
    left.xaxis.set_major_formatter(PercentFormatter(1))
    left.xaxis.set_major_locator(MaxNLocator(4))
    left.set_yticks(y, [label(name) for name in table["model"]])
    right.hlines(y, views.min(axis=1), views.max(axis=1), color=style.FAINT)
    for view, (text, mark) in VIEWS.items():
        face = style.INK if view == "miou" else "white"
        right.plot(
            table[view], y, mark, color=style.INK, markerfacecolor=face, label=text, markersize=6
        )
    right.set_xlabel("mIoU")
    style.near_one(right, "x", views.to_numpy())
    for axes in (left, right):
        style.plain(axes)
    style.key(figure, 3)
    return style.head(figure, note)


@style.styled
def calibration(curves: Mapping[str, pd.DataFrame], *, note: str = "") -> Figure:
    """How much more often pixels are right than they are sure, by confidence, all models at once.

    Args:
        curves: of `common.scoring.scores.reliability`, by model: confidence, accuracy, share;
            bins of fewer than a thousandth of the pixels are left out.
        note: data and n, written above.
    """
    style.require_some(curves, "calibration")
    figure = style.new_figure(4.6 + 0.1 * len(curves))
    axes = figure.subplots()
    axes.axhline(0, color=style.INK, linewidth=1)
    for number, (name, frame) in enumerate(curves.items()):
        gap, ece = _gap(frame, name)
        used = frame["share"] >= LEAST
        axes.plot(
            frame["confidence"][used],
            gap[used],
            f"{style.MARKERS[number % 5]}-",
            markersize=4,
            linewidth=1.3,
            color=model_colour(name),
            label=f"{label(name)} {ece:.3f}",
        )
    axes.set(xlabel="confidence of the predicted class", ylabel="accuracy - confidence")
    style.key(figure, 3, title="calibration error (ECE)", alignment="left", fontsize=9.5)
    axes.annotate("too modest", (0.01, 0.97), xycoords="axes fraction", color=style.SOFT, va="top")
    axes.annotate("too sure", (0.01, 0.03), xycoords="axes fraction", color=style.SOFT)
    style.plain(axes, "y")
    return style.head(figure, note)


@style.styled
def reliability(frame: pd.DataFrame, *, note: str = "") -> Figure:
    """How often pixels of a confidence are right, and how many there are.

    Args:
        frame: a row a bin: confidence, accuracy (means, NaN where empty), share (of all pixels).
        note: data, split and model, written above.
    """
    _, ece = _gap(frame, "the model")
    figure = style.new_figure(5.4, 5.5)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    used = frame[frame["share"] > 0]
    sure, right = used["confidence"], used["accuracy"]
    top.plot([0, 1], [0, 1], color=style.SOFT, linestyle="--", linewidth=1.2, label="calibrated")
    top.plot(sure, right, "o-", color=model_colour("unet"), label="measured")
    look = {"color": style.RUST, "linewidth": 3, "alpha": 0.5}
    top.vlines(sure, sure, right, label=f"gap (calibration error {ece:.3f})", **look)
    top.set(xlim=(0, 1), ylim=(0, 1.02), ylabel="accuracy")
    top.legend(loc="upper left")
    bottom.bar(sure, used["share"], width=0.8 / len(frame), color=style.SOFT)
    bottom.set(xlabel="confidence of the predicted class", ylabel="of all pixels")
    bottom.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    for axes in (top, bottom):
        style.plain(axes, "y")
    return style.head(figure, note)


def _gap(frame: pd.DataFrame, name: str) -> tuple[pd.Series, float]:
    """Accuracy less confidence of each bin, and the mean of its size over all pixels (ECE)."""
    style.require(frame, BINS, f"calibration of {name}")
    gap = frame["accuracy"] - frame["confidence"]
    return gap, float((frame["share"] * gap.abs()).sum())
