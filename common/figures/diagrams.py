"""The query decoder and the point-prompted UNet as drawings: who meets whom, and when."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from common.config import UserError
from common.figures import boxes
from common.figures.style import COLUMN, SOFT, require_some, styled

FROZEN, IMAGE, TOKENS = 1.12, 3.4, 5.7  # query decoder: middles of encoder, image and tokens
EDGE = 2.2  # right end of what is frozen
Y = {  # heights of its rows
    "heads": 0.32,
    "encoder": -0.35,
    "in": -1.05,
    "both": -1.8,
    "out": -2.55,
    "pixels": -3.2,
    "masks": -3.95,
    "scores": -4.6,
}
ROW, HEAD = 0.62, 0.62  # point-prompted UNet, inches: a level, and the titles above
ENCODER, DECODER, CARD = 1.2, 3.55, 5.85  # its middles: encoder, decoder and prompt


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
    foot, top = Y["scores"] - 0.35, Y["heads"] + 0.55
    figure, axes = boxes.drawing(foot, top)
    boxes.ground(axes, 0.08, COLUMN - 0.08, foot, top, boxes.WARM_GROUND, "")
    boxes.ground(axes, 0.08, EDGE, Y["in"] - 0.45, top, boxes.BLUE_GROUND, "frozen")
    axes.text(EDGE + 0.14, top - 0.16, "trained", va="top", weight="bold")
    fine, quarter = width // 2, photo // 4
    pixels = f"{quarter} × {quarter} × {fine}"
    _image(axes, f"{taps} × {grid} × {grid} × {channels}", f"{grid}² × {width}", pixels)
    _tokens(axes, f"{queries} × {width}", f"{queries} × {classes + 1}", f"{queries} × {fine}")
    result = IMAGE + 0.6
    boxes.box(
        axes, result, Y["masks"], 2.6, f"{queries} masks, {quarter} × {quarter}", boxes.PLAIN
    )
    boxes.box(axes, result, Y["scores"], 2.6, f"{classes} scores, {photo} × {photo}", boxes.PLAIN)
    boxes.down(axes, result, Y["masks"], Y["scores"])
    _say(axes, FROZEN, Y["heads"], f"photo {photo} × {photo} × 3")
    _say(axes, TOKENS, Y["heads"], f"{queries} mask tokens, learnt")
    return figure


def _image(axes: Axes, taps: str, tokens: str, pixels: str) -> None:
    """The photo's way down: encoder, image tokens, pixel embeddings, and the stem beside it."""
    boxes.box(axes, FROZEN, Y["encoder"], 1.55, "encoder", boxes.PHOTO)
    boxes.box(axes, FROZEN, Y["in"], 1.55, taps, boxes.PHOTO)
    boxes.arrow(axes, (FROZEN, Y["heads"] - 0.14), (FROZEN, Y["encoder"] + 0.19))
    boxes.down(axes, FROZEN, Y["encoder"], Y["in"])
    boxes.arrow(axes, (FROZEN + 0.775, Y["in"]), (IMAGE - 0.75, Y["in"]))
    for row, text in (("in", tokens), ("out", tokens), ("pixels", pixels)):
        boxes.box(axes, IMAGE, Y[row], 1.5, text, boxes.PLAIN)
    middle, span = (IMAGE + TOKENS) / 2, TOKENS - IMAGE + 1.5
    boxes.box(axes, middle, Y["both"], span, "attention both ways, twice", boxes.ATTENTION)
    boxes.down(axes, IMAGE, Y["in"], Y["both"], Y["out"], Y["pixels"], Y["masks"])
    boxes.box(axes, FROZEN, Y["pixels"], 1.55, f"stem, {pixels}", boxes.POOLED)
    boxes.arrow(axes, (0.2, Y["heads"] - 0.14), (0.2, Y["pixels"]), (FROZEN - 0.775, Y["pixels"]))
    boxes.arrow(axes, (FROZEN + 0.775, Y["pixels"]), (IMAGE - 0.75, Y["pixels"]))


def _tokens(axes: Axes, tokens: str, classes: str, masks: str) -> None:
    """The tokens' way down: among themselves and at the image, then a class and a mask each."""
    kind, outline = TOKENS + 0.45, TOKENS - 0.75
    boxes.box(axes, TOKENS, Y["in"], 1.5, tokens, boxes.PLAIN)
    boxes.arrow(axes, (TOKENS, Y["heads"] - 0.14), (TOKENS, Y["in"] + 0.19))
    boxes.down(axes, TOKENS, Y["in"], Y["both"])
    for x, text, name in ((outline, masks, "mask"), (kind, classes, "class")):
        boxes.down(axes, x, Y["both"], Y["out"])
        boxes.box(axes, x, Y["out"], 1.1, text, boxes.PLAIN)
        _say(axes, x, Y["out"] - 0.33, name)
    boxes.arrow(axes, (outline, Y["out"] - 0.47), (outline, Y["masks"] + 0.19))
    boxes.arrow(axes, (kind, Y["out"] - 0.47), (kind, Y["scores"]), (IMAGE + 1.9, Y["scores"]))


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
    lowest, top = -ROW * len(levels), HEAD + 0.25
    figure, axes = boxes.drawing(lowest - 0.75, top)
    middle = (ENCODER + DECODER) / 2 - 0.05
    boxes.ground(axes, 0.08, middle, lowest - 0.75, top, boxes.BLUE_GROUND, "once a photo")
    boxes.ground(
        axes, middle + 0.08, COLUMN - 0.08, lowest - 0.75, top, boxes.WARM_GROUND, "at each click"
    )
    heights = [-ROW * (number + 0.5) for number in range(len(levels))]
    for y, level in zip(heights, levels, strict=True):
        _level(axes, y, level)
    _chains(axes, heights, photo_size)
    boxes.arrow(axes, (ENCODER, heights[-1] - 0.19), (ENCODER, lowest - 0.16))
    _say(axes, ENCODER, lowest - 0.3, "species")
    if any(level["attention"] for level in levels):
        _say(axes, DECODER, lowest - 0.3, "violet: with self-attention", SOFT)
    _say(axes, CARD, lowest - 0.3, "max-pooled", SOFT)
    return figure


def _level(axes: Axes, y: float, level: Mapping) -> None:
    grid = "{0} × {0}".format(level["size"])
    colour = boxes.ATTENTION if level["attention"] else boxes.PLAIN
    boxes.box(axes, ENCODER, y, 1.5, f"{grid} × {level['photo']}", boxes.PHOTO)
    boxes.box(axes, DECODER, y, 1.5, f"{grid} × {level['width']}", colour)
    boxes.box(axes, CARD, y, 1.25, f"{grid} × 3", boxes.POOLED)
    boxes.arrow(axes, (ENCODER + 0.75, y), (DECODER - 0.75, y))
    boxes.arrow(axes, (CARD - 0.625, y), (DECODER + 0.75, y), colour=boxes.PROMPT)


def _chains(axes: Axes, heights: Sequence[float], photo_size: int) -> None:
    """Down the encoder, up the decoder, and the prompt as it shrinks."""
    boxes.down(axes, ENCODER, *heights)
    boxes.down(axes, DECODER, *heights[::-1])
    boxes.down(axes, CARD, *heights, colour=boxes.PROMPT)
    first = heights[0] + 0.19
    _say(axes, ENCODER, 0.28, f"photo {photo_size} × {photo_size} × 3")
    _say(axes, DECODER, 0.28, "mask, and its quality")
    _say(axes, CARD, 0.28, "clicks, mask before")
    boxes.arrow(axes, (ENCODER, 0.14), (ENCODER, first))
    boxes.arrow(axes, (DECODER, first), (DECODER, 0.14))
    boxes.arrow(axes, (CARD, 0.14), (CARD, first), colour=boxes.PROMPT)


def _say(axes: Axes, x: float, y: float, text: str, colour: str | None = None) -> None:
    axes.text(x, y, text, ha="center", va="center", **({"color": colour} if colour else {}))
