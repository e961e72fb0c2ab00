"""Perturbed photos: what they look like, and what they leave of the scores."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from common.figures import style
from common.figures.grids import cells
from common.figures.sheet import new_sheet, place
from common.wording import label, model_colour

CHANGED = 0.25  # a cell of the table that lost so large a share of the clean score is darkest
WORDS = {"gaussian_noise": "Gaussian noise", "gaussian_blur": "Gaussian blur"}


def words(perturbation: str) -> str:
    """A perturbation's name for readers."""
    return WORDS.get(perturbation, perturbation.replace("_", " ").capitalize())


@style.styled
def examples(
    pictures: Mapping[str, Sequence[np.ndarray]], titles: Mapping[str, Sequence[str]], credit: str
) -> Figure:
    """A photo under each perturbation, a row each, from weak to strong.

    Args:
        pictures: by perturbation, (H, W, 3) uint8 each, as many for all.
        titles: what stands above each of them.
        credit: of the photo.
    """
    style.require_some(pictures, "perturbed photos")
    rows = list(pictures.values())
    height, width = rows[0][0].shape[:2]
    shapes = [height / width] * len(rows)
    figure, places = new_sheet(shapes, len(rows[0]), above=0.3, below=0.04, note=credit)
    for axes, photos, texts in zip(places, rows, titles.values(), strict=True):
        for cell, photo, text in zip(axes, photos, texts, strict=True):
            place(cell, photo, text)
    return figure


@style.styled
def curves(table: pd.DataFrame, *, note: str = "") -> Figure:
    """Mean Dice against the level of each perturbation, a panel each, with bands of 95 %.

    Args:
        table: model, perturbation, level, value, low, high.
        note: data, n and seeds, written above.
    """
    style.require(table, ("model", "perturbation", "level", "value", "low", "high"), "robustness")
    models, damages = list(table["model"].unique()), table["perturbation"].unique()
    lines = -(-len(damages) // 2)
    figure = style.new_figure(1.3 + 2.0 * lines)
    panels = figure.subplots(lines, 2, sharex=True, sharey=True, squeeze=False)
    for axes, damage in zip(panels.flat, damages, strict=False):
        for model, rows in table[table["perturbation"] == damage].groupby("model", sort=False):
            look = {"color": model_colour(model), "label": label(model), "markersize": 4}
            marker = style.MARKERS[models.index(model) % len(style.MARKERS)]
            axes.plot(rows["level"], rows["value"], marker=marker, **look)
            band = {"color": model_colour(model), "alpha": 0.14, "linewidth": 0}
            axes.fill_between(rows["level"], rows["low"], rows["high"], **band)
        axes.set_title(words(damage))
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        style.plain(axes, "y")
    for axes in panels[-1]:
        axes.set_xlabel("level")
    for axes in panels[:, 0]:
        axes.set_ylabel("mean Dice")
    style.key(figure, 3)
    return style.head(figure, note)


@style.styled
def worst_levels(scores: pd.DataFrame, *, note: str = "") -> Figure:
    """The score at the worst level of each perturbation, darker where more of it is lost.

    Args:
        scores: index model, best first; a column ``clean``, from which losses are measured, and
            one a perturbation.
        note: data and n, written above.
    """
    style.require(scores, ("clean",), "scores at the worst levels")
    lost = 1 - scores.div(scores["clean"], axis=0).to_numpy()
    names = [words(name).replace(" ", "\n", 1) for name in scores.columns]
    figure = style.new_figure(1.7 + 0.34 * len(scores), style.WIDE)
    axes = figure.subplots()
    texts = np.vectorize("{:.3f}".format)(scores.to_numpy(float))
    models = [label(name) for name in scores.index]
    look = {"cmap": "YlOrBr", "span": (0, CHANGED), "size": 10.5, "turn": 0}
    cells(axes, lost, texts, models, names, **look)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.set(ylabel="", xlabel="mean Dice: clean, and at the worst level of each perturbation")
    return style.head(figure, note)
