"""What a predictor is given, checked before it is trusted: photos, points, boxes, earlier logits.

Shapes: H W pixels of the photo, M points, h w the grid of logits.
"""

import numpy as np

from common.clicks.prompts import Box
from common.config import UserError


def as_rgb(image: np.ndarray, image_format: str) -> np.ndarray:
    """A photo (H, W, 3) uint8 with its channels in the order RGB.

    Raises:
        UserError: it has another shape or type, or no pixel.
    """
    if image_format not in ("RGB", "BGR"):
        raise UserError(f"image_format {image_format!r} is unknown; choose RGB or BGR")
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise UserError(
            f"a photo is (H, W, 3) uint8, not {image.shape} {image.dtype}; "
            "common.data.photos.read_photo makes one of any file"
        )
    return np.ascontiguousarray(image[..., ::-1] if image_format == "BGR" else image)


def check_logits(mask_input: np.ndarray) -> np.ndarray:
    """Logits of an earlier call as (1, h, w) float32; `UserError` if they cannot be that."""
    given = np.asarray(mask_input, np.float32)
    if given.ndim != 3 or len(given) != 1 or not np.isfinite(given).all():
        raise UserError(
            f"mask_input must be logits (1, h, w) that predict returned, not {given.shape}"
        )
    return given


def check_points(
    coords: np.ndarray, labels: np.ndarray, shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Points that a predictor can trust.

    Args:
        coords: (M, 2) numbers, (x, y); no point at all is fine.
        labels: (M,): 1 the pet, 0 not the pet.
        shape: (H, W) of the photo.

    Returns:
        The points (M, 2) float32 and their labels (M,) int64.

    Raises:
        UserError: shapes do not fit, a label is neither, or a point is not in the photo.
    """
    try:
        points, kinds = np.asarray(coords, float), np.asarray(labels, float)
    except (TypeError, ValueError):
        raise UserError("points must be numbers (x, y), and labels 1 or 0") from None
    points = points.reshape(-1, 2) if points.size == 0 else points
    if points.ndim != 2 or points.shape[1] != 2 or kinds.shape != points.shape[:1]:
        raise UserError(
            f"points must have the shape (M, 2) and labels (M,), not {points.shape} and "
            f"{kinds.shape}: an (x, y) and a label for each click"
        )
    if len(wrong := kinds[~np.isin(kinds, (0, 1))]):
        raise UserError(f"label {wrong[0]:g} is neither 1 (the pet) nor 0 (not the pet)")
    limits = np.array(shape[::-1])  # (W, H), as points are (x, y)
    inside = (points >= 0) & (points < limits)  # not a number is nowhere
    if len(lost := points[~inside.all(1)]):
        raise UserError(
            f"point ({lost[0, 0]:g}, {lost[0, 1]:g}) is not in the photo, which is {shape[1]} "
            f"pixels wide and {shape[0]} high; points are (x, y) from its upper left corner"
        )
    below = np.nextafter(limits.astype(np.float32), np.float32(0))  # single precision rounds up
    return np.minimum(points.astype(np.float32), below), kinds.astype(np.int64)


def check_box(box: np.ndarray | Box, shape: tuple[int, int]) -> Box:
    """A box as numbers that lie in a photo of shape (H, W); what of it lies outside is cut off.

    Raises:
        UserError: it is no box, or holds no pixel of the photo.
    """
    try:
        sides = np.asarray(box, float).reshape(-1)
    except (TypeError, ValueError):
        sides = np.empty(0)
    if sides.shape != (4,) or not np.isfinite(sides).all():
        raise UserError("a box is four numbers x0, y0, x1, y1: its left, top, right and bottom")
    x0, y0, x1, y1 = (float(side) for side in np.clip(sides, 0, [*shape[::-1], *shape[::-1]]))
    if x1 - x0 < 1 or y1 - y0 < 1:
        given = ", ".join(f"{side:g}" for side in sides)
        raise UserError(
            f"box ({given}) holds no pixel of the photo, which is {shape[1]} pixels wide and "
            f"{shape[0]} high; give its left, top, right and bottom"
        )
    return x0, y0, x1, y1
