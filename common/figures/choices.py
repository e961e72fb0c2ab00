"""What notebook 01 decides by measuring: which pairs are copies, which fit, which loader."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from common.figures.style import INK, SOFT, head, new_figure, plain, require, styled

TWO = ("#0072b2", "#b5541c")  # two choices side by side
BARS = (SOFT, "#097242", *TWO)
MARKERS = ("o", "s", "^", "D")


@styled
def duplicates(histogram: pd.DataFrame, threshold: int) -> Figure:
    """How many pairs of photos of two splits differ by so many bits of their perceptual hash.

    Args:
        histogram: bits (0 to 64), pairs.
        threshold: up to so many bits a pair counts as one picture.
    """
    require(histogram, ("bits", "pairs"), "near-duplicates")
    figure = new_figure(3.2)
    axes = figure.subplots()
    near = histogram["bits"] <= threshold
    for rows, colour in ((near, TWO[1]), (~near, SOFT)):
        axes.bar(histogram["bits"][rows], histogram["pairs"][rows], width=0.8, color=colour)
    axes.axvline(threshold + 0.5, color=INK, linestyle="--", linewidth=1.2)
    axes.set_yscale("log")
    axes.set_ylim(0.7, 3 * max(2, histogram["pairs"].max()))
    right = max(threshold, histogram["bits"].max()) + 0.7
    axes.set_xlim(-0.7, right)
    pairs = int(histogram["pairs"][near].sum())
    text = f"one picture: {pairs:,} pair{'s' * (pairs != 1)}\nwithin {threshold} bits"
    shift, align = (-6, "right") if threshold > right / 2 else (6, "left")
    axes.annotate(
        text,
        (threshold + 0.5, 0.98),
        (shift, 0),
        va="top",
        ha=align,
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
    )
    axes.set(xlabel="bits of 64 that differ", ylabel="pairs across splits (log)")
    plain(axes, "y")
    head(figure, f"{int(histogram['pairs'].sum()):,} pairs of photos from two splits")
    return figure


@styled
def fit_choice(table: pd.DataFrame, *, note: str = "") -> Figure:
    """Two ways to bring a photo to the square, by score and size, with their intervals.

    Args:
        table: fit, size (pixels), score (a readable name), value, low, high.
        note: data, split and n, written above.
    """
    require(table, ("fit", "size", "score", "value", "low", "high"), "choice of the fit")
    scores, fits = list(dict.fromkeys(table["score"])), list(dict.fromkeys(table["fit"]))
    rows = [table.loc[table["score"] == score, "size"].nunique() for score in scores]
    figure = new_figure(0.9 + sum(0.65 + 0.5 * n for n in rows))
    panels = figure.subplots(len(scores), 1, height_ratios=[0.65 + 0.5 * n for n in rows])
    for axes, score in zip(np.atleast_1d(panels), scores, strict=True):
        _fits(axes, table[table["score"] == score], fits)
        axes.set_xlabel(score)
    handles, names = np.atleast_1d(panels)[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=len(fits))
    head(figure, note)
    return figure


def _fits(axes: Axes, table: pd.DataFrame, fits: list[str]) -> None:
    sizes = sorted(table["size"].unique())
    colours = [*TWO, INK, SOFT]
    for number, fit in enumerate(fits):
        rows = table[table["fit"] == fit]
        shift = 0.36 * (number - (len(fits) - 1) / 2)
        y = np.array([sizes.index(size) for size in rows["size"]]) + shift
        reach = np.nan_to_num([rows["value"] - rows["low"], rows["high"] - rows["value"]])
        axes.errorbar(
            rows["value"],
            y,
            xerr=reach,
            fmt=MARKERS[number % 4],
            color=colours[number % 4],
            markersize=6,
            label=fit,
        )
        for value, high, at in zip(rows["value"], rows["high"], y, strict=True):
            edge = value if np.isnan(high) else high
            axes.annotate(
                f"{value:.4f}",
                (edge, at),
                (7, 0),
                textcoords="offset points",
                va="center",
                color=colours[number % 4],
            )
    axes.set_yticks(range(len(sizes)), [f"{size} px" for size in sizes])
    axes.set_ylim(len(sizes) - 0.5, -0.5)
    axes.margins(x=0.18)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    plain(axes)


@styled
def loader_speed(table: pd.DataFrame, *, note: str = "") -> Figure:
    """Photos a second that reach the model: bars are medians, dots are single runs.

    Args:
        table: source, augment, workers, run, photos_per_second; sources in order of appearance.
        note: photos, size and processor, written above.
    """
    columns = ("source", "augment", "workers", "run", "photos_per_second")
    require(table, columns, "speed of the loader")
    sources = list(dict.fromkeys(table["source"]))
    groups = list(dict.fromkeys(zip(table["augment"], table["workers"], strict=True)))
    figure = new_figure(1.2 + len(groups) * (0.4 + 0.3 * len(sources)))
    axes = figure.subplots()
    step = len(sources) + 1
    for place, (augment, workers) in enumerate(groups):
        rows = table[(table["augment"] == augment) & (table["workers"] == workers)]
        _speeds(axes, rows, sources, place * step)
    axes.set_yticks(
        [place * step + (len(sources) - 1) / 2 for place in range(len(groups))],
        [_condition(*group) for group in groups],
    )
    axes.set(ylim=(len(groups) * step - 1.4, -0.6), xlabel="photos a second")
    axes.set_xlim(0, 1.3 * table["photos_per_second"].max())
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    handles = [Patch(color=BARS[i % 4], label=source) for i, source in enumerate(sources)]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(sources))
    plain(axes)
    head(figure, note)
    return figure


def _speeds(axes: Axes, rows: pd.DataFrame, sources: list[str], top: float) -> None:
    """Bars of one condition; each but the first with its ratio to the first."""
    base = rows.loc[rows["source"] == sources[0], "photos_per_second"].median()
    for number, source in enumerate(sources):
        runs = rows.loc[rows["source"] == source, "photos_per_second"]
        if runs.empty:
            continue
        middle, y = runs.median(), top + number
        axes.barh(y, middle, height=0.8, color=BARS[number % 4])
        axes.plot(
            runs,
            np.full(len(runs), y),
            "o",
            color="white",
            markeredgecolor=INK,
            markersize=4.5,
            markeredgewidth=0.8,
            linestyle="none",
        )
        ratio = f"  (× {middle / base:.1f})" if number and base > 0 else ""
        axes.annotate(
            f"{middle:,.0f}{ratio}",
            (runs.max(), y),
            (7, 0),
            va="center",
            textcoords="offset points",
        )


def _condition(augment: object, workers: object) -> str:
    names = {"True": "augmented", "False": "as stored", "none": "not augmented"}
    recipe = names.get(str(augment), f"{augment} augmentation")
    return f"{recipe},\n{workers} worker{'s' * (workers != 1)}"
