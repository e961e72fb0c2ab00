"""Clicks drawn at random, as a careless user's: somewhere inside a region, or beside the pet.

Points are (x, y), the column and row of a pixel. Shapes: H W pixels of the photo.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import distance_transform_edt

from common.config import UserError

from .prompts import depth

NEAR = 0.05  # of the photo's diagonal: how far the zone round a pet reaches


def random_click(region: np.ndarray, rng: np.random.Generator) -> tuple[int, int]:
    """A random pixel of a region, but not of its rim: more than half as deep as the deepest.

    Args:
        region: (H, W) bool.
        rng: draws the pixel.

    Raises:
        UserError: the region is empty.
    """
    depths = depth(region)
    return _pick(depths > depths.max() / 2, rng)


def negative_click(truth: np.ndarray, rng: np.random.Generator) -> tuple[int, int]:
    """A random pixel that is not the pet: as often just outside it as far away, where both exist.

    Args:
        truth: (H, W) uint8: 1 the pet, 0 not, 255 border, which is never clicked.
        rng: draws the pixel.

    Raises:
        UserError: the photo shows nothing but the pet and its border.
    """
    ground = truth == 0
    if ground.all():
        return _pick(ground, rng)
    away = distance_transform_edt(ground)  # to the pet or its border; beyond the photo is neither
    near = ground & (away <= max(1.0, NEAR * np.hypot(*truth.shape)))
    zones = [zone for zone in (near, ground & ~near) if zone.any()]
    return _pick(zones[rng.integers(len(zones))] if zones else ground, rng)


def _pick(region: np.ndarray, rng: np.random.Generator) -> tuple[int, int]:
    """Any pixel of a region (H, W) bool with equal chance."""
    pixels = np.flatnonzero(region)
    if not len(pixels):
        raise UserError("there is no pixel to click at: the region is empty")
    row, column = np.unravel_index(rng.choice(pixels), region.shape)
    return int(column), int(row)
