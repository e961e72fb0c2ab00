"""The point-prompted UNet as a drawing: what runs once a photo, what at each click, who meets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from common.config import UserError
from common.figures.boxes import (
    ATTENTION,
    BLUE_GROUND,
    PHOTO,
    PLAIN,
    POOLED,
    PROMPT,
    WARM_GROUND,
    arrow,
    box,
    drawing,
    ground,
)
from common.figures.style import COLUMN, INK, SOFT, require_some, styled

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
    figure, axes = drawing(foot, top)
    middle = (LEFT + RIGHT) / 2 - 0.05
    ground(axes, 0.08, middle, foot, top, BLUE_GROUND, "once a photo")
    ground(axes, middle + 0.08, COLUMN - 0.08, foot, top, WARM_GROUND, "at each click")
    for number, level in enumerate(levels):
        _level(axes, -ROW * (number + 0.5), level)
    _chains(axes, len(levels), photo_size)
    lowest = -ROW * len(levels)
    _answers(axes, lowest, levels)
    return figure


def _level(axes: Axes, y: float, level: Mapping) -> None:
    colour = ATTENTION if level["attention"] else PLAIN
    ink = "white" if level["attention"] else INK
    grid = "{0} × {0}".format(level["size"])
    box(axes, LEFT, y, 1.5, f"{grid} × {level['photo']}", PHOTO, "white")
    box(axes, RIGHT, y, 1.5, f"{grid} × {level['width']}", colour, ink)
    box(axes, CARD, y, 1.25, f"{grid} × 3", POOLED, INK)
    arrow(axes, (LEFT + 0.75, y), (RIGHT - 0.75, y))
    arrow(axes, (CARD - 0.625, y), (RIGHT + 0.75, y), colour=PROMPT)


def _chains(axes: Axes, levels: int, photo_size: int) -> None:
    """Down the encoder, up the decoder, and the prompt as it shrinks."""
    for number in range(levels - 1):
        upper, lower = -ROW * (number + 0.5) - 0.19, -ROW * (number + 1.5) + 0.19
        arrow(axes, (LEFT, upper), (LEFT, lower))
        arrow(axes, (RIGHT, lower), (RIGHT, upper))
        arrow(axes, (CARD, upper), (CARD, lower), colour=PROMPT)
    heads = {
        LEFT: f"photo {photo_size} × {photo_size} × 3",
        RIGHT: "mask, and its quality",
        CARD: "clicks, mask before",
    }
    for x, text in heads.items():
        axes.text(x, 0.28, text, ha="center", va="center")
    first = -ROW / 2 + 0.19
    arrow(axes, (LEFT, 0.14), (LEFT, first))
    arrow(axes, (RIGHT, first), (RIGHT, 0.14))
    arrow(axes, (CARD, 0.14), (CARD, first), colour=PROMPT)


def _answers(axes: Axes, lowest: float, levels: Sequence[Mapping]) -> None:
    arrow(axes, (LEFT, lowest + ROW / 2 - 0.19), (LEFT, lowest - 0.16))
    axes.text(LEFT, lowest - 0.3, "species", ha="center", va="center")
    if any(level["attention"] for level in levels):
        text = "violet: with self-attention"
        axes.text(RIGHT, lowest - 0.3, text, ha="center", va="center", color=SOFT)
    axes.text(CARD, lowest - 0.3, "max-pooled", ha="center", va="center", color=SOFT)
