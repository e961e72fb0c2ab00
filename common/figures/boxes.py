"""What drawings of networks are made of: boxes with their shapes, arrows, and tinted grounds.

Places are inches on a sheet of `COLUMN` inches.
"""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle
from matplotlib.path import Path

from common.figures.style import COLUMN, INK, bare

HEIGHT = 0.38  # of a box
BLUE_GROUND, WARM_GROUND = "#e9eff4", "#f9ede2"
PHOTO, PROMPT, PLAIN, ATTENTION = "#4f7490", "#c46a2b", "#bcd9d0", "#6b57b0"
POOLED = "#ecbd92"


def drawing(foot: float, top: float) -> tuple[Figure, Axes]:
    """An empty sheet from the height ``foot`` to ``top``."""
    figure = Figure(figsize=(COLUMN, top - foot))
    axes = figure.add_axes((0, 0, 1, 1))
    bare(axes)
    axes.set(xlim=(0, COLUMN), ylim=(foot, top), aspect="equal")
    return figure, axes


def ground(
    axes: Axes, left: float, right: float, foot: float, top: float, colour: str, title: str
) -> None:
    """A tinted ground with its title at the top left."""
    corner, size = (left + 0.06, foot + 0.12), (right - left - 0.12, top - foot - 0.24)
    look = {"boxstyle": "round,pad=0.06", "facecolor": colour, "edgecolor": "none"}
    axes.add_patch(FancyBboxPatch(corner, *size, **look))
    axes.text(left + 0.14, top - 0.16, title, va="top", weight="bold")


def box(
    axes: Axes, x: float, y: float, width: float, text: str, colour: str, height: float = HEIGHT
) -> None:
    """A box round its middle (x, y), its text white on the dark colours."""
    corner = (x - width / 2, y - height / 2)
    axes.add_patch(
        Rectangle(corner, width, height, facecolor=colour, edgecolor=INK, linewidth=0.8)
    )
    ink = "white" if colour in (PHOTO, ATTENTION) else INK
    axes.text(x, y - 0.01, text, ha="center", va="center", color=ink, fontsize=10.5)


def arrow(axes: Axes, *places: tuple[float, float], colour: str = INK, **kwargs) -> None:
    """From the first place to the last, by way of those between."""
    look = {"arrowstyle": "-|>", "mutation_scale": 11, "linewidth": 1.5, "joinstyle": "miter"}
    axes.add_patch(FancyArrowPatch(path=Path(places), color=colour, **{**look, **kwargs}))


def down(axes: Axes, x: float, *levels: float, colour: str = INK) -> None:
    """Arrows at ``x`` from box to box, whose middles are at the heights ``levels``."""
    for one, other in zip(levels, levels[1:], strict=False):
        way = 1 if one > other else -1
        arrow(axes, (x, one - way * HEIGHT / 2), (x, other + way * HEIGHT / 2), colour=colour)
