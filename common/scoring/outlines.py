"""How well a mask follows the true outline (PROTOCOL §3b). Shapes: H W pixels of a photo."""

from collections.abc import Callable

import numpy as np
from scipy.ndimage import distance_transform_edt

EDGE = 0.0125  # of the photo's longer edge: how near the outline a wrong pixel is its edge's


def near_outline(mask: np.ndarray) -> np.ndarray:
    """(H, W) bool: within `EDGE` of the outline of a mask that neither fills nor misses it."""
    if mask.all():
        return np.zeros_like(mask)
    far = np.where(mask, distance_transform_edt(mask), distance_transform_edt(~mask))
    return far <= EDGE * max(mask.shape)


def edge_error(truth: np.ndarray) -> Callable[[np.ndarray], float]:
    """What tells of a mask (H, W) bool its wrong pixels near the outline, over the animal's.

    Args:
        truth: (H, W) bool, not empty.
    """
    near, area = near_outline(truth), truth.sum()
    return lambda mask: float(((mask != truth) & near).sum() / area)
