"""Photos against texts: which names are near to which breeds' photos, and how often the right."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from common.config import UserError
from common.figures.style import (
    SOFT,
    WIDE,
    head,
    model_colour,
    new_figure,
    plain,
    require,
    require_some,
    styled,
)

PLACES = 10  # ranks shown
KINDS = ("seen", "held out")  # of breeds


@styled
def similarity(
    table: pd.DataFrame, cats: Collection[str], held_out: Collection[str] = (), *, note: str = ""
) -> Figure:
    """Mean similarity of each breed's photos to each breed's name, cats before dogs.

    Args:
        table: a row for the photos of a breed, a column a name.
        cats: breeds that are cats.
        held_out: breeds that training never saw, marked with a star.
        note: model, data and n, written above.
    """
    require_some(table, "similarity of photos and names")
    if unknown := set(table.index) - set(table.columns):
        raise UserError(f"similarity: no text for the photos of {min(unknown)}")
    order = sorted(table.columns, key=lambda breed: (breed not in cats, breed))
    rows = [breed for breed in order if breed in table.index]
    values = table.loc[rows, order].to_numpy(float)
    figure = new_figure(max(4.5, 2.2 + 0.175 * len(rows)), WIDE)
    axes = figure.subplots()
    drawn = axes.imshow(values, cmap="Blues", aspect="auto")
    figure.colorbar(drawn, ax=axes, label="mean cosine similarity", shrink=0.8)
    for numbers, breeds, turn in ((axes.set_yticks, rows, 0), (axes.set_xticks, order, 90)):
        names = [f"{breed} *" if breed in held_out else breed for breed in breeds]
        numbers(range(len(breeds)), names, rotation=turn, fontsize=9)
    for line, breeds in ((axes.axhline, rows), (axes.axvline, order)):
        line(sum(breed in cats for breed in breeds) - 0.5, color=SOFT, linewidth=1)
    best = values.argmax(1)
    axes.plot(
        best,
        range(len(rows)),
        "o",
        color="white",
        markeredgecolor="#b5541c",
        markersize=4.5,
        linestyle="none",
    )
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set(ylabel="photos of", xlabel="text with the name (ring: the nearest; * held out)")
    head(figure, note)
    return figure


@styled
def recall(tables: Mapping[str, pd.DataFrame], names: int = 37, *, note: str = "") -> Figure:
    """How often the right name is among the k nearest of all, over k.

    Args:
        tables: by label, a row a photo: rank (1 is best) and held_out.
        names: how many there are, for the level of chance.
        note: data, split and n, written above.
    """
    require_some(tables, "recall of names")
    figure = new_figure(4.0)
    axes = figure.subplots()
    ks = np.arange(1, PLACES + 1)
    colours = [model_colour("clip_seg"), model_colour("lite0_query"), "#434141"]
    for (label, table), colour in zip(tables.items(), colours, strict=False):
        require(table, ("rank", "held_out"), f"recall of {label}")
        for held_out, photos in table.groupby("held_out"):
            share = [(photos["rank"] <= k).mean() for k in ks]
            axes.plot(
                ks,
                share,
                "o--" if held_out else "o-",
                color=colour,
                markersize=5,
                markerfacecolor="white" if held_out else colour,
                label=f"{label}, {KINDS[held_out]} (n {len(photos):,})",
            )
    axes.plot(ks, ks / names, color=SOFT, linestyle=":", label=f"chance, {names} names")
    axes.set(xlabel="the right name is among the nearest …", ylabel="share of photos")
    axes.set(xlim=(0.7, PLACES + 0.3), ylim=(0, 1.02))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    plain(axes, "y")
    figure.legend(loc="outside lower center", ncols=2, title="photos of breeds", alignment="left")
    head(figure, note)
    return figure
