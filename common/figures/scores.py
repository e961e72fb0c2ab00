"""Scores of models: per class, per breed, what is taken for what, and how sure to be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter

from common.config import CLASSES, UserError
from common.figures.style import (
    INK,
    SOFT,
    head,
    label,
    model_colour,
    new_figure,
    plain,
    require,
    require_some,
    styled,
)
from common.figures.training import draw_intervals

CLASS_SCORES = {**{f"iou_{name}": name for name in CLASSES}, "miou": "mean"}


@styled
def class_scores(headlines: Mapping[str, pd.DataFrame], *, note: str = "") -> Figure:
    """IoU of each class and their mean with 95 % intervals, the models one below the other.

    Args:
        headlines: by model, a frame with index score and columns value, low, high.
        note: data, split, n and seeds, written above.
    """
    require_some(headlines, "scores per class")
    models, step = list(headlines), len(headlines) + 0.7 * (len(headlines) > 1)
    rows = pd.concat([_headline(headlines[model], model) for model in models], ignore_index=True)
    score = rows["score"].map(list(CLASS_SCORES).index).to_numpy()
    y = score * step + rows["model"].map(models.index).to_numpy()
    figure = new_figure(1.1 + 0.27 * step * len(CLASS_SCORES) + 0.25 * (len(models) > 1))
    axes = figure.subplots()
    hollow = rows["model"].str.endswith("_linear")
    colours = [model_colour(model) for model in rows["model"]]
    draw_intervals(axes, y, rows[["value", "low", "high"]], colours, hollow=hollow)
    middle = np.arange(len(CLASS_SCORES)) * step + (len(models) - 1) / 2
    axes.set_yticks(middle, CLASS_SCORES.values())
    axes.set(ylim=(y.max() + 0.7, -0.7), xlabel="IoU")
    plain(axes)
    if len(models) > 1:
        dots = [
            Line2D(
                [], [], marker="o", linestyle="-", color=model_colour(model), label=label(model)
            )
            for model in models
        ]
        figure.legend(handles=dots, loc="outside lower center", ncols=min(3, len(dots)))
    head(figure, note)
    return figure


def _headline(frame: pd.DataFrame, model: str) -> pd.DataFrame:
    """The four scores of a model as rows model, score, value, low, high."""
    require(frame, ("value", "low", "high"), f"scores of {model}")
    if missing := [score for score in CLASS_SCORES if score not in frame.index]:
        raise UserError(f"scores of {model} lack {', '.join(missing)}; evaluate it again")
    found = frame.loc[list(CLASS_SCORES), ["value", "low", "high"]]
    return found.assign(model=model, score=list(CLASS_SCORES))


@styled
def confusion(matrix: np.ndarray, labels: Sequence[str], *, note: str = "") -> Figure:
    """Share of each true class's pixels that each class was predicted for, with the counts.

    Args:
        matrix: (K, K) pixel counts, row = true class, column = predicted.
        labels: K names.
        note: data, split and model, written above.
    """
    matrix = np.asarray(matrix, float)
    if matrix.shape != (len(labels), len(labels)) or not matrix.sum():
        raise UserError(f"confusion: counts {matrix.shape} for {len(labels)} classes, or none")
    total = matrix.sum(axis=1, keepdims=True)
    share = np.divide(matrix, total, out=np.zeros_like(matrix), where=total > 0)
    figure = new_figure(0.9 + 0.85 * len(labels), 1.6 + 1.3 * len(labels))
    axes = figure.subplots()
    drawn = axes.imshow(share, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    figure.colorbar(drawn, ax=axes, format=PercentFormatter(1), label="of the true class")
    for (row, column), part in np.ndenumerate(share):
        text = f"{part:.1%}\n{_count(matrix[row, column])}"
        ink = "white" if part > 0.55 else INK
        axes.text(column, row, text, ha="center", va="center", color=ink, linespacing=1.4)
    axes.set_xticks(range(len(labels)), labels)
    axes.set_yticks(range(len(labels)), labels)
    axes.set(xlabel="predicted", ylabel="true")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    head(figure, note or f"{_count(matrix.sum())} pixels, border left out")
    return figure


def _count(pixels: float) -> str:
    for unit, name in ((1e6, " M"), (1e3, " k")):
        if pixels >= unit:
            return f"{pixels / unit:,.1f}{name}"
    return f"{pixels:,.0f}"


@styled
def reliability(frame: pd.DataFrame, *, note: str = "") -> Figure:
    """How often pixels of a confidence are right, and how many there are.

    Args:
        frame: a row a bin: confidence, accuracy (means, NaN where empty), share (of all pixels).
        note: data, split and model, written above.
    """
    require(frame, ("confidence", "accuracy", "share"), "reliability")
    figure = new_figure(5.4, 5.5)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    used = frame[frame["share"] > 0]
    gap = (used["share"] * (used["accuracy"] - used["confidence"]).abs()).sum()
    top.plot([0, 1], [0, 1], color=SOFT, linestyle="--", linewidth=1.2, label="calibrated")
    top.plot(
        used["confidence"], used["accuracy"], "o-", color=model_colour("unet"), label="measured"
    )
    top.vlines(
        used["confidence"],
        used["confidence"],
        used["accuracy"],
        color="#b5541c",
        linewidth=3,
        alpha=0.5,
        label=f"gap (calibration error {gap:.3f})",
    )
    top.set(xlim=(0, 1), ylim=(0, 1.02), ylabel="accuracy")
    top.legend(loc="upper left")
    bottom.bar(used["confidence"], used["share"], width=0.8 / len(frame), color=SOFT)
    bottom.set(xlabel="confidence of the predicted class", ylabel="of all pixels")
    bottom.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    for axes in (top, bottom):
        plain(axes, "y")
    head(figure, note)
    return figure
