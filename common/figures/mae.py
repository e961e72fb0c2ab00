"""Pretraining as pictures: what was painted, how well, and what the features came to know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from common.config import UserError
from common.figures.sheet import new_sheet, place
from common.figures.style import (
    INK,
    SOFT,
    head,
    model_colour,
    new_figure,
    plain,
    require,
    styled,
    tint,
)

MASKED = np.array([214, 214, 210], np.uint8)  # a patch that the encoder was not shown
TASKS = {"species": "species of the photo", "foreground": "pet or background, by place"}


def hide(image: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """The photo (H, W, 3) uint8 with grey where ``hidden`` (H, W)."""
    return np.where(hidden[..., None], MASKED, image)


@styled
def stages(
    columns: Mapping[str, Sequence[np.ndarray]], texts: Sequence[str], *, note: str = ""
) -> Figure:
    """Photos row by row, and what became of each column by column.

    Args:
        columns: by title, one picture (H, W, 3) uint8 a row.
        texts: below each row, as the photo's credit.
        note: what is shown, written above.

    Raises:
        UserError: nothing to draw, or columns of unlike lengths.
    """
    pictures = list(columns.values())
    if not pictures or not texts or {len(column) for column in pictures} != {len(texts)}:
        raise UserError("stages: give every column a picture for each row, and each row a text")
    shapes = [pictures[0][row].shape[0] / pictures[0][row].shape[1] for row in range(len(texts))]
    figure, cells = new_sheet(shapes, len(columns), below=0.36, note=note)
    for row, (line, text) in enumerate(zip(cells, texts, strict=True)):
        for number, (axes, title) in enumerate(zip(line, columns, strict=True)):
            credit = "" if number else text
            place(
                axes,
                pictures[number][row],
                title,
                credit,
                interpolation="nearest",
                extent=(0, 1, 0, shapes[row]),
            )
    return figure


@styled
def progress(
    frame: pd.DataFrame,
    lines: Mapping[str, str],
    *,
    score: str = "score",
    marks: Mapping[str, int] | None = None,
    note: str = "",
) -> Figure:
    """Training loss above, validation scores below, over the epochs of a pretraining.

    Args:
        frame: a row an epoch: epoch, loss, and the columns that ``lines`` names.
        lines: label by column.
        score: names the lower axis.
        marks: epochs to mark, by what they are called.
        note: model, data and n of the validation, written above.
    """
    require(frame, ("epoch", "loss", *lines), "history of the pretraining")
    figure = new_figure(4.8)
    top, bottom = figure.subplots(2, 1, sharex=True)
    dot = {"marker": "o" if len(frame) < 15 else "", "markersize": 4}
    top.plot(frame["epoch"], frame["loss"], color=INK, **dot)
    top.set(ylabel="training loss")
    colours = [INK, "#0072b2", "#b5541c"]
    for (column, label), colour in zip(lines.items(), colours, strict=False):
        text = f"{label}: {frame[column].iloc[-1]:.3f} at the end"
        bottom.plot(frame["epoch"], frame[column], color=colour, label=text, **dot)
    bottom.set(xlabel="epoch", ylabel=score)
    bottom.set_xlim(frame["epoch"].min() - 0.8, frame["epoch"].max() + 0.8)
    bottom.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    for name, epoch in (marks or {}).items():
        for axes in (top, bottom):
            axes.axvline(epoch, color=SOFT, linestyle=":", linewidth=1.4)
        top.annotate(
            name,
            (epoch, 1),
            (-4, -3),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            va="top",
            ha="right",
            color=SOFT,
        )
    for axes in (top, bottom):
        plain(axes, "y")
    figure.legend(loc="outside lower center", ncols=2)
    head(figure, note)
    return figure


def stage_colours(labels: Sequence[str], model: str = "mae_seg") -> dict[str, str]:
    """Colours of the stages of a pretraining: grey for the first, then ever fuller."""
    later = len(labels) - 1
    shades = [tint(model_colour(model), 0.35 + 0.65 * (i + 1) / later) for i in range(later)]
    return dict(zip(labels, ["#8a8f92", *shades], strict=True))


@styled
def probes(table: pd.DataFrame, colours: Mapping[str, str], *, note: str = "") -> Figure:
    """Balanced accuracy of linear probes on each tapped layer, a line an encoder.

    Args:
        table: encoder, tap (counted from 0), task (of `TASKS`), value, low, high.
        colours: by encoder, in the order of the legend.
        note: data, split and n, written above.
    """
    require(table, ("encoder", "tap", "task", "value", "low", "high"), "linear probes")
    figure = new_figure(3.6 + 0.25 * (len(colours) // 4))
    panels = figure.subplots(1, 2)
    for axes, (task, title) in zip(panels, TASKS.items(), strict=True):
        for number, (encoder, colour) in enumerate(colours.items()):
            rows = table[(table["encoder"] == encoder) & (table["task"] == task)]
            reach = np.nan_to_num([rows["value"] - rows["low"], rows["high"] - rows["value"]])
            shift = 0.07 * (number - (len(colours) - 1) / 2)
            axes.errorbar(
                rows["tap"] + 1 + shift,
                rows["value"],
                yerr=reach,
                color=colour,
                label=encoder,
                marker="osD^v"[number % 5],
                markersize=5.5,
                elinewidth=1.2,
            )
        axes.axhline(0.5, color=SOFT, linestyle=":", linewidth=1.4)
        axes.set(xlabel="tap, the last is the deepest", title=title)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        plain(axes, "y")
    panels[0].set_ylabel("balanced accuracy")
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=min(4, len(names)))
    head(figure, note)
    return figure
