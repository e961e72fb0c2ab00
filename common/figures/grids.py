"""Numbers in coloured cells: models against models, groups or classes."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from common.config import UserError
from common.figures.style import head, new_figure, require, require_some, styled
from common.wording import label

ROW = 0.29  # inches
SMALL = 9.5  # points, in cells


def cells(
    axes: Axes,
    strength: np.ndarray,
    texts: np.ndarray | None,
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    cmap: str = "Blues",
    span: tuple[float, float] = (0, 1),
    size: float = SMALL,
    turn: float = 90,
    **kwargs,
) -> None:
    """A heat map with a text in each cell, dark on light cells and light on dark ones.

    Args:
        strength: (rows, columns); gaps stay white.
        texts: of the same shape, or None.
        rows, columns: their names.
        span: strengths of the palest and the darkest colour.
        size, turn: points of the texts; how far the columns' names are turned.
        **kwargs: of `seaborn.heatmap`.
    """
    lettering = {"fontsize": size, "linespacing": 1.4} if texts is not None else {}
    look = {"cmap": cmap, "vmin": span[0], "vmax": span[1], "cbar": False, **kwargs}
    sns.heatmap(strength, ax=axes, annot=texts, fmt="", annot_kws=lettering, **look)
    axes.set_xticks(np.arange(len(columns)) + 0.5, columns, rotation=turn)
    axes.set_yticks(np.arange(len(rows)) + 0.5, rows, rotation=0)
    axes.tick_params(length=0)


@styled
def difference_matrix(pairs: pd.DataFrame, *, note: str = "") -> Figure:
    """How far each model (row) is ahead of each poorer one (column), in hundredths of IoU.

    Args:
        pairs: a (the better), b, difference, low, high. An interval that holds zero is no
            finding: its cell stays white and says "=".
        note: data, n and score, written above.
    """
    require(pairs, ("a", "b", "difference", "low", "high"), "differences of models")
    order = list(dict.fromkeys([*pairs["a"], *pairs["b"]]))
    clear = (pairs["low"] > 0) | (pairs["high"] < 0)
    share = pairs["difference"].clip(lower=0) / max(1e-9, pairs["difference"].max())
    strength = (share**0.5).where(clear, 0.0)  # the root: small differences are the telling ones
    text = (100 * pairs["difference"]).map("{:.1f}".format).where(clear, "=")
    grid = pairs.assign(strength=strength, text=text).pivot(index="a", columns="b")
    grid = grid.reindex(order[:-1]).reindex(order[1:], axis=1, level="b")
    figure = new_figure(1.8 + ROW * (len(order) - 1), min(7.4, 2.2 + 0.47 * (len(order) - 1)))
    axes = figure.subplots()
    names = [label(name) for name in order]
    told = grid["strength"].to_numpy(float), grid["text"].fillna("").to_numpy()
    cells(axes, *told, names[:-1], names[1:], cmap="BuGn", span=(0, 1.05))
    axes.set(xlabel="is behind", ylabel="is ahead")
    return head(figure, note)


@styled
def score_grids(
    panels: Mapping[str, pd.DataFrame], *, form: str = "{:.2f}", note: str = ""
) -> Figure:
    """Scores of models (rows) in groups (columns), a panel a score, coloured by their height
    from the lowest of all on.

    Args:
        panels: by title, a frame with index model; all of the same models; gaps stay empty.
        form: how a score is written.
        note: data and n, written above.
    """
    require_some(panels, "grids of scores")
    for title, frame in panels.items():
        require_some(frame, f"grid of {title}")
    models = list(next(iter(panels.values())).index)
    widths = [len(frame.columns) for frame in panels.values()]
    longest = max(len(str(column)) for frame in panels.values() for column in frame)
    figure = new_figure(1.0 + ROW * len(models) + 0.085 * longest)
    places = figure.subplots(1, len(panels), sharey=True, width_ratios=widths, squeeze=False)[0]
    floor = min(np.nanmin(frame.to_numpy(float)) for frame in panels.values())
    for axes, (title, frame) in zip(places, panels.items(), strict=True):
        values = frame.loc[models].to_numpy(float)
        strength = (values - floor) / max(1e-9, np.nanmax(values) - floor)
        texts = np.vectorize(lambda value: form.format(value).replace("0.", ".", 1))(values)
        names = [label(name) for name in models], [label(str(column)) for column in frame]
        cells(axes, strength, texts, *names, cmap="BuGn", span=(-0.1, 1.15))
        axes.set_xlabel(title)
    return head(figure, note)


@styled
def confusion(matrix: np.ndarray, labels: Sequence[str], *, note: str = "") -> Figure:
    """Share of each true class's pixels that each class was predicted for, with the counts.

    Args:
        matrix: (K, K) pixel counts, row = true class, column = predicted.
        labels: K names.
        note: data, split and model, written above.
    """
    matrix = np.asarray(matrix, float)
    share = _shares({"": matrix}, labels, labels)[""]
    texts = np.vectorize(lambda part, count: f"{part:.1%}\n{_count(count)}")(share, matrix)
    figure = new_figure(0.9 + 0.85 * len(labels), 1.6 + 1.3 * len(labels))
    axes = figure.subplots()
    bar = {"format": PercentFormatter(1), "label": "of the true class"}
    cells(axes, share, texts, labels, labels, size=11, turn=0, cbar=True, cbar_kws=bar)
    axes.set(xlabel="predicted", ylabel="true")
    return head(figure, note or f"{_count(matrix.sum())} pixels, border left out")


@styled
def confusions(
    matrices: Mapping[str, np.ndarray], true: Sequence[str], said: Sequence[str], *, note: str = ""
) -> Figure:
    """What is taken for what by each model, as shares of the true class (row).

    Args:
        matrices: counts (true, said) by model.
        true, said: names of rows and columns.
        note: what is counted, written above.
    """
    shares = _shares(matrices, true, said)
    columns = min(4, len(shares))
    lines = -(-len(shares) // columns)
    figure = new_figure(0.6 + lines * (0.75 + ROW * len(true)))
    places = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
    for place, (axes, (name, share)) in enumerate(zip(places.flat, shares.items(), strict=False)):
        cells(axes, share, np.vectorize(percent)(share), true, said)
        axes.set_title(label(name), fontsize=10.5)
        lowest = place + columns >= len(shares)
        axes.tick_params(axis="x", labelsize=SMALL, labelbottom=lowest)
    for axes in places.flat[len(shares) :]:
        axes.set_visible(False)
    figure.supxlabel("predicted", fontsize=11)
    figure.supylabel("true", fontsize=11)
    return head(figure, note)


def _shares(matrices: Mapping, true: Sequence[str], said: Sequence[str]) -> dict[str, np.ndarray]:
    """Counts as shares of their row.

    Raises:
        UserError: none, or of another shape than the names.
    """
    require_some(matrices, "confusion")
    for name, matrix in matrices.items():
        if np.shape(matrix) != (len(true), len(said)) or not np.sum(matrix):
            raise UserError(
                f"confusion {name}: counts {np.shape(matrix)} are none, or not of {len(true)} by"
                f" {len(said)} classes"
            )
    return {n: np.divide(m, np.sum(m, axis=1, keepdims=True).clip(1)) for n, m in matrices.items()}


def percent(part: float) -> str:
    """ "100" only where nothing is missing, "0" only where there is nothing."""
    return f"{100 * part:.1f}" if 0 < part < 0.1 or 0.9 < part < 1 else f"{100 * part:.0f}"


def _count(pixels: float) -> str:
    for unit, name in ((1e6, " M"), (1e3, " k")):
        if pixels >= unit:
            return f"{pixels / unit:,.1f}{name}"
    return f"{pixels:,.0f}"
