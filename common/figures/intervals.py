"""Points with their 95 % intervals, a row each: scores, differences, classes, seeds, goals."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from common.config import CLASSES, UserError
from common.figures import style
from common.wording import label, model_colour

BOUNDS = ["value", "low", "high"]
DIFFERENCE = ["difference", "difference_low", "difference_high"]
CLASS_SCORES = {**{f"iou_{name}": name for name in CLASSES}, "miou": "mean"}
SEEDS = ("model", "share", "seed", "miou", "low", "high")
ROW, DENSE = 0.32, 0.23  # inches a row: of few, and of so many that they fill a screen


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
    rows = table.set_axis(BOUNDS, axis=1).astype(float)
    rings = [False] * len(rows) if hollow is None else hollow
    texts = []
    marks = zip(y, rows.itertuples(index=False), style.reach(rows).T, colours, rings, strict=True)
    for place, row, away, colour, ring in marks:
        face = "white" if ring else colour
        look = {"fmt": "o", "color": colour, "markersize": 6.5, "markerfacecolor": face}
        axes.errorbar(row.value, place, xerr=away[:, None], **look)
        known = form if np.isfinite([row.low, row.high]).all() else form.split()[0]
        text = known.format(*row) if np.isfinite(row.value) else ""
        texts.append(text.replace("-", "\N{MINUS SIGN}"))
    style.beside(axes, y, texts)


@style.styled
def intervals(table: pd.DataFrame, *, score: str = "score", note: str = "") -> Figure:
    """Scores with their 95 % intervals, one row each.

    Args:
        table: label, value, low, high; ``colour``, if given, is a class or a model; ``group``,
            if given, parts the rows.
        score: names the axis.
        note: data, split, n and seeds, written above.
    """
    style.require(table, ("label", *BOUNDS), "scores with intervals")
    y = _places(table)
    figure = style.new_figure(1.0 + (DENSE if len(table) > 15 else ROW) * (y.max() + 1))
    axes = figure.subplots()
    keys = table["colour"] if "colour" in table else [""] * len(table)
    draw_intervals(axes, y, table[BOUNDS], [_colour(name) for name in keys])
    _name_rows(axes, y, y, table["label"], score)
    return style.head(figure, note)


@style.styled
def seeds(table: pd.DataFrame, *, note: str = "") -> Figure:
    """The same training from several seeds, beside the interval over photos of each.

    Args:
        table: of `studies.learning.learning_table`; runs on all photos of models with several.
        note: data, n and budget, written above.
    """
    style.require(table, SEEDS, "seeds")
    runs = table[table["share"] == table["share"].max()].sort_values(["model", "seed"])
    runs = runs[runs.groupby("model")["seed"].transform("nunique") > 1]
    names = [f"{label(row.model)}, seed {row.seed}" for row in runs.itertuples()]
    told = runs.assign(label=names, value=runs["miou"], colour=runs["model"], group=runs["model"])
    return intervals(told, score="validation mIoU", note=note)


@style.styled
def ablation(table: pd.DataFrame, *, score: str = "validation mIoU", note: str = "") -> Figure:
    """What each claim is worth: scores at the left, paired differences at the right.

    Args:
        table: run ("base" is what the others are compared with), label, value, low, high,
            difference, difference_low, difference_high, minutes; ``group``, if given, parts rows.
        score: names the left axis.
        note: data, n and budget, written above.

    """
    style.require(table, ("run", "label", *BOUNDS, *DIFFERENCE, "minutes"), "ablation")
    base = (table["run"] == "base").to_numpy()
    if not base.any():
        raise UserError('ablation: no run is called "base", so there is nothing to compare with')
    y = _places(table)
    figure = style.new_figure(1.3 + ROW * (y.max() + 1))
    left, right = figure.subplots(1, 2, sharey=True)
    colours = [style.INK if is_base else style.SOFT for is_base in base]
    draw_intervals(left, y, table[BOUNDS], colours, form="{:.3f}")
    left.axvline(table["value"][base].iloc[0], color=style.INK, linewidth=1, linestyle=":")
    _name_rows(left, y, y, table["label"], score)
    rows = table.loc[~base, DIFFERENCE]
    unclear = (rows["difference_low"] <= 0) & (rows["difference_high"] >= 0)
    draw_intervals(right, y[~base], rows, [style.SOFT] * len(rows), hollow=unclear, form="{:+.3f}")
    right.axvline(0, color=style.INK, linewidth=1)
    right.set_xlabel("difference")
    style.beside(
        right,
        y,
        [f"{minutes:.0f} min" for minutes in table["minutes"]],
        indent=56,
        color=style.SOFT,
    )
    style.plain(right)
    for axes in (left, right):
        axes.xaxis.set_major_locator(MaxNLocator(2, steps=style.STEPS))
    return style.head(figure, note)


@style.styled
def class_scores(headlines: Mapping[str, pd.DataFrame], *, note: str = "") -> Figure:
    """IoU of each class and their mean with 95 % intervals, the models one below the other.

    Args:
        headlines: by model, a frame with index score and columns value, low, high.
        note: data, split, n and seeds, written above.
    """
    several = len(style.require_some(headlines, "scores per class")) > 1
    step = len(headlines) + 0.7 * several
    figure = style.new_figure(1.1 + DENSE * step * len(CLASS_SCORES) + 0.25 * several)
    axes = figure.subplots()
    by_goal(axes, headlines, CLASS_SCORES, step)
    axes.set_xlabel("IoU")
    if several:
        name_models(figure, headlines, 3)
    return style.head(figure, note)


def by_goal(
    axes: Axes, scores: Mapping, goals: Mapping[str, str], step: float, form: str | None = None
) -> None:
    """A group of rows for each score in ``goals``, a row a model."""
    y = np.arange(len(goals)) * step
    for place, (name, frame) in enumerate(scores.items()):
        style.require(frame, BOUNDS, f"scores of {name}")
        if missing := [score for score in goals if score not in frame.index]:
            raise UserError(f"scores of {name} lack {', '.join(missing)}; evaluate it again")
        look = {"hollow": [name.endswith("_linear")] * len(y), **({"form": form} if form else {})}
        rows = frame.loc[list(goals), BOUNDS]
        draw_intervals(axes, y + place, rows, [model_colour(name)] * len(y), **look)
    _name_rows(axes, y + (len(scores) - 1) / 2, y + len(scores) - 1, goals.values())


def name_models(figure: Figure, models: Mapping, columns: int) -> None:
    """Name the models' colours below all axes."""
    look = {"marker": "o", "linestyle": "-"}
    dots = [Line2D([], [], color=model_colour(n), label=label(n), **look) for n in models]
    style.key(figure, min(columns, len(dots)), handles=dots, labels=None)


def _name_rows(
    axes: Axes, at: np.ndarray, y: np.ndarray, names: Sequence, score: str = ""
) -> None:
    """Names at the heights ``at``; the lowest row is the last of ``y``."""
    axes.set_yticks(at, names)
    axes.set(ylim=(y.max() + 0.7, -0.7), xlabel=score)
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=style.STEPS))
    style.plain(axes)


def _places(table: pd.DataFrame) -> np.ndarray:
    """Heights of the rows, with a gap where the group changes."""
    if "group" not in table:
        return np.arange(len(table), dtype=float)
    change = table["group"] != table["group"].shift()
    return np.arange(len(table)) + 0.6 * (change.cumsum().to_numpy() - 1)


def _colour(name: str) -> str:
    return style.CLASS_COLOURS.get(name) or (model_colour(name) if name else style.INK)
