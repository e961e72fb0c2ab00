"""The custom UNet as a drawing: height is resolution, width is channels, dashes are skips."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from common.config import CLASSES, UserError
from common.figures.boxes import ATTENTION, PLAIN, arrow, box, drawing
from common.figures.style import COLUMN, INK, RUST, SOFT, require_some, styled

DOWN, UP = RUST, "#009e73"
THICK = {"mutation_scale": 15, "linewidth": 2}
TALL, BROAD, GAP = 2.1, 1.0, 0.4  # inches: largest box, and between two levels
LEFT, RIGHT, THIN = 1.3, 5.7, 0.09  # middles of the columns, edge of photo and class map
Box = tuple[float, float, float, float]  # x and y of the middle, width, height


@styled
def unet_diagram(stages: Sequence[Mapping], *, photo_size: int | None = None) -> Figure:
    """The U: the way down at the left, the way up at the right, skips between.

    Args:
        stages: each with name, side ("down", "bottom" or "up"), level (0 is the finest),
            channels, size (edge in pixels) and attention (bool).
        photo_size: edge of the photo, where the first stage works on a smaller grid.

    Raises:
        UserError: no stages, an unknown side, or not one bottom.
    """
    require_some(stages, "diagram of the UNet")
    sides = [stage["side"] for stage in stages]
    if set(sides) - {"down", "bottom", "up"} or sides.count("bottom") != 1:
        raise UserError('diagram of the UNet: sides are "down", "up" and exactly one "bottom"')
    size = photo_size or max(stage["size"] for stage in stages)
    boxes = _layout(stages, size)
    lowest = min(y - height / 2 for _, y, _, height in boxes)
    top, foot = TALL + 0.55, lowest - 1.15
    figure, axes = drawing(foot, top)
    for stage, place in zip(stages, boxes, strict=True):
        _draw_stage(axes, stage, place)
    _connect(axes, stages, boxes)
    _ends(axes, stages, boxes, size)
    _legend(figure, stages)
    return figure


def _layout(stages: Sequence[Mapping], size: int) -> list[Box]:
    """Where each box lies; the levels hang below each other."""
    channels = max(stage["channels"] for stage in stages)
    heights = {stage["level"]: max(0.12, TALL * stage["size"] / size) for stage in stages}
    middle, y = {}, (TALL + heights[min(heights)]) / 2 + GAP
    for level in sorted(heights):
        middle[level] = y - GAP - heights[level] / 2
        y = middle[level] - heights[level] / 2
    columns = {"down": LEFT, "bottom": (LEFT + RIGHT) / 2, "up": RIGHT}
    return [
        (
            columns[stage["side"]],
            middle[stage["level"]],
            max(0.14, BROAD * stage["channels"] / channels),
            heights[stage["level"]],
        )
        for stage in stages
    ]


def _draw_stage(axes: Axes, stage: Mapping, place: Box) -> None:
    x, y, width, height = place
    box(axes, x, y, width, "", ATTENTION if stage["attention"] else PLAIN, height)
    shape = "{0} × {0} × {1}".format(stage["size"], stage["channels"])
    if stage["side"] == "bottom":
        text = f"{stage['name']}\n{shape}"
        axes.text(x, y - height / 2 - 0.08, text, ha="center", va="top", linespacing=1.35)
        return
    inward = 1 if stage["side"] == "down" else -1  # towards the middle of the U
    edge = x + inward * (width / 2 + 0.1)
    align = "left" if inward > 0 else "right"
    axes.text(edge, y + 0.05, stage["name"], ha=align, va="bottom")
    axes.text(edge, y - 0.07, shape, ha=align, va="top", color=SOFT)


def _connect(axes: Axes, stages: Sequence[Mapping], boxes: Sequence[Box]) -> None:
    """Arrows down, round the bottom and up, and the skips."""
    side: dict[str, dict[int, Box]] = {"down": {}, "bottom": {}, "up": {}}
    for stage, place in sorted(zip(stages, boxes, strict=True), key=lambda pair: pair[0]["level"]):
        side[stage["side"]][stage["level"]] = place
    (bottom,) = side["bottom"].values()
    for name, colour, way in (("down", DOWN, 1), ("up", UP, -1)):
        chain = list(side[name].values())
        for upper, lower in zip(chain, chain[1:], strict=False):
            ends = (upper[0], upper[1] - upper[3] / 2), (lower[0], lower[1] + lower[3] / 2)
            arrow(axes, *ends[::way], colour=colour, **THICK)
        if chain:
            x, y, _, height = chain[-1]
            mouth = bottom[0] - way * bottom[2] / 2
            bend = (x, y - height / 2), (x, bottom[1]), (mouth, bottom[1])
            arrow(axes, *bend[::way], colour=colour, **THICK)
    for level in side["down"].keys() & side["up"].keys():
        (x, y, width, _), (end, _, other, _) = side["down"][level], side["up"][level]
        look = {"colour": SOFT, "linestyle": (0, (5, 3)), **THICK, "linewidth": 1.4}
        arrow(axes, (x + width / 2, y), (end - other / 2, y), **look)


def _ends(axes: Axes, stages: Sequence[Mapping], boxes: Sequence[Box], size: int) -> None:
    """The photo that goes in and the class map that comes out, both of ``size`` pixels."""
    finest = {s["side"]: box for s, box in zip(stages, boxes, strict=True) if s["level"] == 0}
    for side, name, depth, way in (("down", "photo", 3, 1), ("up", "classes", len(CLASSES), -1)):
        if side not in finest:
            continue
        at, y, width, _ = finest[side]
        x = 0.35 if side == "down" else COLUMN - 0.35
        axes.add_patch(Rectangle((x - THIN / 2, y - TALL / 2), THIN, TALL, facecolor=SOFT))
        ends = (x + way * THIN / 2, y), (at - way * width / 2, y)
        arrow(axes, *ends[::way], **THICK)
        text, align = f"{name}\n{size} × {size} × {depth}", "left" if way > 0 else "right"
        axes.text(x - way * 0.25, y + TALL / 2 + 0.06, text, ha=align, va="bottom")


def _legend(figure: Figure, stages: Sequence[Mapping]) -> None:
    handles: list = [Patch(facecolor=PLAIN, edgecolor=INK, label="residual blocks")]
    if any(stage["attention"] for stage in stages):
        handles.append(Patch(facecolor=ATTENTION, edgecolor=INK, label="with self-attention"))
    handles += [
        Line2D([], [], color=DOWN, linewidth=2, label="halve the grid"),
        Line2D([], [], color=UP, linewidth=2, label="double it"),
        Line2D([], [], color=SOFT, linestyle=(0, (4, 2)), label="skip (concatenate)"),
    ]
    figure.legend(handles=handles, loc="lower center", ncols=3)
