"""How a training went, and what it was worth: curves over epochs, scores with intervals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from common.config import CLASSES, UserError
from common.figures.style import (
    CLASS_COLOURS,
    INK,
    SOFT,
    beside,
    head,
    model_colour,
    new_figure,
    plain,
    require,
    styled,
)

INTERVAL = ("label", "value", "low", "high")
IOU_LINES = {"mean": ("val_miou", INK, 2.4)} | {
    name: (f"val_iou_{name}", CLASS_COLOURS[name], 1.5) for name in CLASSES
}
DIFFERENCE = ("difference", "difference_low", "difference_high")
ROW = 0.32  # inches


@styled
def history(frame: pd.DataFrame, best_epoch: int | None = None, *, note: str = "") -> Figure:
    """Training loss above, validation IoU below, over the epochs.

    Args:
        frame: a row an epoch: epoch, loss, val_miou, and val_iou_CLASS if known.
        best_epoch: the one whose weights were kept, the last if None; its IoU is written out.
        note: model, data and n of the validation, written above.
    """
    require(frame, ("epoch", "loss", "val_miou"), "history of the training")
    epoch = best_epoch if best_epoch in set(frame["epoch"]) else frame["epoch"].iloc[-1]
    chosen = frame[frame["epoch"] == epoch].iloc[0]
    figure = new_figure(5.2)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[1, 1.5])
    dot = {"marker": "o" if len(frame) < 15 else "", "markersize": 4}
    top.plot(frame["epoch"], frame["loss"], color=INK, **dot)
    top.set(ylabel="training loss", ylim=(0, None))
    for name, (column, colour, width) in IOU_LINES.items():
        if column in frame:
            text = f"{name} {chosen[column]:.3f}"
            bottom.plot(
                frame["epoch"], frame[column], color=colour, linewidth=width, label=text, **dot
            )
    bottom.set(xlabel="epoch", ylabel="validation IoU")
    bottom.set_xlim(frame["epoch"].min() - 0.8, frame["epoch"].max() + 0.8)
    bottom.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    kept = f"IoU at epoch {epoch:.0f}" + ", which was kept (dotted)" * (best_epoch is not None)
    figure.legend(loc="outside lower center", ncols=4, title=kept, alignment="left")
    for axes in (top, bottom):
        plain(axes, "y")
        if best_epoch is not None:
            axes.axvline(epoch, color=SOFT, linestyle=":", linewidth=1.4)
    head(figure, note)
    return figure


@styled
def ablation(table: pd.DataFrame, *, score: str = "validation mIoU", note: str = "") -> Figure:
    """What each claim is worth: scores at the left, paired differences at the right.

    Args:
        table: run ("base" is what the others are compared with), label, value, low, high,
            difference, difference_low, difference_high, minutes; ``group``, if given, parts rows.
        score: names the left axis.
        note: data, n and budget, written above.

    Raises:
        UserError: no rows, a missing column, or no run "base".
    """
    require(table, ("run", *INTERVAL, *DIFFERENCE, "minutes"), "ablation")
    if not (table["run"] == "base").any():
        raise UserError('ablation: no run is called "base", so there is nothing to compare with')
    y = _places(table)
    figure = new_figure(1.3 + ROW * (y.max() + 1))
    left, right = figure.subplots(1, 2, sharey=True)
    base = (table["run"] == "base").to_numpy()
    colours = [INK if is_base else SOFT for is_base in base]
    draw_intervals(left, y, table[list(INTERVAL[1:])], colours, form="{:.3f}")
    left.axvline(table["value"][base].iloc[0], color=INK, linewidth=1, linestyle=":")
    left.set_yticks(y, table["label"])
    left.set(ylim=(y.max() + 0.7, -0.7), xlabel=score)
    low, high = table["difference_low"][~base], table["difference_high"][~base]
    unclear = (low <= 0) & (high >= 0)
    differences = table.loc[~base, list(DIFFERENCE)]
    draw_intervals(right, y[~base], differences, [SOFT] * len(low), hollow=unclear, form="{:+.3f}")
    right.axvline(0, color=INK, linewidth=1)
    right.set_xlabel("difference")
    beside(right, y, [f"{minutes:.0f} min" for minutes in table["minutes"]], indent=56, color=SOFT)
    for axes in (left, right):
        plain(axes)
        axes.xaxis.set_major_locator(MaxNLocator(2, steps=[1, 2, 5, 10]))
    head(figure, note)
    return figure


@styled
def intervals(table: pd.DataFrame, *, score: str = "score", note: str = "") -> Figure:
    """Scores with their 95 % intervals, one row each.

    Args:
        table: label, value, low, high; ``colour``, if given, is a class or a model; ``group``,
            if given, parts the rows.
        score: names the axis.
        note: data, split, n and seeds, written above.
    """
    require(table, INTERVAL, "scores with intervals")
    y = _places(table)
    figure = new_figure(1.0 + ROW * (y.max() + 1))
    axes = figure.subplots()
    keys = table["colour"] if "colour" in table else [""] * len(table)
    draw_intervals(axes, y, table[list(INTERVAL[1:])], [_colour(key) for key in keys])
    axes.set_yticks(y, table["label"])
    axes.set(ylim=(y.max() + 0.7, -0.7), xlabel=score)
    plain(axes)
    head(figure, note)
    return figure


def draw_intervals(
    axes: Axes,
    y: np.ndarray,
    table: pd.DataFrame,
    colours: Sequence[str],
    *,
    hollow: Sequence[bool] | None = None,
    form: str = "{:.3f}  [{:.3f}, {:.3f}]",
) -> None:
    """Points with their intervals at the heights ``y``, and their values in a column beside.

    Args:
        table: three columns: value, low, high; bounds may be missing.
        hollow: which points are rings, none if None.
        form: how value, low and high are written; without bounds, its first word.
    """
    rings = [False] * len(table) if hollow is None else hollow
    texts = []
    rows = zip(y, table.to_numpy(float), colours, rings, strict=True)
    for place, (value, low, high), colour, ring in rows:
        reach = np.nan_to_num([[value - low], [high - value]])
        face = "white" if ring else colour
        axes.errorbar(
            value, place, xerr=reach, fmt="o", color=colour, markersize=6.5, markerfacecolor=face
        )
        known = form if np.isfinite([low, high]).all() else form.split()[0]
        text = known.format(value, low, high) if np.isfinite(value) else ""
        texts.append(text.replace("-", "\N{MINUS SIGN}"))
    beside(axes, y, texts)


def _places(table: pd.DataFrame) -> np.ndarray:
    """Heights of the rows, with a gap where the group changes."""
    if "group" not in table:
        return np.arange(len(table), dtype=float)
    change = table["group"] != table["group"].shift()
    return np.arange(len(table)) + 0.6 * (change.cumsum().to_numpy() - 1)


def _colour(key: str) -> str:
    if not key:
        return INK
    return CLASS_COLOURS.get(key) or model_colour(key)
