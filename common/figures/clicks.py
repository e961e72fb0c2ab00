"""What clicks are worth: IoU against clicks, clicks to a goal, failures, the expected quality."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, PercentFormatter

from common.figures.style import (
    INK,
    SOFT,
    head,
    label,
    model_colour,
    new_figure,
    plain,
    require,
    require_some,
    styled,
)
from common.figures.training import draw_intervals

MARKERS = "osD^v"
TICKS = (0, 1, 2, 3, 5, 10, 15, 20)
CLICKS_TO = {"noc80": "80 %", "noc85": "85 %", "noc90": "90 %"}
FAILURES = {"nof85": "85 %", "nof90": "90 %"}
OPENINGS = {  # how a photo is opened: its colour (told apart by every eye), and in words
    "robot": ("#111111", "at the centre"),
    "random": ("#0072b2", "anywhere on the pet"),
    "jittered": ("#009e73", "beside the centre"),
    "wrong": ("#d55e00", "on the ground"),
}


@styled
def iou_curves(curves: Mapping[str, pd.DataFrame], *, note: str = "") -> Figure:
    """Mean IoU after each click, with bands of 95 %, a line a model.

    Args:
        curves: by model, a frame of click, value, low, high; click 0 stands apart, as the first
            click starts from an empty mask.
        note: data, n and seeds, written above.
    """
    looks = {name: (model_colour(name), label(name)) for name in curves}
    return _curves(curves, looks, note)


@styled
def openings(curves: Mapping[str, pd.DataFrame], *, note: str = "") -> Figure:
    """The same for one model from the first click on, a line for each way to make it.

    Args:
        curves: by `OPENINGS`, as in `iou_curves`.
        note: model, data and n, written above.
    """
    clicked = {name: frame[frame["click"] > 0] for name, frame in curves.items()}
    return _curves(clicked, OPENINGS, note)


def _curves(curves: Mapping, looks: Mapping[str, tuple[str, str]], note: str) -> Figure:
    require_some(curves, "IoU against clicks")
    figure = new_figure(4.0)
    axes = figure.subplots()
    for number, (name, frame) in enumerate(curves.items()):
        require(frame, ("click", "value", "low", "high"), f"IoU against clicks of {name}")
        colour, text = looks[name]
        _curve(axes, frame, MARKERS[number % len(MARKERS)], colour, text)
    ways = (lambda x: np.sqrt(np.maximum(x + 0.5, 0)), lambda x: np.square(x) - 0.5)
    axes.set_xscale("function", functions=ways)  # the first clicks matter most
    every = pd.concat(curves.values())["click"]
    first, last = every.min(), every.max()
    axes.set_xticks([tick for tick in TICKS if first <= tick <= last])
    axes.set_xlim(first - 0.3, last + 0.3 * last**0.5)
    zero = "" if first else " (0: no click at all)"
    axes.set(xlabel=f"clicks of the robot{zero}", ylabel="mean IoU of the pet")
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    plain(axes, "y")
    figure.legend(loc="outside lower center", ncols=min(4, len(curves)))
    head(figure, note)
    return figure


def _curve(axes: Axes, frame: pd.DataFrame, marker: str, colour: str, text: str) -> None:
    clicked, none = frame[frame["click"] > 0], frame[frame["click"] == 0]
    look = {"color": colour, "marker": marker, "markersize": 5.5}
    marked = np.flatnonzero(clicked["click"].isin(TICKS)).tolist()
    axes.plot(clicked["click"], clicked["value"], markevery=marked, label=text, **look)
    axes.fill_between(
        clicked["click"], clicked["low"], clicked["high"], color=colour, alpha=0.16, linewidth=0
    )
    reach = np.nan_to_num([none["value"] - none["low"], none["high"] - none["value"]])
    axes.errorbar(none["click"], none["value"], yerr=reach, markerfacecolor="white", **look)


@styled
def effort(scores: Mapping[str, pd.DataFrame], *, note: str = "") -> Figure:
    """Clicks that a goal takes (above), and photos that never reach it (below).

    Args:
        scores: by model, a frame with index score (nocP and nofP) and columns value, low, high.
        note: data, n and what a photo without success counts, written above.
    """
    require_some(scores, "clicks to a goal")
    figure = new_figure(1.9 + 0.25 * (len(scores) + 0.8) * (len(CLICKS_TO) + len(FAILURES)))
    above, below = figure.subplots(2, 1, height_ratios=[len(CLICKS_TO), len(FAILURES)])
    _goals(above, scores, CLICKS_TO, "{:.2f}  [{:.2f}, {:.2f}]")
    _goals(below, scores, FAILURES, "{:.1%}  [{:.1%}, {:.1%}]")
    above.set_xlabel("mean clicks to an IoU")
    below.set_xlabel("photos that never reach it")
    below.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    dots = [
        Line2D([], [], marker="o", linestyle="-", color=model_colour(name), label=label(name))
        for name in scores
    ]
    figure.legend(handles=dots, loc="outside lower center", ncols=min(4, len(dots)))
    head(figure, note)
    return figure


def _goals(axes: Axes, scores: Mapping, goals: Mapping[str, str], form: str) -> None:
    """A group of rows for each goal, a row a model."""
    step = len(scores) + 0.8
    for place, (name, frame) in enumerate(scores.items()):
        require(frame, ("value", "low", "high"), f"clicks of {name}")
        rows, y = frame.loc[list(goals), ["value", "low", "high"]], np.arange(len(goals)) * step
        draw_intervals(axes, y + place, rows, [model_colour(name)] * len(y), form=form)
    axes.set_yticks(np.arange(len(goals)) * step + (len(scores) - 1) / 2, goals.values())
    axes.set_ylim(step * len(goals) - 1.1, -0.7)
    axes.set_xlim(left=-0.02 * axes.get_xlim()[1])
    plain(axes)


@styled
def quality(frame: pd.DataFrame, *, note: str = "") -> Figure:
    """The IoU that the model expects of its mask against the IoU that it has.

    Args:
        frame: a row a photo and click: click, score, iou.
        note: model, data and n, written above.
    """
    require(frame, ("click", "score", "iou"), "quality of masks")
    figure = new_figure(4.6, 5.6)
    axes = figure.subplots()
    low = max(0.0, np.floor(10 * frame[["score", "iou"]].to_numpy().min()) / 10)
    axes.plot([low, 1], [low, 1], color=SOFT, linestyle="--", linewidth=1.2, label="as expected")
    colours = ("#0072b2", "#d55e00")
    for number, (click, rows) in enumerate(frame.groupby("click")):
        text = f"{click} click{'s' * (click != 1)}"
        axes.scatter(
            rows["score"],
            rows["iou"],
            s=13,
            marker=MARKERS[number % 5],
            alpha=0.45,
            color=colours[number % 2],
            linewidth=0,
            label=text,
        )
    gap = (frame["score"] - frame["iou"]).abs().mean()
    axes.text(0.03, 0.97, f"mean gap {gap:.3f}", transform=axes.transAxes, va="top", color=INK)
    axes.set(xlim=(low, 1.01), ylim=(low, 1.01), aspect="equal")
    axes.set(xlabel="IoU that the model expects", ylabel="IoU that the mask has")
    axes.grid(True)
    figure.legend(loc="outside lower center", ncols=3, markerscale=2)
    head(figure, note)
    return figure


@styled
def history(
    frames: Mapping[str, pd.DataFrame], best: Mapping[str, int], *, note: str = ""
) -> Figure:
    """Training loss above, validation IoU (mean of 1, 3 and 5 clicks) below, a line a model.

    Args:
        frames: by model, a row an epoch: epoch, loss, val_iou_clicks.
        best: by model, the epoch whose weights were kept (a ring).
        note: data and n of the validation, written above.
    """
    require_some(frames, "history of clicked models")
    figure = new_figure(4.8)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[1, 1.5])
    for number, (name, frame) in enumerate(frames.items()):
        require(frame, ("epoch", "loss", "val_iou_clicks"), f"history of {name}")
        look = {"color": model_colour(name), "marker": MARKERS[number % 5], "markersize": 4}
        top.plot(frame["epoch"], frame["loss"], **look)
        kept = frame[frame["epoch"] == best[name]]
        text = f"{label(name)} {kept['val_iou_clicks'].max():.3f}"
        bottom.plot(frame["epoch"], frame["val_iou_clicks"], label=text, **look)
        ring = {**look, "markersize": 10, "markerfacecolor": "none", "linestyle": "none"}
        bottom.plot(kept["epoch"], kept["val_iou_clicks"], **ring)
    top.set(ylabel="training loss", ylim=(0, 1.05 * top.get_ylim()[1]))
    longest = max(map(len, frames.values()))
    bottom.set(xlabel="epoch", ylabel="validation IoU", xlim=(0.2, longest + 0.8))
    bottom.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    for axes in (top, bottom):
        plain(axes, "y")
    look = {"title": "IoU at the epoch that was kept (ringed)", "alignment": "left"}
    figure.legend(loc="outside lower center", ncols=3, **look)
    head(figure, note)
    return figure
