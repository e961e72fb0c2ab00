"""The outline looked at from near: tiles along it, each answered anew, and blended.

To spend the work where a mask is in doubt is PointRend's idea (Kirillov et al. 2020).

Shapes: H W pixels of the photo, M points, (x, y) in pixels of it.
"""

from collections.abc import Callable, Iterator
from itertools import product

import numpy as np
from scipy.ndimage import distance_transform_edt

from common.clicks.window import View, part

SHARES = (0.5, 0.4)  # a tile's edge over that of the window that it is part of
FINE = 160  # pixels of the photo that a tile shows at least: what is enlarged more is no finer
REACH = 0.025  # of the window: how far from the outline the tiles' word counts
STRIDE = 0.5  # from tile to tile, in tiles
THROUGH = 0.02  # of a tile, at least, lies on either side of an outline that passes it
Ask = Callable[[View, np.ndarray, np.ndarray], np.ndarray]  # view, points, labels -> its logits


def tiles(mask: np.ndarray, window: View) -> Iterator[View]:
    """Overlapping squares of a window that the outline of a mask (H, W) bool passes through."""
    for share in SHARES:
        sizes = [min(edge, max(FINE, round(share * edge))) for edge in window.size]
        down, across = (
            sorted({min(at, whole - size) for at in range(0, whole, max(1, int(STRIDE * size)))})
            for whole, size in zip(window.size, sizes, strict=True)
        )
        for y, x in product(down, across):
            left, top = window.left + x, window.top + y
            view = View(left, top, left + sizes[1], top + sizes[0])
            if THROUGH < part(mask, view).mean() < 1 - THROUGH:
                yield view


def both_sides(mask: np.ndarray, view: View) -> tuple[np.ndarray, np.ndarray]:
    """Clicks (2, 2) that say what a tile shows: deepest in the mask, and deepest beside it."""
    inside = part(mask, view)
    points = []
    for side in (inside, ~inside):
        depth = distance_transform_edt(np.pad(side, 1))[1:-1, 1:-1]
        row, column = np.unravel_index(depth.argmax(), depth.shape)
        points.append((view.left + column, view.top + row))
    return np.array(points, np.float32), np.array([1, 0])


def followed(logits: np.ndarray, window: View, ask: Ask) -> np.ndarray:
    """Mask logits (H, W) whose outline is that of the tiles' answers, blended where they overlap.

    Args:
        logits: above 0 on the animal.
        window: where the outline is followed.
        ask: logits (h, w) of a view under clicks.
    """
    mask = logits > 0
    total, weight = np.zeros_like(logits), np.zeros_like(logits)
    for view in tiles(mask, window):
        share = np.minimum.outer(*(hat(edge) for edge in view.size))
        part(total, view)[:] += share * ask(view, *both_sides(mask, view))
        part(weight, view)[:] += share
    far = np.where(mask, distance_transform_edt(mask), distance_transform_edt(~mask))
    share = np.exp(-((far / (REACH * max(window.size))) ** 2)) * (weight > 0)
    return (logits + share * (total / np.maximum(weight, 1e-6) - logits)).astype(logits.dtype)


def hat(edge: int) -> np.ndarray:
    """Weights (edge,) that fall from 1 in the middle towards the rim."""
    at = (np.arange(edge) + 0.5) / edge
    return (1 - np.abs(2 * at - 1)).astype(np.float32)
