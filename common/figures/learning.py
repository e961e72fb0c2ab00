"""What more photos are worth, and how much of a score is the luck of its seed."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from common.figures.style import head, label, model_colour, new_figure, plain, require, styled
from common.figures.training import draw_intervals

COLUMNS = ("model", "share", "seed", "miou", "low", "high")


@styled
def data_efficiency(table: pd.DataFrame, *, note: str = "") -> Figure:
    """mIoU against the share of the training photos, a line a model, with 95 % intervals.

    Args:
        table: of `common.studies.learning.learning_table`; a share's first seed is drawn.
        note: data, n and budget, written above.
    """
    require(table, COLUMNS, "data efficiency")
    runs = table.sort_values("seed").drop_duplicates(["model", "share"]).sort_values("share")
    figure = new_figure(4.0)
    axes = figure.subplots()
    for number, (name, rows) in enumerate(runs.groupby("model", sort=False)):
        reach = np.array([rows["miou"] - rows["low"], rows["high"] - rows["miou"]])
        axes.errorbar(
            rows["share"],
            rows["miou"],
            yerr=reach,
            fmt="osD^v"[number % 5] + "-",
            color=model_colour(name),
            label=label(name),
            capsize=3,
        )
    axes.set_xscale("log")
    axes.set_xticks(sorted(runs["share"].unique()))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{share:.0%}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set(xlabel="of the training photos (log)", ylabel="validation mIoU")
    figure.legend(loc="outside lower center", ncols=3)
    plain(axes, "both")
    head(figure, note)
    return figure


@styled
def seeds(table: pd.DataFrame, *, note: str = "") -> Figure:
    """The same training from several seeds, beside the interval over photos of each.

    Args:
        table: of `studies.learning.learning_table`; runs on all photos of models with several.
        note: data, n and budget, written above.
    """
    require(table, COLUMNS, "seeds")
    runs = table[table["share"] == table["share"].max()]
    runs = runs[runs.groupby("model")["seed"].transform("nunique") > 1]
    require(runs, COLUMNS, "seeds")
    runs = runs.sort_values(["model", "seed"])
    change = runs["model"] != runs["model"].shift()
    y = np.arange(len(runs)) + 0.6 * (change.cumsum().to_numpy() - 1)
    figure = new_figure(1.1 + 0.32 * (y.max() + 1))
    axes = figure.subplots()
    colours = [model_colour(name) for name in runs["model"]]
    draw_intervals(axes, y, runs[["miou", "low", "high"]], colours)
    names = [f"{label(row.model)}, seed {row.seed}" for row in runs.itertuples()]
    axes.set_yticks(y, names)
    axes.set(ylim=(y.max() + 0.7, -0.7), xlabel="validation mIoU")
    plain(axes)
    head(figure, note)
    return figure
