"""Where to look again: a window of the photo round the mask and the clicks (Sofiiuk et al. 2021).

Windows come in few sizes and places, so that one stands while the clicks stay near each other and
what the network saw in it can be used again. Which one it is follows from mask and clicks alone.

Shapes: H W pixels of the photo, h w the mask's grid, M points, (x, y) in pixels of the photo.
"""

import math
from typing import NamedTuple

import numpy as np
from skimage.measure import label as regions

MARGIN = 1.5  # a window's edge over that of the box round mask and clicks
WIDEST = 0.75  # of the photo's longer edge: a window above it would show nothing new
NARROWEST = 0.35  # … below it a first mask that missed the animal could not be mended
SIZES = 4  # between an edge and its double
STEPS = 8  # places within a window's edge
OUTSIDE = -8.0  # logit of what lies beyond a view
KEPT = 0.3  # of the clicked regions' area: another region that large may be the same animal


class View(NamedTuple):
    """A part of a photo, in whole pixels: left, top, right, bottom."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.bottom - self.top, self.right - self.left

    def on_square(self, points: np.ndarray, edge: int) -> tuple[np.ndarray, np.ndarray]:
        """Points (M, 2) in pixels of a square that shows the view, and which (M,) lie in it."""
        corner, (height, width) = np.array(self[:2]), self.size
        within = (np.floor(points) - corner + 0.5) / [width, height]
        return (within * edge - 0.5).astype(np.float32), ((within > 0) & (within < 1)).all(1)

    def in_photo(self, points: np.ndarray, edge: int) -> np.ndarray:
        """Points (M, 2) in pixels of such a square -> those of the photo that they lie in."""
        corner, (height, width) = np.array(self[:2]), self.size
        return np.floor(corner + (points + 0.5) / edge * [width, height])


def part(array: np.ndarray, view: View) -> np.ndarray:
    """What of a photo (H, W, …) lies in a view; no copy."""
    return array[view.top : view.bottom, view.left : view.right]


def window(
    mask: np.ndarray, points: np.ndarray, labels: np.ndarray, shape: tuple[int, int]
) -> View | None:
    """Where to look again, or None where that is the whole photo.

    Args:
        mask: (h, w) bool, of the whole photo.
        points, labels: of the clicks, (M, 2) and (M,).
        shape: (H, W).
    """
    wanted = np.floor(points[labels == 1])
    if not len(wanted):
        return None
    low, high = wanted.min(0), wanted.max(0) + 1
    if (box := clicked_box(mask, wanted, shape)) is not None:
        low, high = np.minimum(low, box[:2]), np.maximum(high, box[2:])
    return framed(low, high, shape, MARGIN, NARROWEST)


def framed(
    low: np.ndarray, high: np.ndarray, shape: tuple[int, int], margin: float, narrowest: float
) -> View | None:
    """The square round a box from ``low`` to ``high``, (x, y) each; None where it is all of it.

    Args:
        shape: (H, W) of the photo.
        margin: its edge over the box's longer side, at least.
        narrowest: its edge over the photo's longer one, at least.
    """
    longer = max(shape)
    edge = max(margin * (high - low).max(), narrowest * longer)
    edge = longer * 2 ** (math.ceil(SIZES * math.log2(edge / longer)) / SIZES)
    if edge >= WIDEST * longer:
        return None
    limits = np.array(shape[::-1])
    step, size = edge / STEPS, np.minimum(edge, limits)
    middle = np.round((low + high) / 2 / step) * step
    corner = np.clip(middle - size / 2, 0, limits - size)
    left, top = (int(c) for c in np.round(corner))
    width, height = (int(s) for s in np.maximum(1, np.round(size)))
    return View(left, top, min(left + width, shape[1]), min(top + height, shape[0]))


def clicked_box(
    mask: np.ndarray, wanted: np.ndarray, shape: tuple[int, int]
) -> tuple[float, float, float, float] | None:
    """Left, top, right and bottom, in pixels of the photo, of the mask's regions under clicks.

    Regions apart count as well if they are large: a post may stand before an animal.

    Args:
        mask, shape: of `window`.
        wanted: (M, 2) points.
    """
    scale = np.array(mask.shape[::-1]) / shape[::-1]
    numbers = regions(mask, connectivity=2)
    columns, rows = (
        np.minimum((wanted + 0.5) * scale, np.array(mask.shape[::-1]) - 1).astype(int).T
    )
    clicked = np.setdiff1d(numbers[rows, columns], [0])
    if not len(clicked):
        return None
    area = np.bincount(numbers.ravel())
    area[0] = 0
    chosen = np.union1d(clicked, np.flatnonzero(area > KEPT * area[clicked].sum()))
    rows, columns = np.nonzero(np.isin(numbers, chosen))
    low, high = np.array([columns.min(), rows.min()]), np.array([columns.max(), rows.max()]) + 1
    return (*(low / scale), *(high / scale))
