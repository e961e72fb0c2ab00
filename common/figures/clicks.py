"""What clicks are worth: IoU against clicks, clicks to a goal, steadiness, expected quality."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter, PercentFormatter

from common.figures import style
from common.figures.intervals import by_goal, name_models
from common.wording import label, model_colour

TICKS = (0, 1, 2, 3, 5, 10, 15, 20)
OPENINGS = {  # how a photo is opened: its colour (told apart by every eye), and in words
    "robot": ("#111111", "at the centre"),
    "random": (style.VIOLET, "anywhere on the pet"),
    "jittered": ("#009e73", "beside the centre"),
    "wrong": (style.RUST, "on the ground"),
}
CLICKS_TO = {"noc80": "80 %", "noc85": "85 %", "noc90": "90 %"}
FAILURES = {"nof85": "85 %", "nof90": "90 %"}
WAYS = (("#9a9a9a", ":"), (style.VIOLET, "--"), (style.RUST, "-."), ("#111111", "-"))


@style.styled
def iou_curves(curves: Mapping[str, pd.DataFrame], *, note: str = "") -> Figure:
    """Mean IoU after each click, with bands of 95 %, a line a model.

    Args:
        curves: by model, a frame of click, value, low, high; click 0 stands apart, as the first
            click starts from an empty mask.
        note: data, n and seeds, written above.
    """
    looks = {name: (model_colour(name), label(name)) for name in curves}
    return _curves(curves, looks, note)


@style.styled
def openings(curves: Mapping[str, pd.DataFrame], *, note: str = "") -> Figure:
    """The same for one model from the first click on, a line for each way to make it.

    Args:
        curves: by `OPENINGS`, as in `iou_curves`.
        note: model, data and n, written above.
    """
    clicked = {name: frame[frame["click"] > 0] for name, frame in curves.items()}
    return _curves(clicked, OPENINGS, note)


@style.styled
def by_group(groups: Mapping[str, Mapping[str, pd.DataFrame]], *, note: str = "") -> Figure:
    """The same for groups of animals, a panel each; the axis of IoU is that of all.

    Args:
        groups: by title, then by model, a frame as in `iou_curves`.
        note: data and what an animal counts, written above.
    """
    style.require_some(groups, "IoU against clicks by group")
    figure = style.new_figure(3.1)
    panels = figure.subplots(1, len(groups), sharey=True, squeeze=False)[0]
    for axes, (title, curves) in zip(panels, groups.items(), strict=True):
        for number, (name, frame) in enumerate(curves.items()):
            style.require(frame, ("click", "value", "low", "high"), f"{title}, {name}")
            _curve(axes, frame, style.MARKERS[number], model_colour(name), label(name))
        axes.set(title=title, xlabel="clicks")
        axes.set_xticks([tick for tick in TICKS if tick <= 10])
        style.plain(axes, "y")
    panels[0].set(ylabel="mean IoU with the animal", ylim=(0, None))
    style.key(figure, 4)
    style.head(figure, note)
    return figure


def _curves(curves: Mapping, looks: Mapping[str, tuple[str, str]], note: str) -> Figure:
    style.require_some(curves, "IoU against clicks")
    figure = style.new_figure(4.0)
    axes = figure.subplots()
    for number, (name, frame) in enumerate(curves.items()):
        style.require(frame, ("click", "value", "low", "high"), f"IoU against clicks of {name}")
        colour, text = looks[name]
        _curve(axes, frame, style.MARKERS[number % 5], colour, text)
    ways = (lambda x: np.sqrt(np.maximum(x + 0.5, 0)), lambda x: np.square(x) - 0.5)
    axes.set_xscale("function", functions=ways)  # the first clicks matter most
    every = pd.concat(curves.values())["click"]
    first, last = every.min(), every.max()
    axes.set_xticks([tick for tick in TICKS if first <= tick <= last])
    axes.set_xlim(first - 0.3, last + 0.3 * last**0.5)
    zero = "" if first else " (0: no click at all)"
    axes.set(xlabel=f"clicks of the robot{zero}", ylabel="mean IoU of the pet")
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=style.STEPS))
    style.plain(axes, "y")
    style.key(figure, min(4, len(curves)))
    return style.head(figure, note)


def _curve(axes: Axes, frame: pd.DataFrame, marker: str, colour: str, text: str) -> None:
    clicked, none = frame[frame["click"] > 0], frame[frame["click"] == 0]
    look = {"color": colour, "marker": marker, "markersize": 5.5}
    marked = np.flatnonzero(clicked["click"].isin(TICKS)).tolist()
    axes.plot(clicked["click"], clicked["value"], markevery=marked, label=text, **look)
    band = {"color": colour, "alpha": 0.16, "linewidth": 0}
    axes.fill_between(clicked["click"], clicked["low"], clicked["high"], **band)
    axes.errorbar(
        none["click"], none["value"], yerr=style.reach(none), markerfacecolor="white", **look
    )


@style.styled
def effort(scores: Mapping[str, pd.DataFrame], *, note: str = "") -> Figure:
    """Clicks that a goal takes (above), and photos that never reach it (below).

    Args:
        scores: by model, a frame with index score (nocP and nofP) and columns value, low, high.
        note: data, n and what a photo without success counts, written above.
    """
    style.require_some(scores, "clicks to a goal")
    step = len(scores) + 0.8
    figure = style.new_figure(1.9 + 0.25 * step * (len(CLICKS_TO) + len(FAILURES)))
    above, below = figure.subplots(2, 1, height_ratios=[len(CLICKS_TO), len(FAILURES)])
    by_goal(above, scores, CLICKS_TO, step, "{:.2f}  [{:.2f}, {:.2f}]")
    by_goal(below, scores, FAILURES, step, "{:.1%}  [{:.1%}, {:.1%}]")
    for axes in (above, below):
        axes.set_xlim(left=-0.02 * axes.get_xlim()[1])
    above.set_xlabel("mean clicks to an IoU")
    below.set_xlabel("photos that never reach it")
    below.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    name_models(figure, scores, 4)
    return style.head(figure, note)


@style.styled
def quality(frame: pd.DataFrame, *, note: str = "") -> Figure:
    """The IoU that the model expects of its mask against the IoU that it has.

    Args:
        frame: a row a photo and click: click, score, iou.
        note: model, data and n, written above.
    """
    style.require(frame, ("click", "score", "iou"), "quality of masks")
    figure = style.new_figure(4.6, 5.6)
    axes = figure.subplots()
    low = max(0.0, np.floor(10 * frame[["score", "iou"]].to_numpy().min()) / 10)
    axes.plot(
        [low, 1], [low, 1], color=style.SOFT, linestyle="--", linewidth=1.2, label="as expected"
    )
    for number, (click, rows) in enumerate(frame.groupby("click")):
        look = {"s": 13, "alpha": 0.45, "linewidth": 0, "marker": style.MARKERS[number % 5]}
        look |= {"color": (style.VIOLET, style.RUST)[number % 2]}
        axes.scatter(
            rows["score"], rows["iou"], label=f"{click} click{'s' * (click != 1)}", **look
        )
    gap = (frame["score"] - frame["iou"]).abs().mean()
    axes.text(
        0.03, 0.97, f"mean gap {gap:.3f}", transform=axes.transAxes, va="top", color=style.INK
    )
    axes.set(xlim=(low, 1.01), ylim=(low, 1.01), aspect="equal")
    axes.set(xlabel="IoU that the model expects", ylabel="IoU that the mask has")
    axes.grid(True)
    style.key(figure, 3, markerscale=2)
    return style.head(figure, note)


@style.styled
def steadiness(
    curves: Mapping[str, pd.DataFrame], table: pd.DataFrame, *, note: str = ""
) -> Figure:
    """What is still wrong after each click, and how many clicks were setbacks, by way.

    Args:
        curves: by way, a frame of click and value (mean IoU).
        table: of the ways in the same order: way, setbacks (of 1,000 clicks).
        note: data and n, written above.
    """
    style.require_some(curves, "masks while clicking")
    style.require(table, ("way", "setbacks"), "setbacks")
    figure = style.new_figure(4.2)
    left, right = figure.subplots(1, 2, width_ratios=[1.7, 1])
    for (way, frame), (colour, line) in zip(curves.items(), WAYS, strict=False):
        clicked = frame[frame["click"] > 0]
        wrong = np.maximum(1 - clicked["value"], 1e-5)
        left.plot(clicked["click"], wrong, line, color=colour, label=way)
    left.set_yscale("log")
    left.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    left.yaxis.set_minor_formatter(NullFormatter())
    left.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    left.set(xlabel="clicks of the robot", ylabel="1 - mean IoU of the pet")
    style.plain(left, "both")
    colours = [colour for colour, _ in WAYS[: len(table)]]
    bars = right.barh(table["way"], table["setbacks"], color=colours, height=0.6)
    right.bar_label(bars, fmt="%.1f", padding=4)
    right.set(yticks=[], xlabel="setbacks in 1,000 clicks")
    right.set_xlim(0, 1.3 * max(1e-9, table["setbacks"].max()))
    right.invert_yaxis()
    right.xaxis.set_major_locator(MaxNLocator(3))
    style.plain(right)
    style.key(figure, 2, left)
    return style.head(figure, note)
