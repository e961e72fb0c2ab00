"""How a training went: its loss above, what was watched on validation below, over the epochs."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from common.config import CLASSES
from common.figures import style
from common.wording import label, model_colour

IOU_LINES = {"mean": ("val_miou", style.INK, 2.4)} | {
    name: (f"val_iou_{name}", style.CLASS_COLOURS[name], 1.5) for name in CLASSES
}


@style.styled
def history(frame: pd.DataFrame, best_epoch: int | None = None, *, note: str = "") -> Figure:
    """Training loss, and validation IoU of each class and their mean.

    Args:
        frame: a row an epoch: epoch, loss, val_miou, and val_iou_CLASS if known.
        best_epoch: the one whose weights were kept, the last if None; its IoU is written out.
        note: model, data and n of the validation, written above.
    """
    style.require(frame, ("epoch", "loss", "val_miou"), "history of the training")
    epoch = best_epoch if best_epoch in set(frame["epoch"]) else frame["epoch"].iloc[-1]
    chosen = frame[frame["epoch"] == epoch].iloc[0]
    figure, top, bottom = _panels(5.2, frame, "validation IoU")
    top.plot(frame["epoch"], frame["loss"], color=style.INK, **_dots(frame))
    top.set_ylim(0, None)
    for name, (column, colour, width) in IOU_LINES.items():
        if column in frame:
            look = {"color": colour, "linewidth": width, **_dots(frame)}
            text = f"{name} {chosen[column]:.3f}"
            bottom.plot(frame["epoch"], frame[column], label=text, **look)
    if best_epoch is not None:
        _mark(epoch, top, bottom)
    kept = f"IoU at epoch {epoch:.0f}" + ", which was kept (dotted)" * (best_epoch is not None)
    style.key(figure, 4, title=kept, alignment="left")
    return style.head(figure, note)


@style.styled
def click_history(
    frames: Mapping[str, pd.DataFrame], best: Mapping[str, int], *, note: str = ""
) -> Figure:
    """Training loss, and validation IoU (mean of 1, 3 and 5 clicks), a line a model.

    Args:
        frames: by model, a row an epoch: epoch, loss, val_iou_clicks.
        best: by model, the epoch whose weights were kept (a ring).
        note: data and n of the validation, written above.
    """
    style.require_some(frames, "history of clicked models")
    for name, frame in frames.items():
        style.require(frame, ("epoch", "loss", "val_iou_clicks"), f"history of {name}")
    figure, top, bottom = _panels(4.8, pd.concat(frames.values()), "validation IoU")
    for marker, (name, frame) in zip(style.MARKERS, frames.items(), strict=False):
        look = {"color": model_colour(name), "marker": marker, "markersize": 4}
        top.plot(frame["epoch"], frame["loss"], **look)
        kept = frame[frame["epoch"] == best[name]]
        text = f"{label(name)} {kept['val_iou_clicks'].max():.3f}"
        bottom.plot(frame["epoch"], frame["val_iou_clicks"], label=text, **look)
        ring = {**look, "markersize": 10, "markerfacecolor": "none", "linestyle": "none"}
        bottom.plot(kept["epoch"], kept["val_iou_clicks"], **ring)
    top.set_ylim(0, 1.05 * top.get_ylim()[1])
    style.key(figure, 3, title="IoU at the epoch that was kept (ringed)", alignment="left")
    return style.head(figure, note)


@style.styled
def progress(
    frame: pd.DataFrame,
    lines: Mapping[str, str],
    *,
    score: str = "score",
    marks: Mapping[str, int] | None = None,
    note: str = "",
) -> Figure:
    """Training loss and validation scores of a pretraining.

    Args:
        frame: a row an epoch: epoch, loss, and the columns that ``lines`` names.
        lines: label by column.
        score: names the lower axis.
        marks: epochs to mark, by what they are called.
        note: model, data and n of the validation, written above.
    """
    style.require(frame, ("epoch", "loss", *lines), "history of the pretraining")
    figure, top, bottom = _panels(4.8, frame, score, 1)
    top.plot(frame["epoch"], frame["loss"], color=style.INK, **_dots(frame))
    for (column, name), colour in zip(
        lines.items(), (style.INK, style.VIOLET, style.RUST), strict=False
    ):
        text = f"{name}: {frame[column].iloc[-1]:.3f} at the end"
        bottom.plot(frame["epoch"], frame[column], color=colour, label=text, **_dots(frame))
    for name, epoch in (marks or {}).items():
        _mark(epoch, top, bottom)
        where = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points"}
        top.annotate(name, (epoch, 1), (-4, -3), va="top", ha="right", color=style.SOFT, **where)
    style.key(figure, 2)
    return style.head(figure, note)


def _panels(
    height: float, frame: pd.DataFrame, score: str, ratio: float = 1.5
) -> tuple[Figure, Axes, Axes]:
    """A figure with the axes of loss and score above each other, over the epochs of ``frame``."""
    figure = style.new_figure(height)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[1, ratio])
    top.set(ylabel="training loss")
    bottom.set(xlabel="epoch", ylabel=score)
    bottom.set_xlim(frame["epoch"].min() - 0.8, frame["epoch"].max() + 0.8)
    bottom.xaxis.set_major_locator(MaxNLocator(integer=True, steps=style.STEPS))
    for axes in (top, bottom):
        style.plain(axes, "y")
    return figure, top, bottom


def _dots(frame: pd.DataFrame) -> dict:
    """Single epochs are seen where there are few."""
    return {"marker": "o" if len(frame) < 15 else "", "markersize": 4}


def _mark(epoch: float, *places: Axes) -> None:
    for axes in places:
        axes.axvline(epoch, color=style.SOFT, linestyle=":", linewidth=1.4)
