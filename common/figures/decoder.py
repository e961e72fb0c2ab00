"""The query decoder as a drawing: what is frozen, who looks at whom, where masks come from."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from common.figures.boxes import (
    ATTENTION,
    BLUE_GROUND,
    PHOTO,
    PLAIN,
    POOLED,
    WARM_GROUND,
    arrow,
    box,
    drawing,
    ground,
)
from common.figures.style import COLUMN, styled

LEFT, MIDDLE, RIGHT = 1.12, 3.4, 5.7  # middles of encoder, image and tokens
EDGE = 2.2  # right end of what is frozen
ROWS = {
    "heads": 0.32,
    "encoder": -0.35,
    "in": -1.05,
    "both": -1.8,
    "out": -2.55,
    "pixels": -3.2,
    "masks": -3.95,
    "scores": -4.6,
}


@styled
def decoder_diagram(
    *, photo: int, grid: int, taps: int, channels: int, queries: int, width: int, classes: int
) -> Figure:
    """Boxes from the photo at the top left to the class scores at the foot.

    Args:
        photo: edge of the photo.
        grid: edge of the encoder's grid.
        taps, channels: layers of the encoder that are used, and their channels.
        queries, width: mask tokens and channels of tokens and image.
        classes: without "no object".
    """
    foot, top = ROWS["scores"] - 0.35, ROWS["heads"] + 0.55
    figure, axes = drawing(foot, top)
    ground(axes, 0.08, COLUMN - 0.08, foot, top, WARM_GROUND, "")
    ground(axes, 0.08, EDGE, ROWS["in"] - 0.45, top, BLUE_GROUND, "frozen")
    axes.text(EDGE + 0.14, top - 0.16, "trained", va="top", weight="bold")
    fine, quarter = width // 2, photo // 4
    _image(
        axes,
        f"{taps} × {grid} × {grid} × {channels}",
        f"{grid}² × {width}",
        f"{quarter} × {quarter} × {fine}",
    )
    _tokens(axes, f"{queries} × {width}", f"{queries} × {classes + 1}", f"{queries} × {fine}")
    box(axes, MIDDLE + 0.6, ROWS["masks"], 2.6, f"{queries} masks, {quarter} × {quarter}", PLAIN)
    box(axes, MIDDLE + 0.6, ROWS["scores"], 2.6, f"{classes} scores, {photo} × {photo}", PLAIN)
    arrow(axes, (MIDDLE + 0.6, ROWS["masks"] - 0.19), (MIDDLE + 0.6, ROWS["scores"] + 0.19))
    axes.text(LEFT, ROWS["heads"], f"photo {photo} × {photo} × 3", ha="center", va="center")
    axes.text(RIGHT, ROWS["heads"], f"{queries} mask tokens, learnt", ha="center", va="center")
    return figure


def _image(axes: Axes, taps: str, tokens: str, pixels: str) -> None:
    """The photo's way down: encoder, image tokens, pixel embeddings, and the stem beside it."""
    y = ROWS
    box(axes, LEFT, y["encoder"], 1.55, "encoder", PHOTO, "white")
    box(axes, LEFT, y["in"], 1.55, taps, PHOTO, "white")
    arrow(axes, (LEFT, y["heads"] - 0.14), (LEFT, y["encoder"] + 0.19))
    arrow(axes, (LEFT, y["encoder"] - 0.19), (LEFT, y["in"] + 0.19))
    arrow(axes, (LEFT + 0.775, y["in"]), (MIDDLE - 0.75, y["in"]))
    box(axes, MIDDLE, y["in"], 1.5, tokens, PLAIN)
    middle, span = (MIDDLE + RIGHT) / 2, RIGHT - MIDDLE + 1.5
    box(axes, middle, y["both"], span, "attention both ways, twice", ATTENTION, "white")
    box(axes, MIDDLE, y["out"], 1.5, tokens, PLAIN)
    box(axes, MIDDLE, y["pixels"], 1.5, pixels, PLAIN)
    for upper, lower in (("in", "both"), ("both", "out"), ("out", "pixels")):
        arrow(axes, (MIDDLE, y[upper] - 0.19), (MIDDLE, y[lower] + 0.19))
    box(axes, LEFT, y["pixels"], 1.55, f"stem, {pixels}", POOLED)
    arrow(axes, (0.2, y["heads"] - 0.14), (0.2, y["pixels"]), (LEFT - 0.775, y["pixels"]))
    arrow(axes, (LEFT + 0.775, y["pixels"]), (MIDDLE - 0.75, y["pixels"]))
    arrow(axes, (MIDDLE, y["pixels"] - 0.19), (MIDDLE, y["masks"] + 0.19))


def _tokens(axes: Axes, tokens: str, classes: str, masks: str) -> None:
    """The tokens' way down: among themselves and at the image, then a class and a mask each."""
    y, kind, outline = ROWS, RIGHT + 0.45, RIGHT - 0.75
    box(axes, RIGHT, y["in"], 1.5, tokens, PLAIN)
    arrow(axes, (RIGHT, y["heads"] - 0.14), (RIGHT, y["in"] + 0.19))
    arrow(axes, (RIGHT, y["in"] - 0.19), (RIGHT, y["both"] + 0.19))
    box(axes, outline, y["out"], 1.1, masks, PLAIN)
    box(axes, kind, y["out"], 1.1, classes, PLAIN)
    axes.text(outline, y["out"] - 0.33, "mask", ha="center", va="center")
    axes.text(kind, y["out"] - 0.33, "class", ha="center", va="center")
    for x in (outline, kind):
        arrow(axes, (x, y["both"] - 0.19), (x, y["out"] + 0.19))
    arrow(axes, (outline, y["out"] - 0.47), (outline, y["masks"] + 0.19))
    arrow(axes, (kind, y["out"] - 0.47), (kind, y["scores"]), (MIDDLE + 1.9, y["scores"]))
