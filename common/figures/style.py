"""One look for all figures: colours, readable names, lettering sized for the report's column.

The report shows a figure of `COLUMN` inches at its own size beside 17 px text, and squeezes it to
350 px on a phone; lettering below 9 points is lost there. Class colours are those of Okabe and
Ito, told apart with every kind of colour blindness; models have their own (`wording`), so that no
bar looks like a class.
"""

from collections.abc import Iterable, Sized
from textwrap import fill
from typing import TypeVar

import matplotlib.style
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure

from common.config import UserError
from common.wording import CLASS_COLOURS as CLASS_COLOURS

Items = TypeVar("Items", bound=Sized)
COLUMN, WIDE = 7.0, 9.2  # inches: the text's width, and the page's
INK, SOFT, FAINT = "#22282b", "#5d676d", "#d9dcd8"
SPECIES = {1: "cat", 2: "dog"}  # as the dataset counts them
STEPS = (1, 2, 5, 10)  # of the ticks: an axis is read in round numbers
MARKERS = "osD^vP"  # of lines that stand together
RUST, VIOLET = "#b5541c", "#6a3d9a"  # where two things are told apart, no models or classes
STYLE = {
    "font.family": "DejaVu Sans",  # ships with matplotlib, so every machine draws the same bytes
    "font.size": 11,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.labelsize": 11,
    "xtick.labelsize": 10.5,
    "ytick.labelsize": 10.5,
    "legend.fontsize": 10.5,
    "legend.frameon": False,
    "legend.handlelength": 1.4,
    "legend.columnspacing": 1.4,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": INK,
    "axes.axisbelow": True,
    "axes.grid.axis": "x",
    "grid.color": FAINT,
    "grid.linewidth": 0.8,
    "text.color": INK,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "lines.linewidth": 1.8,
    "hatch.linewidth": 0.8,
    "figure.dpi": 96,
    "svg.hashsalt": "figures",  # ids in the SVG follow from content, never from chance
}

styled = matplotlib.style.context(STYLE, after_reset=True)
"""Decorates a drawing function: draws in `STYLE`, whatever style the caller has set."""


def new_figure(height: float, width: float = COLUMN) -> Figure:
    """An empty figure, ``width`` by ``height`` inches, that keeps its own labels apart."""
    figure = Figure(figsize=(width, height), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.06, h_pad=0.06, hspace=0.03, wspace=0.03)
    return figure


def head(figure: Figure, text: str) -> Figure:
    """The figure, above it at the left what it shows (data, split, n, interval)."""
    if text:
        lines = fill(text, int(12.4 * figure.get_figwidth()))
        figure.suptitle(lines, x=0.01, ha="left", fontsize=10.5, color=SOFT)
    return figure


def plain(axes: Axes, grid: str = "x") -> None:
    """Light lines along ``grid``, and no ticks where the axis only names things."""
    axes.grid(True, axis=grid)
    axes.tick_params(axis="y" if grid == "x" else "x", length=0)


def near_one(axes: Axes, which: str, values: np.ndarray) -> None:
    """Stretch an axis of scores towards 1, where the best of them lie close together.

    Args:
        which: "x" or "y".
        values: all scores that are drawn, bounds of intervals included.
    """
    ways = (lambda v: -np.log10(np.maximum(1.003 - v, 1e-9)), lambda v: 1.003 - 10.0**-v)
    low, high = np.nanmin(values), min(0.999, np.nanmax(values))
    steps = (0, 0.5, 0.8, 0.9, 0.95, 0.98, 1)
    ticks = [step for step in steps if low - 0.1 <= step <= high + 0.02]
    set_scale, set_ticks = (getattr(axes, f"set_{which}{part}") for part in ("scale", "ticks"))
    set_scale("function", functions=ways)
    set_ticks(ticks, [f"{tick:g}" for tick in ticks])
    reach = ways[0](np.array([low, high])) + np.array([-0.06, 0.08])
    getattr(axes, f"set_{which}lim")(ways[1](reach))


def reach(rows: pd.DataFrame) -> np.ndarray:
    """What ``low`` and ``high`` are away from ``value``, (2, n) as error bars want it; gaps: 0."""
    return np.nan_to_num([rows["value"] - rows["low"], rows["high"] - rows["value"]])


def key(figure: Figure, columns: int, *axes: Axes, **kwargs) -> None:
    """The legend below all axes, each name once; ``axes`` whose lines it names, all if none."""
    found = [a.get_legend_handles_labels() for a in axes or figure.axes]
    handles = {text: handle for pair in found for handle, text in zip(*pair, strict=True)}
    if handles or "handles" in kwargs:
        look = {"handles": list(handles.values()), "labels": list(handles), **kwargs}
        figure.legend(loc="outside lower center", ncols=columns, **look)


def beside(
    axes: Axes, y: Iterable[float], texts: Iterable[str], *, indent: float = 6, **kwargs
) -> None:
    """Write a column of texts right of the axes at the heights ``y``, ``indent`` points away."""
    for place, text in zip(y, texts, strict=True):
        axes.annotate(
            text,
            (1, place),
            (indent, 0),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            va="center",
            fontsize=10.5,
            **kwargs,
        )


def bare(axes: Axes) -> None:
    """Leave nothing of the axes but what is drawn in them, as for a photo."""
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)


def tint(colour: str, strength: float) -> str:
    """``colour`` on white paper: 1 keeps it, 0 is white."""
    return to_hex(1 - strength * (1 - np.array(to_rgb(colour))))


def require(table: pd.DataFrame, columns: Iterable[str], what: str) -> pd.DataFrame:
    """``table`` itself, if it has rows and ``columns``.

    Raises:
        UserError: it has none; the message names ``what`` and what is missing.
    """
    if missing := [column for column in columns if column not in table.columns]:
        raise UserError(f"{what}: the table lacks the columns {', '.join(missing)}")
    return require_some(table, what)


def require_some(items: Items, what: str) -> Items:
    """``items`` itself, if there are any; `UserError` naming ``what`` otherwise."""
    if not len(items):
        raise UserError(f"{what}: nothing to draw; run the step that fills it first")
    return items
