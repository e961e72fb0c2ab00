"""Between the photo and the mask's grid, which is half as fine.

Shapes: B batch, H W pixels of the photo, h w of the grid, M points, (x, y) in pixels of either.
"""

from torch import Tensor

GRID = 2  # pixels of the photo for one of the mask's


def repeated(features: dict, times: int) -> dict:
    """Features of `PointUNet.encode_image` with each photo so many times in turn."""
    many = {"image": features["image"].repeat_interleave(times, 0)}
    if "pyramid" in features:
        many["pyramid"] = [level.repeat_interleave(times, 0) for level in features["pyramid"]]
    return many


def to_grid(points: Tensor) -> Tensor:
    """Points in pixels of the photo -> of the mask's grid; whole numbers are pixels' centres."""
    return (points - (GRID - 1) / 2) / GRID


def from_grid(points: Tensor) -> Tensor:
    """The way back of `to_grid`."""
    return points * GRID + (GRID - 1) / 2


def small(truth: Tensor) -> Tensor:
    """Truth (B, H, W) on the mask's grid, by nearest neighbour: (B, ceil(H/2), ceil(W/2))."""
    return truth[:, ::GRID, ::GRID]
