"""Pretraining as pictures: what was painted, what features came to know, which names are near."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from common.config import UserError
from common.figures import style
from common.figures.grids import cells
from common.figures.sheet import new_sheet, place
from common.wording import model_colour

MASKED = np.array([214, 214, 210], np.uint8)  # a patch that the encoder was not shown
TASKS = {"species": "species of the photo", "foreground": "pet or background, by place"}
PLACES, NAMES = 10, 37  # ranks shown, of so many breeds
BREEDS = ("seen", "held out")


def hide(image: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """The photo (H, W, 3) uint8 with grey where ``hidden`` (H, W)."""
    return np.where(hidden[..., None], MASKED, image)


@style.styled
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
    if (
        not columns
        or not texts
        or {len(pictures) for pictures in columns.values()} != {len(texts)}
    ):
        raise UserError("stages: give every column a picture for each row, and each row a text")
    shapes = [first.shape[0] / first.shape[1] for first in next(iter(columns.values()))]
    figure, places = new_sheet(shapes, len(columns), below=0.36, note=note)
    for (title, pictures), axes in zip(columns.items(), places.T, strict=True):
        for cell, picture, shape, text in zip(axes, pictures, shapes, texts, strict=True):
            credit = text if cell in places[:, 0] else ""
            look = {"interpolation": "nearest", "extent": (0, 1, 0, shape)}
            place(cell, picture, title, credit, **look)
    return figure


def stage_colours(labels: Sequence[str]) -> dict[str, str]:
    """Colours of the stages of a pretraining: grey for the first, then ever fuller."""
    colour, later = model_colour("mae_seg"), len(labels) - 1
    shades = [style.tint(colour, 0.35 + 0.65 * (i + 1) / later) for i in range(later)]
    return dict(zip(labels, ["#8a8f92", *shades], strict=True))


@style.styled
def probes(table: pd.DataFrame, colours: Mapping[str, str], *, note: str = "") -> Figure:
    """Balanced accuracy of linear probes on each tapped layer, a line an encoder.

    Args:
        table: encoder, tap (counted from 0), task (of `TASKS`), value, low, high.
        colours: by encoder, in the order of the legend.
        note: data, split and n, written above.
    """
    style.require(table, ("encoder", "tap", "task", "value", "low", "high"), "linear probes")
    figure = style.new_figure(3.6 + 0.25 * (len(colours) // 4))
    panels = figure.subplots(1, 2)
    for axes, (task, title) in zip(panels, TASKS.items(), strict=True):
        for number, (encoder, colour) in enumerate(colours.items()):
            rows = table[(table["encoder"] == encoder) & (table["task"] == task)]
            x = rows["tap"] + 1 + 0.07 * (number - (len(colours) - 1) / 2)
            look = {"color": colour, "marker": style.MARKERS[number % 5], "markersize": 5.5}
            look |= {"label": encoder, "elinewidth": 1.2}
            axes.errorbar(x, rows["value"], yerr=style.reach(rows), **look)
        axes.axhline(0.5, color=style.SOFT, linestyle=":", linewidth=1.4)
        axes.set(xlabel="tap, the last is the deepest", title=title)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        style.plain(axes, "y")
    panels[0].set_ylabel("balanced accuracy")
    style.key(figure, min(4, len(colours)), panels[0])
    return style.head(figure, note)


@style.styled
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
    style.require_some(table, "similarity of photos and names")
    if unknown := set(table.index) - set(table.columns):
        raise UserError(f"similarity: no text for the photos of {min(unknown)}")
    order = sorted(table.columns, key=lambda breed: (breed not in cats, breed))
    values = table.loc[[breed for breed in order if breed in table.index], order]
    names = {breed: f"{breed} *" if breed in held_out else breed for breed in order}
    rows, columns = [names[breed] for breed in values.index], list(names.values())
    figure = style.new_figure(max(4.5, 2.2 + 0.175 * len(rows)), style.WIDE)
    axes = figure.subplots()
    span = (values.min(axis=None), values.max(axis=None))
    bar = {"label": "mean cosine similarity", "shrink": 0.8}
    look = {"cbar": True, "cbar_kws": bar, "rasterized": True}  # 1,369 cells are no small drawing
    cells(axes, values.to_numpy(float), None, rows, columns, span=span, **look)
    axes.tick_params(labelsize=9)
    for line, breeds in ((axes.axhline, values.index), (axes.axvline, order)):
        line(sum(breed in cats for breed in breeds), color=style.SOFT, linewidth=1)
    nearest = values.to_numpy().argmax(1) + 0.5
    ring = {
        "color": "white",
        "markeredgecolor": style.RUST,
        "markersize": 4.5,
        "linestyle": "none",
    }
    axes.plot(nearest, np.arange(len(rows)) + 0.5, "o", **ring)
    axes.set(ylabel="photos of", xlabel="text with the name (ring: the nearest; * held out)")
    return style.head(figure, note)


@style.styled
def recall(tables: Mapping[str, pd.DataFrame], *, note: str = "") -> Figure:
    """How often the right name is among the k nearest of all, over k.

    Args:
        tables: by label, a row a photo: rank (1 is best) and held_out.
        note: data, split and n, written above.
    """
    style.require_some(tables, "recall of names")
    figure = style.new_figure(4.0)
    axes = figure.subplots()
    ks = np.arange(1, PLACES + 1)
    colours = [model_colour("clip_seg"), model_colour("lite0_query"), "#434141"]
    for (name, table), colour in zip(tables.items(), colours, strict=False):
        style.require(table, ("rank", "held_out"), f"recall of {name}")
        for held_out, photos in table.groupby("held_out"):
            share = [(photos["rank"] <= k).mean() for k in ks]
            look = {"color": colour, "markerfacecolor": "white" if held_out else colour}
            text = f"{name}, {BREEDS[held_out]} (n {len(photos):,})"
            axes.plot(ks, share, "o--" if held_out else "o-", markersize=5, label=text, **look)
    axes.plot(ks, ks / NAMES, color=style.SOFT, linestyle=":", label=f"chance, {NAMES} names")
    axes.set(xlabel="the right name is among the nearest …", ylabel="share of photos")
    axes.set(xlim=(0.7, PLACES + 0.3), ylim=(0, 1.02))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    style.plain(axes, "y")
    style.key(figure, 2, title="photos of breeds", alignment="left")
    return style.head(figure, note)
