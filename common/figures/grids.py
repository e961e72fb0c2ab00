"""Models against models, groups or classes: numbers in coloured cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from common.config import UserError
from common.figures.style import INK, head, label, new_figure, require, require_some, styled

ROW = 0.29  # inches
SMALL = 9.5  # points, in cells


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
    rows, columns = order[:-1], order[1:]
    figure = new_figure(1.8 + ROW * len(rows), min(7.4, 2.2 + 0.47 * len(columns)))
    axes = figure.subplots()
    top = max(1e-9, pairs["difference"].max())
    shown = np.full((len(rows), len(columns)), np.nan)
    for pair in pairs.itertuples():
        row, column = rows.index(pair.a), columns.index(pair.b)
        clear = pair.low > 0 or pair.high < 0
        strength = (max(0.0, pair.difference) / top) ** 0.5  # small ones are the interesting ones
        shown[row, column] = strength if clear else 0.0
        ink = "white" if clear and strength > 0.7 else INK
        text = f"{100 * pair.difference:.1f}" if clear else "="
        axes.text(column, row, text, ha="center", va="center", fontsize=SMALL, color=ink)
    axes.imshow(shown, cmap="BuGn", vmin=0, vmax=1.05, aspect="auto")
    _name_sides(axes, [label(name) for name in rows], [label(name) for name in columns])
    axes.set_xlabel("is behind")
    axes.set_ylabel("is ahead")
    head(figure, note)
    return figure


@styled
def score_grids(
    panels: Mapping[str, pd.DataFrame],
    *,
    form: str = "{:.2f}",
    low: float | None = None,
    note: str = "",
) -> Figure:
    """Scores of models (rows) in groups (columns), a panel a score, coloured by their height.

    Args:
        panels: by title, a frame with index model; all of the same models; gaps stay empty.
        form: how a score is written.
        low: score of the palest colour; None is the lowest of all.
        note: data and n, written above.
    """
    require_some(panels, "grids of scores")
    for title, frame in panels.items():
        require_some(frame, f"grid of {title}")
    models = list(next(iter(panels.values())).index)
    widths = [len(frame.columns) for frame in panels.values()]
    longest = max(len(str(column)) for frame in panels.values() for column in frame)
    figure = new_figure(1.0 + ROW * len(models) + 0.085 * longest)
    cells = figure.subplots(1, len(panels), sharey=True, width_ratios=widths, squeeze=False)[0]
    floor = min(np.nanmin(f.to_numpy(float)) for f in panels.values()) if low is None else low
    for axes, (title, frame) in zip(cells, panels.items(), strict=True):
        _grid(axes, frame.loc[models].to_numpy(float), form, floor)
        _name_sides(axes, [label(name) for name in models], [label(str(c)) for c in frame])
        axes.set_xlabel(title)
    head(figure, note)
    return figure


def _grid(axes: Axes, values: np.ndarray, form: str, floor: float) -> None:
    span = max(1e-9, np.nanmax(values) - floor)
    axes.imshow((values - floor) / span, cmap="BuGn", vmin=-0.1, vmax=1.15, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            ink = "white" if (value - floor) / span > 0.7 else INK
            text = form.format(value).replace("0.", ".", 1)
            axes.text(column, row, text, ha="center", va="center", fontsize=SMALL, color=ink)


def _name_sides(axes: Axes, rows: Sequence[str], columns: Sequence[str]) -> None:
    axes.set_yticks(range(len(rows)), rows)
    axes.set_xticks(range(len(columns)), columns, rotation=90)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


@styled
def confusions(
    matrices: Mapping[str, np.ndarray],
    true: Sequence[str],
    said: Sequence[str],
    *,
    columns: int = 4,
    note: str = "",
) -> Figure:
    """What is taken for what by each model, as shares of the true class (row).

    Args:
        matrices: counts (true, said) by model.
        true, said: names of rows and columns.
        columns: matrices side by side.
        note: what is counted, written above.
    """
    require_some(matrices, "confusions of models")
    shape = (len(true), len(said))
    if wrong := [name for name, matrix in matrices.items() if np.shape(matrix) != shape]:
        raise UserError(f"confusions: counts of {wrong[0]} are not {shape[0]} by {shape[1]}")
    columns = min(columns, len(matrices))
    lines = -(-len(matrices) // columns)
    figure = new_figure(0.6 + lines * (0.75 + ROW * len(true)))
    cells = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
    for axes, (name, matrix) in zip(cells.flat, matrices.items(), strict=False):
        share = np.divide(matrix, np.sum(matrix, axis=1, keepdims=True).clip(1))
        axes.imshow(share, cmap="Blues", vmin=0, vmax=1, aspect="auto")
        for (row, column), part in np.ndenumerate(share):
            ink = "white" if part > 0.55 else INK
            axes.text(
                column, row, _percent(part), ha="center", va="center", color=ink, fontsize=SMALL
            )
        axes.set_title(label(name), fontsize=10.5)
    for place, axes in enumerate(cells.flat):
        _name_sides(axes, true, said)
        lowest = place + columns >= len(matrices)
        axes.tick_params(axis="x", labelsize=SMALL, labelbottom=lowest)
    for axes in cells.flat[len(matrices) :]:
        axes.set_visible(False)
    figure.supxlabel("predicted", fontsize=11)
    figure.supylabel("true", fontsize=11)
    head(figure, note)
    return figure


def _percent(part: float) -> str:
    """ "100" only where nothing is missing, "0" only where there is nothing."""
    return f"{100 * part:.1f}" if 0 < part < 0.1 or 0.9 < part < 1 else f"{100 * part:.0f}"
