"""Strokes of a brush on a mask: what was painted stays, whatever a model says to later clicks.

Shapes: H W pixels of the photo.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image, ImageDraw
from skimage.measure import label as regions

from common.clicks.prompts import Click, Stroke, to_rows_columns

SURE = 127  # int8 logit of what was painted
TOLD = 5  # strokes that a model is told of


def strokes_mask(strokes: Sequence[Stroke], shape: tuple[int, int]) -> np.ndarray:
    """The pixels (H, W) bool whose middles lie in any of some strokes."""
    picture = Image.new("1", shape[::-1])
    draw = ImageDraw.Draw(picture)
    for stroke in strokes:
        reach = stroke.radius
        points = [(x - 0.5, y - 0.5) for x, y in stroke.points]  # Pillow counts from the middles
        for x, y in points:
            draw.ellipse((x - reach, y - reach, x + reach, y + reach), fill=1)
        draw.line(points, fill=1, width=max(1, round(2 * reach)))
    return np.asarray(picture)


def painted(logits: np.ndarray, strokes: Sequence[Stroke], clicks: Sequence[Click]) -> np.ndarray:
    """Logits (H, W) int8 with what is painted and erased, newest last.

    A click that says otherwise of a stroke made before it takes that stroke's region away.
    """
    if not strokes:
        return logits
    fixed = standing(strokes, clicks, logits.shape)
    return np.where(fixed == 0, logits, SURE * fixed).astype(np.int8)


def standing(
    strokes: Sequence[Stroke], clicks: Sequence[Click], shape: tuple[int, int]
) -> np.ndarray:
    """What of strokes no later stroke or click took away: (H, W) int8, 1 painted, -1 erased."""
    fixed = np.zeros(shape, np.int8)
    for event in _in_turn(strokes, clicks):
        if isinstance(event, Stroke):
            fixed[strokes_mask([event], shape)] = 1 if event.positive else -1
        elif fixed[at := _pixel(event)] == (-1 if event.positive else 1):
            numbers = regions(fixed == fixed[at], connectivity=2)
            fixed[numbers == numbers[at]] = 0
    return fixed


def middles(strokes: Sequence[Stroke], fixed: np.ndarray) -> tuple[Click, ...]:
    """Clicks in the middle of the newest strokes that `standing` has, for a model to know of."""
    clicks = (Click(*one.points[len(one.points) // 2], one.positive) for one in strokes)
    return tuple(c for c in clicks if fixed[_pixel(c)] == (1 if c.positive else -1))[-TOLD:]


def _pixel(click: Click) -> tuple[int, int]:
    (row,), (column,) = to_rows_columns(np.array([(click.x, click.y)]))
    return int(row), int(column)


def _in_turn(strokes: Sequence[Stroke], clicks: Sequence[Click]) -> Iterator[Stroke | Click]:
    for count in range(len(clicks) + 1):
        yield from (one for one in strokes if one.after == count)
        yield from clicks[count : count + 1]
