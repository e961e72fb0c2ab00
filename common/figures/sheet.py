"""Pictures in rows, placed by the inch: each as large as the page allows, no text over another."""

from collections.abc import Iterable, Mapping, Sequence
from textwrap import fill

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from common.figures.style import SOFT, WIDE, bare

TEXT, SMALL = 13, 9.5  # points: a wide sheet shrinks most on a phone
LINE = 62  # letters of a credit
GAP = 0.12  # inches between two pictures
LEGEND = 0.48  # inches below the pictures


def new_sheet(
    shapes: Sequence[float],
    columns: int,
    *,
    above: float = 0.34,
    below: float = 0.1,
    note: str = "",
    legend: Mapping[str, str | Artist] | None = None,
) -> tuple[Figure, np.ndarray]:
    """An empty sheet with an axes for each picture.

    Args:
        shapes: height : width of the pictures of each row.
        columns: pictures in a row.
        above, below: inches kept free round a row for its titles and credits.
        note: written at the top.
        legend: colours, or what else is drawn, by name, for the foot.

    Returns:
        The figure and its axes (rows, columns).
    """
    edge = (WIDE - GAP * (columns + 1)) / columns
    text = fill(note, int(11 * WIDE))
    y = 0.06 + 0.24 * len(text.splitlines())
    height = y + sum(above + edge * shape + below for shape in shapes) + LEGEND * bool(legend)
    figure = Figure(figsize=(WIDE, height))
    figure.text(GAP / WIDE, 1 - 0.08 / height, text, va="top", fontsize=TEXT - 1, color=SOFT)
    rows = []
    for shape in shapes:
        y += above + edge * shape
        box = (1 - y / height, edge / WIDE, edge * shape / height)
        lefts = [(GAP + column * (edge + GAP)) / WIDE for column in range(columns)]
        rows.append([figure.add_axes((left, *box)) for left in lefts])
        y += below
    for axes in (cells := np.array(rows)).flat:
        bare(axes)
    _legend(figure, legend or {})
    return figure, cells


def room(credits: Iterable[str]) -> float:
    """Inches to be kept free below rows of pictures for the longest of some credits."""
    return 0.1 + 0.18 * max(len(fill(credit, LINE).splitlines()) for credit in credits)


def place(axes: Axes, picture: np.ndarray, title: str = "", credit: str = "", **kwargs) -> None:
    """Show a picture at the top of its place; the texts may run on to the right."""
    axes.imshow(picture, **kwargs)
    axes.set_anchor("NW")
    axes.set_title(title, fontsize=TEXT, pad=5)
    axes.set_xlabel(fill(credit, LINE), fontsize=SMALL, color=SOFT, loc="left", labelpad=3)


def frame(axes: Axes) -> None:
    """A thin line round a picture whose ground is white."""
    axes.spines[:].set(visible=True, color="#c9ccc8", linewidth=0.8)


def _legend(figure: Figure, marks: Mapping[str, str | Artist]) -> None:
    handles = [
        Patch(facecolor=mark, edgecolor=SOFT, linewidth=0.6) if isinstance(mark, str) else mark
        for mark in marks.values()
    ]
    if handles:
        look = {"loc": "lower center", "ncols": len(handles), "fontsize": TEXT}
        figure.legend(handles, list(marks), **look)
