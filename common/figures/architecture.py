"""The custom UNet as a drawing: height is resolution, width is channels, dashes are skips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch, Patch, Rectangle

from common.config import CLASSES, UserError
from common.figures.style import COLUMN, INK, SOFT, bare, require_some, styled

PLAIN, ATTENTION = "#bcd9d0", "#6b57b0"  # stages without and with self-attention
DOWN, UP = "#b5541c", "#009e73"
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
    figure = Figure(figsize=(COLUMN, top - foot))
    axes = figure.add_axes((0, 0, 1, 1))
    bare(axes)
    axes.set(xlim=(0, COLUMN), ylim=(foot, top), aspect="equal")
    for stage, box in zip(stages, boxes, strict=True):
        _draw_stage(axes, stage, box)
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


def _draw_stage(axes: Axes, stage: Mapping, box: Box) -> None:
    x, y, width, height = box
    colour = ATTENTION if stage["attention"] else PLAIN
    axes.add_patch(
        Rectangle((x - width / 2, y - height / 2), width, height, facecolor=colour, edgecolor=INK)
    )
    shape = "{0} × {0} × {1}".format(stage["size"], stage["channels"])
    if stage["side"] == "bottom":
        axes.text(
            x,
            y - height / 2 - 0.08,
            f"{stage['name']}\n{shape}",
            ha="center",
            va="top",
            linespacing=1.35,
        )
        return
    outward = 1 if stage["side"] == "down" else -1  # towards the middle of the U
    edge = x + outward * (width / 2 + 0.1)
    align = "left" if outward > 0 else "right"
    axes.text(edge, y + 0.05, stage["name"], ha=align, va="bottom")
    axes.text(edge, y - 0.07, shape, ha=align, va="top", color=SOFT)


def _connect(axes: Axes, stages: Sequence[Mapping], boxes: Sequence[Box]) -> None:
    """Arrows down, round the bottom and up, and the skips."""
    side = {
        name: sorted(
            (stage["level"], box)
            for stage, box in zip(stages, boxes, strict=True)
            if stage["side"] == name
        )
        for name in ("down", "bottom", "up")
    }
    bottom = side["bottom"][0][1]
    for name, colour in (("down", DOWN), ("up", UP)):
        chain = [box for _, box in side[name]]
        for upper, lower in zip(chain, chain[1:], strict=False):
            ends = (_foot(upper), _crown(lower))
            _arrow(axes, *(ends if name == "down" else ends[::-1]), colour)
        if chain:
            turn = -1 if name == "down" else 1
            mouth = (bottom[0] + turn * bottom[2] / 2, bottom[1])
            ends = (_foot(chain[-1]), mouth) if name == "down" else (mouth, _foot(chain[-1]))
            angles = (-90, 180) if name == "down" else (180, -90)
            bend = f"angle,angleA={angles[0]},angleB={angles[1]},rad=8"
            _arrow(axes, *ends, colour, connectionstyle=bend)
    levels = dict(side["up"])
    for level, (x, y, width, _) in side["down"]:
        if level in levels:
            end = levels[level][0] - levels[level][2] / 2
            _arrow(axes, (x + width / 2, y), (end, y), SOFT, linestyle=(0, (5, 3)), linewidth=1.4)


def _ends(axes: Axes, stages: Sequence[Mapping], boxes: Sequence[Box], size: int) -> None:
    """The photo that goes in and the class map that comes out, both of ``size`` pixels."""
    finest = {
        stage["side"]: box for stage, box in zip(stages, boxes, strict=True) if stage["level"] == 0
    }
    for side, name, depth in (("down", "photo", 3), ("up", "classes", len(CLASSES))):
        if side not in finest:
            continue
        at, y, width, _ = finest[side]
        turn = 1 if side == "down" else -1
        x = 0.35 if side == "down" else COLUMN - 0.35
        axes.add_patch(Rectangle((x - THIN / 2, y - TALL / 2), THIN, TALL, facecolor=SOFT))
        ends = (x + turn * THIN / 2, y), (at - turn * width / 2, y)
        _arrow(axes, *(ends if side == "down" else ends[::-1]), INK)
        align = "left" if side == "down" else "right"
        text = f"{name}\n{size} × {size} × {depth}"
        axes.text(x - turn * 0.25, y + TALL / 2 + 0.06, text, ha=align, va="bottom")


def _foot(box: Box) -> tuple[float, float]:
    return box[0], box[1] - box[3] / 2


def _crown(box: Box) -> tuple[float, float]:
    return box[0], box[1] + box[3] / 2


def _arrow(axes: Axes, start: tuple, end: tuple, colour: str, **kwargs) -> None:
    look = {"arrowstyle": "-|>", "mutation_scale": 15, "linewidth": 2, "shrinkA": 1, "shrinkB": 1}
    axes.add_patch(FancyArrowPatch(start, end, color=colour, **{**look, **kwargs}))


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
