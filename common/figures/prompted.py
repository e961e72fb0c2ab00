"""The point-prompted UNet as a drawing: what runs once a photo, what at each click, who meets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle

from common.config import UserError

from .style import COLUMN, INK, SOFT, bare, require_some, styled

ONCE, EACH = "#e9eff4", "#f9ede2"  # grounds of the two halves
PHOTO, PROMPT, PLAIN, ATTENTION = "#4f7490", "#c46a2b", "#bcd9d0", "#6b57b0"
POOLED = "#ecbd92"
ROW, HEAD = 0.62, 0.62  # inches: a level, and the titles above
LEFT, RIGHT, CARD = 1.2, 3.55, 5.85  # middles of encoder, decoder and prompt


@styled
def prompt_diagram(levels: Sequence[Mapping], *, photo_size: int) -> Figure:
    """Levels below each other: the photo's features at the left, the decoder, the prompt.

    Args:
        levels: finest first, each with size (edge of its grid), photo and width (channels of the
            features and of the decoder), attention (bool).
        photo_size: edge of the photo.

    Raises:
        UserError: no levels, or grids that do not shrink.
    """
    require_some(levels, "diagram of the point-prompted UNet")
    sizes = [level["size"] for level in levels]
    if sizes != sorted(sizes, reverse=True):
        raise UserError("diagram of the point-prompted UNet: levels come finest first")
    foot, top = -ROW * len(levels) - 0.75, HEAD + 0.25
    figure = Figure(figsize=(COLUMN, top - foot))
    axes = figure.add_axes((0, 0, 1, 1))
    bare(axes)
    axes.set(xlim=(0, COLUMN), ylim=(foot, top), aspect="equal")
    _grounds(axes, foot, top)
    for number, level in enumerate(levels):
        _level(axes, -ROW * (number + 0.5), level)
    _chains(axes, len(levels), photo_size)
    lowest = -ROW * len(levels)
    _answers(axes, lowest, levels)
    return figure


def _grounds(axes: Axes, foot: float, top: float) -> None:
    middle = (LEFT + RIGHT) / 2 - 0.05
    parts = ((0.08, middle, ONCE, "once a photo"), (middle + 0.08, COLUMN - 0.08, EACH,
             "at each click"))  # fmt: skip
    for left, right, colour, text in parts:
        size = (right - left, top - foot - 0.12)
        axes.add_patch(
            FancyBboxPatch((left + 0.06, foot + 0.12), size[0] - 0.12, size[1] - 0.12,
                           boxstyle="round,pad=0.06", facecolor=colour, edgecolor="none")
        )  # fmt: skip
        axes.text(left + 0.14, top - 0.16, text, va="top", weight="bold")


def _level(axes: Axes, y: float, level: Mapping) -> None:
    colour = ATTENTION if level["attention"] else PLAIN
    ink = "white" if level["attention"] else INK
    grid = "{0} × {0}".format(level["size"])
    _box(axes, LEFT, y, 1.5, f"{grid} × {level['photo']}", PHOTO, "white")
    _box(axes, RIGHT, y, 1.5, f"{grid} × {level['width']}", colour, ink)
    _box(axes, CARD, y, 1.25, f"{grid} × 3", POOLED, INK)
    _arrow(axes, (LEFT + 0.75, y), (RIGHT - 0.75, y))
    _arrow(axes, (CARD - 0.625, y), (RIGHT + 0.75, y), PROMPT)


def _chains(axes: Axes, levels: int, photo_size: int) -> None:
    """Down the encoder, up the decoder, and the prompt as it shrinks."""
    for number in range(levels - 1):
        upper, lower = -ROW * (number + 0.5) - 0.19, -ROW * (number + 1.5) + 0.19
        _arrow(axes, (LEFT, upper), (LEFT, lower))
        _arrow(axes, (RIGHT, lower), (RIGHT, upper))
        _arrow(axes, (CARD, upper), (CARD, lower), PROMPT)
    heads = {
        LEFT: f"photo {photo_size} × {photo_size} × 3", RIGHT: "mask, and its quality",
        CARD: "clicks, mask before",
    }  # fmt: skip
    for x, text in heads.items():
        axes.text(x, 0.28, text, ha="center", va="center")
    first = -ROW / 2 + 0.19
    _arrow(axes, (LEFT, 0.14), (LEFT, first))
    _arrow(axes, (RIGHT, first), (RIGHT, 0.14))
    _arrow(axes, (CARD, 0.14), (CARD, first), PROMPT)


def _answers(axes: Axes, lowest: float, levels: Sequence[Mapping]) -> None:
    _arrow(axes, (LEFT, lowest + ROW / 2 - 0.19), (LEFT, lowest - 0.16))
    axes.text(LEFT, lowest - 0.3, "species", ha="center", va="center")
    if any(level["attention"] for level in levels):
        text = "violet: with self-attention"
        axes.text(RIGHT, lowest - 0.3, text, ha="center", va="center", color=SOFT)
    axes.text(CARD, lowest - 0.3, "max-pooled", ha="center", va="center", color=SOFT)


def _box(axes: Axes, x: float, y: float, width: float, text: str, colour: str, ink: str) -> None:
    corner = (x - width / 2, y - 0.19)
    axes.add_patch(Rectangle(corner, width, 0.38, facecolor=colour, edgecolor=INK, linewidth=0.8))
    axes.text(x, y - 0.01, text, ha="center", va="center", color=ink, fontsize=10.5)


def _arrow(axes: Axes, start: tuple, end: tuple, colour: str = INK) -> None:
    look = {"arrowstyle": "-|>", "mutation_scale": 11, "linewidth": 1.5, "shrinkA": 1}
    axes.add_patch(FancyArrowPatch(start, end, color=colour, shrinkB=1, **look))
